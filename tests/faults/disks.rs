//! Disks that are full, and folders that cannot be written.

use std::io::Write as _;

use crate::grader::{Ran, Room, ran};
use crate::grading::{fixture, room};

/// Runs a script among mounts of its own, `$0` being the grader and `$1` a submission; nothing where nobody may mount.
fn with_mounts(room: &Room, script: &str) -> Option<Ran> {
    let submission = fixture("textbook/python");
    let user: &[&str] = if nix::unistd::Uid::effective().is_root() { &[] } else { &["--map-root-user"] };
    let words = |script| {
        [&["--mount"], user, &["sh", "-ec", script, env!("CARGO_BIN_EXE_sockspec"), submission.to_str().unwrap()]]
            .concat()
    };
    let can = ran(&mut room.command("unshare", &words("mkdir -p out; mount -t tmpfs none out")));
    if can.status != 0 {
        assert!(std::env::var_os("CI").is_none(), "mounts of one's own are refused here: {can:?}");
        let _ = writeln!(std::io::stderr(), "not tried: mounts of one's own are refused here");
        return None;
    }
    Some(ran(&mut room.command("unshare", &words(script))))
}

#[test]
fn no_room_for_a_report_is_said_and_what_people_read_is_shown_all_the_same() {
    let room = room();
    for wanted in ["--report junit=out/report.xml", "--report html=out/report.html", "--record out/record.json"] {
        let script = format!(
            "mount -t tmpfs -o size=4k none out; dd if=/dev/zero of=out/full bs=4k count=1 2>/dev/null; $0 check $1 {wanted}"
        );
        let Some(ran) = with_mounts(&room, &script) else { return };
        assert_eq!(ran.status, 3, "{wanted}: {ran:?}");
        assert!(ran.err.contains("out/") && ran.err.contains("No space left on device"), "{wanted}: {ran:?}");
        assert!(ran.out.contains("All that is required holds"), "{wanted}: {ran:?}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named_before_anything_runs() {
    let room = room();
    for wanted in ["--report junit=out/report.xml", "--record out/record.json", "--evidence out/packets"] {
        let script = format!("mount -t tmpfs -o ro none out; $0 check $1 {wanted}");
        let Some(ran) = with_mounts(&room, &script) else { return };
        assert!(matches!(ran.status, 2 | 3), "{wanted}: {ran:?}");
        assert!(ran.err.contains("out/") && ran.err.to_lowercase().contains("read-only file"), "{wanted}: {ran:?}");
        assert!(!ran.out.contains("Together"), "{wanted}: {ran:?}");
    }
}

#[test]
fn no_room_for_copies_is_no_student_s_fault() {
    let room = room();
    for size in ["4k", "8k", "16k"] {
        let script = format!("mount -t tmpfs -o size={size} none tmp; $0 check $1 --report json");
        let Some(ran) = with_mounts(&room, &script) else { return };
        let graded = ran.status == 0;
        assert!(graded || ran.status == 3 && ran.err.contains("No space left on device"), "{size}: {ran:?}");
        assert!(!ran.out.contains("\"failed\"") || graded, "{size}: {ran:?}");
    }
}

#[test]
fn without_a_folder_for_what_was_built_all_is_graded() {
    let room = room();
    let script = "mount -t tmpfs -o ro none cache; $0 check $1";
    let Some(ran) = with_mounts(&room, script) else { return };
    assert_eq!(ran.status, 0, "{ran:?}");
}
