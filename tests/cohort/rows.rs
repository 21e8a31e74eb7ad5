//! Rows: for every student, in every layout.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::course::{Layout, Submission, fixture};
use crate::grader::Room;

fn rows(room: &Room, file: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(room.path.join(file)).unwrap();
    let heads = reader.headers().unwrap().clone();
    let row = |row: csv::StringRecord| heads.iter().zip(&row).map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
    reader.records().map(|record| row(record.unwrap())).collect()
}

#[test]
fn every_layout_leads_to_the_same_rows() {
    let room = Room::new("dialect: python\nroles: [udp-server]");
    let right = fixture("reference/python/UDPServer.py");
    let wrong = fixture("mutants/udp-server/newline-added.py");
    let students = [
        Submission::of(0, &[("lab/UDPServer.py", &right), ("lab/README", b"hello")]),
        Submission::of(1, &[("UDPServer.py", &wrong)]),
        Submission::of(3, &[("server.zip", b"no zip")]),
    ];
    let mut scores = BTreeSet::new();
    for layout in Layout::ALL {
        for zipped in [false, true] {
            let name = format!("{layout:?}-{zipped}");
            let export = layout.write(&students, &room.path.join(&name), zipped);
            let out = format!("out-{name}");
            let table = format!("{name}.csv");
            let ran = room.batch(export.as_str(), &out, &["--report", &format!("csv={table}")]);
            assert_eq!(ran.status, 3, "{ran:?}");
            assert!(!ran.err.contains('\u{1b}') && !ran.out.contains('\u{1b}'), "{ran:?}");
            let verdicts = room.verdicts(&out);
            let wanted: Vec<String> = students.iter().map(|one| layout.id(one.number)).collect();
            assert!(verdicts.keys().eq(wanted.iter()), "{name}: {:?}", verdicts.keys());
            assert!(verdicts[&wanted[2]].is_string(), "{name}: {}", verdicts[&wanted[2]]);
            let judged = |id: &String| (verdicts[id]["score"].to_string(), verdicts[id]["programs"][0][5].to_string());
            scores.insert((judged(&wanted[0]), judged(&wanted[1])));
            let rows = rows(&room, &table);
            assert_eq!(rows.len(), students.len(), "{name}: {rows:?}");
            let formula = |cell: &String| cell.starts_with(['=', '+', '@', '\t', '\r']);
            assert!(!rows.iter().flat_map(BTreeMap::values).any(formula), "{name}: {rows:?}");
        }
    }
    assert_eq!(scores.len(), 1, "{scores:?}");
}

#[test]
fn each_member_of_a_group_has_a_row() {
    let room = Room::new("dialect: python\nroles: [udp-server]");
    let right = fixture("reference/python/UDPServer.py");
    let list = "submission_1:\n  :submitters:\n  - :name: Ann\n    :sid: A1\n  - :name: '=Bob'\n    :sid: B2\n\
                submission_2:\n  :submitters:\n  - :name: Cy\n    :sid: C3\n";
    let export = room.path.join("export");
    Submission::of(0, &[("UDPServer.py", &right)]).lay(&export.join("submission_1"));
    Submission::of(1, &[("UDPServer.py", &right)]).lay(&export.join("submission_2"));
    fs::write(export.join("submission_metadata.yml"), list).unwrap();
    let csv = ["csv", "csv-moodle", "csv-canvas"].map(|format| format!("{format}={format}.csv"));
    let pages = ["html=site/".to_owned(), "markdown=feedback/".to_owned()];
    let mut more: Vec<&str> = csv.iter().chain(&pages).flat_map(|wanted| ["--report", wanted.as_str()]).collect();
    more.extend(["--dialect", "python"]);
    let ran = room.batch("export", "out", &more);
    assert_eq!(ran.status, 0, "{ran:?}");
    for file in ["csv.csv", "csv-moodle.csv", "csv-canvas.csv"] {
        let rows = rows(&room, file);
        for name in ["Ann", "Bob", "Cy"] {
            let of = rows.iter().filter(|row| row.values().any(|cell| cell.contains(name))).count();
            assert_eq!(of, 1, "{file}: {name}: {rows:?}");
        }
    }
    let names = |folder: &str| -> BTreeSet<String> {
        let files = fs::read_dir(room.path.join(folder)).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!((names("site/students").len(), names("site/submissions").len()), (4, 2), "a page for each member, too");
    assert!(
        names("feedback").is_superset(&["A1.md", "B2.md", "C3.md"].map(str::to_owned).into()),
        "{:?}",
        names("feedback")
    );
    let feedback = fs::read_to_string(room.path.join("feedback/B2.md")).unwrap();
    let heading = feedback.lines().next().unwrap_or_default();
    assert!(heading.contains("Bob") && !heading.contains("Ann"), "{feedback}");
    assert!(feedback.contains("sockspec check . --assignment sockspec.yaml --dialect python --seed "), "{feedback}");
}
