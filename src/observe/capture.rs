//! The packets on the loopback of a private network, as the kernel hands them over.
//!
//! A packet socket (packet(7)) sees all that the program and our peers send each other, in its true
//! order: a connection attempt that nobody answers, a FIN before a reset. It asks nobody for
//! anything and disturbs nothing. Elsewhere than in a network of our own it is not opened, for there
//! it would see what others say.

#[cfg(target_os = "linux")]
mod decode;
#[cfg(target_os = "linux")]
mod kernel;
mod moments;
#[cfg(not(target_os = "linux"))]
mod none;

use std::time::{SystemTime, UNIX_EPOCH};

#[cfg(target_os = "linux")]
pub use decode::decode;
#[cfg(target_os = "linux")]
pub use kernel::Capture;
#[cfg(not(target_os = "linux"))]
pub use none::Capture;

pub use moments::Moments;

use crate::event::Fact;

/// A captured packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// When the kernel saw it, in nanoseconds since 1970.
    pub nanos: u64,
    /// It, from its IP header on.
    pub bytes: Vec<u8>,
}

/// What a capture has seen since it was last asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// When the kernel saw it, in nanoseconds since 1970.
    pub nanos: u64,
    /// What it was.
    pub fact: Fact,
}

/// The packets of a scenario, and what was being done meanwhile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packets {
    /// The packets: one for each sighting, in the same order, and what came after the last.
    pub frames: Vec<Frame>,
    /// From when on what was done, in words.
    captions: Vec<(u64, String)>,
}

impl Packets {
    /// What was being done when a packet was seen.
    #[must_use]
    pub fn caption(&self, nanos: u64) -> Option<&str> {
        let (_, words) = self.captions.iter().rfind(|(from, _)| *from <= nanos)?;
        Some(words)
    }
}

/// Nanoseconds since 1970, by the clock that packets are timed with.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
