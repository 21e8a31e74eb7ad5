//! Plays one scenario: plan, program, peers and observation in, a record out. Judges nothing.
//!
//! One thread does everything in turns: it pumps the peers and the program's terminals, and looks
//! whether the program is at rest. So all events have one order.

mod captions;
mod debts;
mod limits;
mod live;
mod log;
mod program;
mod steps;
mod wait;
mod wire;

use std::collections::BTreeMap;
use std::time::Instant;

pub use live::Live;
use log::Log;

use crate::event::{Fact, Record};
use crate::ids::Side;
use crate::observe::Capture;
use crate::peer::{Datagrams, Listener, Names, Stream};
use crate::plan::model::{Plan, Scenario};
use crate::program::launch::Launch;
use crate::sandbox::Sandbox;

/// What ends a scenario before its last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Halt {
    /// What was waited for did not come.
    Starved,
    /// Our fault, or the machine's; it stands in the log.
    Trouble,
}

/// What all scenarios of a program have in common.
#[derive(Debug)]
pub struct Terms {
    /// What the program runs in.
    pub sandbox: Sandbox,
    /// What nonces are drawn from.
    pub seed: u64,
    /// Whether what lingers of a finished connection can hinder another start.
    pub shared_ports: bool,
    /// What is written to the program's standard input before anything else.
    pub first_input: Option<String>,
    /// The name server of the program's own network.
    pub names: Option<Names>,
    /// Where our side listens, if a client was found to speak to another port than the assigned one.
    pub spoken_port: Option<u16>,
    /// Whether some process of the program was found to answer bit by bit without an end.
    pub endless: bool,
}

type Played = Result<(), Halt>;

/// One of our endpoints.
#[derive(Debug)]
enum Endpoint {
    Udp(Datagrams),
    Tcp(Stream),
    Listening(Listener),
    /// Closed, but its name is still known.
    Closed,
}

/// A scenario being played.
struct Stage<'a> {
    plan: &'a Plan,
    launch: &'a Launch,
    live: &'a mut Option<Live>,
    log: Log,
    peers: Vec<(crate::ids::Peer, Endpoint)>,
    values: Vec<BTreeMap<String, Vec<u8>>>,
    random: fastrand::Rng,
    runs: u32,
    terms: &'a mut Terms,
    capture: &'a mut Option<Capture>,
}

/// Plays a scenario, with the server that is alive already where there is one, and leaves it alive.
/// Starts in it are the scenario's own; whatever is alive at its end is the caller's to stop.
pub async fn play(
    plan: &Plan,
    scenario: &Scenario,
    launch: &Launch,
    live: &mut Option<Live>,
    terms: &mut Terms,
    capture: &mut Option<Capture>,
) -> Record {
    let fresh = live.is_none();
    if let Some(capture) = capture {
        capture.begin();
    }
    if let Some(live) = live.as_ref() {
        live.allow_cpu(launch.limits.cpu_seconds);
    }
    let mut stage = Stage {
        plan,
        launch,
        live,
        log: Log::new(Instant::now(), plan),
        peers: Vec::new(),
        values: vec![BTreeMap::new()],
        random: fastrand::Rng::with_seed(scenario_seed(terms.seed, scenario)),
        runs: 0,
        terms,
        capture,
    };
    for (name, template) in &scenario.values {
        let value = stage.render(template);
        stage.values[0].insert(name.clone(), value);
    }
    stage.play(scenario).await;
    stage.finish();
    let values = std::mem::take(&mut stage.values[0]);
    let values = values.into_iter().map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()));
    Record { scenario: scenario.id.clone(), fresh, values: values.collect(), events: stage.log.into_events() }
}

/// Every scenario draws from a source of its own, so that leaving one out changes no other.
fn scenario_seed(seed: u64, scenario: &Scenario) -> u64 {
    let hash = blake3::hash(format!("{seed}/{}", scenario.id).as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(first)
}

impl Stage<'_> {
    async fn play(&mut self, scenario: &Scenario) {
        if self.plan.role.side() == Side::Server {
            if self.live.is_none() && self.start(None).await.is_err() {
                return;
            }
            self.note_sockets();
            if self.live.as_ref().is_some_and(|live| live.target().is_none()) {
                self.log.push(Fact::Starved { waited_for: "the program opens its socket".to_owned() });
                return;
            }
        }
        // Why it ended early stands in the log.
        let _ = self.steps(&scenario.steps).await;
        self.pump();
        self.log_missing();
    }

    /// The port that our side listens on.
    fn port(&self) -> u16 {
        self.terms.spoken_port.unwrap_or(self.plan.port)
    }

    fn log_missing(&mut self) {
        if let Some(fact) = self.capture.as_mut().and_then(Capture::missing) {
            self.log.push(fact);
        }
    }

    fn note_sockets(&mut self) {
        if let Some(live) = self.live.as_ref() {
            let sockets = live.known_sockets().to_vec();
            self.log.push(Fact::Sockets { sockets });
        }
    }

    /// Ends all peers, such that nothing of a finished connection keeps a port.
    fn finish(&mut self) {
        for (_, endpoint) in std::mem::take(&mut self.peers) {
            if let Endpoint::Tcp(stream) = endpoint {
                let _ = self.end_stream(stream);
            }
        }
        // The record is closed; a file of packets shows this too.
        if let Some(capture) = self.capture {
            capture.drain();
        }
    }

    /// Closes a connection of ours. Where the program has closed its end and holds it no more, or has
    /// ended, the rest is reset, which leaves no TIME_WAIT on the program's port.
    fn end_stream(&mut self, stream: Stream) -> crate::peer::Seen {
        let over = match self.live.as_ref() {
            None => true,
            Some(_) if !self.terms.shared_ports => false,
            Some(live) => stream.ended().is_some() && live.watch.orphaned(stream.remote(), stream.local()),
        };
        stream.close(over)
    }
}
