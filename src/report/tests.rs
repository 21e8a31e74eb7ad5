//! Whole reports about results that are built by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod cohorts;
mod formats;
mod hidden;
mod hostile;
mod ladders;
mod sample;

pub(super) use sample::{HOSTILE, hostile, sample, with_hidden, with_missing};

use super::terminal::Options;
use super::{Format, Graded, Wanted, terminal};
use crate::judge::verdict::Verdict;
use crate::plan::model::Show;
use crate::plan::points::Points;

/// A report by a caller that knows nothing of its surroundings.
fn render(format: Format, graded: &[Graded]) -> Result<Vec<u8>, super::ReportError> {
    super::render(format, graded, &super::Options::default())
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

/// One element a line, so that a difference can be read.
fn xml(graded: &[Graded]) -> String {
    text(render(Format::Junit, graded).expect("a report")).replace("><", ">\n<")
}

fn plain(graded: &Graded) -> String {
    terminal::render(graded, &Options::default())
}

#[test]
fn json_of_a_bit_of_everything() {
    insta::assert_snapshot!(
        text(render(Format::Json, &[sample()]).expect("a report")).replace(env!("CARGO_PKG_VERSION"), "VERSION")
    );
}

#[test]
fn junit_of_a_bit_of_everything() {
    insta::assert_snapshot!(xml(&[sample()]));
}

#[test]
fn the_terminal_shows_a_bit_of_everything() {
    let again = Some("sockspec check . --seed 42".to_owned());
    insta::assert_snapshot!(terminal::render(&sample(), &Options { again, ..Options::default() }));
}

#[test]
fn the_terminal_has_colours_where_they_are_wanted() {
    let mut graded = sample();
    graded.verdict.programs.remove(0);
    graded.verdict.missing.clear();
    let coloured = terminal::render(&graded, &Options { colour: true, ..Options::default() });
    insta::assert_snapshot!(coloured.replace('\u{1b}', "ESC"));
    let bare = anstream::adapter::strip_str(&coloured).to_string();
    assert_eq!(bare, plain(&graded), "colours change nothing else");
}

#[test]
fn all_that_is_required_holds() {
    let mut graded = sample();
    graded.verdict.programs.pop();
    graded.verdict.missing.clear();
    insta::assert_snapshot!(plain(&graded));
}

#[test]
fn what_is_hidden_is_in_the_json_alone() {
    let graded = with_hidden();
    let [json, junit, terminal] = [
        text(render(Format::Json, std::slice::from_ref(&graded)).unwrap()),
        xml(std::slice::from_ref(&graded)),
        plain(&graded),
    ];
    assert!(json.contains("\"TCPS-3\"") && json.contains("\"after_due_date\""));
    for report in [&junit, &terminal] {
        for secret in ["TCPS-3", "TCPS-12", "trailing-newline", "followed by a newline"] {
            assert!(!report.contains(secret), "{secret} in {report}");
        }
    }
    insta::assert_snapshot!(terminal);
}

#[test]
fn show_decides_how_much_is_told() {
    for (show, allowed, kept_back) in [
        (
            Show::Actual,
            &["AT ONCE 1"][..],
            &["bob receives 9", "followed by", "What to look at", "trailing-newline", "Why TCPS"][..],
        ),
        (
            Show::None,
            &[][..],
            &["AT ONCE", "bob receive", "followed by", "What to look at", "trailing-newline", "Why TCPS"][..],
        ),
    ] {
        let mut graded = sample();
        graded.verdict.programs[1].show = show;
        let json = text(render(Format::Json, std::slice::from_ref(&graded)).unwrap());
        for report in [json, xml(std::slice::from_ref(&graded)), plain(&graded)] {
            for word in allowed {
                assert!(report.contains(word), "{show:?}: no {word} in {report}");
            }
            for word in kept_back {
                assert!(!report.contains(word), "{show:?}: {word} in {report}");
            }
        }
    }
}

#[test]
fn several_submissions_are_told_apart() {
    let mut other = sample();
    other.verdict.id = "a.b".to_owned();
    other.verdict.seed = 43;
    let report = xml(&[sample(), other.clone()]);
    let names: Vec<&str> = report
        .lines()
        .filter(|line| line.starts_with("<testcase"))
        .map(|line| line.split('"').nth(1).unwrap())
        .collect();
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), names.len(), "each case has a name of its own");
    assert!(report.contains("classname=\"sockspec.a_b.tcp-server\""));
    let json: serde_json::Value = serde_json::from_slice(&render(Format::Json, &[sample(), other]).unwrap()).unwrap();
    assert_eq!((json["seed"].is_null(), json["submissions"][1]["seed"].as_u64()), (true, Some(43)));
}

#[test]
fn a_report_says_the_same_twice() {
    for format in Format::ALL.into_iter().filter(|format| format.shapes().one) {
        assert_eq!(render(format, &[sample()]).unwrap(), render(format, &[sample()]).unwrap());
    }
}

#[test]
fn a_report_is_asked_for_by_format_and_file() {
    let wanted = |text: &str| text.parse::<Wanted>().map_err(|error| error.to_string());
    assert_eq!(wanted("junit"), Ok(Wanted { format: Format::Junit, file: None }));
    assert_eq!(wanted("json=-"), Ok(Wanted { format: Format::Json, file: None }));
    assert_eq!(wanted("json=a=b.json"), Ok(Wanted { format: Format::Json, file: Some("a=b.json".into()) }));
    assert_eq!(wanted("junti=x"), Err("`junti` is no report format; did you mean `junit`?".to_owned()));
    assert!(wanted("pdf").is_err_and(|error| error.contains("known here: junit, json, html, gradescope")));
    assert!(
        wanted("xlsx").is_err_and(|error| error.starts_with("`xlsx` is no report format; known here: junit, json, "))
    );
    assert!(wanted("json=").is_err_and(|error| error.contains("names no file")));
}
