//! The steps, one function each.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use super::live::{Live, another_address};
use super::{Endpoint, Halt, Played, Stage};
use crate::event::{Fact, Rest};
use crate::ids::{Peer, Side};
use crate::observe::{Budget, Purpose};
use crate::peer::{Datagrams, Listener, Seen, Stream};
use crate::plan::model::{Payload, Step};
use crate::plan::template::{Reference, Template};
use crate::text::quote;

impl Stage<'_> {
    pub(super) fn steps<'f>(&'f mut self, steps: &'f [Step]) -> Pin<Box<dyn Future<Output = Played> + 'f>> {
        Box::pin(async move {
            for step in steps {
                self.step(step).await?;
            }
            Ok(())
        })
    }

    async fn step(&mut self, step: &Step) -> Played {
        let words = self.words(step);
        self.caption(step, words.as_deref());
        if let Some(words) = words {
            self.log.push(Fact::Step { words });
        }
        match step {
            Step::Settle => self.settle().await,
            Step::Pause(millis) => self.pause(*millis).await,
            Step::Mark(name) => self.note(Fact::Mark { name: name.clone() }),
            Step::Look(name) => self.look(name),
            Step::Open { peer, gone, elsewhere } => self.open(peer, *gone, *elsewhere),
            Step::Bind { peer, anywhere } => self.bind(peer, *anywhere),
            Step::Connect { peer, elsewhere } => self.connect(peer, *elsewhere).await,
            Step::Listen { peer } => self.listen(peer),
            Step::Accept { on, peer } => self.accept(on, peer).await,
            Step::Await(peer) => self.hear(peer).await,
            Step::Send { from, what, segments, pause, to } => {
                let bytes = match what {
                    Payload::Text(template) => self.render(template),
                    Payload::Bytes(bytes) => bytes.0.clone(),
                };
                self.send(from, &bytes, *segments, *pause, to.as_deref()).await
            }
            Step::Shutdown(peer) => self.shutdown(peer),
            Step::Close(peer) => self.close(peer),
            Step::Reset(peer) => self.reset(peer),
            Step::Start { input } => {
                let input = input.as_ref().map(|template| self.render(template));
                self.start(input).await
            }
            Step::Input(template) => {
                let bytes = self.render(template);
                self.feed(&bytes)
            }
            Step::EndInput => self.end_input(),
            Step::Stop => self.stop(),
            Step::Restart => self.restart().await,
            Step::Repeat { times, values, steps } => self.repeat(*times, values, steps).await,
            Step::AtOnce(lists) => self.at_once(lists).await,
        }
    }

    /// A step in words, for the ladder; what speaks for itself there has none.
    fn words(&self, step: &Step) -> Option<String> {
        Some(match step {
            Step::Pause(millis) => format!("wait {millis} ms"),
            Step::Start { input: Some(input) } => {
                let typed = self.peek(input);
                format!("start the program and type {}", quote(&typed, 60))
            }
            Step::Start { input: None } => "start the program".to_owned(),
            Step::Restart => "stop the program and start it again".to_owned(),
            Step::Stop => "stop the program".to_owned(),
            Step::EndInput => "end the program's input".to_owned(),
            _ => return None,
        })
    }

    /// Names the step for the packets that come now.
    fn caption(&mut self, step: &Step, words: Option<&str>) {
        let Some(mut capture) = self.capture.take() else { return };
        capture.caption(|| words.map_or_else(|| self.caption_words(step), str::to_owned));
        *self.capture = Some(capture);
    }

    /// A step in words, where a packet must say what the ladder shows by an arrow.
    fn caption_words(&self, step: &Step) -> String {
        match step {
            Step::Send { from, what, .. } => {
                let bytes = match what {
                    Payload::Text(template) => self.peek(template),
                    Payload::Bytes(bytes) => bytes.0.clone(),
                };
                format!("{from} sends {}", quote(&bytes, 60))
            }
            Step::Settle => "let the program come to rest".to_owned(),
            Step::Mark(name) => format!("the moment \"{name}\""),
            Step::Look(_) => "count the program's files and sockets".to_owned(),
            Step::Open { peer, .. } => format!("open {peer}, a UDP client"),
            Step::Bind { peer, .. } => format!("open {peer}, a UDP server"),
            Step::Connect { peer, .. } => format!("{peer} connects"),
            Step::Listen { peer } => format!("{peer} listens"),
            Step::Accept { on, peer } => format!("{on} accepts a connection, {peer}"),
            Step::Await(peer) => format!("wait until {peer} is spoken to"),
            Step::Shutdown(peer) => format!("{peer} ends its sending side"),
            Step::Close(peer) => format!("{peer} closes"),
            Step::Reset(peer) => format!("{peer} resets the connection"),
            Step::Input(text) => format!("type {}", quote(&self.peek(text), 60)),
            Step::Repeat { times, .. } => format!("{times} times the same"),
            Step::AtOnce(_) => "several things at once".to_owned(),
            _ => String::new(),
        }
    }

    fn note(&mut self, fact: Fact) -> Played {
        self.log.push(fact);
        Ok(())
    }

    fn trouble(&mut self, what: String) -> Played {
        self.log.push(Fact::Trouble { what });
        Err(Halt::Trouble)
    }

    /// Fills in a template.
    pub(super) fn render(&mut self, template: &Template) -> Vec<u8> {
        let mut random = self.random.clone();
        let bytes = template.render(|reference| self.value(reference), &mut random);
        self.random = random;
        bytes
    }

    /// Fills in a template without drawing for good.
    fn peek(&self, template: &Template) -> Vec<u8> {
        template.render(|reference| self.value(reference), &mut self.random.clone())
    }

    fn value(&self, reference: &Reference) -> Vec<u8> {
        let Reference::Value(name) = reference else { return Vec::new() };
        let known = self.values.iter().rev().find_map(|values| values.get(name)).cloned();
        known.or_else(|| self.plan.property(name).map(String::into_bytes)).unwrap_or_default()
    }

    /// A new endpoint's identity.
    fn name(&self, name: &str) -> Peer {
        let number = self.peers.iter().filter(|(peer, _)| peer.name == name).count();
        Peer { name: name.to_owned(), number: u32::try_from(number).unwrap_or(u32::MAX) }
    }

    fn endpoint(&mut self, name: &str) -> Option<&mut Endpoint> {
        self.peers.iter_mut().rev().find(|(peer, _)| peer.name == name).map(|(_, endpoint)| endpoint)
    }

    fn join(&mut self, peer: Peer, endpoint: Endpoint, seen: Option<Seen>) -> Played {
        seen.into_iter().for_each(|seen| self.log.seen(seen));
        self.peers.push((peer, endpoint));
        Ok(())
    }

    fn target(&mut self, elsewhere: bool) -> Result<SocketAddr, Halt> {
        let Some(target) = self.live.as_ref().and_then(Live::target) else {
            self.log.push(Fact::Starved { waited_for: "the program opens its socket".to_owned() });
            return Err(Halt::Starved);
        };
        // What is bound to another address of the host is there already.
        if !elsewhere || !target.ip().is_loopback() {
            return Ok(target);
        }
        let address = another_address().or_else(|error| {
            let what = format!("this host has no address other than 127.0.0.1 ({error})");
            self.trouble(what).and(Err(Halt::Trouble))
        })?;
        Ok(SocketAddr::new(address, target.port()))
    }

    fn open(&mut self, name: &str, gone: bool, elsewhere: bool) -> Played {
        let (peer, target) = (self.name(name), self.target(elsewhere)?);
        match Datagrams::client(peer.clone(), target, gone) {
            Ok((socket, seen)) => {
                let socket = socket.speaking_to(target);
                self.join(peer.clone(), Endpoint::Udp(socket), Some(seen))?;
                if gone {
                    self.log.debts.forgive(&peer);
                }
                Ok(())
            }
            Err(error) => self.trouble(format!("cannot open a UDP socket: {error}")),
        }
    }

    fn bind(&mut self, name: &str, anywhere: bool) -> Played {
        let peer = self.name(name);
        let port = if anywhere { 0 } else { self.port() };
        match Datagrams::server(peer.clone(), port) {
            Ok((socket, seen)) => self.join(peer, Endpoint::Udp(socket), Some(seen)),
            Err(error) => self.trouble(taken("UDP", port, &error)),
        }
    }

    fn listen(&mut self, name: &str) -> Played {
        let (peer, port) = (self.name(name), self.port());
        match Listener::open(peer.clone(), port) {
            Ok((listener, seen)) => self.join(peer, Endpoint::Listening(listener), Some(seen)),
            Err(error) => self.trouble(taken("TCP", port, &error)),
        }
    }

    async fn connect(&mut self, name: &str, elsewhere: bool) -> Played {
        let (peer, target) = (self.name(name), self.target(elsewhere)?);
        match Stream::connect(peer.clone(), target) {
            Ok(stream) => {
                self.join(peer, Endpoint::Tcp(stream), None)?;
                self.shake_hands(name).await
            }
            Err(error) => {
                self.log.push(Fact::Refused {
                    peer: peer.clone(),
                    remote: target,
                    local: None,
                    error: error.to_string(),
                });
                self.peers.push((peer, Endpoint::Closed));
                Ok(())
            }
        }
    }

    /// Waits for the handshake, which is the system's affair and over at once, unless a processor is
    /// busy or the backlog full. A lost SYN is sent again after 1 s and 3 s (RFC 6298); who is not
    /// connected after that goes on trying while the scenario goes on.
    async fn shake_hands(&mut self, name: &str) -> Played {
        let stuck = self.live.as_ref().is_some_and(|live| live.stuck);
        let patience = std::time::Duration::from_millis(if stuck { 100 } else { 3500 });
        let end = std::time::Instant::now() + patience;
        loop {
            self.pump();
            let connecting = matches!(self.endpoint(name), Some(Endpoint::Tcp(stream)) if stream.is_connecting());
            if !connecting || std::time::Instant::now() > end {
                if let Some(live) = self.live.as_mut() {
                    live.stuck = connecting;
                }
                return Ok(());
            }
            super::wait::nap(std::time::Duration::from_micros(200)).await;
        }
    }

    async fn accept(&mut self, on: &str, name: &str) -> Played {
        // A connection on which the program speaks is taken at once; a silent one when there is
        // none better, which is known once the program is at rest.
        let speaks = |stage: &Stage<'_>| stage.listener(on).is_some_and(Listener::has_speaker);
        let (_, settled) = self.wait(Purpose::Settle, Budget::START, Some(&speaks)).await;
        if let Some(settled) = settled {
            self.note_rest(settled);
        }
        let peer = self.name(name);
        let mut seen = Vec::new();
        let taken = match self.endpoint(on) {
            Some(Endpoint::Listening(listener)) => listener.take(peer.clone(), &mut seen),
            _ => None,
        };
        self.note_seen(seen);
        match taken {
            Some(stream) => self.join(peer, Endpoint::Tcp(stream), None),
            None => self.starve("the program connects".to_owned()),
        }
    }

    fn listener(&self, name: &str) -> Option<&Listener> {
        self.peers.iter().rev().find_map(|(peer, endpoint)| match endpoint {
            Endpoint::Listening(listener) if peer.name == name => Some(listener),
            _ => None,
        })
    }

    async fn hear(&mut self, name: &str) -> Played {
        let owned = name.to_owned();
        let heard = move |stage: &Stage<'_>| {
            stage.peers.iter().rev().find(|(peer, _)| peer.name == owned).is_some_and(|(_, endpoint)| match endpoint {
                Endpoint::Udp(socket) => socket.heard(),
                Endpoint::Tcp(stream) => stream.heard(),
                _ => false,
            })
        };
        self.need(format!("the program sends something to {name}"), &heard).await
    }

    async fn send(&mut self, from: &str, bytes: &[u8], segments: u32, pause: u64, to: Option<&str>) -> Played {
        let target = to.and_then(|name| match self.endpoint(name) {
            Some(Endpoint::Udp(socket)) => socket.last_client(),
            _ => None,
        });
        let pieces = split(bytes, segments);
        for (index, piece) in pieces.iter().enumerate() {
            if index > 0 {
                self.pause(pause).await?;
            }
            let mut seen = Vec::new();
            match self.endpoint(from) {
                Some(Endpoint::Udp(socket)) => seen.push(socket.send(piece, target)),
                Some(Endpoint::Tcp(stream)) => stream.send(piece, &mut seen),
                _ => {}
            }
            self.note_seen(seen);
        }
        Ok(())
    }

    fn shutdown(&mut self, name: &str) -> Played {
        let mut seen = Vec::new();
        if let Some(Endpoint::Tcp(stream)) = self.endpoint(name) {
            stream.shutdown(&mut seen);
        }
        self.note_seen(seen);
        Ok(())
    }

    fn take(&mut self, name: &str) -> Endpoint {
        self.pump();
        self.endpoint(name).map_or(Endpoint::Closed, |endpoint| std::mem::replace(endpoint, Endpoint::Closed))
    }

    fn close(&mut self, name: &str) -> Played {
        if let Endpoint::Tcp(stream) = self.take(name) {
            let seen = self.end_stream(stream);
            self.log.seen(seen);
        }
        Ok(())
    }

    fn reset(&mut self, name: &str) -> Played {
        if let Endpoint::Tcp(stream) = self.take(name) {
            self.log.seen(stream.reset());
        }
        Ok(())
    }

    /// Starts the program; a server is waited for until it is ready, or at rest without being so.
    pub(super) async fn start(&mut self, input: Option<Vec<u8>>) -> Played {
        self.stop()?;
        match Live::start(self.launch, &self.terms.sandbox, self.plan.role.side()) {
            Ok(mut live) => {
                if self.terms.endless {
                    live.watch.expect_endless();
                }
                let (pid, command) = (live.running.pid(), self.launch.command.clone());
                *self.live = Some(live);
                self.log.push(Fact::Started { run: self.runs, pid, command });
                self.runs += 1;
            }
            Err(error) => return self.trouble(error.to_string()),
        }
        // What is typed before a program asks for it is lost on some (a line reader of Node.js), as it is
        // on a student who types ahead.
        for line in self.terms.first_input.clone().unwrap_or_default().split_inclusive('\n') {
            self.wait(Purpose::Home, Budget::PROMPT, None).await;
            self.feed(line.as_bytes())?;
        }
        if let Some(bytes) = input {
            self.wait(Purpose::Home, Budget::PROMPT, None).await;
            self.feed(&bytes)?;
        }
        match self.plan.role.side() {
            Side::Client => Ok(()),
            Side::Server => self.ready().await,
        }
    }

    /// Stops the program and starts it again. A server that then has another port is not back.
    async fn restart(&mut self) -> Played {
        let port = |live: &Option<Live>| live.as_ref().and_then(Live::target).map(|target| target.port());
        let before = port(self.live);
        self.stop()?;
        self.start(None).await?;
        if before.is_some()
            && port(self.live) != before
            && let Some(live) = self.live.as_mut()
        {
            live.lose_target();
        }
        Ok(())
    }

    async fn ready(&mut self) -> Played {
        let (transport, port) = (self.plan.role.transport(), self.plan.port);
        let begun = std::time::Instant::now();
        if let Some(live) = self.live.as_mut() {
            live.watch.begin(Purpose::Settle, Budget::START);
        }
        loop {
            let activity = self.pump();
            self.tell(activity);
            let Some(live) = self.live.as_mut() else { return Ok(()) };
            // Its socket is what it owes.
            live.watch.owing(1, 0);
            if live.find_target(transport, port) {
                self.wait(Purpose::Home, Budget::HOME, None).await;
                if let Some(live) = self.live.as_mut().filter(|live| live.exited) {
                    // One that ends as soon as it has its port is no server, however quick the look.
                    live.find_target(transport, port);
                }
                return Ok(());
            }
            if let Some(settled) = live.watch.look() {
                // One more look: it may have bound its port between the two.
                live.find_target(transport, port);
                let blind = !cfg!(target_os = "linux") && settled.how == Rest::Grace;
                if blind && !live.probe_target(transport, port) && begun.elapsed() < Budget::START.wall {
                    // It may still be starting.
                    live.watch.begin(Purpose::Settle, Budget::START);
                    continue;
                }
                self.note_rest(settled);
                self.pump();
                return Ok(());
            }
            self.heed_limits();
            super::wait::nap(std::time::Duration::from_millis(1)).await;
        }
    }

    fn feed(&mut self, bytes: &[u8]) -> Played {
        if let Some(live) = self.live.as_mut() {
            live.running.feed(bytes);
            self.log.push(Fact::Fed { bytes: bytes.into() });
        }
        Ok(())
    }

    fn end_input(&mut self) -> Played {
        if let Some(live) = self.live.as_mut() {
            live.running.end_input();
            self.log.push(Fact::InputEnded);
        }
        Ok(())
    }

    fn stop(&mut self) -> Played {
        self.pump();
        if let Some(mut live) = self.live.take() {
            let how = live.stop();
            if !live.exited {
                self.log.push(Fact::Exited { how, stopped: true });
            }
        }
        self.pump();
        Ok(())
    }

    fn look(&mut self, name: &str) -> Played {
        let Some(live) = self.live.as_mut() else { return Ok(()) };
        let (census, sockets) = (live.watch.census(), live.watch.sockets());
        let (descriptors, threads) = (census.descriptors, census.threads);
        let blind = !cfg!(target_os = "linux");
        self.note(Fact::Looked { name: name.to_owned(), descriptors, threads, sockets, blind })
    }

    async fn repeat(&mut self, times: u32, values: &[(String, Template)], steps: &[Step]) -> Played {
        for _ in 0..times {
            self.values.push(BTreeMap::new());
            for (name, template) in values {
                let value = self.render(template);
                if let Some(innermost) = self.values.last_mut() {
                    innermost.insert(name.clone(), value);
                }
            }
            let played = self.steps(steps).await;
            self.values.pop();
            played?;
        }
        Ok(())
    }

    /// Lists of steps at the same time: step by step in turn, with nothing waited for in between
    /// that a list does not wait for itself.
    async fn at_once(&mut self, lists: &[Vec<Step>]) -> Played {
        let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
        for index in 0..longest {
            for step in lists.iter().filter_map(|list| list.get(index)) {
                self.steps(std::slice::from_ref(step)).await?;
            }
        }
        Ok(())
    }
}

/// Splits bytes into so many pieces of about the same length, fewer if there are fewer bytes.
fn split(bytes: &[u8], pieces: u32) -> Vec<&[u8]> {
    let pieces = usize::try_from(pieces).unwrap_or(1).clamp(1, bytes.len().max(1));
    if pieces == 1 {
        return vec![bytes];
    }
    bytes.chunks(bytes.len().div_ceil(pieces)).collect()
}

fn taken(transport: &str, port: u16, error: &std::io::Error) -> String {
    format!("cannot listen on {transport} port {port}: {error}. Another program has it; stop that one and try again")
}
