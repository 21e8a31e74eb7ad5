//! A cohort graded in parts.

use crate::course::{Layout, Submission, fixture};
use crate::grader::{Room, told};

#[test]
fn parts_make_the_whole() {
    let room = Room::new("dialect: python\nroles: [udp-server]");
    let right = fixture("reference/python/UDPServer.py");
    let students: Vec<Submission> = (0..7)
        .map(|number| Submission::of(number, &[("UDPServer.py", &right), ("who.txt", number.to_string().as_bytes())]))
        .collect();
    Layout::Plain.write(&students, &room.path.join("export"), false);
    let whole = room.batch("export", "whole", &[]);
    assert_eq!(whole.status, 0, "{whole:?}");
    let mut graded = Vec::new();
    for part in ["1/3", "2/3", "3/3"] {
        graded.extend(told(&room.batch("export", &format!("part{}", &part[..1]), &["--shard", part]).err));
    }
    graded.sort();
    assert_eq!(graded, (0..7).map(|number| Layout::Plain.id(number)).collect::<Vec<_>>());

    let merge = |more: &[&str]| room.sockspec(&[&["merge"], more].concat());
    let ran = merge(&["all", "part1", "part2", "part3"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(room.verdicts("all"), room.verdicts("whole"));
    let ran = merge(&["all", "part1", "part2", "part3"]);
    assert_eq!((ran.status, ran.out.matches(": 0 taken").count()), (0, 3), "{ran:?}");
    assert_eq!(room.verdicts("all"), room.verdicts("whole"));
    // And the whole knows all that its parts do.
    assert!(told(&room.batch("export", "all", &[]).err).is_empty());
    let ran = merge(&["all", "./part1/../all"]);
    assert!(ran.status == 2 && ran.err.contains("to itself"), "{ran:?}");
}

#[test]
fn what_was_graded_otherwise_is_joined_only_when_told() {
    let room = Room::new("dialect: python\nroles: [udp-server]");
    let right = fixture("reference/python/UDPServer.py");
    let students: Vec<Submission> = (0..2).map(|number| Submission::of(number, &[("UDPServer.py", &right)])).collect();
    Layout::Plain.write(&students, &room.path.join("export"), false);
    let id = |number| Layout::Plain.id(number);
    assert_eq!(room.batch("export", "one", &["--only", &id(0)]).status, 0);
    room.assign("lab.yaml", "dialect: python\nroles: [udp-server]\npoints: { udp-server: 10 }");
    assert_eq!(room.batch("export", "two", &["--only", &id(1)]).status, 0);
    let refused = |out: &str, parts: &[&str]| {
        let ran = room.sockspec(&[&["merge", out], parts].concat());
        assert!(ran.status == 2 && ran.err.contains("say --mixed"), "{ran:?}");
    };
    refused("all", &["one", "two"]);
    assert!(!room.path.join("all").exists(), "what is refused makes nothing");
    // What was asked for last says nothing of the rows that were there before.
    assert_eq!(room.batch("export", "one", &["--only", &id(1)]).status, 0);
    refused("all", &["one", "two"]);
    let ran = room.sockspec(&["merge", "all", "one", "two", "--mixed"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let all = room.verdicts("all");
    assert_eq!((&all[&id(0)]["score"], &all[&id(1)]["score"]), (&25.into(), &10.into()));
    let ran = room.sockspec(&["merge", "all", "nowhere"]);
    assert!(ran.status == 2 && ran.err.contains("there is no store in"), "{ran:?}");
}
