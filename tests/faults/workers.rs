//! Workers that are killed, at one point after the other.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::grader::Room;
use crate::grading::{Graded, begin, check, end, room};
use crate::processes::{send, steps, workers};
use crate::support::within;

/// Which worker is killed, by the order in which they appear, and when it has done so many steps.
type Blow = (usize, u64);

/// Grades a submission, and one of its workers is killed, if one is to be. What came of it, and how far each worker
/// was seen to come.
fn struck(room: &Room, submission: &str, mut blow: Option<Blow>) -> (Graded, Vec<u64>) {
    let mut child = begin(room, check(room, submission));
    let mut seen: Vec<(u32, u64)> = Vec::new();
    let over = within(Duration::from_secs(300), || {
        for worker in workers(child.id()) {
            let Some(now) = steps(worker) else { continue };
            let place = seen.iter().position(|(known, _)| *known == worker).unwrap_or(seen.len());
            match seen.get_mut(place) {
                Some((_, steps)) => *steps = now,
                None => seen.push((worker, now)),
            }
            if blow.take_if(|(nth, point)| *nth == place && now >= *point).is_some() {
                send(worker, Signal::SIGKILL);
            }
        }
        child.try_wait().unwrap()
    });
    assert!(over.is_some(), "it hangs after {blow:?}");
    (end(room, child), seen.into_iter().map(|(_, steps)| steps).collect())
}

/// Strikes each worker at its beginning and in the midst of its work.
fn whatever_the_point(submission: &str) {
    let room = room();
    let (right, far) = struck(&room, submission, None);
    assert!(right.reasons.is_empty() && !right.verdicts.is_empty(), "{right:?}");
    let (mut complaints, mut ungraded) = (Vec::new(), 0);
    for blow in far.iter().enumerate().flat_map(|(nth, steps)| [(nth, 0), (nth, steps / 2)]) {
        let (graded, _) = struck(&room, submission, Some(blow));
        ungraded += usize::from(!graded.reasons.is_empty());
        complaints.extend(graded.complaints(&right).into_iter().map(|text| format!("{blow:?}: {text}")));
        let left = fs::read_dir(room.path.join("tmp")).unwrap().flatten().map(|one| one.path());
        // A file with our name is removed by a later grader (src/sandbox/stale.rs).
        let ours = |path: &PathBuf| path.is_file() && path.to_string_lossy().contains("/sockspec-copy-");
        let copies: Vec<_> = left.filter(|path| !ours(path)).collect();
        if !copies.is_empty() {
            complaints.push(format!("{blow:?}: {copies:?} are left"));
        }
    }
    assert!(complaints.is_empty(), "{submission}:\n{}", complaints.join("\n"));
    assert!(ungraded > 0, "nothing was hit of {far:?}");
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
