//! What was on the wire, packet by packet, where the record has all packets.

use std::net::SocketAddr;

use super::facts::elsewhere;
use super::rungs::{Label, Shape, Who};
use crate::event::{Event, Fact, Flag, OurEnd, Record};
use crate::ids::{Peer, Role, Side, Transport};
use crate::judge::facts::View;

/// A connection's beginning.
pub(super) const SYN: &str = "SYN: connects";
/// The answer to it.
pub(super) const SYN_ACK: &str = "SYN, ACK";
/// The answer to that.
pub(super) const ACK: &str = "ACK";

/// The packets of a record.
pub(super) struct Wire<'a> {
    record: &'a Record,
    role: Role,
}

/// A packet as one side sees it.
struct Packet<'a> {
    index: usize,
    at: u64,
    transport: Transport,
    from: SocketAddr,
    to: SocketAddr,
    flags: &'a [Flag],
    label: Label,
}

impl<'a> Wire<'a> {
    /// `None` where there are none, or not all: then peers tell what they saw.
    pub(super) fn of(record: &'a Record, role: Role) -> Option<Self> {
        View::whole(record).has_packets().then_some(Self { record, role })
    }

    /// Whether packets say what this fact says.
    pub(super) fn tells(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Packet { .. }
            | Fact::Unreachable { .. }
            | Fact::Opened { .. }
            | Fact::Arrived { .. }
            | Fact::Sent { .. }
            | Fact::Received { .. }
            | Fact::Ended { .. }
            | Fact::Closed { .. } => true,
            // A connection that was never answered has no packet that says so.
            Fact::Refused { local: Some(local), remote, .. } => self.packets().any(|(_, event)| match &event.fact {
                Fact::Packet { from, to, flags, .. } => from == remote && to == local && flags.contains(&Flag::Rst),
                _ => false,
            }),
            _ => false,
        }
    }

    fn packets(&self) -> impl DoubleEndedIterator<Item = (usize, &'a Event)> + use<'a> {
        let events = self.record.events.iter().enumerate();
        events.filter(|(_, event)| matches!(event.fact, Fact::Packet { .. }))
    }

    /// What a packet is on the ladder, if it says anything.
    pub(super) fn shape(&self, index: usize, event: &'a Event) -> Option<(Who<'a>, Shape)> {
        match &event.fact {
            Fact::Packet { transport, from, to, flags, length, bytes } => {
                let cut = u64::from(*length).saturating_sub(bytes.0.len() as u64);
                let label = Label { cut, ..Label::bytes(&bytes.0) };
                let (transport, from, to) = (*transport, *from, *to);
                let packet = Packet { index, at: event.at, transport, from, to, flags, label };
                match transport {
                    Transport::Udp => Some(self.datagram(packet)),
                    Transport::Tcp => self.segment(packet),
                }
            }
            Fact::Unreachable { from, to } => {
                let nobody = |port: u16| Label::words(format!("ICMP: nobody is at UDP port {port}"));
                Some(match self.peer(Transport::Udp, *from, *to, event.at) {
                    Some(who) => (Some(who), Shape::In(nobody(to.port()))),
                    None => (self.peer(Transport::Udp, *to, *from, event.at), Shape::Out(nobody(to.port()))),
                })
            }
            _ => None,
        }
    }

    /// Whose a packet is, and whether we sent it.
    fn side(&self, packet: &Packet<'_>) -> (Who<'a>, bool) {
        let Packet { transport, from, to, at, .. } = *packet;
        if let Some(who) = self.peer(transport, from, to, at) {
            return (Some(who), true);
        }
        if let Some(who) = self.peer(transport, to, from, at) {
            return (Some(who), false);
        }
        // A stranger's: the program spoke to where nobody of ours is, and the system answered.
        (None, packet.flags.contains(&Flag::Rst))
    }

    /// The peer that has one end of a connection, or a port for datagrams.
    fn peer(&self, by: Transport, ours: SocketAddr, theirs: SocketAddr, at: u64) -> Who<'a> {
        let mut found: Who<'a> = None;
        let mut waits: Who<'a> = None;
        for event in &self.record.events {
            match &event.fact {
                // Of several with the same ports, the one that there was at that time.
                Fact::Opened { peer, transport, local, remote, .. }
                    if *transport == by
                        && *local == ours
                        && remote.is_none_or(|remote| remote == theirs)
                        && (found.is_none() || event.at <= at) =>
                {
                    found = Some(peer);
                }
                Fact::Arrived { peer, from, to } if by == Transport::Tcp && (*to, *from) == (ours, theirs) => {
                    waits = Some(peer);
                }
                Fact::Refused { peer, remote, local, .. }
                    if by == Transport::Tcp && *remote == theirs && local.is_none_or(|local| local == ours) =>
                {
                    waits = waits.or(Some(peer));
                }
                Fact::Listening { peer, transport, local } if *transport == by && local.port() == ours.port() => {
                    waits = waits.or(Some(peer));
                }
                _ => {}
            }
        }
        found.or(waits)
    }

    fn datagram(&self, packet: Packet<'a>) -> (Who<'a>, Shape) {
        let (who, out) = self.side(&packet);
        let (from, to) = (packet.from, packet.to);
        let mut label = packet.label;
        match who {
            None => label.after = format!(" to {}", place(to)),
            Some(who) if !out => label.after = self.stray(who, from, packet.at),
            Some(_) => {}
        }
        (who, if out { Shape::Out(label) } else { Shape::In(label) })
    }

    /// Where a reply comes from, if that is not where the request went.
    fn stray(&self, who: &Peer, from: SocketAddr, at: u64) -> String {
        let asked = self.record.events.iter().rev().find_map(|event| match &event.fact {
            Fact::Sent { peer, to, .. } if peer == who && event.at <= at => Some(*to),
            _ => None,
        });
        match asked {
            Some(asked) if self.role.side() == Side::Server && asked != from => elsewhere(asked, from),
            _ => String::new(),
        }
    }

    fn segment(&self, packet: Packet<'a>) -> Option<(Who<'a>, Shape)> {
        let (who, out) = self.side(&packet);
        let has = |flag| packet.flags.contains(&flag);
        let before = self.before(&packet);
        let label = if has(Flag::Rst) {
            let answers = before.is_some_and(|flags| flags == [Flag::Syn]);
            Label::words(match who {
                _ if !answers => "RST: resets".to_owned(),
                None => format!("RST: nobody listens on port {}", packet.from.port()),
                Some(_) => "RST: refuses".to_owned(),
            })
        } else if has(Flag::Syn) {
            Label::words(match (has(Flag::Ack), who) {
                (true, _) => SYN_ACK.to_owned(),
                (false, None) => format!("SYN to {}", place(packet.to)),
                (false, Some(_)) => SYN.to_owned(),
            })
        } else if has(Flag::Fin) {
            let fin = if out { self.fin(who, packet.at) } else { "FIN: closes" };
            if packet.label.is_empty() {
                Label::words(fin)
            } else {
                Label { after: format!(", {fin}"), ..packet.label }
            }
        } else if !packet.label.is_empty() {
            packet.label
        } else if before.is_some_and(|flags| flags == [Flag::Syn, Flag::Ack]) {
            Label::words(ACK)
        } else {
            return None;
        };
        Some((who, if out { Shape::Out(label) } else { Shape::In(label) }))
    }

    /// The flags of the packet before this one in the same connection.
    fn before(&self, packet: &Packet<'_>) -> Option<&'a [Flag]> {
        self.packets().filter(|(index, _)| *index < packet.index).rev().find_map(|(_, event)| match &event.fact {
            Fact::Packet { from, to, flags, .. }
                if (*from, *to) == (packet.from, packet.to) || (*to, *from) == (packet.from, packet.to) =>
            {
                Some(flags.as_slice())
            }
            _ => None,
        })
    }

    /// What we mean by ending our sending side.
    fn fin(&self, who: Who<'_>, at: u64) -> &'static str {
        // It is noted just before or just after the packet is sent.
        let near = self.record.events.iter().filter_map(|event| match &event.fact {
            Fact::Closed { peer, how } if Some(peer) == who => Some((event.at.abs_diff(at), *how)),
            _ => None,
        });
        match near.min_by_key(|(distance, _)| *distance) {
            Some((_, OurEnd::Shutdown)) => "FIN: has said all, still listens",
            _ => "FIN: closes",
        }
    }
}

/// Where something goes that is for none of ours.
fn place(to: SocketAddr) -> String {
    if to.ip().is_loopback() { format!("port {}", to.port()) } else { format!("{} port {}", to.ip(), to.port()) }
}
