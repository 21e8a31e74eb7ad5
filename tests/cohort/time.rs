//! What takes too long: one submission, or all of them together.

use std::fs;

use crate::course::{Layout, Submission, fixture};
use crate::grader::{Room, told};

/// A build that never ends, beside students who have done nothing wrong.
fn room() -> Room {
    let room = Room::new("dialect: python\nroles: [udp-server]");
    let right = fixture("reference/python/UDPServer.py");
    let mut students: Vec<Submission> =
        (1..6).map(|number| Submission::of(number, &[("UDPServer.py", &right)])).collect();
    let source =
        b"#include <sys/socket.h>\n/* a UDP server: SOCK_DGRAM, bind, recvfrom */\nint main(void) { return 0; }\n";
    let forever = b"all:\n\tsleep 100000 & sleep 100000\n";
    students.push(Submission::of(0, &[("UDPServer.c", source), ("Makefile", forever)]));
    Layout::Plain.write(&students, &room.path.join("export"), false);
    room
}

#[test]
fn one_that_never_ends_holds_nobody_up() {
    let room = room();
    let ran = room.batch("export", "out", &["--each", "6"]);
    let order = told(&ran.err);
    assert_eq!((ran.status, order.len()), (3, 6), "{ran:?}");
    assert_eq!(order.last(), Some(&Layout::Plain.id(0)), "{ran:?}");
    let verdicts = room.verdicts("out");
    assert!(verdicts[&Layout::Plain.id(0)].as_str().unwrap().contains("more than 6 seconds"), "{verdicts:?}");
    assert!((1..6).all(|number| verdicts[&Layout::Plain.id(number)]["score"] == 25), "{verdicts:?}");
    // How long one may take says nothing of the others: they can be joined with it.
    let ran = room.sockspec(&["merge", "all", "out"]);
    assert_eq!((ran.status, room.verdicts("all")), (0, verdicts), "{ran:?}");
    assert_eq!(room.left(), Vec::<String>::new());
}

#[test]
fn what_is_not_done_in_time_is_done_the_next_time_and_nobody_else_writes_meanwhile() {
    let room = room();
    let mut batch = room.watch("export", "out", &["--within", "8"]);
    let first = batch.next().unwrap();
    // That one has begun shows that the store is its own.
    let other = room.batch("export", "out", &[]);
    assert!(other.status == 2 && other.err.contains("another sockspec is at work on `out`"), "{other:?}");
    // To read is open to all.
    assert!(room.verdicts("out").contains_key(&first));
    let (status, rest) = batch.end();
    assert_eq!((status, rest.len()), (Some(3), 4), "{first} {rest:?}");
    assert_eq!(room.left(), Vec::<String>::new());
    fs::write(room.path.join("export").join(Layout::Plain.id(0)).join("Makefile"), "all:\n\ttrue\n").unwrap();
    let ran = room.batch("export", "out", &[]);
    assert_eq!(told(&ran.err), [Layout::Plain.id(0)], "{ran:?}");
    assert!(ran.out.contains("5 known from before"), "{ran:?}");
}
