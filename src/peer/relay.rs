//! A port that leads to another one: what a client says to it reaches the server that waits elsewhere,
//! and what that replies comes from the port that the client spoke to.

mod datagrams;
mod streams;

use std::io;
use std::net::SocketAddr;

use crate::ids::Transport;

/// Carries everything between a port of ours and a server.
#[derive(Debug)]
pub struct Relay(Kind);

#[derive(Debug)]
enum Kind {
    Udp(datagrams::Datagrams),
    Tcp(#[expect(dead_code, reason = "it carries until it is dropped")] streams::Streams),
}

impl Relay {
    /// Leads a port to a server. Within a tokio runtime.
    ///
    /// # Errors
    /// What the system says; above all that somebody has the port.
    pub fn open(transport: Transport, port: u16, server: SocketAddr) -> io::Result<Self> {
        Ok(Self(match transport {
            Transport::Udp => Kind::Udp(datagrams::Datagrams::open(port, server)?),
            Transport::Tcp => Kind::Tcp(streams::Streams::open(port, server)?),
        }))
    }

    /// Carries on the datagrams that have come. (Streams are carried by tasks of their own.)
    pub fn pump(&mut self) {
        if let Kind::Udp(datagrams) = &mut self.0 {
            datagrams.pump();
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
