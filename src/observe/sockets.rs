//! The program's sockets, from its descriptors and the kernel's tables (proc_pid_net(5)).

use std::collections::HashSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Occupant;
use crate::event::{Socket, SocketState};
use crate::ids::Transport;

const TABLES: [(&str, Transport); 4] =
    [("tcp", Transport::Tcp), ("tcp6", Transport::Tcp), ("udp", Transport::Udp), ("udp6", Transport::Udp)];

/// A row of a table.
struct Row {
    socket: Socket,
    code: u8,
}

/// The sockets that these processes hold, in the order of their descriptors.
///
/// The kernel's tables take milliseconds to read on a large machine, since each read walks all of
/// its hash table; to duplicate a descriptor and ask the socket itself takes microseconds. Where
/// that is not allowed, the tables serve.
pub fn held_by(pids: &[u32]) -> Vec<Socket> {
    let mut sockets: Vec<Socket> = Vec::new();
    for pid in pids {
        let mut held = descriptors(*pid);
        held.sort_unstable();
        for (number, inode) in held.into_iter().filter_map(|(number, inode)| Some((number, inode?))) {
            match asked(*pid, number, inode) {
                Err(Denied) => return from_tables(pids),
                Ok(socket) => sockets.extend(socket.filter(|new| sockets.iter().all(|old| old.inode != new.inode))),
            }
        }
    }
    sockets
}

/// The socket behind one descriptor of a process, if it is one.
pub fn behind(pid: u32, descriptor: i32) -> Option<Socket> {
    let inode = inode(pid, descriptor)?;
    match asked(pid, descriptor, inode) {
        Ok(socket) => socket,
        Err(Denied) => from_tables(&[pid]).into_iter().find(|socket| socket.inode == inode),
    }
}

/// Descriptors of other processes may not be duplicated here.
struct Denied;

/// Asks a socket what it is. `None` if it is gone, no Internet socket, or not bound to anything.
fn asked(pid: u32, descriptor: i32, inode: u64) -> Result<Option<Socket>, Denied> {
    use nix::sys::socket::{SockType, SockaddrStorage, getpeername, getsockname, getsockopt, sockopt};
    use std::os::fd::AsRawFd as _;

    let copy = match crate::sys::descriptor_of(pid, descriptor) {
        Ok(copy) => copy,
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::Unsupported) =>
        {
            return Err(Denied);
        }
        Err(_) => return Ok(None),
    };
    let raw = copy.as_raw_fd();
    let described = || {
        let local = internet(&getsockname::<SockaddrStorage>(raw).ok()?)?;
        let remote = getpeername::<SockaddrStorage>(raw).ok().and_then(|remote| internet(&remote));
        let (transport, state) = match getsockopt(&copy, sockopt::SockType).ok()? {
            SockType::Datagram => (Transport::Udp, SocketState::Bound),
            SockType::Stream if getsockopt(&copy, sockopt::AcceptConn).ok()? => {
                (Transport::Tcp, SocketState::Listening)
            }
            SockType::Stream if remote.is_some() => (Transport::Tcp, SocketState::Connected),
            SockType::Stream => (Transport::Tcp, SocketState::Connecting),
            _ => return None,
        };
        let unread = match state {
            SocketState::Listening => u64::from(readable(&copy)),
            _ => crate::sys::unread(&copy).unwrap_or(0),
        };
        (local.port() != 0).then_some(Socket { transport, local, remote, state, inode, unread })
    };
    Ok(described())
}

/// Whether something waits: of a listening socket, a connection that is not accepted yet.
fn readable(socket: &std::os::fd::OwnedFd) -> bool {
    use std::os::fd::AsFd as _;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    let mut asked = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    matches!(poll(&mut asked, PollTimeout::ZERO), Ok(1..))
}

fn internet(address: &nix::sys::socket::SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::new(v4.ip().into(), v4.port()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::new(v6.ip().to_canonical(), v6.port())))
}

fn from_tables(pids: &[u32]) -> Vec<Socket> {
    let inodes: HashSet<u64> = pids.iter().flat_map(|pid| descriptors(*pid)).filter_map(|(_, inode)| inode).collect();
    let Some(pid) = pids.first().filter(|_| !inodes.is_empty()) else { return Vec::new() };
    rows(*pid).into_iter().map(|row| row.socket).filter(|socket| inodes.contains(&socket.inode)).collect()
}

/// The descriptors of a process, each with the inode of the socket that it is, if it is one.
pub fn descriptors(pid: u32) -> Vec<(i32, Option<u64>)> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            let target = fs::read_link(entry.path()).ok()?;
            let inode = target.to_str().and_then(|target| target.strip_prefix("socket:[")?.strip_suffix(']'));
            Some((number, inode.and_then(|inode| inode.parse().ok())))
        })
        .collect()
}

/// The inode of the socket that a descriptor is, if it is one.
pub fn inode(pid: u32, descriptor: i32) -> Option<u64> {
    let target = fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).ok()?;
    target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// Who has a port: a socket that waits there or a connection that is held is a program's; one
/// without an inode is the kernel's alone.
pub fn occupant(transport: Transport, port: u16) -> Occupant {
    let rows = rows(std::process::id());
    let mut there = rows
        .iter()
        .map(|row| &row.socket)
        .filter(|socket| socket.transport == transport && socket.local.port() == port);
    match there
        .clone()
        .any(|socket| socket.inode != 0 && (socket.state == SocketState::Listening || transport == Transport::Udp))
    {
        true => Occupant::Program,
        false if there.next().is_some() => Occupant::Remains,
        false => Occupant::Nobody,
    }
}

/// Whether the end of a connection at `local` is closed and held by no process: all that is left
/// of it is the kernel's FIN_WAIT_1 or FIN_WAIT_2 (codes 4 and 5, with no inode).
pub fn orphaned(local: SocketAddr, remote: SocketAddr) -> bool {
    rows(std::process::id()).iter().any(|row| {
        row.socket.local == local
            && row.socket.remote == Some(remote)
            && matches!(row.code, 4 | 5)
            && row.socket.inode == 0
    })
}

/// The tables as this process of the namespace sees them.
fn rows(pid: u32) -> Vec<Row> {
    TABLES
        .iter()
        .filter_map(|(table, transport)| {
            Some((fs::read_to_string(format!("/proc/{pid}/net/{table}")).ok()?, *transport))
        })
        .flat_map(|(text, transport)| text.lines().skip(1).filter_map(|line| row(line, transport)).collect::<Vec<_>>())
        .collect()
}

/// `sl local remote st tx:rx tr:when retrnsmt uid timeout inode …`, numbers hexadecimal.
fn row(line: &str, transport: Transport) -> Option<Row> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let local = address(fields.get(1)?)?;
    let remote = Some(address(fields.get(2)?)?).filter(|remote| remote.port() != 0);
    let code = u8::from_str_radix(fields.get(3)?, 16).ok()?;
    let unread = u64::from_str_radix(fields.get(4)?.split_once(':')?.1, 16).ok()?;
    let inode = fields.get(9)?.parse().ok()?;
    let state = match (transport, code) {
        (Transport::Udp, _) => SocketState::Bound,
        (Transport::Tcp, 10) => SocketState::Listening,
        (Transport::Tcp, 2 | 3) => SocketState::Connecting,
        (Transport::Tcp, 1) => SocketState::Connected,
        (Transport::Tcp, _) => SocketState::Closing,
    };
    Some(Row { socket: Socket { transport, local, remote, state, inode, unread }, code })
}

/// `0100007F:2EE0`: an address as the kernel prints it, in 32-bit words of the host's byte order.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let words: Vec<[u8; 4]> = (0..ip.len() / 8)
        .map(|index| u32::from_str_radix(&ip[index * 8..index * 8 + 8], 16).ok().map(u32::to_ne_bytes))
        .collect::<Option<_>>()?;
    let ip: IpAddr = match words.as_slice() {
        [word] => Ipv4Addr::from(*word).into(),
        [_, _, _, _] => {
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Ipv6Addr::from(bytes).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}
