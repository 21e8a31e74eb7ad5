//! The loopback interface of a network namespace, set up by netlink (rtnetlink(7)).

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};

use netlink_packet_core::{
    ErrorBuffer, NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST, NetlinkBuffer, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::link::{LinkFlags, LinkMessage};
use netlink_packet_route::route::{RouteAttribute, RouteMessage, RouteProtocol, RouteScope, RouteType};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nix::sys::socket::{MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

/// `lo` is the first interface of every namespace (`LOOPBACK_IFINDEX` of the kernel).
const INDEX: u32 = 1;

/// The table `local`, of the addresses that are this machine's (ip-route(8)).
const LOCAL: u8 = 255;

/// Brings `lo` up and makes every IPv4 and IPv6 address this machine's, as `ip route add local
/// default dev lo` does (the AnyIP route of Linux): whatever address a program has been told, what
/// listens here on all addresses answers it, and nothing leaves the machine.
///
/// # Errors
/// The system's: the namespace is not ours to change. A kernel without IPv6 is no error.
pub fn set_up() -> io::Result<()> {
    let kernel = socket(
        nix::sys::socket::AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkRoute,
    )?;
    ask(&kernel, RouteNetlinkMessage::SetLink(up()), 0)?;
    ask(&kernel, RouteNetlinkMessage::NewRoute(any(AddressFamily::Inet)), NLM_F_CREATE)?;
    // Where there is no IPv6, programs cannot want it.
    let _ = ask(&kernel, RouteNetlinkMessage::NewRoute(any(AddressFamily::Inet6)), NLM_F_CREATE);
    Ok(())
}

fn up() -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = INDEX;
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    message
}

/// The route that makes all addresses of a family local.
fn any(family: AddressFamily) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family;
    message.header.table = LOCAL;
    message.header.protocol = RouteProtocol::Boot;
    message.header.scope = RouteScope::Host;
    message.header.kind = RouteType::Local;
    message.attributes.push(RouteAttribute::Oif(INDEX));
    message
}

/// Sends one request, and waits for the kernel's word on it (netlink(7)).
fn ask(kernel: &OwnedFd, request: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(request));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    send(kernel.as_raw_fd(), &bytes, MsgFlags::empty())?;
    let mut answer = [0; 4096];
    let length = recv(kernel.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    // An acknowledgement is an error of number 0.
    let answer = NetlinkBuffer::new_checked(&answer[..length]).map_err(io::Error::other)?;
    let word = ErrorBuffer::new_checked(answer.payload()).map_err(io::Error::other)?;
    word.code().map_or(Ok(()), |code| Err(io::Error::from_raw_os_error(code.get().abs())))
}
