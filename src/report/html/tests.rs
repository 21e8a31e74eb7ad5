//! Pages about results that are built by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

use super::*;
use crate::ids::Role;
use crate::judge::verdict::{Judged, Verdict};
use crate::plan::model::{Show, Visibility};
use crate::report::ladder::rungs::Rungs;
use crate::report::tests::{HOSTILE, hostile, sample, with_hidden, with_missing};
use crate::roster::Student;

fn student(id: &str) -> Student {
    Student { id: id.to_owned(), ..Student::default() }
}

fn entry(id: &str, graded: Graded) -> Entry {
    let again = Some("sockspec check /home/ta/export --seed 42".to_owned());
    Entry { student: student(id), members: Vec::new(), outcome: Outcome::Graded(Box::new(graded)), again }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// One page about submissions.
fn page(graded: &[Graded], again: Option<&str>) -> Vec<u8> {
    let mut page = Box::new(OnePage::default());
    for graded in graded {
        let student = student(&graded.verdict.id);
        page.submission(&Who { student: &student, again, known: false }, graded).unwrap();
    }
    page.finish().unwrap()
}

/// The teacher's page and the student's.
fn pages(graded: Graded) -> [String; 2] {
    let files = Site::new().entry(&entry("jdoe", graded)).unwrap();
    let [staff, student] = <[File; 2]>::try_from(files).unwrap();
    assert_eq!((staff.path.as_str(), student.path.as_str()), ("submissions/jdoe.html", "students/jdoe.html"));
    [text(staff.bytes), text(student.bytes)]
}

fn index(entries: impl IntoIterator<Item = Entry>) -> String {
    let mut site = Site::new();
    entries.into_iter().for_each(|entry| drop(site.entry(&entry).unwrap()));
    let [index] = <[File; 1]>::try_from(site.end().unwrap()).unwrap();
    text(index.bytes)
}

/// What the index's script is given.
fn data(index: &str) -> serde_json::Value {
    let inside = index.split_once("type=\"application/json\">").unwrap().1.split_once("</script>").unwrap().0;
    serde_json::from_str(inside).unwrap()
}

#[test]
fn what_is_hidden_is_on_the_teachers_page_alone() {
    let [staff, student] = pages(with_hidden());
    for secret in ["TCPS-3", "TCPS-12", "trailing-newline", "followed by a newline"] {
        assert!(staff.contains(secret) && !student.contains(secret), "{secret}");
    }
    assert!(staff.contains("hidden from students") && staff.contains("/home/ta") && !student.contains("/home/ta"));
    assert!(!student[student.find("<body>").unwrap()..].contains("hidden from"));
}

#[test]
fn a_students_page_is_the_same_whatever_is_hidden() {
    let hidden = |judged: &Judged| ["TCPS-3", "TCPS-12", "UDPS-2"].contains(&judged.id.0.as_str());
    let with = |change: &dyn Fn(&mut Judged)| {
        let mut graded = sample();
        for program in &mut graded.verdict.programs {
            for judged in program.requirements.iter_mut().filter(|judged| hidden(judged)) {
                judged.visibility = Visibility::AfterPublished;
                change(judged);
            }
        }
        graded
    };
    let failed = with(&|_| {});
    let passed = with(&|judged| {
        (judged.verdict, judged.earned, judged.finding) = (Verdict::Passed, judged.points, None);
    });
    let mut absent = sample();
    absent.verdict.programs.iter_mut().for_each(|program| program.requirements.retain(|judged| !hidden(judged)));
    let [_, wanted] = pages(absent.clone());
    assert_eq!(pages(failed.clone())[1], wanted);
    assert_eq!(pages(passed)[1], wanted);
    assert_eq!(page(&[failed], None), page(&[absent], None), "in one file too");
}

#[test]
fn of_a_missing_program_a_students_page_has_the_points_that_are_shown() {
    let [staff, student] = pages(with_missing(2500, 1000));
    assert!(staff.contains("0 / 25<") && staff.contains(" / 42.5<") && !student.contains("0 / 25<"), "{student}");
    assert_eq!(student, pages(with_missing(1000, 1000))[1]);
    assert_eq!(page(&[with_missing(2500, 0)], None), page(&[with_missing(0, 0)], None), "in one file too");
}

#[test]
fn show_decides_how_much_a_student_is_told() {
    for (show, allowed, kept_back) in [
        (
            Show::Actual,
            &["AT ONCE 1"][..],
            &["bob receives 9", "followed by", "What to look at", "trailing-", "Why TCPS"][..],
        ),
        (
            Show::None,
            &[][..],
            &["AT ONCE", "bob receive", "followed by", "What to look at", "trailing-", "Why TCPS"][..],
        ),
    ] {
        let mut graded = sample();
        graded.verdict.programs[1].show = show;
        let [staff, student] = pages(graded);
        assert!(kept_back.iter().filter(|word| **word != "trailing-").all(|word| staff.contains(word)), "{show:?}");
        assert!(allowed.iter().all(|word| student.contains(word)), "{show:?}");
        for word in kept_back {
            assert!(!student.contains(word), "{show:?}: {word}");
        }
    }
}

#[test]
fn hostile_text_is_no_markup_on_any_page() {
    let hostile = || {
        let mut entry = entry("x", hostile(HOSTILE));
        entry.student.name = Some(HOSTILE.to_owned());
        entry
    };
    let mut site = Site::new();
    let mut files = site.entry(&hostile()).unwrap();
    files.extend(site.end().unwrap());
    for file in files {
        let page = text(file.bytes);
        assert!(!page.contains("<testcase") && !page.contains("<![CDATA["), "{}", file.path);
        assert!(!page.contains("[[ATTACHMENT|") && !page.contains("##[") && !page.contains('\u{1b}'), "{}", file.path);
        let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        assert!(!page.contains(steers) && !page.lines().any(|line| line.starts_with("::")), "{}", file.path);
    }
}

#[test]
fn failures_of_one_cause_are_one_cluster() {
    let unread = Entry {
        student: student("late"),
        members: Vec::new(),
        outcome: Outcome::Unread { reason: "nothing was handed in".to_owned() },
        again: None,
    };
    let mut other = sample();
    other.verdict.programs[1].requirements.remove(2);
    let page = index([entry("a", sample()), unread, entry("b", other)]);
    assert!(page.contains("<span class=\"many\">2 submissions: </span>trailing newline"), "{page}");
    assert!(page.contains("<b>1 submission: </b>nothing was handed in"));
    assert!(page.contains("<b>2 submissions, in part: </b>the machine has no processor time left"));
    let data = data(&page);
    assert_eq!(data["causes"][0], serde_json::json!({ "name": "trailing newline", "rows": [0, 2] }));
}

#[test]
fn the_matrix_has_a_letter_for_each_requirement() {
    let mut first = sample();
    // The second submission is asked for more: it stands where its suite has it.
    first.verdict.programs[1].requirements.remove(1);
    let unread = Entry {
        student: student("c"),
        members: Vec::new(),
        outcome: Outcome::Unread { reason: "gone".to_owned() },
        again: None,
    };
    let data = data(&index([entry("a", first), entry("b", sample()), unread]));
    let columns: Vec<&str> =
        data["columns"].as_array().unwrap().iter().map(|column| column["id"].as_str().unwrap()).collect();
    assert_eq!(columns, ["UDPS-1", "UDPS-2", "TCPS-1", "TCPS-3", "TCPS-12", "TCPS-6", "TCPS-9", "TCPS-17", "TCPS-18"]);
    let cells = [0, 1, 2].map(|row| data["rows"][row][5].as_str().unwrap());
    assert_eq!(cells, ["pppnfbupf", "pppffbupf", "uuuuuuuuu"]);
}

#[test]
fn a_picture_has_a_line_for_each_rung_and_marks_one() {
    let graded = sample();
    let record = &graded.records[0].records[0];
    let rungs = Rungs::of(record, Role::TcpServer, Some(4)).shortened();
    let picture = diagram::draw(&rungs, "x").into_string();
    assert_eq!(picture.matches("class=\"rung").count(), rungs.all.len());
    assert_eq!(picture.matches("class=\"rung hit\"").count(), 1);
    let hit = picture.split_once("class=\"rung hit\"").unwrap().1.split_once("</g>").unwrap().0;
    assert!(hit.contains("&quot;AT ONCE 1\\n&quot;") && hit.contains('✗'), "{hit}");
    assert!(picture.contains("Where it went wrong: at 6.8 ms, program to bob: &quot;AT ONCE 1\\n&quot;."), "{picture}");
    assert!(picture.contains("<title id=\"x-title\">The exchange between grader (client) and your server</title>"));
}

#[test]
fn several_submissions_on_one_page_have_places_of_their_own() {
    let page = text(page(&[sample(), sample()], None));
    let mut ids: Vec<&str> = page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "each place has a name of its own");
}
