//! A program that runs, with the eyes on it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Instant;

use crate::event::{Exit, Socket, SocketState};
use crate::ids::{Side, Transport};
use crate::observe::Watch;
use crate::peer::NAME_PORT;
use crate::program::launch::{Launch, LaunchError, Running};
use crate::sandbox::Sandbox;

/// A loopback address on which no lab's program is bound by name: a server that answers there is
/// bound to more than 127.0.0.1. On Linux all of 127.0.0.0/8 is local.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 77));

/// An address of this host other than 127.0.0.1.
///
/// # Errors
/// It has none (where the system is not Linux).
pub(super) fn another_address() -> io::Result<IpAddr> {
    if cfg!(target_os = "linux") {
        return Ok(ELSEWHERE);
    }
    // To connect a UDP socket sends nothing: the system only says which address it would send from.
    // The other end is an address for documentation (RFC 5737).
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
    let own = socket.local_addr()?.ip();
    if own.is_loopback() || own.is_unspecified() { Err(io::ErrorKind::AddrNotAvailable.into()) } else { Ok(own) }
}

/// A program that was started and not yet stopped.
#[derive(Debug)]
pub struct Live {
    pub(super) running: Running,
    pub(super) watch: Watch,
    pub(super) exited: bool,
    /// Whether the last connection to it was not made in time: its backlog is full, and the next one
    /// has no better chance.
    pub(super) stuck: bool,
    /// Whether it has ever sent anything.
    pub(super) served: bool,
    /// When its use of memory and processes was last looked at.
    pub(super) measured: Instant,
    /// When what its files take was.
    pub(super) files_measured: Instant,
    /// Whether it was noted that it has as many processes as it may have.
    pub(super) crowded: bool,
    side: Side,
    sockets: Vec<Socket>,
    target: Option<SocketAddr>,
}

impl Live {
    pub(super) fn start(launch: &Launch, sandbox: &Sandbox, side: Side) -> Result<Self, LaunchError> {
        let running = Running::start(launch, sandbox)?;
        let watch = Watch::new(running.keepers(), crate::program::language::runtimes());
        Ok(Self {
            running,
            watch,
            exited: false,
            stuck: false,
            served: false,
            measured: Instant::now(),
            files_measured: Instant::now(),
            crowded: false,
            side,
            sockets: Vec::new(),
            target: None,
        })
    }

    /// How it ended. A server may become a daemon: its first process then ends with status 0, and
    /// the server is what it leaves behind.
    pub(super) fn exit(&mut self) -> Option<Exit> {
        let how = self.running.exit()?;
        let daemon = self.side == Side::Server && how == Exit::Status(0) && self.watch.is_alive();
        (!daemon).then_some(how)
    }

    /// Where the program is to be spoken to.
    #[must_use]
    pub fn target(&self) -> Option<SocketAddr> {
        self.target
    }

    /// The sockets that it had when it was ready.
    pub(super) fn known_sockets(&self) -> &[Socket] {
        &self.sockets
    }

    /// Gives its processes the processor time of one scenario, whatever they used before: what a
    /// program that never waits burns is for the most part our waiting.
    pub(super) fn allow_cpu(&self, seconds: u64) {
        #[cfg(target_os = "linux")]
        for pid in self.watch.processes() {
            // One that is gone needs none.
            let _ = crate::sys::allow_cpu(pid, seconds);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = seconds;
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.exit().is_some()
    }

    /// Looks for the socket that clients are to speak to. True once it is bound to the assigned
    /// port; another port is remembered, in case that nothing better comes.
    pub(super) fn find_target(&mut self, transport: Transport, port: u16) -> bool {
        let wanted = match transport {
            Transport::Udp => SocketState::Bound,
            Transport::Tcp => SocketState::Listening,
        };
        self.sockets = self.watch.sockets();
        // One that asks for a host's address waits for nobody else.
        let asks = |socket: &Socket| socket.remote.is_some_and(|remote| remote.port() == NAME_PORT);
        let waiting = |socket: &&Socket| socket.transport == transport && socket.state == wanted && !asks(socket);
        let assigned = self.sockets.iter().filter(waiting).find(|socket| socket.local.port() == port);
        let found = assigned.or_else(|| self.sockets.iter().find(waiting));
        self.target = found.map(|socket| reachable(socket.local));
        assigned.is_some()
    }

    /// Says that it is not to be spoken to.
    pub(super) fn lose_target(&mut self) {
        self.target = None;
    }

    /// Where no sockets are listed: whether somebody has the assigned port.
    pub(super) fn probe_target(&mut self, transport: Transport, port: u16) -> bool {
        self.sockets = self.watch.probe(transport, port).into_iter().collect();
        self.target = self.sockets.first().map(|socket| reachable(socket.local));
        self.target.is_some()
    }

    /// Ends it, and everything that it has started.
    pub fn stop(&mut self) -> Exit {
        self.running.stop()
    }
}

/// An address at which a socket that is bound to this one can be reached.
fn reachable(local: SocketAddr) -> SocketAddr {
    // A socket on `::` takes IPv4 as well, unless it was told not to (ipv6(7), IPV6_V6ONLY).
    if local.ip().is_unspecified() { SocketAddr::new(Ipv4Addr::LOCALHOST.into(), local.port()) } else { local }
}
