//! Where the time of a worker goes.

use std::time::Instant;

use crate::event::Spent;
use crate::sandbox::Trial;

/// What is needed to say where the time of this process went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    /// When it began.
    begun: Instant,
    /// What this worker has tried out itself, in microseconds of a processor.
    tried: u64,
    /// Microseconds of a processor for the start of a program that does nothing.
    empty_start: u64,
}

impl Account {
    /// Opens it, now that the sandbox is made, and before the program begins: nothing has run in the sandbox yet
    /// but what tried it out.
    pub(super) fn open(begun: Instant) -> Self {
        let tried = used_by_children();
        Self { begun, tried, empty_start: Trial::told().map_or(tried, |trial| trial.micros.max(tried)) }
    }

    /// Microseconds of a processor for the start of a program that does nothing.
    pub(super) fn empty_start(&self) -> u64 {
        self.empty_start
    }

    /// Where the time went, now that no program runs.
    pub(super) fn spent(self, starts: u32) -> Spent {
        let children = used_by_children().saturating_sub(self.tried);
        let sandbox = (self.empty_start * u64::from(starts)).min(children);
        let wall = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        Spent { programs: children - sandbox, sandbox: sandbox + self.tried, grader: crate::sys::used(), wall }
    }
}

/// What all children have used. Those count that have ended, and that this process has asked after
/// (getrusage(2)): a sandbox leaves some of its own to whoever started it.
fn used_by_children() -> u64 {
    crate::program::sweep::sweep();
    #[cfg(unix)]
    {
        use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
        while waitpid(None, Some(WaitPidFlag::WNOHANG)).is_ok_and(|status| status != WaitStatus::StillAlive) {}
    }
    crate::sys::used_by_children()
}
