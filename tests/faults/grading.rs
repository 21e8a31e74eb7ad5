//! One grading, and how its verdicts compare with those of the right one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::grader::Room;

/// A room without anything that an assignment asks for.
pub fn room() -> Room {
    Room::new("")
}

/// A submission in fixtures/.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// What came of a grading.
#[derive(Debug, PartialEq)]
pub struct Graded {
    pub status: Option<i32>,
    /// By role and requirement; nothing where no report was written.
    pub verdicts: BTreeMap<String, String>,
    /// Why there is no verdict, wherever there is none.
    pub reasons: BTreeMap<String, String>,
    pub said: String,
}

/// The command that grades a submission, its report going to a file.
pub fn check(room: &Room, submission: &str) -> Command {
    let report = format!("json={}", report(room));
    let path = fixture(submission);
    room.command(env!("CARGO_BIN_EXE_sockspec"), &["check", path.to_str().unwrap(), "--report", &report])
}

fn report(room: &Room) -> String {
    room.path.join("report.json").into_string()
}

/// Begins a grading; its words go to a file, so that nobody need read them meanwhile.
pub fn begin(room: &Room, mut command: Command) -> Child {
    let _ = fs::remove_file(report(room));
    let said = fs::File::create(room.path.join("said")).unwrap();
    command.stdout(Stdio::null()).stderr(said).spawn().unwrap()
}

/// Waits for its end.
pub fn end(room: &Room, mut child: Child) -> Graded {
    let status = child.wait().unwrap().code();
    let said = fs::read_to_string(room.path.join("said")).unwrap_or_default();
    let mut graded = Graded { status, verdicts: BTreeMap::new(), reasons: BTreeMap::new(), said };
    let Ok(bytes) = fs::read(report(room)) else { return graded };
    let report: Value = serde_json::from_slice(&bytes).unwrap();
    for program in report["submissions"][0]["programs"].as_array().unwrap() {
        for one in program["requirements"].as_array().unwrap() {
            let place = format!("{} {}", program["role"].as_str().unwrap(), one["id"].as_str().unwrap());
            if let Some(reason) = one["reason"].as_str() {
                graded.reasons.insert(place.clone(), reason.to_owned());
            }
            graded.verdicts.insert(place, one["verdict"].as_str().unwrap().to_owned());
        }
    }
    graded
}

/// A grading from its beginning to its end.
pub fn graded(room: &Room, command: Command) -> Graded {
    let child = begin(room, command);
    end(room, child)
}

impl Graded {
    /// What is wrong with this one, where that is the right one: a verdict that is neither the same nor none, one
    /// that is missing without a reason, a status that says something else.
    pub fn complaints(&self, right: &Self) -> Vec<String> {
        let mut complaints = Vec::new();
        // Before it is known what a program speaks, others may be asked of it.
        let of = |place: &String| place.split(' ').next().unwrap_or_default().to_owned();
        let graded: Vec<String> =
            self.verdicts.keys().filter(|place| !self.reasons.contains_key(*place)).map(of).collect();
        let judged = |place: &String| self.verdicts.contains_key(place) || graded.contains(&of(place));
        for (place, wanted) in right.verdicts.iter().filter(|(place, _)| judged(place)) {
            match self.verdicts.get(place).map(String::as_str) {
                Some(verdict) if verdict == wanted => {}
                Some("ungraded") if self.reasons.get(place).is_some_and(|reason| reason.len() > 10) => {}
                other => complaints.push(format!("{place}: {other:?}, right is {wanted}")),
            }
        }
        let lost = right.verdicts.keys().filter(|place| !self.verdicts.keys().any(|kept| of(kept) == of(place)));
        complaints.extend(lost.map(|place| format!("{place}: there is nothing of its program")));
        let status = if self.reasons.is_empty() { right.status } else { Some(3) };
        if self.status != status {
            complaints.push(format!("status {:?}, must be {status:?}", self.status));
        }
        if self.said.contains("panicked") {
            complaints.push(self.said.clone());
        }
        complaints
    }
}
