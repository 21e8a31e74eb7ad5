//! Where two programs meet: the network, what crosses it, and the order in which things are done.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use super::half::Order;
use super::link::Link;
use crate::event::{Event, Fact, Meeting, Record, Rest, Socket, SocketState};
use crate::ids::{ScenarioId, Transport};
use crate::observe::Capture;
use crate::observe::capture::Moments;
use crate::peer::{NAME_PORT, Names, Relay};
use crate::sandbox::network;
use crate::text::Bytes;
use crate::worker::job::MeetJob;

/// How often what is ours in the network is looked after.
const TICK: Duration = Duration::from_millis(1);

/// So often both are let come to rest at most, while one of them still does something.
const ROUNDS: usize = 60;

/// Lets the client loose on the server, and says what was observed.
///
/// # Errors
/// Our fault, or the machine's, in words.
pub(in crate::worker) async fn meet(job: &MeetJob) -> Result<Meeting, String> {
    network::keep_remains(false);
    let mut scene = Scene::new(job);
    let mut server = Link::start(&job.server).await?;
    let mut client = None;
    let outcome = scene.play(&mut server, &mut client).await;
    // What they say when they are ended is not theirs.
    scene.wire.drain();
    for link in client.into_iter().chain([server]) {
        link.stop().await;
    }
    outcome?;
    Ok(scene.meeting())
}

/// What is ours in the network.
struct Wire {
    begun: Instant,
    moments: Moments,
    capture: Option<Capture>,
    names: Option<Names>,
    relay: Option<Relay>,
    packets: Vec<Event>,
}

impl Wire {
    fn pump(&mut self) {
        if let Some(names) = &mut self.names {
            names.pump(&mut Vec::new());
        }
        if let Some(relay) = &mut self.relay {
            relay.pump();
        }
        self.drain();
    }

    /// Notes the packets that have come; questions for names are none of the programs' business.
    fn drain(&mut self) {
        let drained = self.capture.as_mut().map(Capture::drain).unwrap_or_default();
        self.moments.look(self.begun.elapsed());
        for seen in drained {
            let asks = matches!(&seen.fact, Fact::Packet { transport: Transport::Udp, from, to, .. }
                if from.port() == NAME_PORT || to.port() == NAME_PORT);
            let at = self.moments.micros(seen.nanos);
            if !asks {
                self.packets.push(Event { at, fact: seen.fact });
            }
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Looks after the network while something else is waited for.
    async fn attend<T>(&mut self, waiting: impl Future<Output = T>) -> T {
        let mut waiting = std::pin::pin!(waiting);
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                biased;
                outcome = &mut waiting => {
                    self.pump();
                    return outcome;
                }
                _ = tick.tick() => self.pump(),
            }
        }
    }
}

struct Scene<'a> {
    job: &'a MeetJob,
    wire: Wire,
    server: Vec<Event>,
    client: Vec<Event>,
}

impl<'a> Scene<'a> {
    fn new(job: &'a MeetJob) -> Self {
        let wire = Wire {
            begun: Instant::now(),
            moments: Moments::begin(),
            // Without it, what the programs' sockets show must do.
            capture: Capture::open(false).ok(),
            // Without it, a name that only the server knows is unknown to the program, which says so.
            names: (job.port != NAME_PORT).then(Names::open).and_then(Result::ok),
            relay: None,
            packets: Vec::new(),
        };
        Self { job, wire, server: Vec::new(), client: Vec::new() }
    }

    async fn play(&mut self, server: &mut Link, client: &mut Option<Link>) -> Result<(), String> {
        let job = self.job;
        self.tell_server(server, Order::Start).await?;
        self.tell_server(server, Order::Ready { transport: job.transport, port: job.port }).await?;
        let Some(waiting) = self.waiting() else { return Ok(()) };
        if let Some(port) = job.lead {
            let relay = Relay::open(job.transport, port, reachable(waiting));
            self.wire.relay = Some(relay.map_err(|error| format!("port {port} cannot be led elsewhere: {error}"))?);
        }
        let client = client.insert(self.wire.attend(Link::start(&job.client)).await?);
        self.tell_client(client, Order::Start).await?;
        self.tell_client(client, Order::Prompt).await?;
        let typed = Bytes(format!("{}\n", job.sentence).into_bytes());
        self.tell_client(client, Order::Type(typed)).await?;
        self.rest(server, client).await?;
        if !self.has_reply() {
            // There are clients that send when all of their input is there.
            self.tell_client(client, Order::EndInput).await?;
            self.rest(server, client).await?;
        }
        Ok(())
    }

    /// Lets both come to rest: until a round in which neither did anything.
    async fn rest(&mut self, server: &mut Link, client: &mut Link) -> Result<(), String> {
        for _ in 0..ROUNDS {
            let before = self.deeds();
            let (owed_by_client, owed_by_server) = (usize::from(!self.has_reply()), usize::from(self.is_asked()));
            let both = async {
                tokio::try_join!(
                    client.order(Order::Settle { owed: owed_by_client }),
                    server.order(Order::Settle { owed: owed_by_server })
                )
            };
            let (by_client, by_server) = self.wire.attend(both).await?;
            let late = by_client.iter().chain(&by_server);
            let late = late.into_iter().any(|fact| matches!(fact, Fact::Rest { how: Rest::Deadline, .. }));
            self.note(by_client, |scene| &mut scene.client);
            self.note(by_server, |scene| &mut scene.server);
            if late || self.deeds() == before {
                break;
            }
        }
        Ok(())
    }

    /// How much was done so far.
    fn deeds(&self) -> usize {
        let is_deed = |event: &&Event| matches!(event.fact, Fact::Printed { .. } | Fact::Exited { .. });
        self.server.iter().chain(&self.client).filter(is_deed).count() + self.wire.packets.len()
    }

    /// Whether the client has printed the sentence in capitals.
    fn has_reply(&self) -> bool {
        let printed: Vec<u8> = self
            .client
            .iter()
            .filter_map(|event| match &event.fact {
                Fact::Printed { bytes, .. } => Some(bytes.0.as_slice()),
                _ => None,
            })
            .collect::<Vec<_>>()
            .concat();
        crate::judge::check::contains(&printed, self.job.sentence.to_uppercase().as_bytes())
    }

    /// Whether the last that was said was said to the server, so that it may be at work on an answer.
    fn is_asked(&self) -> bool {
        let Some(port) = self.waiting().map(|waiting| waiting.port()) else { return false };
        let mut last = self.wire.packets.iter().rev().filter_map(|event| match &event.fact {
            Fact::Packet { to, from, length: 1.., .. } => Some((from, to)),
            _ => None,
        });
        last.find(|(from, to)| from.port() == port || to.port() == port).is_some_and(|(_, to)| to.port() == port)
    }

    /// Where the server waits for clients: on the expected port, where it has several.
    fn waiting(&self) -> Option<SocketAddr> {
        let sockets = self.server.iter().rev().find_map(|event| match &event.fact {
            Fact::Sockets { sockets } if !sockets.is_empty() => Some(sockets),
            _ => None,
        })?;
        let job = self.job;
        let waits = |socket: &&Socket| {
            let state = match job.transport {
                Transport::Udp => SocketState::Bound,
                Transport::Tcp => SocketState::Listening,
            };
            socket.transport == job.transport && socket.state == state && socket.remote.is_none()
        };
        let expected = sockets.iter().filter(waits).find(|socket| socket.local.port() == job.port);
        expected.or_else(|| sockets.iter().find(waits)).map(|socket| socket.local)
    }

    async fn tell_server(&mut self, server: &mut Link, order: Order) -> Result<(), String> {
        let facts = self.wire.attend(server.order(order)).await?;
        self.note(facts, |scene| &mut scene.server);
        Ok(())
    }

    async fn tell_client(&mut self, client: &mut Link, order: Order) -> Result<(), String> {
        let facts = self.wire.attend(client.order(order)).await?;
        self.note(facts, |scene| &mut scene.client);
        Ok(())
    }

    fn note(&mut self, facts: Vec<Fact>, of: impl Fn(&mut Self) -> &mut Vec<Event>) {
        let at = self.wire.now();
        of(self).extend(facts.into_iter().map(|fact| Event { at, fact }));
    }

    fn meeting(self) -> Meeting {
        let record = |name: &str, events| Record {
            scenario: ScenarioId(name.to_owned()),
            fresh: true,
            values: BTreeMap::from([("sentence".to_owned(), self.job.sentence.clone())]),
            events,
        };
        Meeting {
            transport: self.job.transport,
            sentence: self.job.sentence.clone(),
            server: record("server", self.server),
            client: record("client", self.client),
            packets: self.wire.packets,
            led: self.job.lead,
        }
    }
}

/// An address at which a socket that is bound to this one can be reached.
fn reachable(local: SocketAddr) -> SocketAddr {
    if local.ip().is_unspecified() { SocketAddr::new(Ipv4Addr::LOCALHOST.into(), local.port()) } else { local }
}
