//! What is seen of a program's threads in one look.

use std::time::Duration;

use crate::event::Blocked;

/// One look at all threads.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Whether any process of the program is alive.
    pub alive: bool,
    /// Whether threads cannot be seen at all on this system.
    pub blind: bool,
    /// Its threads, without those of a runtime's housekeeping.
    pub threads: Vec<ThreadLook>,
    /// Whether something was under way that may wake a thread: packets in the kernel, just before the
    /// threads were looked at, the news of a death, or a thread that came or went meanwhile.
    pub in_transit: bool,
}

/// What a thread does at a moment.
#[derive(Debug, Clone)]
pub struct ThreadLook {
    /// Its process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// Its name.
    pub name: String,
    /// Nanoseconds on a processor so far.
    pub cpu: u64,
    /// Nanoseconds of waiting for a processor so far.
    pub waited: u64,
    /// How often it got a processor so far.
    pub turns: u64,
    /// What it waits for.
    pub wait: Wait,
}

/// What a thread waits for.
#[derive(Debug, Clone)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "elsewhere nothing is told"))]
pub enum Wait {
    /// It runs, or will.
    Busy,
    /// It waits for a disk, or for the like that cannot be interrupted.
    Disk,
    /// It is stopped (SIGSTOP).
    Stopped,
    /// It sleeps, and the kernel does not tell where.
    Hidden,
    /// It sleeps in a system call.
    In(Call),
}

/// A system call in which a thread sleeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name as students know it.
    pub name: &'static str,
    /// The descriptor that it waits on, where it names one alone.
    pub descriptor: Option<i32>,
    /// How long it waits at most; `None` for ever.
    pub limit: Option<Limit>,
    /// Whether only time (or another thread) ends it: nothing that arrives from outside.
    pub bare: bool,
    /// What tells this wait from others of the thread.
    pub signature: Signature,
}

/// The time limit of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "elsewhere nothing is told"))]
pub enum Limit {
    /// So long from its beginning.
    Within(Duration),
    /// So long from now.
    Left(Duration),
    /// It has one, but how long it is cannot be read.
    Unknown,
}

/// Tells a wait of a thread from others: number, first argument, stack pointer, program counter, and
/// of a bare wait how many nanoseconds it lasts (an interpreter makes all its calls at one place).
pub type Signature = [u64; 5];

impl Look {
    /// Whether every thread sleeps in a system call.
    #[must_use]
    pub fn asleep(&self) -> bool {
        self.threads.iter().all(|thread| thread.call().is_some())
    }
}

impl ThreadLook {
    /// The system call that it sleeps in.
    #[must_use]
    pub fn call(&self) -> Option<&Call> {
        match &self.wait {
            Wait::In(call) => Some(call),
            _ => None,
        }
    }

    /// The same as a fact.
    #[must_use]
    pub fn blocked(&self) -> Blocked {
        let (call, descriptor, timed) = match &self.wait {
            Wait::Busy => ("running", None, false),
            Wait::Disk => ("waiting for a disk", None, false),
            Wait::Stopped => ("stopped", None, false),
            Wait::Hidden => ("sleeping", None, false),
            Wait::In(call) => (call.name, call.descriptor, call.limit.is_some()),
        };
        let (pid, tid, name) = (self.pid, self.tid, self.name.clone());
        Blocked { pid, tid, name, call: call.to_owned(), descriptor, socket: None, timed }
    }
}
