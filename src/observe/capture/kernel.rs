//! The packet socket.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd as _, OwnedFd};

use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, recvmsg, setsockopt,
    socket, sockopt,
};

use super::decode::decode;
use super::{Frame, Packets, Sighting};
use crate::event::Fact;

/// More packets than this are not kept of one scenario.
pub const MOST: usize = 2000;

/// More bytes than this are not kept of one scenario's frames.
const LARGEST: usize = 8 * 1024 * 1024;

/// What the kernel may keep for us between two looks, in bytes.
const ROOM: usize = 8 * 1024 * 1024;

/// The longest packet on a loopback interface, and some more.
const PACKET: usize = 65_536 + 64;

/// A packet of ours that went out, where the kernel cannot leave those out (packet(7)).
const OUTGOING: u8 = 4;

/// Sees every packet in this process's network.
#[derive(Debug)]
pub struct Capture {
    socket: OwnedFd,
    buffer: Vec<u8>,
    keeps_frames: bool,
    packets: Packets,
    /// Packets, and bytes of frames, that were kept of this scenario.
    kept: usize,
    size: usize,
    left_out: u64,
    lost: u64,
}

impl Capture {
    /// Begins to see packets; `keeps_frames`, where they are to be written to a file. Only in a
    /// network of our own.
    ///
    /// # Errors
    /// The system's; above all that this process may not (`CAP_NET_RAW`).
    pub fn open(keeps_frames: bool) -> io::Result<Self> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Packet, SockType::Datagram, flags, SockProtocol::EthAll)?;
        // Where the kernel is too old for it, they are told by their type.
        let _ = crate::sys::ignore_outgoing(&socket);
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        // More than the machine's limit takes a privilege that a user namespace may not give.
        if setsockopt(&socket, sockopt::RcvBufForce, &ROOM).is_err() {
            let _ = setsockopt(&socket, sockopt::RcvBuf, &ROOM);
        }
        Ok(Self {
            socket,
            buffer: vec![0; PACKET],
            keeps_frames,
            packets: Packets::default(),
            kept: 0,
            size: 0,
            left_out: 0,
            lost: 0,
        })
    }

    /// Begins anew: what was seen before belongs to another scenario.
    pub fn begin(&mut self) {
        while self.next().is_some() {}
        let _ = crate::sys::packets_lost(&self.socket);
        self.packets = Packets::default();
        (self.kept, self.size, self.left_out, self.lost) = (0, 0, 0, 0);
    }

    /// All that has come since this was last asked. What cannot be read as UDP or TCP is left out.
    pub fn drain(&mut self) -> Vec<Sighting> {
        let mut seen = Vec::new();
        // Who floods the wire must not keep us here.
        for _ in 0..MOST {
            let Some((nanos, length)) = self.next() else { break };
            let bytes = &self.buffer[..length];
            let Some(fact) = decode(bytes) else { continue };
            if self.kept >= MOST || self.size >= LARGEST {
                self.left_out += 1;
                continue;
            }
            self.kept += 1;
            if self.keeps_frames {
                self.size += length;
                self.packets.frames.push(Frame { nanos, bytes: bytes.to_vec() });
            }
            seen.push(Sighting { nanos, fact });
        }
        seen
    }

    /// What is missing in what was seen, if anything is.
    pub fn missing(&mut self) -> Option<Fact> {
        self.lost += u64::from(crate::sys::packets_lost(&self.socket).unwrap_or(0));
        let (left_out, lost) = (self.left_out, self.lost);
        (left_out + lost > 0).then_some(Fact::PacketsMissing { left_out, lost })
    }

    /// Notes what is done from now on, in words.
    pub fn caption(&mut self, words: impl FnOnce() -> String) {
        if self.keeps_frames {
            self.packets.captions.push((super::now(), words()));
        }
    }

    /// Gives the packets themselves away, since [`Capture::begin`], where they are kept.
    pub fn take(&mut self) -> Packets {
        std::mem::take(&mut self.packets)
    }

    /// The next packet: its time, and its length in the buffer.
    fn next(&mut self) -> Option<(u64, usize)> {
        loop {
            let mut space = nix::cmsg_space!(nix::sys::time::TimeSpec);
            let mut slices = [IoSliceMut::new(&mut self.buffer)];
            let message =
                match recvmsg::<LinkAddr>(self.socket.as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::empty()) {
                    Ok(message) => message,
                    Err(nix::errno::Errno::EINTR) => continue,
                    Err(_) => return None,
                };
            if message.address.is_some_and(|address| address.pkttype() == OUTGOING) {
                continue;
            }
            let stamp = message.cmsgs().ok()?.find_map(|control| match control {
                ControlMessageOwned::ScmTimestampns(time) => Some(time),
                _ => None,
            });
            let nanos = stamp.map_or(0, |time| {
                let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
                seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec()).unwrap_or(0))
            });
            return Some((nanos, message.bytes));
        }
    }
}
