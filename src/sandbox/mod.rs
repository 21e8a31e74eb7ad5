//! What a program under test may touch and use: its level of isolation, its limits, its own copy of
//! the submission, and the ports that it has for itself.

mod copy;
mod level;
mod limits;
pub mod network;
mod ports;
pub mod stale;

pub use copy::{CopyError, Digest, MAX_BYTES, MAX_FILES, PrivateCopy};
pub use level::Level;
pub use limits::Limits;
pub use ports::{PortLocks, PortsError};
