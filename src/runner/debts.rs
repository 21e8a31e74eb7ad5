//! What the program owes: the answers that somebody waits for.
//!
//! While it owes one, its sleeping proves nothing: it may be at work. A server owes each client a
//! reply, and where it is to close first, the end of the connection. A client to which the server
//! has spoken owes its own end.

use std::collections::BTreeMap;

use crate::event::{Fact, OurEnd};
use crate::ids::{Peer, Side, Transport};
use crate::plan::model::{Closer, Framing, Plan};

#[derive(Debug)]
pub(super) struct Debts {
    side: Side,
    closes: bool,
    line: bool,
    transports: BTreeMap<Peer, Transport>,
    open: BTreeMap<Peer, usize>,
    end: bool,
    paid: u64,
}

impl Debts {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            side: plan.role.side(),
            closes: plan.dialect.closes_first == Closer::Server,
            line: plan.dialect.framing == Framing::Line,
            transports: BTreeMap::new(),
            open: BTreeMap::new(),
            end: false,
            paid: 0,
        }
    }

    /// How many answers are owed.
    pub(super) fn count(&self) -> usize {
        match self.side {
            Side::Server => self.open.values().sum(),
            Side::Client => usize::from(self.end),
        }
    }

    /// How often something came of what was owed; it only grows.
    pub(super) fn paid(&self) -> u64 {
        self.paid
    }

    /// Leaves a peer out that no answer can reach.
    pub(super) fn forgive(&mut self, peer: &Peer) {
        self.transports.remove(peer);
    }

    /// Takes a fact into account.
    pub(super) fn note(&mut self, fact: &Fact) {
        match fact {
            Fact::Opened { peer, transport, .. } => drop(self.transports.insert(peer.clone(), *transport)),
            Fact::Sent { peer, bytes, .. } => {
                self.end = true;
                // To a datagram of no bytes one need not answer.
                if let (Some(transport), false) = (self.transports.get(peer), bytes.0.is_empty()) {
                    let owed = self.open.entry(peer.clone()).or_default();
                    *owed = if *transport == Transport::Udp { *owed + 1 } else { 1 };
                }
            }
            Fact::Received { peer, bytes, .. } => self.received(peer, &bytes.0),
            Fact::Ended { peer, .. }
            | Fact::Refused { peer, .. }
            | Fact::Closed { peer, how: OurEnd::Close | OurEnd::Reset } => drop(self.open.remove(peer)),
            Fact::Exited { .. } | Fact::Started { .. } => {
                self.end = false;
                self.open.clear();
            }
            _ => {}
        }
    }

    fn received(&mut self, peer: &Peer, bytes: &[u8]) {
        let Some(owed) = self.open.get_mut(peer).filter(|owed| **owed > 0) else { return };
        self.paid += 1;
        match self.transports.get(peer) {
            Some(Transport::Udp) => *owed -= 1,
            _ if !self.closes && (!self.line || bytes.ends_with(b"\n")) => *owed = 0,
            _ => {}
        }
    }
}
