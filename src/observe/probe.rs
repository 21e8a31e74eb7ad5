//! Who has a port, where the system lists no sockets: whoever tries to bind it learns that.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use socket2::{Domain, Protocol, Type};

use crate::event::{Socket, SocketState};
use crate::ids::Transport;

/// The socket that somebody has bound to a port, as far as can be told. Takes the port for a moment,
/// so it is to be asked only while the program does nothing.
pub fn bound(transport: Transport, port: u16) -> Option<Socket> {
    let taken = |host: Ipv4Addr| {
        // Without SO_REUSEADDR, which lets a second socket in beside the first on some systems.
        let result = socket(transport).and_then(|socket| socket.bind(&SocketAddr::from((host, port)).into()));
        // Windows refuses a port that is held for good with "permission denied".
        result.is_err_and(|error| matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied))
    };
    if !taken(Ipv4Addr::UNSPECIFIED) && !taken(Ipv4Addr::LOCALHOST) {
        return None;
    }
    let state = match transport {
        Transport::Udp => SocketState::Bound,
        Transport::Tcp => SocketState::Listening,
    };
    let local = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
    Some(Socket { transport, local, remote: None, state, inode: 0, unread: 0 })
}

fn socket(transport: Transport) -> io::Result<socket2::Socket> {
    match transport {
        Transport::Udp => socket2::Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)),
        Transport::Tcp => socket2::Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by a panic")]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_bound_while_somebody_has_it() {
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = udp.local_addr().unwrap().port();
        assert!(bound(Transport::Udp, port).is_some());
        drop(udp);
        assert!(bound(Transport::Udp, port).is_none());
        let tcp = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
        assert!(bound(Transport::Tcp, tcp.local_addr().unwrap().port()).is_some());
    }
}
