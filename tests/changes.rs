//! A cohort that changes: other points, judged from its store in one piece or not at all; other students; less
//! time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by a panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn sockspec(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_sockspec")).args(arguments).output().unwrap();
    assert!(output.status.code().is_some(), "{arguments:?}");
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Three students with a server each: right, with a defect, and none at all. Graded.
struct Lab {
    room: TempDir,
    store: String,
}

impl Lab {
    fn new() -> Self {
        let room = tempfile::tempdir().unwrap();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        for (student, from) in
            [("anna", "reference/python/UDPServer.py"), ("boris", "mutants/udp-server/newline-added.py")]
        {
            let folder = room.path().join("export").join(student);
            fs::create_dir_all(&folder).unwrap();
            fs::copy(fixtures.join(from), folder.join("UDPServer.py")).unwrap();
        }
        fs::write(room.path().join("export/cyrus.rar"), "Rar!").unwrap();
        let lab = Self { store: room.path().join("out").to_str().unwrap().to_owned(), room };
        let first = lab.assignment("first", "");
        let output =
            sockspec(&["batch", lab.path("export").to_str().unwrap(), "--out", &lab.store, "--assignment", &first]);
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    fn assignment(&self, name: &str, more: &str) -> String {
        let file = self.path(&format!("{name}.yaml"));
        fs::write(&file, format!("assignment: lab\ndialect: python\nroles: [udp-server]\n{more}")).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// The points of each student, and what the row of the last one says.
    fn points(&self) -> Vec<(String, Value)> {
        let file = self.path("all.json");
        let wanted = format!("json={}", file.display());
        let output = sockspec(&["report", &self.store, "--report", &wanted]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let report: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let submissions = report["submissions"].as_array().unwrap();
        submissions.iter().map(|one| (one["id"].as_str().unwrap_or("-").to_owned(), one["score"].clone())).collect()
    }
}

#[test]
fn other_points_make_other_scores_and_it_is_said_whose() {
    let lab = Lab::new();
    let before = lab.points();
    // A reply with a newline at its end fails UDPS-3.
    let second = lab.assignment("second", "requirements: { UDPS-3: { points: 20 } }\n");
    let output = sockspec(&["judge", &lab.store, "--assignment", &second]);
    let told = text(&output.stdout);
    assert!(told.contains("3 submissions judged again; the scores of 1 changed:\n  boris: "), "{told}");
    let after = lab.points();
    assert_eq!(before[0], after[0]);
    assert_ne!(before[1], after[1]);
    // The same assignment is then no reason to grade anything again; the first one is.
    let batch = |assignment: &str| {
        let export = lab.path("export");
        let output = sockspec(&["batch", export.to_str().unwrap(), "--out", &lab.store, "--assignment", assignment]);
        text(&output.stdout)
    };
    let told = batch(&second);
    assert!(told.contains("Graded 0 in ") && told.contains("3 known from before"), "{told}");
    assert_eq!(lab.points(), after);
    let first = lab.assignment("first", "");
    assert!(batch(&first).contains("Graded 3 in "));
    assert_eq!(lab.points(), before);
}

#[test]
fn what_the_records_say_nothing_of_changes_nothing() {
    let lab = Lab::new();
    let before = lab.points();
    let wider = lab.path("wider.yaml");
    fs::write(&wider, "assignment: lab\ndialect: python\nroles: [udp-server, tcp-server]\n").unwrap();
    let fewer = lab.path("fewer.yaml");
    fs::write(&fewer, "assignment: lab\ndialect: python\nroles: [tcp-server]\n").unwrap();
    for (assignment, words) in [
        (wider.to_str().unwrap().to_owned(), "says nothing of the TCP server"),
        (lab.assignment("port", "properties: { udp_port: 12001 }\n"), "was made with another port"),
        (lab.assignment("run", "programs: { udp-server: { run: [/bin/false] } }\n"), "has other `programs`, `limits`"),
        (lab.assignment("limits", "limits: { memory_bytes: 1048576 }\n"), "has other `programs`, `limits`"),
        (fewer.to_str().unwrap().to_owned(), "its records would be lost"),
    ] {
        let output = sockspec(&["judge", &lab.store, "--assignment", &assignment]);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(words), "{told}");
        assert_eq!(lab.points(), before);
    }
    let nowhere = lab.path("nowhere");
    fs::create_dir(&nowhere).unwrap();
    let output = sockspec(&["judge", nowhere.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("there is no store in"), "{}", text(&output.stderr));
    assert_eq!(fs::read_dir(nowhere).unwrap().count(), 0);
}

impl Lab {
    /// Grades what has changed, and says what was told.
    fn batch(&self, more: &[&str]) -> String {
        let (export, first) = (self.path("export"), self.assignment("first", ""));
        let arguments = ["batch", export.to_str().unwrap(), "--out", &self.store, "--assignment", &first];
        let output = sockspec(&[&arguments, more].concat());
        text(&output.stdout) + &text(&output.stderr)
    }
}

#[test]
fn who_has_left_is_left_out_and_comes_back_as_graded() {
    let lab = Lab::new();
    let before = lab.points();
    let (there, away) = (lab.path("export/boris"), lab.path("boris"));
    // A part of a cohort has students who leave, too.
    for more in [[].as_slice(), &["--shard", "1/1"]] {
        fs::rename(&there, &away).unwrap();
        let told = lab.batch(more);
        assert!(told.contains("1 submission in the store and no longer in the export"), "{told}");
        let ids: Vec<String> = lab.points().into_iter().map(|(id, _)| id).collect();
        assert!(!ids.contains(&"boris".to_owned()) && ids.len() == before.len() - 1, "{ids:?}");
        fs::rename(&away, &there).unwrap();
        assert!(lab.batch(more).contains("Graded 0 in "));
        assert_eq!(lab.points(), before);
    }
}

#[test]
fn too_little_time_takes_no_verdict_away_and_more_of_it_is_used() {
    let lab = Lab::new();
    let before = lab.points();
    lab.batch(&["--force", "--each", "0"]);
    assert_eq!(lab.points(), before);
    let from = lab.path("export/anna/UDPServer.py");
    fs::create_dir(lab.path("export/dora")).unwrap();
    fs::copy(from, lab.path("export/dora/UDPServer.py")).unwrap();
    let told = lab.batch(&["--each", "0"]);
    assert!(told.contains("dora: its grading took more than 0 seconds"), "{told}");
    assert!(lab.batch(&["--each", "0"]).contains("Graded 0 in "));
    let told = lab.batch(&["--each", "600"]);
    assert!(told.contains("Graded 1 in "), "{told}");
    assert_eq!(lab.points().len(), before.len() + 1);
}
