//! What a program under test may touch and use: its level of isolation, its limits, its own copy of
//! the submission, and the ports that it has for itself.

#[cfg(target_os = "linux")]
mod bubblewrap;
#[cfg(target_os = "linux")]
mod cgroup;
#[cfg(target_os = "linux")]
mod confined;
mod copy;
mod descriptors;
mod disk;
#[cfg(target_os = "linux")]
mod etc;
mod executable;
#[cfg(target_os = "linux")]
mod filter;
mod level;
mod limits;
#[cfg(target_os = "linux")]
mod loopback;
mod memory;
pub mod network;
mod ports;
#[cfg(target_os = "linux")]
mod prefix;
#[cfg(target_os = "linux")]
mod room;
pub mod stale;
mod survey;
#[cfg(target_os = "linux")]
mod tree;
mod trial;
mod walls;

#[cfg(target_os = "linux")]
pub use bubblewrap::Sentry;
#[cfg(target_os = "linux")]
pub use cgroup::sweep as sweep_cgroups;
pub use copy::{CopyError, Digest, MAX_BYTES, MAX_FILES, PrivateCopy, SKIPPED};
pub use descriptors::{TooFewFiles, allow_many_files, files_at_once};
pub use executable::{begins_like_a_program, may_be_executed};
pub use level::Level;
pub use limits::Limits;
pub use memory::free_memory;
pub use ports::{PortLocks, PortsError};
pub use survey::Survey;
pub use trial::Trial;
pub use walls::{Prepared, Sandbox, Start, Unavailable};
