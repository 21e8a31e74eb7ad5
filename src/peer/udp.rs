//! UDP peers: a client with a port of its own, or a server that waits on a port.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::{LARGEST, PUMP, Seen, keep, not_yet, with_buffer};
use crate::event::Fact;
use crate::ids::{Peer, Transport};
use crate::text::Bytes;

/// A UDP endpoint of ours.
#[derive(Debug)]
pub struct Datagrams {
    peer: Peer,
    sockets: Vec<UdpSocket>,
    /// Where the last datagram came from, at which address of ours, and through which socket.
    last: Option<(SocketAddr, SocketAddr, usize)>,
    /// Where a client sends to.
    target: Option<SocketAddr>,
    /// Whether something came since this peer last sent.
    answered: bool,
    kept: usize,
}

impl Datagrams {
    /// A client of the program, with a free port, on the loopback address of `target`'s family.
    /// One that is `gone` is connected to another port, so that the system refuses every reply
    /// to it with ICMP "port unreachable".
    ///
    /// # Errors
    /// What the system says.
    pub fn client(peer: Peer, target: SocketAddr, gone: bool) -> io::Result<(Self, Seen)> {
        let home: IpAddr = match target.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        let socket = UdpSocket::bind((home, 0))?;
        socket.set_nonblocking(true)?;
        if gone {
            // Port 9 is `discard` (RFC 863); nothing is sent there.
            socket.connect((home, 9))?;
        }
        let local = socket.local_addr()?;
        let seen = Seen::now(Fact::Opened {
            peer: peer.clone(),
            transport: Transport::Udp,
            local,
            remote: None,
            accepted: false,
        });
        Ok((Self { peer, sockets: vec![socket], last: None, target: None, answered: false, kept: 0 }, seen))
    }

    /// A server that waits for the program, on every IPv4 and IPv6 address.
    ///
    /// # Errors
    /// What the system says; above all that the port is taken.
    pub fn server(peer: Peer, port: u16) -> io::Result<(Self, Seen)> {
        let v4 = bound(Domain::IPV4, (Ipv4Addr::UNSPECIFIED, port).into())?;
        let port = v4.local_addr()?.port();
        let mut sockets = vec![v4];
        // A machine without IPv6 is no reason to fail.
        sockets.extend(bound(Domain::IPV6, (Ipv6Addr::UNSPECIFIED, port).into()));
        let local = sockets[0].local_addr()?;
        let seen = Seen::now(Fact::Listening { peer: peer.clone(), transport: Transport::Udp, local });
        Ok((Self { peer, sockets, last: None, target: None, answered: false, kept: 0 }, seen))
    }

    /// The same, with a fixed target for what it sends.
    #[must_use]
    pub fn speaking_to(mut self, target: SocketAddr) -> Self {
        self.target = Some(target);
        self
    }

    /// Whether a datagram came since the last was sent.
    #[must_use]
    pub fn heard(&self) -> bool {
        self.answered
    }

    /// The last address that a datagram came from.
    #[must_use]
    pub fn last_client(&self) -> Option<SocketAddr> {
        self.last.map(|(from, _, _)| from)
    }

    /// Notes all that has come.
    pub fn pump(&mut self, seen: &mut Vec<Seen>) {
        with_buffer(|buffer| self.pump_into(buffer, seen));
    }

    fn pump_into(&mut self, buffer: &mut [u8], seen: &mut Vec<Seen>) {
        for index in 0..self.sockets.len() {
            let mut budget = PUMP;
            while budget > 0 {
                match receive(&self.sockets[index], buffer) {
                    Ok((length, from, to)) => {
                        budget = budget.saturating_sub(length + 64);
                        self.last = Some((from, to, index));
                        self.answered = true;
                        let (bytes, cut) = keep(&mut self.kept, &buffer[..length]);
                        let fact = Fact::Received { peer: self.peer.clone(), from, to, bytes: Bytes(bytes), cut };
                        seen.push(Seen::now(fact));
                    }
                    Err(error) if not_yet(&error) => break,
                    // ICMP errors of what was sent before (port unreachable): the next call is good.
                    Err(_) => budget = budget.saturating_sub(LARGEST),
                }
            }
        }
    }

    /// Sends a datagram to `to`, or, of a server, to the last client, from the address it spoke to.
    pub fn send(&mut self, bytes: &[u8], to: Option<SocketAddr>) -> Seen {
        let Some((target, from, index)) = to.or(self.target).map_or(self.last, |to| Some(self.source_for(to))) else {
            let error = "there is nobody to send to: the program has not spoken to this peer".to_owned();
            return Seen::now(Fact::SendFailed { peer: self.peer.clone(), error });
        };
        self.answered = false;
        let moment = std::time::Instant::now();
        let fact = match transmit(&self.sockets[index], bytes, target, from) {
            Ok(()) => Fact::Sent { peer: self.peer.clone(), from, to: target, bytes: Bytes::from(bytes) },
            Err(error) => Fact::SendFailed { peer: self.peer.clone(), error: error.to_string() },
        };
        Seen { at: moment, fact }
    }

    /// With where it goes: the address that it comes from, and the socket of its kind.
    fn source_for(&self, to: SocketAddr) -> (SocketAddr, SocketAddr, usize) {
        let locals = self.sockets.iter().map(|socket| socket.local_addr().unwrap_or(to));
        let alike = locals.enumerate().find(|(_, local)| local.is_ipv4() == to.is_ipv4());
        let (index, mut local) = alike.unwrap_or((0, to));
        if local.ip().is_unspecified() {
            local.set_ip(match to {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        (to, local, index)
    }
}

pub(super) fn bound(domain: Domain, at: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    if domain == Domain::IPV6 {
        socket.set_only_v6(true)?;
        // To answer from an address that is this machine's by a route alone (of IPv4, all may).
        #[cfg(target_os = "linux")]
        socket.set_freebind_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    #[cfg(target_os = "linux")]
    match domain {
        Domain::IPV4 => nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::Ipv4PacketInfo, &true)?,
        _ => nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::Ipv6RecvPacketInfo, &true)?,
    }
    socket.bind(&SockAddr::from(at))?;
    Ok(socket.into())
}

/// One datagram: its length, where it came from, and where it went to (ip(7), ipv6(7): `IP_PKTINFO`,
/// `IPV6_RECVPKTINFO`).
#[cfg(target_os = "linux")]
pub(super) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr, SocketAddr)> {
    use std::io::IoSliceMut;
    use std::os::fd::AsRawFd;

    use nix::libc::in6_pktinfo;
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};

    let local = socket.local_addr()?;
    if !local.ip().is_unspecified() {
        return socket.recv_from(buffer).map(|(length, from)| (length, from, local));
    }
    let mut space = nix::cmsg_space!(in6_pktinfo);
    let mut slices = [IoSliceMut::new(buffer)];
    let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::empty())?;
    let from = message.address.as_ref().and_then(internet);
    let from = from.ok_or_else(|| io::Error::other("a datagram from nowhere"))?;
    let mut to = local;
    for control in message.cmsgs()? {
        match control {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                to.set_ip(Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr)).into());
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => to.set_ip(Ipv6Addr::from(info.ipi6_addr.s6_addr).into()),
            _ => {}
        }
    }
    Ok((message.bytes, from, to))
}

#[cfg(target_os = "linux")]
fn internet(address: &nix::sys::socket::SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::V4((*v4).into()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into())))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr, SocketAddr)> {
    let local = socket.local_addr()?;
    socket.recv_from(buffer).map(|(length, from)| (length, from, local))
}

/// Sends from the given address, which matters to a client that spoke to 127.0.0.2 and takes an
/// answer only from there.
#[cfg(target_os = "linux")]
pub(super) fn transmit(socket: &UdpSocket, bytes: &[u8], to: SocketAddr, from: SocketAddr) -> io::Result<()> {
    use std::io::IoSlice;
    use std::os::fd::AsRawFd;

    use nix::libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo};
    use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};

    let bound = !socket.local_addr()?.ip().is_unspecified();
    if bound || from.ip().is_unspecified() || from.is_ipv4() != to.is_ipv4() {
        return socket.send_to(bytes, to).map(drop);
    }
    let (v4, v6);
    let control = match from.ip() {
        IpAddr::V4(source) => {
            let ipi_spec_dst = in_addr { s_addr: u32::from(source).to_be() };
            v4 = in_pktinfo { ipi_ifindex: 0, ipi_spec_dst, ipi_addr: in_addr { s_addr: 0 } };
            ControlMessage::Ipv4PacketInfo(&v4)
        }
        IpAddr::V6(source) => {
            v6 = in6_pktinfo { ipi6_addr: in6_addr { s6_addr: source.octets() }, ipi6_ifindex: 0 };
            ControlMessage::Ipv6PacketInfo(&v6)
        }
    };
    let target = SockaddrStorage::from(to);
    sendmsg(socket.as_raw_fd(), &[IoSlice::new(bytes)], &[control], MsgFlags::empty(), Some(&target))?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn transmit(socket: &UdpSocket, bytes: &[u8], to: SocketAddr, _from: SocketAddr) -> io::Result<()> {
    socket.send_to(bytes, to).map(drop)
}
