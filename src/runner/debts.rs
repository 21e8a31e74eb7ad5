//! What the program owes: the answers that somebody waits for.
//!
//! While it owes one, its sleeping proves nothing: it may be at work. A server owes each client a
//! reply; a client owes its user some output for what the server sent.

use std::collections::BTreeMap;

use crate::event::{Fact, OurEnd};
use crate::ids::{Peer, Side, Transport};

#[derive(Debug)]
pub(super) struct Debts {
    side: Side,
    transports: BTreeMap<Peer, Transport>,
    open: BTreeMap<Peer, usize>,
    /// Output that a client owes.
    output: bool,
}

impl Debts {
    pub(super) fn new(side: Side) -> Self {
        Self { side, transports: BTreeMap::new(), open: BTreeMap::new(), output: false }
    }

    /// How many answers are owed.
    pub(super) fn count(&self) -> usize {
        match self.side {
            Side::Server => self.open.values().sum(),
            Side::Client => usize::from(self.output),
        }
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
                self.output = true;
                // To a datagram of no bytes one need not answer.
                if let (Some(transport), false) = (self.transports.get(peer), bytes.0.is_empty()) {
                    let owed = self.open.entry(peer.clone()).or_default();
                    *owed = if *transport == Transport::Udp { *owed + 1 } else { 1 };
                }
            }
            Fact::Received { peer, .. } => match (self.open.get_mut(peer), self.transports.get(peer)) {
                (Some(owed), Some(Transport::Udp)) => *owed = owed.saturating_sub(1),
                (Some(owed), _) => *owed = 0,
                _ => {}
            },
            Fact::Ended { peer, .. }
            | Fact::Refused { peer, .. }
            | Fact::Closed { peer, how: OurEnd::Close | OurEnd::Reset } => drop(self.open.remove(peer)),
            Fact::Printed { .. } => self.output = false,
            Fact::Exited { .. } | Fact::Started { .. } => {
                self.output = false;
                self.open.clear();
            }
            _ => {}
        }
    }
}
