//! Our side of the wire. Peers do what a step says and note what they see; they judge nothing.
//!
//! All sockets are non-blocking and are pumped by the runner, so that one thread sees everything
//! in one order.

mod names;
mod relay;
mod tcp;
mod udp;

use std::io;
use std::time::Instant;

pub use names::{Answers, Names, PORT as NAME_PORT};
pub use relay::Relay;
pub use tcp::{Listener, Stream};
pub use udp::Datagrams;

use crate::event::Fact;

/// An observed fact with its moment.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When it was seen.
    pub at: Instant,
    /// What was seen.
    pub fact: Fact,
}

impl Seen {
    /// A fact of this moment.
    #[must_use]
    pub fn now(fact: Fact) -> Self {
        Self { at: Instant::now(), fact }
    }
}

/// The bytes of one peer that are kept; of a flood beyond that only the number is.
pub const KEEP: usize = 256 * 1024;

/// The largest datagram there is: 65,535 less the headers; a round number above.
const LARGEST: usize = 65_536;

/// The bytes that are read from one peer in one pump, so that a flood on one does not starve others.
const PUMP: usize = 4 * 1024 * 1024;

/// Cuts what is beyond [`KEEP`], and counts it.
fn keep(kept: &mut usize, bytes: &[u8]) -> (Vec<u8>, u64) {
    let room = KEEP.saturating_sub(*kept).min(bytes.len());
    *kept += room;
    (bytes[..room].to_vec(), (bytes.len() - room) as u64)
}

/// Whether an error only says that there is nothing to do yet.
fn not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Whether an error says that the other end of a connection is gone.
fn broken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe
    )
}

/// Lends a buffer that is large enough for any datagram. Peers are pumped again and again, and a new
/// one each time would have to be cleared each time.
fn with_buffer<T>(job: impl FnOnce(&mut [u8]) -> T) -> T {
    thread_local! {
        static BUFFER: std::cell::RefCell<Vec<u8>> = std::cell::RefCell::new(vec![0; LARGEST]);
    }
    BUFFER.with_borrow_mut(|buffer| job(buffer))
}
