//! Facts turned into rungs.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::rungs::{Label, Rung, Shape, Who};
use super::wire::Wire;
use crate::event::{Event, Exit, Fact, OurEnd, Output, Record, StreamEnd};
use crate::ids::{Peer, Role, Side, Transport};
use crate::report::words;
use crate::text::tame;

/// Turns facts into rungs, with what earlier facts said in mind.
pub(super) struct Facts<'a> {
    record: &'a Record,
    role: Role,
    transports: BTreeMap<&'a Peer, Transport>,
    arrived: Vec<SocketAddr>,
    asked: BTreeMap<&'a Peer, SocketAddr>,
    wire: Option<Wire<'a>>,
    rungs: Vec<Rung>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(record: &'a Record, role: Role) -> Self {
        Self {
            record,
            role,
            transports: BTreeMap::new(),
            arrived: Vec::new(),
            asked: BTreeMap::new(),
            wire: Wire::of(record, role),
            rungs: Vec::new(),
        }
    }

    /// Whether packets are drawn; else what peers say that they saw.
    pub(super) fn has_packets(&self) -> bool {
        self.wire.is_some()
    }

    pub(super) fn rungs(mut self) -> Vec<Rung> {
        let mut events: Vec<(usize, &Event)> = self.record.events.iter().enumerate().collect();
        if self.wire.is_some() {
            // Packets have the kernel's time, other facts that of the look at which they were seen.
            events.sort_by_key(|(_, event)| event.at);
        }
        for (index, event) in events {
            self.take_note(&event.fact);
            let Some((who, shape)) = self.shape(index, event) else { continue };
            let who = who.map(Peer::to_string).unwrap_or_default();
            self.push(Rung { events: (index, index), at: event.at, who, shape });
        }
        self.rungs
    }

    /// What one read gave is one fact; lines that were printed at once are one rung.
    fn push(&mut self, rung: Rung) {
        if let (Some(last), Shape::Theirs(new)) = (self.rungs.last_mut(), &rung.shape)
            && let Shape::Theirs(old) = &mut last.shape
            && old.bytes.is_some()
            && old.before == new.before
            && let Some(more) = &new.bytes
        {
            old.bytes.get_or_insert_default().extend_from_slice(more);
            old.cut += new.cut;
            last.events.1 = rung.events.1;
        } else if self
            .rungs
            .last()
            .is_none_or(|last| last.shape != rung.shape || !matches!(rung.shape, Shape::Theirs(_)))
        {
            self.rungs.push(rung);
        }
    }

    fn take_note(&mut self, fact: &'a Fact) {
        match fact {
            Fact::Opened { peer, transport, .. } | Fact::Listening { peer, transport, .. } => {
                self.transports.insert(peer, *transport);
            }
            Fact::Arrived { from, .. } => self.arrived.push(*from),
            Fact::Sent { peer, to, .. } => {
                self.asked.insert(peer, *to);
            }
            _ => {}
        }
    }

    fn shape(&self, index: usize, event: &'a Event) -> Option<(Who<'a>, Shape)> {
        if let Some(wire) = self.wire.as_ref().filter(|wire| wire.tells(&event.fact)) {
            return wire.shape(index, event);
        }
        let words = |text: &str| Label::words(tame(text).replace('\n', " "));
        Some(match &event.fact {
            Fact::Opened { peer, transport: Transport::Tcp, accepted: false, .. } => {
                (Some(peer), Shape::Out(Label::words("connects")))
            }
            Fact::Opened { peer, accepted: true, remote, .. }
                if !remote.is_some_and(|at| self.arrived.contains(&at)) =>
            {
                (Some(peer), Shape::In(Label::words("connects")))
            }
            Fact::Arrived { peer, .. } => (Some(peer), Shape::In(Label::words("connects"))),
            Fact::Refused { peer, error, .. } => (Some(peer), Shape::Lost(words(&format!("connects: {error}")))),
            Fact::Sent { peer, bytes, .. } => (Some(peer), Shape::Out(Label::bytes(&bytes.0))),
            Fact::SendFailed { peer, error } => (Some(peer), Shape::Lost(words(&format!("sends: {error}")))),
            Fact::Received { peer, from, bytes, cut, .. } => {
                let after = self.stray(peer, *from);
                (Some(peer), Shape::In(Label { cut: *cut, after, ..Label::bytes(&bytes.0) }))
            }
            Fact::Ended { peer, how } => (Some(peer), Shape::In(Label::words(ended(*how)))),
            Fact::Closed { peer, how } if self.transports.get(peer) == Some(&Transport::Tcp) => {
                (Some(peer), Shape::Out(Label::words(closed(*how))))
            }
            Fact::Step { words } => (None, Shape::Ours(self.step(index, words)?)),
            Fact::Fed { bytes } => {
                (None, Shape::Typed(Label { before: "types ".to_owned(), ..Label::bytes(&bytes.0) }))
            }
            Fact::Printed { stream, bytes, cut } => (None, Shape::Theirs(printed(*stream, &bytes.0, *cut))),
            Fact::Exited { how, stopped: false } => (None, Shape::Theirs(Label::words(exited(how)))),
            Fact::Looked { descriptors, .. } => {
                (None, Shape::Ours(format!("counts open files of the program: {descriptors}")))
            }
            Fact::Starved { waited_for } => (None, Shape::Ours(format!("waited in vain: {}", tame(waited_for)))),
            Fact::Trouble { what } => (None, Shape::Ours(tame(what).replace('\n', " "))),
            Fact::Rest { how, threads } if self.rest_matters(index) => {
                (None, Shape::Theirs(Label::words(words::at_rest(*how, threads, self.record, self.role)?)))
            }
            _ => return None,
        })
    }

    /// Where a reply comes from, if that is not where the request went.
    fn stray(&self, peer: &Peer, from: SocketAddr) -> String {
        match self.asked.get(peer) {
            Some(asked) if self.role.side() == Side::Server && *asked != from => elsewhere(*asked, from),
            _ => String::new(),
        }
    }

    /// A step in words. What is typed has a rung of its own.
    fn step(&self, index: usize, words: &str) -> Option<String> {
        let words = tame(words).replace('\n', " ");
        if words.starts_with("start the program and type") {
            return Some("starts the program".to_owned());
        }
        let cut_short = self.record.events[index..].iter().find_map(|event| match &event.fact {
            Fact::Paused { cut_short, .. } => Some(*cut_short),
            _ => None,
        });
        let of_three = words.split_once(' ').map(|(verb, rest)| format!("{verb}s {rest}"));
        let words =
            of_three.unwrap_or(words).replacen("stops the program and start", "stops the program and starts", 1);
        if words.starts_with("waits ") && cut_short == Some(true) {
            return Some(format!("{words}, or until the program is at rest"));
        }
        Some(words)
    }

    /// Rest says something where the program owes an answer, where we end a connection that it has
    /// not ended, and at the end.
    fn rest_matters(&self, index: usize) -> bool {
        let owes =
            matches!(self.rungs.last(), Some(Rung { shape: Shape::Out(_) | Shape::Typed(_) | Shape::Lost(_), .. }));
        let next = self.record.events[index + 1..].iter().find(|event| !silent(&event.fact));
        owes || match next.map(|event| &event.fact) {
            None => true,
            Some(Fact::Closed { peer, .. }) => {
                let before = &self.record.events[..index];
                !before.iter().any(|event| matches!(&event.fact, Fact::Ended { peer: other, .. } if other == peer))
                    && self.transports.get(peer) == Some(&Transport::Tcp)
            }
            Some(_) => false,
        }
    }
}

/// Whether a fact says nothing of what comes after it.
fn silent(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::Mark { .. }
            | Fact::Sockets { .. }
            | Fact::Rest { .. }
            | Fact::Packet { .. }
            | Fact::Unreachable { .. }
            | Fact::PacketsMissing { .. }
    )
}

/// Where a reply comes from that should come from where the request went.
pub(super) fn elsewhere(asked: SocketAddr, from: SocketAddr) -> String {
    if asked.ip() == from.ip() { format!(" from port {}", from.port()) } else { format!(" from {from}") }
}

fn ended(how: StreamEnd) -> &'static str {
    match how {
        StreamEnd::Fin => "FIN: closes",
        StreamEnd::Rst => "RST: resets",
    }
}

fn closed(how: OurEnd) -> &'static str {
    match how {
        OurEnd::Close => "FIN: closes",
        OurEnd::Shutdown => "FIN: has said all, still listens",
        OurEnd::Reset => "RST: resets",
    }
}

fn exited(how: &Exit) -> String {
    match how {
        Exit::Status(status) => format!("ends with exit status {status}"),
        Exit::Signal(signal) => format!("is ended by signal {signal}"),
    }
}

fn printed(stream: Output, bytes: &[u8], cut: u64) -> Label {
    let before = match stream {
        Output::Stdout => "prints ",
        Output::Stderr => "prints (stderr) ",
    };
    Label { before: before.to_owned(), cut, ..Label::bytes(bytes) }
}
