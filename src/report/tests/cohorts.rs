//! Cohorts: every student has a row or a file, with the reason where there is no grade.

use super::super::cohort::{CohortOptions, Entry, File, Outcome, Shape, cohort};
use super::super::{Options, ReportError};
use super::sample::printed;
use super::*;
use crate::roster::Student;

fn student(id: &str, name: &str, number: &str) -> Student {
    Student {
        id: id.to_owned(),
        name: Some(name.to_owned()),
        number: Some(number.to_owned()),
        login: Some(format!("0{id}")),
        email: None,
        late: id == "late",
    }
}

fn whole() -> Graded {
    let mut graded = sample();
    graded.verdict.programs.pop();
    graded.verdict.missing.clear();
    graded
}

fn of_nothing() -> Graded {
    let mut graded = whole();
    for judged in &mut graded.verdict.programs[0].requirements {
        judged.verdict = Verdict::Ungraded { reason: "no Python 2 here; install python2".to_owned() };
        judged.earned = Points(0);
    }
    graded
}

/// One of each kind, with names that are formulas, markup and commands.
fn entries() -> Vec<Entry> {
    let entry = |student, outcome| Entry {
        student,
        members: Vec::new(),
        outcome,
        again: Some("sockspec check x --seed 42".to_owned()),
    };
    let graded = |graded| Outcome::Graded(Box::new(graded));
    vec![
        entry(student("whole", "=HYPERLINK(\"http://x\")", "0012345"), graded(whole())),
        entry(student("part", "O'Brien, Anne-Marie", "007"), graded(sample())),
        entry(student("none", "<script>alert(1)</script> [x](http://x)", "3"), graded(of_nothing())),
        entry(
            student("late", "Ünïcode 漢字\r\n::error::x", "4"),
            Outcome::Unread { reason: "=the zip is broken: @x ]]> <b>".to_owned() },
        ),
    ]
}

fn made(format: Format, shape: Shape) -> Result<Vec<File>, ReportError> {
    let mut report = cohort(format, &CohortOptions { shape, formats: Options::default() })?;
    let mut files = Vec::new();
    for entry in entries() {
        files.extend(report.entry(&entry)?);
    }
    files.extend(report.end()?);
    Ok(files)
}

fn rows(format: Format) -> Vec<Vec<String>> {
    let bytes = made(format, Shape::File).unwrap().remove(0).bytes;
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(bytes.as_slice());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn cell<'a>(rows: &'a [Vec<String>], row: usize, heading: &str) -> &'a str {
    let column = rows[0].iter().position(|cell| cell == heading).unwrap_or_else(|| panic!("no {heading}"));
    &rows[row][column]
}

#[test]
fn every_format_says_of_every_student_what_came_of_it() {
    // A site has tests of its own.
    for format in Format::ALL.into_iter().filter(|format| *format != Format::Html) {
        let shapes = format.shapes();
        for (shape, there) in [(Shape::File, shapes.all), (Shape::Folder, shapes.one)] {
            let Ok(files) = made(format, shape) else {
                assert!(!there, "{format} {shape:?}");
                continue;
            };
            assert!(there, "{format} {shape:?}");
            assert_eq!(files.len(), if shape == Shape::File { 1 } else { entries().len() }, "{format}");
            let last = String::from_utf8(files.last().unwrap().bytes.clone()).unwrap();
            assert!(last.contains("zip is broken") || format == Format::CsvCanvas, "{format}: {last}");
            let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
            if shape == Shape::Folder {
                assert_eq!(paths[0], format!("whole.{}", format.extension()));
            }
        }
    }
}

#[test]
fn the_gradebook_has_a_row_a_student_and_a_column_a_requirement() {
    let rows = rows(Format::Csv);
    assert_eq!(rows.len(), 5);
    assert_eq!(cell(&rows, 1, "name"), "'=HYPERLINK(\"http://x\")");
    assert_eq!((cell(&rows, 1, "number"), cell(&rows, 2, "number")), ("0012345", "007"));
    let status: Vec<&str> = (1..5).map(|row| cell(&rows, row, "status")).collect();
    assert_eq!(status, ["graded", "partly graded", "not graded", "not graded"]);
    let scores: Vec<&str> = (1..5).map(|row| cell(&rows, row, "score")).collect();
    assert_eq!(scores, ["10", "13", "", ""], "what is not graded is not zero");
    assert_eq!(
        (cell(&rows, 2, "TCPS-3"), cell(&rows, 2, "TCPS-6"), cell(&rows, 2, "TCPS-9")),
        ("failed", "blocked", "ungraded")
    );
    assert_eq!((cell(&rows, 2, "tcp-client"), cell(&rows, 4, "tcp-client")), ("missing", ""));
    assert_eq!(cell(&rows, 4, "late"), "late");
    assert!(cell(&rows, 4, "note").starts_with("'=the zip is broken"));
    assert!(cell(&rows, 3, "note").contains("install python2"));
}

#[test]
fn moodle_gets_participants_grades_and_comments() {
    let rows = rows(Format::CsvMoodle);
    let grades: Vec<&str> = (1..5).map(|row| cell(&rows, row, "Grade")).collect();
    assert_eq!(grades, ["10", "", "", ""]);
    assert_eq!(cell(&rows, 1, "Identifier"), "Participant 0012345");
    assert_eq!(cell(&rows, 1, "Maximum Grade"), "44.5");
    for row in 1..5 {
        let comment = cell(&rows, row, "Feedback comments");
        let tags: Vec<&str> = comment.split('<').skip(1).map(|tag| tag.split('>').next().unwrap()).collect();
        let ours = ["p", "/p", "ul", "/ul", "li", "/li", "strong", "/strong"];
        assert!(tags.iter().all(|tag| ours.contains(tag)), "{comment}");
    }
    assert!(cell(&rows, 2, "Feedback comments").contains("The reply was followed by a newline"));
    assert!(cell(&rows, 4, "Feedback comments").contains("the zip is broken"));
}

#[test]
fn canvas_gets_its_columns_and_what_was_possible() {
    let rows = rows(Format::CsvCanvas);
    assert_eq!(rows[0], ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "sockspec"]);
    assert_eq!(rows[1], ["    Points Possible", "", "", "", "", "44.5"]);
    assert_eq!(rows[2], ["'=HYPERLINK(\"http://x\")", "0012345", "", "0whole", "", "10"]);
    assert_eq!(rows.len(), 6);
    assert!(rows[3..].iter().all(|row| row[5].is_empty()), "no grade, no zero: {rows:?}");
}

#[test]
fn the_teachers_json_has_students_and_reasons() {
    let bytes = made(Format::Json, Shape::File).unwrap().remove(0).bytes;
    let report: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(report["submissions"].as_array().unwrap().len(), 3);
    assert_eq!(report["submissions"][0]["student"]["number"], "0012345");
    assert_eq!(report["submissions"][0]["again"], "sockspec check x --seed 42");
    assert_eq!(report["unread"][0]["student"]["id"], "late");
}

#[test]
fn a_students_page_has_no_markup_of_the_students() {
    for file in made(Format::Markdown, Shape::Folder).unwrap() {
        let page = String::from_utf8(file.bytes).unwrap();
        assert_eq!(formats::markup(&page), Vec::<String>::new(), "{page}");
    }
    let page = String::from_utf8(made(Format::GithubSummary, Shape::File).unwrap().remove(0).bytes).unwrap();
    assert_eq!(formats::markup(&page), Vec::<String>::new(), "{page}");
    let log = String::from_utf8(made(Format::Github, Shape::File).unwrap().remove(0).bytes).unwrap();
    assert!(formats::live_commands(&log).iter().all(|line| !line.starts_with("::error::x")), "{log}");
}

#[test]
fn what_a_report_keeps_of_a_submission_is_not_what_was_recorded() {
    let mut graded = sample();
    graded.records[0].records[0].events[0].fact = printed(&"x".repeat(1 << 19));
    let entry = |id: String| Entry {
        student: Student { id, ..Student::default() },
        members: Vec::new(),
        outcome: Outcome::Graded(Box::new(graded.clone())),
        again: None,
    };
    for format in Format::ALL.into_iter().filter(|format| format.shapes().all && *format != Format::Html) {
        let mut report = cohort(format, &CohortOptions { shape: Shape::File, formats: Options::default() }).unwrap();
        for number in 0..5 {
            assert!(report.entry(&entry(format!("s{number}"))).unwrap().is_empty());
        }
        let bytes = report.end().unwrap().remove(0).bytes.len();
        assert!(bytes < 1 << 19, "{format}: {bytes} bytes of 5 submissions that printed half a MiB each");
    }
}

#[test]
fn each_member_of_a_group_has_a_page() {
    let group = Entry {
        student: student("group", "Ann, Bob", "1"),
        members: vec![student("ann", "Ann <b>", "2"), student("bob", "Bob", "3")],
        outcome: Outcome::Graded(Box::new(sample())),
        again: None,
    };
    let files = |format: Format, shape: Shape| -> Vec<(String, String)> {
        let mut report = cohort(format, &CohortOptions { shape, formats: Options::default() }).unwrap();
        let mut files = report.entry(&group).unwrap();
        files.extend(report.end().unwrap());
        files.into_iter().map(|file| (file.path.into_string(), text(file.bytes))).collect()
    };
    let names = |files: &[(String, String)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let feedback = files(Format::Markdown, Shape::Folder);
    assert_eq!(names(&feedback), ["group.md", "ann.md", "bob.md"]);
    assert!(feedback[2].1.starts_with("# Bob\n") && feedback[2].1.contains("TCPS-3"), "{}", feedback[2].1);
    let site = files(Format::Html, Shape::Folder);
    let wanted =
        ["submissions/group.html", "students/group.html", "students/ann.html", "students/bob.html", "index.html"];
    assert_eq!(names(&site), wanted);
    assert!(site[2].1.contains("Ann &lt;b&gt;") && !site[2].1.contains("Bob") && !site[2].1.contains("href=\"../"));
    assert_eq!(names(&files(Format::Junit, Shape::Folder)), ["group.xml"], "a program would count them");
    assert_eq!(names(&files(Format::Json, Shape::File)), ["json.json"]);
}
