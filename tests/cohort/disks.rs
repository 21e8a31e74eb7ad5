//! Disks that are full, and folders that cannot be written.

use std::io::Write as _;

use crate::course::{Layout, Submission, fixture};
use crate::grader::{Ran, Room, ran, told};

fn room() -> Room {
    let room = Room::new("dialect: python\nroles: [udp-server]");
    let right = fixture("reference/python/UDPServer.py");
    let students: Vec<Submission> = (0..6).map(|number| Submission::of(number, &[("UDPServer.py", &right)])).collect();
    Layout::Plain.write(&students, &room.path.join("export"), false);
    std::fs::create_dir(room.path.join("out")).unwrap();
    room
}

/// Runs a script among mounts of its own, `$0` being the grader; nothing where nobody may mount.
fn with_mounts(room: &Room, script: &str) -> Option<Ran> {
    let arguments = ["--mount", "--map-root-user", "sh", "-ec", script, env!("CARGO_BIN_EXE_sockspec")];
    // Whoever is root needs no other user, in whose namespace the grader would be another's.
    let arguments = if nix::unistd::Uid::effective().is_root() {
        [&arguments[..1], &arguments[2..]].concat()
    } else {
        arguments.to_vec()
    };
    let can =
        ran(&mut room.command("unshare", &[&arguments[..arguments.len() - 2], &["mount -t tmpfs none out"]].concat()));
    if can.status != 0 {
        assert!(std::env::var_os("CI").is_none(), "mounts of one's own are refused here: {can:?}");
        let _ = writeln!(std::io::stderr(), "not tried: mounts of one's own are refused here");
        return None;
    }
    Some(ran(&mut room.command("unshare", &arguments)))
}

#[test]
fn a_full_disk_costs_what_has_no_room_and_nothing_else() {
    let room = room();
    let script = "mount -t tmpfs -o size=192k none out
        $0 batch export --out out --assignment lab.yaml || echo status $?
        mount -o remount,size=64m out
        echo room >&2
        $0 batch export --out out --assignment lab.yaml";
    let Some(ran) = with_mounts(&room, script) else { return };
    let (before, after) = ran.err.split_once("room\n").unwrap();
    assert!(ran.out.starts_with("status 3\n"), "{ran:?}");
    assert!(before.contains("full") && before.contains("make room"), "{ran:?}");
    let (stored, mut all) = (told(before), told(before));
    all.extend(told(after));
    all.sort();
    assert!(!stored.is_empty() && stored.len() < 6, "{stored:?}");
    assert_eq!(all, (0..6).map(|number| Layout::Plain.id(number)).collect::<Vec<_>>(), "{ran:?}");
    assert_eq!(ran.status, 0, "{ran:?}");
}

#[test]
fn no_room_for_copies_takes_no_verdict_away() {
    let room = room();
    let first = room.batch("export", "out", &[]);
    assert_eq!(first.status, 0, "{first:?}");
    let script = "mount -t tmpfs -o size=4k none tmp
        $0 batch export --out out --assignment lab.yaml --force";
    let Some(ran) = with_mounts(&room, script) else { return };
    assert!(ran.err.contains("No space left on device"), "{ran:?}");
    let verdicts = room.verdicts("out");
    assert!(verdicts.values().all(|one| one["score"] == 25), "{verdicts:?}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let room = room();
    let script = "mount -t tmpfs -o ro none out; $0 batch export --out out --assignment lab.yaml";
    let Some(ran) = with_mounts(&room, script) else { return };
    assert!(ran.status == 3 && ran.err.contains("the store in `out` cannot be used"), "{ran:?}");
    assert!(ran.err.contains("name a folder that can be written"), "{ran:?}");
    let ran = room.batch("export", "lab.yaml", &[]);
    assert!(ran.status == 3 && ran.err.contains("`lab.yaml`"), "{ran:?}");
}

#[test]
fn a_store_on_a_disk_that_is_read_only_can_be_read() {
    let room = room();
    assert_eq!(room.batch("export", "out", &[]).status, 0);
    let script =
        "mount --bind out out; mount -o remount,bind,ro out; $0 report out --report json=all.json; $0 report out";
    let Some(ran) = with_mounts(&room, script) else { return };
    assert!(ran.status == 0 && ran.out.contains("6 submissions"), "{ran:?}");
}
