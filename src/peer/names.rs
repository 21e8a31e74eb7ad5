//! The name server of a private network: whatever host the program looks for is this machine.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use simple_dns::rdata::RData;
use simple_dns::{CLASS, OPCODE, Packet, PacketFlag, QTYPE, Question, ResourceRecord, TYPE};
use socket2::Domain;

use super::udp::{bound, receive, transmit};
use super::{Seen, not_yet, with_buffer};
use crate::event::Fact;

/// The port of name servers (RFC 1035, section 4.2.1).
pub const PORT: u16 = 53;

/// The questions that are answered in one pump, so that a flood of them starves nobody.
const MOST: usize = 256;

/// The questions for an IPv4 address that are remembered.
const REMEMBERED: usize = 64;

/// Answers questions for names (RFC 1035), over UDP; no answer is so long that TCP would be needed.
#[derive(Debug)]
pub struct Names {
    socket: UdpSocket,
    answers: Answers,
}

/// What is answered to whom, without a socket.
#[derive(Debug, Default)]
pub struct Answers {
    /// Who asked for the IPv4 address of which name, the latest last.
    asked: VecDeque<(SocketAddr, String)>,
}

impl Names {
    /// Waits at every IPv4 address of this machine, so that it is no matter which name server the
    /// program asks.
    ///
    /// # Errors
    /// What the system says: the port is taken, or not for everybody.
    pub fn open() -> io::Result<Self> {
        let socket = bound(Domain::IPV4, (Ipv4Addr::UNSPECIFIED, PORT).into())?;
        Ok(Self { socket, answers: Answers::default() })
    }

    /// Answers all that has been asked, and notes which hosts were looked for.
    pub fn pump(&mut self, seen: &mut Vec<Seen>) {
        with_buffer(|buffer| {
            for _ in 0..MOST {
                match receive(&self.socket, buffer) {
                    Ok((length, from, to)) => {
                        if let Some(reply) = self.answers.to(&buffer[..length], from, seen) {
                            // Who does not get it asks again.
                            let _ = transmit(&self.socket, &reply, from, to);
                        }
                    }
                    Err(error) if not_yet(&error) => break,
                    // ICMP errors of what was sent before: who asked has gone.
                    Err(_) => {}
                }
            }
        });
    }
}

impl Answers {
    /// The reply to what came from somebody: none to what is no question. Notes which hosts were looked for.
    #[must_use]
    pub fn to(&mut self, bytes: &[u8], from: SocketAddr, seen: &mut Vec<Seen>) -> Option<Vec<u8>> {
        let query = Packet::parse(bytes).ok()?;
        let question = query.questions.first()?;
        if query.has_flags(PacketFlag::RESPONSE) || query.opcode() != OPCODE::StandardQuery {
            return None;
        }
        let name = host(question);
        let wants = |kind| question.qtype == QTYPE::TYPE(kind);
        if (wants(TYPE::A) || wants(TYPE::AAAA)) && !name.is_empty() {
            seen.push(Seen::now(Fact::LookedUp { name: name.clone() }));
        }
        let address = self.address(question, from, name);
        reply(&query, question, address)
    }

    /// The address that answers a question, if any does. Who wants either kind asks for both from one
    /// socket, IPv4 first (glibc, musl), and gets IPv4 alone: there are programs that take the first
    /// address for one of IPv4, whatever it is. Who wants IPv6 alone gets that.
    fn address(&mut self, question: &Question<'_>, from: SocketAddr, name: String) -> Option<RData<'static>> {
        let asked = (from, name);
        match question.qtype {
            QTYPE::TYPE(TYPE::A) => {
                if self.asked.len() == REMEMBERED {
                    self.asked.pop_front();
                }
                self.asked.push_back(asked);
                Some(RData::A(Ipv4Addr::LOCALHOST.into()))
            }
            QTYPE::TYPE(TYPE::AAAA) if !self.asked.contains(&asked) => Some(RData::AAAA(Ipv6Addr::LOCALHOST.into())),
            _ => None,
        }
    }
}

/// The name that a question is about, as it is written: `www.example.org`.
fn host(question: &Question<'_>) -> String {
    let labels = question.qname.as_bytes().map(|label| String::from_utf8_lossy(label).into_owned());
    labels.collect::<Vec<_>>().join(".")
}

/// An answer without an error, even if it says nothing: the name exists, but not what was asked for.
fn reply(query: &Packet<'_>, question: &Question<'_>, address: Option<RData<'static>>) -> Option<Vec<u8>> {
    let mut reply = Packet::new_reply(query.id());
    reply.set_flags(PacketFlag::AUTHORITATIVE_ANSWER | PacketFlag::RECURSION_AVAILABLE);
    if query.has_flags(PacketFlag::RECURSION_DESIRED) {
        reply.set_flags(PacketFlag::RECURSION_DESIRED);
    }
    reply.questions.push(question.clone());
    // Not to be kept: the next one to ask is another program.
    let answer = address.map(|address| ResourceRecord::new(question.qname.clone(), CLASS::IN, 0, address));
    reply.answers.extend(answer);
    reply.build_bytes_vec().ok()
}

#[cfg(test)]
mod tests;
