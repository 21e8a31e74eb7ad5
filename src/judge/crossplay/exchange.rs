//! What two programs said to each other, read from the packets between them.

use std::net::SocketAddr;

use crate::event::{Event, Fact, Flag, Meeting, Record, Socket, SocketState};
use crate::ids::Transport;

/// What went to and fro between a client and the port on which the server waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exchange {
    /// Where the server waits for clients.
    pub server: Option<SocketAddr>,
    /// Where it waits by the other transport, and not by the right one.
    pub mixed_up: Option<SocketAddr>,
    /// What was said to it, datagrams or segments: of long ones the beginning.
    pub asked: Vec<Vec<u8>>,
    /// What it replied.
    pub replied: Vec<Vec<u8>>,
    /// How many bytes it replied, those that were not kept included.
    pub length: usize,
    /// Whether somebody was refused on its port, at another address than its own.
    pub refused: Option<SocketAddr>,
    /// How it ended a connection.
    pub ended: Option<Flag>,
    /// Whether the client had ended its side before.
    pub left_first: bool,
    /// Where else the client wanted to go, by the right transport.
    pub elsewhere: Option<SocketAddr>,
    /// Where it wanted to go by the wrong one.
    pub other_transport: Option<SocketAddr>,
    /// Who asked.
    askers: Vec<SocketAddr>,
    /// Where a reply went from where nobody had asked.
    pub astray: Option<SocketAddr>,
    /// A reply that came from another port than the client had spoken to.
    pub strange: Option<SocketAddr>,
}

impl Exchange {
    /// Reads what was observed.
    #[must_use]
    pub fn of(meeting: &Meeting) -> Self {
        let server = waits(&meeting.server, meeting.transport);
        let mixed_up = waits(&meeting.server, meeting.transport.other()).filter(|_| server.is_none());
        let mut exchange = Self { server, mixed_up, ..Self::default() };
        for event in &meeting.packets {
            exchange.note(event, meeting);
        }
        exchange
    }

    fn note(&mut self, event: &Event, meeting: &Meeting) {
        let Some(server) = self.server else { return };
        match &event.fact {
            Fact::Unreachable { to, .. } if meeting.transport == Transport::Udp => {
                self.turned_away(*to, server, meeting)
            }
            Fact::Packet { transport, to, flags, .. } if *transport != meeting.transport => {
                let begins = *transport == Transport::Udp || *flags == [Flag::Syn];
                if begins {
                    self.other_transport.get_or_insert(*to);
                }
            }
            Fact::Packet { from, to, flags, bytes, length, .. } => {
                if is_at(*to, server) {
                    self.askers.push(*from);
                    self.heard_by_server(flags, &bytes.0);
                } else if is_at(*from, server) && !self.askers.contains(to) && meeting.transport == Transport::Udp {
                    self.astray.get_or_insert(*to);
                } else if is_at(*from, server) {
                    self.by_server(*from, flags, &bytes.0, *length);
                } else if flags.contains(&Flag::Rst) {
                    self.turned_away(*from, server, meeting);
                } else if meeting.transport == Transport::Udp && meeting.led.is_none() && !self.asked.is_empty() {
                    self.strange.get_or_insert(*from);
                }
            }
            _ => {}
        }
    }

    /// Notes that the client went where nobody is. (A client that resets its own connection is not turned
    /// away: what it reset had the server at one end.)
    fn turned_away(&mut self, to: SocketAddr, server: SocketAddr, meeting: &Meeting) {
        if to.port() == server.port() {
            self.refused.get_or_insert(to);
        } else if meeting.led.is_none() {
            self.elsewhere.get_or_insert(to);
        }
    }

    fn heard_by_server(&mut self, flags: &[Flag], bytes: &[u8]) {
        if !bytes.is_empty() {
            self.asked.push(bytes.to_vec());
        }
        let ends = flags.contains(&Flag::Fin) || flags.contains(&Flag::Rst);
        self.left_first |= ends && self.ended.is_none() && self.replied.is_empty();
    }

    fn by_server(&mut self, from: SocketAddr, flags: &[Flag], bytes: &[u8], length: u32) {
        if !bytes.is_empty() {
            self.replied.push(bytes.to_vec());
            self.length += usize::try_from(length).unwrap_or(usize::MAX);
        }
        for flag in [Flag::Rst, Flag::Fin] {
            if flags.contains(&flag) && self.ended.is_none() {
                // A reset in the place of a handshake: nobody listens at that address.
                let is_answer = self.asked.is_empty() && self.replied.is_empty() && flag == Flag::Rst;
                if is_answer {
                    self.refused.get_or_insert(from);
                } else {
                    self.ended = Some(flag);
                }
            }
        }
    }

    /// The port to which the client spoke, or wanted to.
    #[must_use]
    pub fn clients_port(&self) -> Option<u16> {
        let went = if self.asked.is_empty() { self.elsewhere.or(self.refused) } else { self.server };
        went.map(|there| there.port())
    }

    /// All that was said to the server, as one.
    #[must_use]
    pub fn asked(&self) -> Vec<u8> {
        self.asked.concat()
    }

    /// All that it replied, as one.
    #[must_use]
    pub fn replied(&self) -> Vec<u8> {
        self.replied.concat()
    }
}

/// The port to which the client went in vain, and the one on which the server waits, where they have none
/// in common.
#[must_use]
pub fn ports(meeting: &Meeting) -> Option<(u16, u16)> {
    let exchange = Exchange::of(meeting);
    let nothing = exchange.asked.is_empty() && exchange.refused.is_none() && exchange.replied.is_empty();
    let (server, client) = (exchange.server?, exchange.elsewhere?);
    nothing.then_some((client.port(), server.port()))
}

/// Whether an address is that of a socket which is bound so.
fn is_at(address: SocketAddr, bound: SocketAddr) -> bool {
    address.port() == bound.port() && (bound.ip().is_unspecified() || address.ip() == bound.ip())
}

/// The last sockets that are known of a program.
fn sockets(record: &Record) -> &[Socket] {
    let known = record.events.iter().rev().find_map(|event| match &event.fact {
        Fact::Sockets { sockets } if !sockets.is_empty() => Some(sockets.as_slice()),
        _ => None,
    });
    known.unwrap_or_default()
}

/// Where a program waited for clients by a transport.
fn waits(record: &Record, transport: Transport) -> Option<SocketAddr> {
    let state = match transport {
        Transport::Udp => SocketState::Bound,
        Transport::Tcp => SocketState::Listening,
    };
    let waits = |socket: &&Socket| {
        socket.transport == transport
            && socket.state == state
            && (socket.remote.is_none() || transport == Transport::Tcp)
    };
    sockets(record).iter().find(waits).map(|socket| socket.local)
}
