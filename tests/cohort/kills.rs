//! A batch that is killed again and again.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use sockspec::batch::store::Store;

use crate::course::{Layout, Submission, course};
use crate::grader::{Room, essence};
use crate::support::within;

const KILLS: usize = 10;

fn size() -> usize {
    std::env::var("SOCKSPEC_COHORT").map_or(24, |number| number.parse().unwrap())
}

#[test]
fn what_is_finished_outlives_ten_kills_and_is_as_when_graded_alone() {
    let room = Room::new("");
    let students = course(size());
    Layout::Moodle.write(&students, &room.path.join("export"), true);
    let mut told = BTreeMap::<String, usize>::new();
    for kill in 0..KILLS {
        for id in killed(&room, kill) {
            *told.entry(id).or_default() += 1;
        }
        assert_eq!(room.left(), Vec::<String>::new(), "after kill {kill}");
        let store = Store::read(&room.path.join("out")).unwrap();
        let stored = store.ids().unwrap();
        let lost: Vec<&String> = told.keys().filter(|id| !stored.contains(id)).collect();
        assert!(lost.is_empty(), "after kill {kill}: {lost:?}");
        assert!(stored.len() < students.len(), "too few submissions for {KILLS} kills");
    }
    let ran = room.batch("export.zip", "out", &[]);
    for id in crate::grader::told(&ran.err) {
        *told.entry(id).or_default() += 1;
    }
    let twice: Vec<&String> = told.iter().filter(|(_, count)| **count > 1).map(|(id, _)| id).collect();
    assert!(twice.is_empty(), "graded twice: {twice:?}");
    assert_eq!(ran.status, 1, "{ran:?}");
    assert_eq!(room.left(), Vec::<String>::new());
    let again = room.batch("export.zip", "out", &[]);
    assert!(again.out.contains(&format!("Graded 0 in 0 s, {} known from before", students.len())), "{again:?}");
    let verdicts = room.verdicts("out");
    assert_eq!(verdicts.len(), students.len());
    assert_eq!(differences(&room, &students, &verdicts), Vec::<String>::new());
}

/// Begins, or goes on, and is killed when a few more are stored: half the time at once, half the time when the
/// next program has been started. What it told of.
fn killed(room: &Room, kill: usize) -> Vec<String> {
    let mut batch = room.watch("export.zip", "out", &[]);
    let mut told = Vec::new();
    for _ in 0..(size() / 16).max(1) {
        told.push(batch.next().expect("it ended before it was killed"));
    }
    if kill % 2 == 1 {
        let before = batch.workers();
        within(Duration::from_secs(20), || (batch.workers() != before).then_some(()));
    }
    told.extend(batch.kill());
    told
}

/// What `check` says otherwise of the same files.
fn differences(room: &Room, students: &[Submission], verdicts: &BTreeMap<String, Value>) -> Vec<String> {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(student) = students.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (id, alone) = (Layout::Moodle.id(student.number), alone(room, student));
            if verdicts.get(&id) != Some(&alone) {
                let of = |value: Option<&Value>| value.map_or_else(String::new, Value::to_string);
                found.lock().unwrap().push(format!("{id}\n in the batch {}\n alone {alone}", of(verdicts.get(&id))));
            }
        }
    };
    std::thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(work))));
    found.into_inner().unwrap()
}

fn alone(room: &Room, student: &Submission) -> Value {
    let name = format!("alone/{}", student.number);
    let (folder, report) = (room.path.join(&name), room.path.join(format!("{name}.json")));
    student.lay(&folder);
    let wanted = format!("json={report}");
    let ran = room.sockspec(&["check", folder.as_str(), "--assignment", "lab.yaml", "--report", &wanted]);
    assert!((0..=1).contains(&ran.status), "{ran:?}");
    let report: Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
    essence(&report["submissions"][0])
}
