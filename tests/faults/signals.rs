//! Signals that harm nobody, and interrupt whatever a process waits in (signal(7)).

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::grading::{begin, check, end, graded, room};
use crate::processes::{handles, send, workers};
use crate::support::within;

/// What a worker outlives by a handler, so that its system calls are interrupted.
const HANDLED: [Signal; 3] = [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT];

/// What is ignored, or handled, by the grader as well.
const HARMLESS: [Signal; 4] = [Signal::SIGWINCH, Signal::SIGCHLD, Signal::SIGURG, Signal::SIGCONT];

#[test]
fn a_storm_of_signals_changes_no_verdict() {
    let room = room();
    for submission in ["textbook/python", "mute/python"] {
        let right = graded(&room, check(&room, submission));
        assert!(right.reasons.is_empty() && !right.verdicts.is_empty(), "{right:?}");
        let mut child = begin(&room, check(&room, submission));
        let mut sent = 0;
        let over = within(Duration::from_secs(600), || {
            let (grader, workers) = (child.id(), workers(child.id()));
            for pid in workers.iter().chain([&grader]) {
                HARMLESS.iter().for_each(|signal| send(*pid, *signal));
            }
            for worker in workers {
                for signal in HANDLED.into_iter().filter(|signal| handles(worker, *signal)) {
                    send(worker, signal);
                    sent += 1;
                }
                // It goes on at once, in whatever it was.
                send(worker, Signal::SIGSTOP);
                send(worker, Signal::SIGCONT);
            }
            child.try_wait().unwrap()
        });
        assert!(over.is_some(), "it hangs");
        let stormed = end(&room, child);
        assert!(sent > 20, "{sent} signals that are handled");
        assert_eq!((stormed.status, stormed.complaints(&right)), (right.status, Vec::new()), "{submission}");
        assert_eq!(stormed.verdicts, right.verdicts, "{submission}");
    }
    assert_eq!(room.left(), Vec::<String>::new());
}
