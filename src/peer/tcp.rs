//! TCP peers: a connection, made or accepted, and a listener.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};

use super::{PUMP, Seen, broken, keep, not_yet, with_buffer};
use crate::event::{Fact, OurEnd, StreamEnd};
use crate::ids::{Peer, Transport};
use crate::text::Bytes;

/// A connection with the program.
#[derive(Debug)]
pub struct Stream {
    peer: Peer,
    stream: TcpStream,
    local: SocketAddr,
    remote: SocketAddr,
    connecting: bool,
    outgoing: Vec<u8>,
    shut: bool,
    ended: Option<StreamEnd>,
    refused: bool,
    heard: bool,
    kept: usize,
}

impl Stream {
    /// Begins to connect to the program. The handshake is done by the program's system, not by the
    /// program, so on one machine it is over before this returns, unless the backlog is full.
    ///
    /// # Errors
    /// What the system says, refusal included.
    pub fn connect(peer: Peer, target: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(target), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&SockAddr::from(target)) {
            Ok(()) => {}
            Err(error) if in_progress(&error) => {}
            Err(error) => return Err(error),
        }
        let stream: TcpStream = socket.into();
        let local = stream.local_addr()?;
        Ok(Self::new(peer, stream, local, target, true))
    }

    fn new(peer: Peer, stream: TcpStream, local: SocketAddr, remote: SocketAddr, connecting: bool) -> Self {
        Self {
            peer,
            stream,
            local,
            remote,
            connecting,
            outgoing: Vec::new(),
            shut: false,
            ended: None,
            refused: false,
            heard: false,
            kept: 0,
        }
    }

    /// Our address.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// The program's address.
    #[must_use]
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// How the program's half ended, if it did.
    #[must_use]
    pub fn ended(&self) -> Option<StreamEnd> {
        self.ended
    }

    /// Whether something came since this peer last sent.
    #[must_use]
    pub fn heard(&self) -> bool {
        self.heard
    }

    /// Whether the handshake is not yet over.
    #[must_use]
    pub fn is_connecting(&self) -> bool {
        self.connecting
    }

    /// Notes all that has come, and sends what is still to be sent.
    pub fn pump(&mut self, seen: &mut Vec<Seen>) {
        if self.connecting && !self.finish_connecting(seen) {
            return;
        }
        self.flush(seen);
        if self.ended.is_none() {
            self.drain(seen);
        }
    }

    fn finish_connecting(&mut self, seen: &mut Vec<Seen>) -> bool {
        match self.stream.take_error() {
            Ok(None) => {}
            Ok(Some(error)) | Err(error) => {
                self.connecting = false;
                self.refused = true;
                self.ended = Some(StreamEnd::Rst);
                let (peer, error) = (self.peer.clone(), error.to_string());
                let fact = Fact::Refused { peer, remote: self.remote, local: Some(self.local), error };
                seen.push(Seen::now(fact));
                return false;
            }
        }
        if self.stream.peer_addr().is_err() {
            return false;
        }
        self.connecting = false;
        seen.push(self.opened(false));
        true
    }

    fn opened(&self, accepted: bool) -> Seen {
        Seen::now(Fact::Opened {
            peer: self.peer.clone(),
            transport: Transport::Tcp,
            local: self.local,
            remote: Some(self.remote),
            accepted,
        })
    }

    fn drain(&mut self, seen: &mut Vec<Seen>) {
        with_buffer(|buffer| self.drain_into(buffer, seen));
    }

    fn drain_into(&mut self, buffer: &mut [u8], seen: &mut Vec<Seen>) {
        let (mut bytes, mut cut, mut budget) = (Vec::new(), 0, PUMP);
        let end = loop {
            match self.stream.read(buffer) {
                Ok(0) => break Some(StreamEnd::Fin),
                Ok(length) => {
                    let (kept, lost) = keep(&mut self.kept, &buffer[..length]);
                    bytes.extend(kept);
                    cut += lost;
                    budget = budget.saturating_sub(length);
                    if budget == 0 {
                        break None;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if not_yet(&error) => break None,
                Err(_) => break Some(StreamEnd::Rst),
            }
        };
        if !bytes.is_empty() || cut > 0 {
            self.heard = true;
            let (peer, from, to) = (self.peer.clone(), self.remote, self.local);
            seen.push(Seen::now(Fact::Received { peer, from, to, bytes: Bytes(bytes), cut }));
        }
        if let Some(how) = end {
            self.ended = Some(how);
            seen.push(Seen::now(Fact::Ended { peer: self.peer.clone(), how }));
        }
    }

    /// Sends bytes, at once or as soon as the program's system takes them.
    pub fn send(&mut self, bytes: &[u8], seen: &mut Vec<Seen>) {
        self.heard = false;
        if self.connecting {
            self.finish_connecting(seen);
        }
        if self.ended == Some(StreamEnd::Rst) {
            let error = if self.refused { "there is no connection" } else { "the connection was reset" }.to_owned();
            seen.push(Seen::now(Fact::SendFailed { peer: self.peer.clone(), error }));
            return;
        }
        let (peer, from, to) = (self.peer.clone(), self.local, self.remote);
        seen.push(Seen::now(Fact::Sent { peer, from, to, bytes: Bytes::from(bytes) }));
        self.outgoing.extend_from_slice(bytes);
        self.flush(seen);
    }

    fn flush(&mut self, seen: &mut Vec<Seen>) {
        while !self.connecting && !self.outgoing.is_empty() {
            match self.stream.write(&self.outgoing) {
                Ok(written) => drop(self.outgoing.drain(..written)),
                Err(error) if not_yet(&error) => return,
                Err(error) => {
                    self.outgoing.clear();
                    seen.push(Seen::now(Fact::SendFailed { peer: self.peer.clone(), error: error.to_string() }));
                    if broken(&error) && self.ended.is_none() {
                        // What came before the reset can still be read, and then tells of it.
                        self.drain(seen);
                    }
                }
            }
        }
        if self.shut && self.outgoing.is_empty() && !self.connecting {
            self.shut = false;
            // Fails where the connection is gone, which the next read tells.
            let _ = self.stream.shutdown(Shutdown::Write);
        }
    }

    /// Ends our sending side, once all is sent.
    pub fn shutdown(&mut self, seen: &mut Vec<Seen>) {
        self.shut = true;
        self.flush(seen);
        seen.push(Seen::now(Fact::Closed { peer: self.peer.clone(), how: OurEnd::Shutdown }));
    }

    /// Closes in order. With `clean`, where the program has closed its end and holds it no more, the
    /// rest is reset: that leaves no TIME_WAIT behind, which would hold the program's port for a
    /// minute.
    pub fn close(self, clean: bool) -> Seen {
        if clean {
            let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        }
        Seen::now(Fact::Closed { peer: self.peer, how: OurEnd::Close })
    }

    /// Resets the connection.
    pub fn reset(self) -> Seen {
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        Seen::now(Fact::Closed { peer: self.peer, how: OurEnd::Reset })
    }
}

fn in_progress(error: &io::Error) -> bool {
    #[cfg(unix)]
    let started = error.raw_os_error() == Some(nix::libc::EINPROGRESS);
    #[cfg(not(unix))]
    let started = false;
    started || error.kind() == io::ErrorKind::WouldBlock
}

/// A socket of ours that the program connects to.
#[derive(Debug)]
pub struct Listener {
    peer: Peer,
    sockets: Vec<TcpListener>,
    /// Connections that no `accept` step has taken yet.
    waiting: Vec<(TcpStream, SocketAddr)>,
}

impl Listener {
    /// Listens on every IPv4 and IPv6 address.
    ///
    /// # Errors
    /// What the system says; above all that the port is taken.
    pub fn open(peer: Peer, port: u16) -> io::Result<(Self, Seen)> {
        let v4 = listening(Domain::IPV4, (Ipv4Addr::UNSPECIFIED, port).into())?;
        let local = v4.local_addr()?;
        let mut sockets = vec![v4];
        // A machine without IPv6 is no reason to fail.
        sockets.extend(listening(Domain::IPV6, (Ipv6Addr::UNSPECIFIED, port).into()));
        let seen = Seen::now(Fact::Listening { peer: peer.clone(), transport: Transport::Tcp, local });
        Ok((Self { peer, sockets, waiting: Vec::new() }, seen))
    }

    /// Notes connections that have come.
    pub fn pump(&mut self, seen: &mut Vec<Seen>) {
        for socket in &self.sockets {
            while self.waiting.len() < 1024 {
                let Ok((stream, from)) = socket.accept() else { break };
                let prepared = stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true));
                if let (Ok(()), Ok(to)) = (prepared, stream.local_addr()) {
                    seen.push(Seen::now(Fact::Arrived { peer: self.peer.clone(), from, to }));
                    self.waiting.push((stream, from));
                }
            }
        }
    }

    /// Whether a connection waits on which the program has spoken (or of which it has ended its
    /// half), so that there is no better one to come.
    #[must_use]
    pub fn has_speaker(&self) -> bool {
        self.waiting.iter().any(|(stream, _)| spoken(stream))
    }

    /// Takes a connection: the first on which the program has said something, else the first of all.
    pub fn take(&mut self, name: Peer, seen: &mut Vec<Seen>) -> Option<Stream> {
        if self.waiting.is_empty() {
            return None;
        }
        let index = self.waiting.iter().position(|(stream, _)| spoken(stream)).unwrap_or(0);
        let (stream, from) = self.waiting.remove(index);
        let local = stream.local_addr().ok()?;
        let taken = Stream::new(name, stream, local, from, false);
        seen.push(taken.opened(true));
        Some(taken)
    }
}

/// Whether bytes wait to be read.
fn spoken(stream: &TcpStream) -> bool {
    matches!(stream.peek(&mut [0]), Ok(1..))
}

fn listening(domain: Domain, at: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    if domain == Domain::IPV6 {
        socket.set_only_v6(true)?;
    }
    // So that a connection of an earlier run in TIME_WAIT does not keep us from our port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(at))?;
    socket.listen(128)?;
    Ok(socket.into())
}
