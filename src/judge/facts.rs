//! A record, as questions are put to it.

use std::net::SocketAddr;

use crate::event::{Event, Exit, Fact, Flag, OurEnd, Output, Record, Rest, Socket, StreamEnd};
use crate::ids::{Peer, Transport};
use crate::plan::model::Window;

/// The part of a record that lies between two marks.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The whole record.
    pub record: &'a Record,
    from: usize,
    to: usize,
}

impl<'a> View<'a> {
    /// All of a record.
    #[must_use]
    pub fn whole(record: &'a Record) -> Self {
        Self { record, from: 0, to: record.events.len() }
    }

    /// What lies in a window. `None` where a mark of it was never reached.
    #[must_use]
    pub fn window(record: &'a Record, window: &Window) -> Option<Self> {
        let mark = |wanted: &String| {
            record.events.iter().position(|event| matches!(&event.fact, Fact::Mark { name } if name == wanted))
        };
        let from = window.after.as_ref().map_or(Some(0), mark)?;
        let to = window.before.as_ref().map_or(Some(record.events.len()), mark)?;
        Some(Self { record, from, to: to.max(from) })
    }

    /// Its events, with their index in the record.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = (usize, &'a Event)> + use<'a> {
        let (from, to) = (self.from, self.to);
        self.record.events.iter().enumerate().skip(from).take(to - from)
    }

    /// All endpoints of a name, in the whole record.
    #[must_use]
    pub fn peers(&self, name: &str) -> Vec<&'a Peer> {
        let mut peers: Vec<&Peer> = Vec::new();
        for event in &self.record.events {
            if let Fact::Opened { peer, .. } | Fact::Listening { peer, .. } | Fact::Refused { peer, .. } = &event.fact
                && peer.name == name
                && !peers.contains(&peer)
            {
                peers.push(peer);
            }
        }
        peers
    }

    /// What a peer received: datagrams or pieces of its stream, with their event.
    pub fn received(&self, who: &'a Peer) -> impl Iterator<Item = (usize, SocketAddr, &'a [u8])> + use<'a> {
        self.events().filter_map(move |(index, event)| match &event.fact {
            Fact::Received { peer, from, bytes, .. } if peer == who => Some((index, *from, bytes.0.as_slice())),
            _ => None,
        })
    }

    /// What a peer sent, in the whole record, with where to.
    pub fn sent(&self, who: &'a Peer) -> impl Iterator<Item = (usize, SocketAddr, &'a [u8])> + use<'a> {
        self.record.events.iter().enumerate().filter_map(move |(index, event)| match &event.fact {
            Fact::Sent { peer, to, bytes, .. } if peer == who => Some((index, *to, bytes.0.as_slice())),
            _ => None,
        })
    }

    /// All that a peer received, as one.
    #[must_use]
    pub fn received_bytes(&self, who: &'a Peer) -> Vec<u8> {
        self.received(who).flat_map(|(_, _, bytes)| bytes.iter().copied()).collect()
    }

    /// All that a peer sent, as one.
    #[must_use]
    pub fn sent_bytes(&self, who: &'a Peer) -> Vec<u8> {
        self.sent(who).flat_map(|(_, _, bytes)| bytes.iter().copied()).collect()
    }

    /// How the program ended its half of a peer's stream. What was on the wire decides, where that is
    /// known: a peer that is reset after a FIN may only learn of the reset.
    #[must_use]
    pub fn ended(&self, who: &Peer) -> Option<(usize, StreamEnd)> {
        if let Some(packets) = Segments::of(self.record, who) {
            return packets.end_by_program(self.from..self.to);
        }
        self.events().find_map(|(index, event)| match &event.fact {
            Fact::Ended { peer, how } if peer == who => Some((index, *how)),
            _ => None,
        })
    }

    /// How the program ended by itself.
    #[must_use]
    pub fn exit(&self) -> Option<(usize, &'a Exit)> {
        self.events().find_map(|(index, event)| match &event.fact {
            Fact::Exited { how, stopped: false } => Some((index, how)),
            _ => None,
        })
    }

    /// What the program printed on one stream, or on both.
    #[must_use]
    pub fn printed(&self, only: Option<Output>) -> Vec<u8> {
        self.events()
            .filter_map(|(_, event)| match &event.fact {
                Fact::Printed { stream, bytes, .. } if only.is_none_or(|only| only == *stream) => Some(&bytes.0),
                _ => None,
            })
            .flatten()
            .copied()
            .collect()
    }

    /// How many bytes of what the program printed were not kept.
    #[must_use]
    pub fn unkept(&self) -> u64 {
        self.events().map(|(_, event)| if let Fact::Printed { cut, .. } = &event.fact { *cut } else { 0 }).sum()
    }

    /// The addresses of the program that a listening or bound peer saw, one for each connection or
    /// datagram.
    #[must_use]
    pub fn clients(&self, name: &str) -> Vec<(usize, SocketAddr)> {
        self.events()
            .filter_map(|(index, event)| match &event.fact {
                Fact::Arrived { peer, from, .. } | Fact::Received { peer, from, .. } if peer.name == name => {
                    Some((index, *from))
                }
                _ => None,
            })
            .collect()
    }

    /// How many connections the program made to a listening peer.
    #[must_use]
    pub fn arrivals(&self, name: &str) -> Vec<usize> {
        self.events()
            .filter_map(|(index, event)| match &event.fact {
                Fact::Arrived { peer, .. } if peer.name == name => Some(index),
                _ => None,
            })
            .collect()
    }

    /// The sockets that the program was last seen to wait on, in the whole record.
    #[must_use]
    pub fn sockets(&self) -> &'a [Socket] {
        self.record
            .events
            .iter()
            .rev()
            .find_map(|event| match &event.fact {
                Fact::Sockets { sockets } if !sockets.is_empty() => Some(sockets.as_slice()),
                _ => None,
            })
            .unwrap_or_default()
    }

    /// A look, by name.
    #[must_use]
    pub fn look(&self, wanted: &str) -> Option<(usize, &'a Fact)> {
        self.record.events.iter().enumerate().find_map(|(index, event)| match &event.fact {
            Fact::Looked { name, .. } if name == wanted => Some((index, &event.fact)),
            _ => None,
        })
    }

    /// The last time that the program came to rest, at or before the end of the view.
    #[must_use]
    pub fn last_rest(&self) -> Option<(usize, Rest, &'a [crate::event::Blocked])> {
        self.record.events[..self.to].iter().enumerate().rev().find_map(|(index, event)| match &event.fact {
            Fact::Rest { how, threads } => Some((index, *how, threads.as_slice())),
            _ => None,
        })
    }

    /// What was waited for in vain, where the scenario was cut short for it.
    #[must_use]
    pub fn starved(&self) -> Option<&'a str> {
        self.record.events.iter().find_map(|event| match &event.fact {
            Fact::Starved { waited_for } => Some(waited_for.as_str()),
            _ => None,
        })
    }

    /// Why the record says nothing about the program, where that is so.
    #[must_use]
    pub fn trouble(&self) -> Option<&'a str> {
        self.record.events.iter().find_map(|event| match &event.fact {
            Fact::Trouble { what } => Some(what.as_str()),
            _ => None,
        })
    }

    /// Whether the record has all packets that crossed the wire.
    #[must_use]
    pub fn has_packets(&self) -> bool {
        has_all_packets(self.record)
    }

    /// The packet that shows what an event says, where the record has it.
    #[must_use]
    pub fn packet_of(&self, index: usize) -> Option<usize> {
        let event = self.record.events.get(index)?;
        match &event.fact {
            Fact::Packet { .. } | Fact::Unreachable { .. } => Some(index),
            Fact::Received { peer, from, to, bytes, .. } => match self.transport(peer) {
                Some(Transport::Udp) => {
                    self.last_packet(event.at, *from, *to, |_, carried| bytes.0.starts_with(carried))
                }
                _ => self.last_packet(event.at, *from, *to, |_, carried| !carried.is_empty()),
            },
            Fact::Ended { peer, .. } => {
                Segments::of(self.record, peer)?.end_by_program(0..usize::MAX).map(|(at, _)| at)
            }
            Fact::Arrived { from, to, .. } => self.last_packet(event.at, *from, *to, |flags, _| flags == [Flag::Syn]),
            Fact::Refused { local: Some(local), remote, .. } => {
                self.last_packet(event.at, *remote, *local, |flags, _| flags.contains(&Flag::Rst))
            }
            _ => None,
        }
    }

    /// The last packet from here to there up to a time that has such flags and bytes.
    fn last_packet(
        &self,
        until: u64,
        source: SocketAddr,
        destination: SocketAddr,
        wanted: impl Fn(&[Flag], &[u8]) -> bool,
    ) -> Option<usize> {
        self.record.events.iter().rposition(|event| match &event.fact {
            Fact::Packet { from, to, flags, bytes, .. } => {
                event.at <= until && (*from, *to) == (source, destination) && wanted(flags, &bytes.0)
            }
            _ => false,
        })
    }

    /// Where a listening or bound peer of ours was.
    #[must_use]
    pub fn listening_at(&self, who: &Peer) -> Option<SocketAddr> {
        self.record.events.iter().find_map(|event| match &event.fact {
            Fact::Listening { peer, local, .. } if peer == who => Some(*local),
            _ => None,
        })
    }

    /// The first port other than `assigned` that the program spoke to by this transport, and nobody
    /// has: a connection attempt that was refused, or a datagram that came back. Questions for the
    /// address of a name are no part of it.
    #[must_use]
    pub fn spoken_elsewhere(&self, transport: Transport, assigned: u16) -> Option<(usize, SocketAddr)> {
        /// DNS (RFC 1035), multicast DNS (RFC 6762) and LLMNR (RFC 4795).
        const NAMES: [u16; 3] = [53, 5353, 5355];
        let refused = |one: SocketAddr, other: SocketAddr| {
            self.record.events.iter().any(|event| match &event.fact {
                Fact::Packet { from, to, flags, .. } => *from == other && *to == one && flags.contains(&Flag::Rst),
                Fact::Unreachable { from, to } => *from == one && *to == other,
                _ => false,
            })
        };
        self.record.events.iter().enumerate().find_map(|(index, event)| match &event.fact {
            Fact::Packet { transport: by, from, to, flags, .. }
                if *by == transport
                    && to.port() != assigned
                    // An answer that nobody waits for any more comes back as well.
                    && !NAMES.contains(&to.port())
                    && !NAMES.contains(&from.port())
                    && (transport == Transport::Udp || flags[..] == [Flag::Syn])
                    && !self.is_ours(transport, *from)
                    && refused(*from, *to) =>
            {
                Some((index, *to))
            }
            _ => None,
        })
    }

    /// Whether an address is that of a peer.
    fn is_ours(&self, by: Transport, address: SocketAddr) -> bool {
        self.record.events.iter().any(|event| match &event.fact {
            Fact::Opened { transport, local, .. } => *transport == by && *local == address,
            Fact::Listening { transport, local, .. } => *transport == by && local.port() == address.port(),
            _ => false,
        })
    }

    /// The transport of a peer.
    #[must_use]
    pub fn transport(&self, who: &Peer) -> Option<Transport> {
        self.record.events.iter().find_map(|event| match &event.fact {
            Fact::Opened { peer, transport, .. } | Fact::Listening { peer, transport, .. } if peer == who => {
                Some(*transport)
            }
            _ => None,
        })
    }
}

/// Whether a record has the packets, and all of them.
fn has_all_packets(record: &Record) -> bool {
    record.events.iter().any(|event| matches!(event.fact, Fact::Packet { .. }))
        && !record.events.iter().any(|event| matches!(event.fact, Fact::PacketsMissing { .. }))
}

/// The packets of one connection, as far as our side was in it.
#[derive(Debug, Clone, Copy)]
struct Segments<'a> {
    record: &'a Record,
    theirs: SocketAddr,
    ours: SocketAddr,
    from: usize,
    to: usize,
}

impl<'a> Segments<'a> {
    /// Those of a peer's connection. `None` where they are not known.
    fn of(record: &'a Record, who: &Peer) -> Option<Self> {
        if !has_all_packets(record) {
            return None;
        }
        let (at, ours, theirs) = record.events.iter().find_map(|event| match &event.fact {
            Fact::Opened { peer, transport: Transport::Tcp, local, remote: Some(remote), .. } if peer == who => {
                Some((event.at, *local, *remote))
            }
            _ => None,
        })?;
        // The same two ports may have had another connection before, and may have one again.
        let begins = |event: &Event| match &event.fact {
            Fact::Packet { from, to, flags, .. } => {
                flags[..] == [Flag::Syn] && ((*from, *to) == (ours, theirs) || (*from, *to) == (theirs, ours))
            }
            _ => false,
        };
        let from = record.events.iter().rposition(|event| begins(event) && event.at <= at)?;
        let gone = |event: &Event| matches!(&event.fact, Fact::Closed { peer, how: OurEnd::Close | OurEnd::Reset } if peer == who);
        let rest = &record.events[from + 1..];
        let to =
            rest.iter().position(|event| gone(event) || begins(event)).map_or(record.events.len(), |at| from + 1 + at);
        Some(Self { record, theirs, ours, from, to })
    }

    /// The first FIN or reset that the program sent within a range of events.
    fn end_by_program(&self, window: std::ops::Range<usize>) -> Option<(usize, StreamEnd)> {
        let range = self.from.max(window.start)..self.to.min(window.end);
        self.record.events.get(range.clone())?.iter().zip(range).find_map(|(event, index)| match &event.fact {
            Fact::Packet { from, to, flags, .. } if (*from, *to) == (self.theirs, self.ours) => {
                if flags.contains(&Flag::Fin) {
                    Some((index, StreamEnd::Fin))
                } else {
                    flags.contains(&Flag::Rst).then_some((index, StreamEnd::Rst))
                }
            }
            _ => None,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::ids::ScenarioId;
    use crate::text::Bytes;

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn alice() -> Peer {
        Peer { name: "alice".to_owned(), number: 0 }
    }

    fn packet(from: u16, to: u16, flags: &[Flag]) -> Fact {
        let (from, to, flags) = (at(from), at(to), flags.to_vec());
        Fact::Packet { transport: Transport::Tcp, from, to, flags, length: 0, bytes: Bytes::default() }
    }

    fn datagram(from: u16, to: u16) -> Fact {
        let (from, to) = (at(from), at(to));
        Fact::Packet { transport: Transport::Udp, from, to, flags: Vec::new(), length: 2, bytes: Bytes(b"hi".to_vec()) }
    }

    fn record(facts: Vec<Fact>) -> Record {
        let events = (0..).zip(facts).map(|(at, fact)| Event { at, fact }).collect();
        Record { scenario: ScenarioId("one".to_owned()), fresh: true, values: BTreeMap::new(), events }
    }

    /// A connection of alice's, port 40000, with a server at 12000, and what comes then.
    fn connected(rest: Vec<Fact>) -> Record {
        let (local, remote) = (at(40_000), Some(at(12_000)));
        let mut facts = vec![
            packet(40_000, 12_000, &[Flag::Syn]),
            packet(12_000, 40_000, &[Flag::Syn, Flag::Ack]),
            Fact::Opened { peer: alice(), transport: Transport::Tcp, local, remote, accepted: false },
        ];
        facts.extend(rest);
        record(facts)
    }

    #[test]
    fn a_fin_before_a_reset_is_an_end_in_order() {
        let rest = vec![
            packet(12_000, 40_000, &[Flag::Fin, Flag::Ack]),
            packet(40_000, 12_000, &[Flag::Psh, Flag::Ack]),
            packet(12_000, 40_000, &[Flag::Rst]),
            Fact::Ended { peer: alice(), how: StreamEnd::Rst },
        ];
        let complete = connected(rest.clone());
        assert_eq!(View::whole(&complete).ended(&alice()), Some((3, StreamEnd::Fin)));
        // Where some are missing, it is not known what came before, and the peer's word counts.
        let missing = vec![Fact::PacketsMissing { left_out: 0, lost: 1 }];
        let incomplete = connected(rest.into_iter().chain(missing).collect());
        assert_eq!(View::whole(&incomplete).ended(&alice()), Some((6, StreamEnd::Rst)));
    }

    #[test]
    fn what_comes_after_our_own_end_or_in_another_connection_is_no_end() {
        let closed = Fact::Closed { peer: alice(), how: OurEnd::Close };
        let after = connected(vec![
            packet(12_000, 40_001, &[Flag::Fin, Flag::Ack]),
            closed,
            packet(12_000, 40_000, &[Flag::Fin, Flag::Ack]),
        ]);
        assert_eq!(View::whole(&after).ended(&alice()), None);
    }

    #[test]
    fn another_port_counts_where_it_was_asked_in_vain() {
        let back = |from, to| Fact::Unreachable { from: at(from), to: at(to) };
        let elsewhere = |facts: Vec<Fact>| {
            let record = record(facts);
            View::whole(&record).spoken_elsewhere(Transport::Udp, 12_000).map(|(index, there)| (index, there.port()))
        };
        assert_eq!(elsewhere(vec![datagram(5, 12_001), back(5, 12_001)]), Some((0, 12_001)));
        // Somebody has that port; it is the assigned one; it asks for a name; it is ours who speaks.
        assert_eq!(elsewhere(vec![datagram(5, 12_001)]), None);
        assert_eq!(elsewhere(vec![datagram(5, 12_000), back(5, 12_000)]), None);
        assert_eq!(elsewhere(vec![datagram(5, 53), back(5, 53)]), None);
        // The name server's answer comes when nobody waits for it any more.
        let late = vec![datagram(53, 5), back(53, 5), datagram(6, 12_001), back(6, 12_001)];
        assert_eq!(elsewhere(late).map(|(_, port)| port), Some(12_001));
        let ours = Fact::Listening { peer: alice(), transport: Transport::Udp, local: at(12_000) };
        assert_eq!(elsewhere(vec![ours, datagram(12_000, 5), back(12_000, 5)]), None);
    }
}
