//! What the kernel knows of the program: its processes, what each thread is blocked in, its
//! sockets, and from these whether it is at rest; and each packet of its private network.
//!
//! Packets come from a packet socket ([`capture`]), all else is read from `/proc` (proc(5)). Nothing here disturbs the program. The worker is a
//! subreaper and starts nothing but the program, so the program is everything below this process.

#[cfg(target_os = "linux")]
mod calls;
pub mod capture;
#[cfg(target_os = "linux")]
mod deaths;
#[cfg(target_os = "linux")]
mod files;
mod load;
#[cfg(target_os = "linux")]
mod look;
#[cfg(any(test, not(target_os = "linux")))]
mod probe;
mod rest;
mod runtime;
#[cfg(target_os = "linux")]
mod sockets;
mod threads;
#[cfg(target_os = "linux")]
mod timers;
#[cfg(target_os = "linux")]
mod tree;
#[cfg(target_os = "linux")]
mod usage;
mod watch;

pub use capture::Capture;
pub use load::Load;
pub use rest::{Activity, Budget, Purpose, Settled};
pub use runtime::Runtime;
#[cfg(target_os = "linux")]
pub use tree::below;
pub use watch::{Census, Occupant, Watch, occupant};

/// How rest is told on this system, in a report's words.
#[must_use]
pub fn method() -> &'static str {
    if cfg!(target_os = "linux") { "quiescence" } else { "grace periods" }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
