//! Datagrams, carried on.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use socket2::Domain;

use crate::peer::udp::{bound, receive, transmit};
use crate::peer::{not_yet, with_buffer};

/// The clients that are remembered, and the datagrams that one pump carries: a flood starves nobody.
const CLIENTS: usize = 64;
const MOST: usize = 256;

/// A client, as the server sees it: by a socket of its own.
#[derive(Debug)]
struct Client {
    from: SocketAddr,
    /// The address that it spoke to, through which of our sockets: from there it gets its replies.
    to: SocketAddr,
    through: usize,
    socket: UdpSocket,
}

/// Waits on a port, and sends what comes to the server.
#[derive(Debug)]
pub struct Datagrams {
    sockets: Vec<UdpSocket>,
    server: SocketAddr,
    clients: Vec<Client>,
}

impl Datagrams {
    pub(super) fn open(port: u16, server: SocketAddr) -> io::Result<Self> {
        let mut sockets = vec![bound(Domain::IPV4, (Ipv4Addr::UNSPECIFIED, port).into())?];
        // A machine without IPv6 is no reason to fail.
        sockets.extend(bound(Domain::IPV6, (Ipv6Addr::UNSPECIFIED, port).into()));
        Ok(Self { sockets, server, clients: Vec::new() })
    }

    pub(super) fn pump(&mut self) {
        with_buffer(|buffer| {
            for through in 0..self.sockets.len() {
                for _ in 0..MOST {
                    match receive(&self.sockets[through], buffer) {
                        Ok((length, from, to)) => self.forth(&buffer[..length], from, to, through),
                        Err(error) if not_yet(&error) => break,
                        // An ICMP error of what was sent before: the client has gone.
                        Err(_) => {}
                    }
                }
            }
            self.back(buffer);
        });
    }

    fn forth(&mut self, bytes: &[u8], from: SocketAddr, to: SocketAddr, through: usize) {
        if !self.clients.iter().any(|client| client.from == from) {
            let Ok(socket) = towards(self.server) else { return };
            if self.clients.len() == CLIENTS {
                self.clients.remove(0);
            }
            self.clients.push(Client { from, to, through, socket });
        }
        if let Some(client) = self.clients.iter().find(|client| client.from == from) {
            // Who does not get it replies nothing, and that is seen.
            let _ = client.socket.send_to(bytes, self.server);
        }
    }

    fn back(&self, buffer: &mut [u8]) {
        for client in &self.clients {
            for _ in 0..MOST {
                match client.socket.recv_from(buffer) {
                    Ok((length, _)) => {
                        let _ = transmit(&self.sockets[client.through], &buffer[..length], client.from, client.to);
                    }
                    Err(error) if not_yet(&error) => break,
                    Err(_) => {}
                }
            }
        }
    }
}

/// A socket that can reach the server.
fn towards(server: SocketAddr) -> io::Result<UdpSocket> {
    let home: IpAddr = match server.ip() {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let socket = UdpSocket::bind((home, 0))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
