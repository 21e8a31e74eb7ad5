//! Where the time of a worker goes.

use std::time::Instant;

use crate::event::Spent;

/// What is needed to say where the time of this process went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    /// When it began.
    begun: Instant,
    /// Microseconds of a processor for the start of a program that does nothing.
    empty_start: u64,
}

impl Account {
    /// Opens it, now that the sandbox is made, and before the program begins: nothing has run in the sandbox yet
    /// but what tried it out.
    pub(super) fn open(begun: Instant) -> Self {
        Self { begun, empty_start: crate::sys::used_by_children() }
    }

    /// Where the time went. Those children count that have ended (getrusage(2)).
    pub(super) fn spent(self, starts: u32) -> Spent {
        let children = crate::sys::used_by_children().saturating_sub(self.empty_start);
        let sandbox = (self.empty_start * u64::from(starts)).min(children);
        let wall = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        Spent { programs: children - sandbox, sandbox: sandbox + self.empty_start, grader: crate::sys::used(), wall }
    }
}
