//! The time of day is set while programs are graded, by hours, to and fro. Verdicts rest on the other clock.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::grader::Room;
use crate::grading::{begin, check, end, graded, room};
use crate::support::within;

/// The library that shows programs another time of day (Debian's package faketime).
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path());
    folders.map(|folder| folder.join("faketime/libfaketime.so.1")).find(|file| file.exists())
}

fn set(room: &Room, offset: &str) {
    fs::write(room.path.join("clock.new"), offset).unwrap();
    fs::rename(room.path.join("clock.new"), room.path.join("clock")).unwrap();
}

#[test]
fn a_clock_that_is_set_changes_no_verdict() {
    let Some(library) = library() else {
        assert!(std::env::var_os("CI").is_none(), "libfaketime is missing (Debian's package faketime)");
        let _ = writeln!(std::io::stderr(), "not tried: libfaketime is missing (Debian's package faketime)");
        return;
    };
    let room = room();
    for submission in ["textbook/python", "field/py-close-outdented", "mute/python"] {
        let right = graded(&room, check(&room, submission));
        assert!(right.reasons.is_empty() && !right.verdicts.is_empty(), "{right:?}");
        let mut command = check(&room, submission);
        command.env("LD_PRELOAD", &library).env("FAKETIME_TIMESTAMP_FILE", room.path.join("clock"));
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
        set(&room, "+0");
        let mut child = begin(&room, command);
        let maps = format!("/proc/{}/maps", child.id());
        let sees = within(Duration::from_secs(60), || {
            fs::read_to_string(&maps).is_ok_and(|maps| maps.contains("libfaketime")).then_some(())
        });
        assert!(sees.is_some(), "it sees the machine's own clock");
        let mut offsets = ["-2h", "+3h", "+0"].into_iter().cycle();
        let over = within(Duration::from_secs(300), || {
            set(&room, offsets.next().unwrap());
            child.try_wait().unwrap()
        });
        assert!(over.is_some(), "it hangs");
        let set = end(&room, child);
        assert_eq!((set.status, &set.verdicts), (right.status, &right.verdicts), "{submission}");
    }
}
