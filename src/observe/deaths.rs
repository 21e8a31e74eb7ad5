//! News of a death that may be under way. A process becomes a zombie a moment before its parent is
//! woken for it (`exit_notify` in the kernel). Where the processor is taken from the kernel in that
//! moment, as a hypervisor does, the parent seems to wait for ever, and the dead cannot wake it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::threads::{Look, ThreadLook};
use super::tree;

/// After so long the parent has been told, and does not care: a server that never asks for the end
/// of those that it has forked.
const TOLD: Duration = Duration::from_millis(200);

/// When each zombie of the program was first seen.
#[derive(Debug, Default)]
pub struct Deaths(HashMap<u32, Instant>);

impl Deaths {
    /// Whether one of those who sleep may be about to be woken by a death.
    pub fn untold(&mut self, dead: &[(u32, u32)], look: &Look, now: Instant) -> bool {
        self.0.retain(|pid, _| dead.iter().any(|(dead, _)| dead == pid));
        dead.iter().any(|(pid, parent)| {
            let since = *self.0.entry(*pid).or_insert(now);
            now.duration_since(since) < TOLD && (waits_for_children(*parent, look) || catches_death(*parent))
        })
    }
}

fn waits_for_children(pid: u32, look: &Look) -> bool {
    let waits = |thread: &ThreadLook| thread.call().is_some_and(|call| call.name == "wait");
    look.threads.iter().any(|thread| thread.pid == pid && waits(thread))
}

/// Whether the process catches SIGCHLD (signal 17).
fn catches_death(pid: u32) -> bool {
    tree::caught_signals(pid).is_some_and(|mask| mask & (1 << 16) != 0)
}

#[cfg(test)]
mod tests {
    use super::super::threads::{Call, Wait};
    use super::*;

    fn look(name: &'static str) -> Look {
        let call = Call { name, descriptor: None, limit: None, bare: true, signature: [0; 5] };
        // No process has this number, so none catches the signal.
        let (pid, tid) = (u32::MAX, u32::MAX);
        let thread = ThreadLook { pid, tid, name: String::new(), cpu: 0, waited: 0, turns: 0, wait: Wait::In(call) };
        Look { alive: true, threads: vec![thread], ..Look::default() }
    }

    #[test]
    fn a_parent_that_waits_for_children_is_about_to_be_woken_for_a_while() {
        let (mut deaths, now) = (Deaths::default(), Instant::now());
        let dead = [(7, u32::MAX)];
        assert!(deaths.untold(&dead, &look("wait"), now));
        assert!(deaths.untold(&dead, &look("wait"), now + TOLD / 2));
        assert!(!deaths.untold(&dead, &look("wait"), now + TOLD));
        // A number that was given away anew is another death.
        assert!(!deaths.untold(&[], &look("wait"), now + TOLD));
        assert!(deaths.untold(&dead, &look("wait"), now + TOLD));
    }

    #[test]
    fn a_parent_that_waits_for_something_else_is_not() {
        assert!(!Deaths::default().untold(&[(7, u32::MAX)], &look("accept"), Instant::now()));
    }
}
