//! What is graded again, and what is not.

use std::fs;

use crate::course::{Submission, fixture};
use crate::grader::{Ran, Room, told};

/// Four students: right, with a defect, with an assignment of their own, and with what cannot be read.
fn room() -> Room {
    let room = Room::new("dialect: python\nroles: [udp-server]");
    let right = fixture("reference/python/UDPServer.py");
    let wrong = fixture("mutants/udp-server/newline-added.py");
    let own = b"assignment: mine\nroles: [udp-server]\npoints: { udp-server: 1000 }\nrequirements: { UDPS-3: { level: optional } }\n";
    let export = room.path.join("export");
    Submission::of(0, &[("UDPServer.py", &right)]).lay(&export.join("anna"));
    Submission::of(1, &[("UDPServer.py", &wrong)]).lay(&export.join("boris"));
    Submission::of(2, &[("UDPServer.py", &wrong), ("sockspec.yaml", own)]).lay(&export.join("cyrus"));
    fs::write(export.join("dora.zip"), "no zip").unwrap();
    room
}

fn graded(ran: &Ran) -> Vec<String> {
    let mut ids = told(&ran.err);
    ids.sort();
    assert!(ran.out.contains(&format!("Graded {} in ", ids.len())), "{ran:?}");
    ids
}

#[test]
fn only_what_has_changed_is_graded_again() {
    let room = room();
    let batch = |more: &[&str]| room.batch("export", "out", more);
    assert_eq!(graded(&batch(&[])), ["anna", "boris", "cyrus", "dora"]);
    let first = room.verdicts("out");
    // Whoever is graded does not say for what.
    assert_eq!(first["cyrus"]["score"], first["boris"]["score"]);
    assert_eq!(first["cyrus"]["programs"][0][5], first["boris"]["programs"][0][5]);
    assert!(first["dora"].as_str().unwrap().contains("damaged"), "{}", first["dora"]);
    assert_eq!(graded(&batch(&[])), [""; 0]);
    fs::write(room.path.join("export/boris/notes.txt"), "more").unwrap();
    fs::write(room.path.join("export/dora.zip"), "still none").unwrap();
    assert_eq!(graded(&batch(&[])), ["boris", "dora"]);
    assert_eq!(graded(&batch(&["--failed"])), ["boris", "cyrus", "dora"]);
    assert_eq!(graded(&batch(&["--failed", "--only", "anna,cyrus"])), ["cyrus"]);
    assert_eq!(graded(&batch(&["--only", "anna"])), [""; 0]);
    assert_eq!(graded(&batch(&["--only", "anna", "--force"])), ["anna"]);
    let ran = batch(&["--only", "ana"]);
    assert!(ran.status == 2 && ran.err.contains("did you mean anna?"), "{ran:?}");
    // Whose suites are others is graded again.
    room.assign("lab.yaml", "dialect: python\nroles: [udp-server]\npoints: { udp-server: 10 }");
    assert_eq!(graded(&batch(&[])), ["anna", "boris", "cyrus", "dora"]);
    let all = room.verdicts("out");
    assert_eq!(all["anna"]["score"], 10);
}

#[test]
fn a_mark_that_comes_later_costs_no_grading() {
    let room = room();
    let file = |name: &str| room.path.join("canvas").join(name);
    fs::create_dir(room.path.join("canvas")).unwrap();
    fs::write(file("doejane_12_34_UDPServer.py"), fixture("reference/python/UDPServer.py")).unwrap();
    fs::write(file("roejohn_13_35_UDPServer.py"), fixture("reference/python/UDPServer.py")).unwrap();
    assert_eq!(graded(&room.batch("canvas", "out", &[])), ["12", "13"]);
    fs::rename(file("doejane_12_34_UDPServer.py"), file("doejane_LATE_12_34_UDPServer.py")).unwrap();
    let ran = room.batch("canvas", "out", &["--report", "json=all.json"]);
    assert_eq!(graded(&ran), [""; 0]);
    let report: serde_json::Value = serde_json::from_slice(&fs::read(room.path.join("all.json")).unwrap()).unwrap();
    assert_eq!(
        (&report["submissions"][0]["student"]["late"], report["submissions"][1]["student"]["late"].as_bool()),
        (&true.into(), Some(false))
    );
}

#[test]
fn results_do_not_lie_in_the_export() {
    let room = room();
    for out in ["export/out", "export", "./export/../export/a/b"] {
        let ran = room.batch("export", out, &[]);
        assert!(ran.status == 2 && ran.err.contains("lies in the export"), "{ran:?}");
    }
    assert_eq!(fs::read_dir(room.path.join("export")).unwrap().count(), 4);
}
