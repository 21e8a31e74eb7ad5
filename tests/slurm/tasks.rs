//! A task by itself, as any system starts it.

use std::fs::{self, File};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::course::{Layout, Submission, fixture};
use crate::grader::{Room, ran};
use crate::support::within;

const TASK: [&str; 8] = [
    "batch",
    "export",
    "--out",
    "out/shards/1",
    "--assignment=lab.yaml",
    "--progress",
    "out/shards/1.json",
    "--shard=1/1",
];

fn room(export: &[Submission]) -> Room {
    let room = Room::new("dialect: python\nroles: [udp-server]");
    Layout::Plain.write(export, &room.path.join("export"), false);
    room
}

fn told(room: &Room) -> Value {
    serde_json::from_slice(&fs::read(room.path.join("out/shards/1.json")).unwrap()).unwrap()
}

#[test]
fn what_cannot_be_graded_is_a_result_and_what_was_left_is_none() {
    let wrong = fixture("mutants/udp-server/newline-added.py");
    let students = [Submission::of(0, &[("UDPServer.py", &wrong)]), Submission::of(1, &[("lab.zip", b"no zip")])];
    let room = room(&students);
    let ran = room.sockspec(&TASK);
    assert_eq!((ran.status, &told(&room)["end"]), (0, &"done".into()), "{ran:?}");
    assert_eq!((&told(&room)["done"], &told(&room)["of"]), (&2.into(), &2.into()));
    let ran = room.sockspec(&[&TASK[..], &["--force", "--within=0"]].concat());
    assert_eq!(ran.status, 3, "{ran:?}");
    assert_eq!(told(&room)["end"]["failed"], "2 submissions left for want of time");
    let ran = room.sockspec(&[&TASK[..], &["--only=nobody"]].concat());
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(told(&room)["end"]["failed"].as_str().unwrap().contains("there is no such submission"), "{}", told(&room));
    let joined = room.sockspec(&["batch", "export", "--out=out", "--assignment=lab.yaml", "--join=1"]);
    assert_eq!(joined.status, 3, "as on one machine: {joined:?}");
    assert_eq!(room.verdicts("out"), room.verdicts("out/shards/1"));
    fs::remove_dir_all(room.path.join("export").join(Layout::Plain.id(0))).unwrap();
    let joined = room.sockspec(&["batch", "export", "--out=out", "--assignment=lab.yaml", "--join=2"]);
    assert!(joined.status == 3 && joined.err.contains("1 shard without a store that can be joined: 2"), "{joined:?}");
    assert_eq!(room.verdicts("out").len(), 1, "who is no longer in the export is left out");
}

#[test]
fn a_task_waits_for_one_that_was_taken_for_dead() {
    let right = fixture("reference/python/UDPServer.py");
    let room = room(&[Submission::of(0, &[("UDPServer.py", &right)])]);
    fs::create_dir_all(room.path.join("out/shards/1")).unwrap();
    let lock = File::create(room.path.join("out/shards/1/sockspec.lock")).unwrap();
    lock.lock().unwrap();
    let said = room.path.join("said");
    let mut command = room.command(env!("CARGO_BIN_EXE_sockspec"), &TASK);
    let mut task = command.stdout(Stdio::null()).stderr(File::create(&said).unwrap()).spawn().unwrap();
    let waits = || fs::read_to_string(&said).unwrap().contains("waiting for its end").then_some(());
    within(Duration::from_secs(20), waits).expect("it does not wait");
    assert_eq!(told(&room)["end"], Value::Null);
    drop(lock);
    assert!(task.wait().unwrap().success(), "{}", fs::read_to_string(&said).unwrap());
    assert_eq!(told(&room)["end"], "done");
}

#[test]
fn only_what_is_whole_and_of_these_terms_is_joined_without_a_word() {
    let right = fixture("reference/python/UDPServer.py");
    let room = room(&[Submission::of(0, &[("UDPServer.py", &right)])]);
    let join = || room.sockspec(&["batch", "export", "--out=out", "--assignment=lab.yaml", "--join=1"]);
    let refused = |wanted: &str| {
        let ran = join();
        assert!(ran.status == 3 && ran.err.contains(wanted), "{wanted}: {ran:?}");
    };
    assert_eq!(room.sockspec(&TASK).status, 0);
    room.assign("lab.yaml", "dialect: python\nroles: [udp-server]\npoints: { udp-server: 10 }");
    refused("shard 1: it was graded under another assignment");
    assert_eq!((room.sockspec(&TASK).status, join().status), (0, 0));
    let one = room.verdicts("out");
    // What was dealt out otherwise, and is of a submission that now is another shard's, is nobody's word.
    let shards = |number: &str| room.sockspec(&["batch", "export", "--out=two", "--assignment=lab.yaml", number]);
    let stale = room.path.join("two/shards");
    for shard in ["1", "2"] {
        fs::create_dir_all(stale.join(shard)).unwrap();
        fs::copy(room.path.join("out/shards/1/sockspec.db"), stale.join(shard).join("sockspec.db")).unwrap();
    }
    let ran = shards("--join=2");
    assert_eq!((ran.status, ran.err.matches(": 1 submission\n").count()), (0, 1), "{ran:?}");
    assert_eq!(room.verdicts("two"), one);
    Layout::Plain.write(&[Submission::of(1, &[("UDPServer.py", &right)])], &room.path.join("export"), false);
    refused("1 submission of the export that no shard has graded");
    fs::write(room.path.join("out/shards/1/sockspec.db"), "no database, and long enough to be none: ".repeat(40))
        .unwrap();
    assert_eq!(told(&room)["end"], "done");
    refused("it is damaged");
    assert!(told(&room)["end"]["failed"].as_str().unwrap().contains("it is damaged"), "it is run again");
}

#[test]
fn a_node_without_a_language_costs_nobody_a_program_that_may_be_there() {
    // Nothing in it says what it is: only its sockets could, where it ran.
    let room = room(&[Submission::of(0, &[("work.py", b"print(6 * 7)\n")])]);
    fs::create_dir(room.path.join("bare")).unwrap();
    let bare = ran(room.command(env!("CARGO_BIN_EXE_sockspec"), &TASK).env("PATH", room.path.join("bare")));
    assert!(bare.status == 0 && bare.out.contains("1  could not be graded whole"), "{bare:?}");
    let again = room.sockspec(&TASK);
    assert!(again.status == 0 && again.out.contains("or lack a program"), "another node can tell: {again:?}");
}

#[test]
fn an_export_that_the_system_cannot_read_may_be_tried_again() {
    let room = room(&[]);
    std::os::unix::fs::symlink("loop", room.path.join("loop")).unwrap();
    let ran = room.sockspec(&[&["batch", "loop"], &TASK[2..]].concat());
    assert_eq!(ran.status, 3, "{ran:?}");
    assert!(told(&room)["end"]["failed"].as_str().unwrap().contains("cannot be read"), "{}", told(&room));
}
