//! Workers that are killed, at one point after the other.

use std::fs;

use nix::sys::signal::Signal;

use crate::grader::Room;
use crate::grading::{Graded, begin, check, end, room};
use crate::processes::{send, steps, workers};
use crate::support::within;

/// At so many points.
const POINTS: u64 = 8;

/// Grades a submission; the first worker that has come so far is killed. What came of it, and how far any worker
/// was seen to come.
fn killed_at(room: &Room, submission: &str, point: u64) -> (Graded, u64) {
    let mut child = begin(room, check(room, submission));
    let (mut far, mut killed) = (0, false);
    let over = within(std::time::Duration::from_secs(300), || {
        for worker in workers(child.id()) {
            let Some(now) = steps(worker) else { continue };
            far = far.max(now);
            if now >= point && !killed {
                send(worker, Signal::SIGKILL);
                killed = true;
            }
        }
        child.try_wait().unwrap()
    });
    assert!(over.is_some(), "it hangs after a kill at {point}");
    (end(room, child), far)
}

fn whatever_the_point(submission: &str) {
    let room = room();
    let (right, far) = killed_at(&room, submission, u64::MAX);
    assert!(right.reasons.is_empty() && !right.verdicts.is_empty(), "{right:?}");
    let (mut complaints, mut ungraded) = (Vec::new(), 0);
    for point in 0..POINTS {
        let point = far * point / POINTS;
        let (graded, _) = killed_at(&room, submission, point);
        ungraded += usize::from(!graded.reasons.is_empty());
        complaints
            .extend(graded.complaints(&right).into_iter().map(|text| format!("killed at {point} of {far}: {text}")));
        let copies: Vec<_> = fs::read_dir(room.path.join("tmp")).unwrap().flatten().map(|one| one.path()).collect();
        if !copies.is_empty() {
            complaints.push(format!("killed at {point} of {far}: {copies:?} are left"));
        }
    }
    assert!(complaints.is_empty(), "{submission}:\n{}", complaints.join("\n"));
    assert!(ungraded > 0, "no kill of {POINTS} hit anything");
    assert_eq!(room.left(), Vec::<String>::new());
}

#[test]
fn a_worker_that_is_killed_takes_its_program_s_verdicts_and_no_other() {
    whatever_the_point("textbook/python");
}

#[test]
fn what_a_killed_worker_was_to_find_out_is_held_against_nobody() {
    // Started with arguments that are found by trying.
    whatever_the_point("field/py-argv-host-port");
    // Its dialect is told by its behaviour.
    whatever_the_point("field/py-line-by-line");
    // Its files say nothing of what they are.
    whatever_the_point("field/py-silent-names");
}
