//! Steps of our side of the wire.

use std::net::SocketAddr;

use super::live::{Live, another_address};
use super::{Endpoint, Halt, Played, Stage};
use crate::event::Fact;
use crate::ids::Peer;
use crate::observe::{Budget, Purpose};
use crate::peer::{Datagrams, Listener, Seen, Stream};

impl Stage<'_> {
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

    pub(super) fn open(&mut self, name: &str, gone: bool, elsewhere: bool) -> Played {
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

    pub(super) fn bind(&mut self, name: &str, anywhere: bool) -> Played {
        let peer = self.name(name);
        let port = if anywhere { 0 } else { self.port() };
        match Datagrams::server(peer.clone(), port) {
            Ok((socket, seen)) => self.join(peer, Endpoint::Udp(socket), Some(seen)),
            Err(error) => self.trouble(taken("UDP", port, &error)),
        }
    }

    pub(super) fn listen(&mut self, name: &str) -> Played {
        let (peer, port) = (self.name(name), self.port());
        match Listener::open(peer.clone(), port) {
            Ok((listener, seen)) => self.join(peer, Endpoint::Listening(listener), Some(seen)),
            Err(error) => self.trouble(taken("TCP", port, &error)),
        }
    }

    pub(super) async fn connect(&mut self, name: &str, elsewhere: bool) -> Played {
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

    pub(super) async fn accept(&mut self, on: &str, name: &str) -> Played {
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

    pub(super) async fn hear(&mut self, name: &str) -> Played {
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

    pub(super) async fn send(
        &mut self,
        from: &str,
        bytes: &[u8],
        segments: u32,
        pause: u64,
        to: Option<&str>,
    ) -> Played {
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

    pub(super) fn shutdown(&mut self, name: &str) -> Played {
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

    pub(super) fn close(&mut self, name: &str) -> Played {
        if let Endpoint::Tcp(stream) = self.take(name) {
            let seen = self.end_stream(stream);
            self.log.seen(seen);
        }
        Ok(())
    }

    pub(super) fn reset(&mut self, name: &str) -> Played {
        if let Endpoint::Tcp(stream) = self.take(name) {
            self.log.seen(stream.reset());
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
