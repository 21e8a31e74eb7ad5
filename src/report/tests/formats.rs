//! What is in each format, and what is not.

use proptest::prelude::*;
use pulldown_cmark::{Event as Md, Options as MdOptions, Parser, Tag};

use super::*;
use crate::ids::RequirementId;
use crate::judge::verdict::Missing;
use crate::plan::model::Visibility;
use crate::report::is_shown;

/// Formats that a student reads, beside the page.
pub(super) const STUDENTS: [Format; 7] = [
    Format::Junit,
    Format::Classroom50,
    Format::Github,
    Format::GithubSummary,
    Format::Ctrf,
    Format::Tap,
    Format::Markdown,
];

fn shown(format: Format, graded: &Graded) -> String {
    text(render(format, std::slice::from_ref(graded)).expect("a report"))
}

fn parsed(format: Format, graded: &Graded) -> serde_json::Value {
    serde_json::from_str(&shown(format, graded)).expect("JSON")
}

/// A report on a submission with hidden requirements is one on a submission without them: neither a name,
/// nor a number, nor a total of theirs is anywhere. Only that something is hidden may be said.
#[test]
fn what_is_hidden_changes_nothing_that_a_student_sees() {
    let mut hidden = with_hidden();
    hidden.verdict.missing[0].shown = Points(1000);
    hidden.verdict.programs[1].requirements[4].visibility = Visibility::AfterPublished;
    let mut without = hidden.clone();
    without.verdict.programs[1].requirements.retain(is_shown);
    without.verdict.missing[0].points = Points(1000);
    // What each case took is a part of what all took together, and differs.
    let lines = |text: String| -> Vec<String> {
        let timeless = |line: &&str| !line.contains("time=") && !line.contains("\"duration\"");
        text.replace("><", ">\n<").lines().filter(timeless).map(str::to_owned).collect()
    };
    for format in STUDENTS {
        let with = shown(format, &hidden).replace(" for what is shown here", "");
        // What blocks is named where nothing hides it.
        let without = shown(format, &without).replace("TCPS-3 failed", "something that it needs failed");
        assert_eq!(lines(with), lines(without), "{format}");
    }
}

#[test]
fn of_a_missing_program_a_student_sees_the_points_that_are_shown() {
    for (shown_points, total) in [(1000, "13 of 27.5 points"), (0, "13 of 17.5 points")] {
        let (with, without) = (with_missing(2500, shown_points), with_missing(shown_points, shown_points));
        for format in STUDENTS {
            let with = shown(format, &with).replace(" for what is shown here", "");
            assert_eq!(with, shown(format, &without), "{format}");
            assert!(with.contains("TCP client"), "{format}: a missing program is named");
        }
        assert_eq!(plain(&with), plain(&without));
        let page = shown(Format::Markdown, &with).replace('*', "");
        assert!(page.contains(&format!("{total} for what is shown here")), "{page}");
        let json = parsed(Format::Json, &with);
        let submission = &json["submissions"][0];
        let points = [&submission["missing"][0]["points"], &submission["max_score"]].map(serde_json::Value::as_f64);
        assert_eq!(points, [Some(25.0), Some(42.5)], "the teacher's has all");
    }
}

#[test]
fn a_record_that_does_not_say_what_is_shown_of_a_missing_program_shows_no_points_of_it() {
    let old = serde_json::json!({ "role": "tcp-client", "looked_for": "a file", "points": 25 });
    let missing: Missing = serde_json::from_value(old).unwrap();
    assert_eq!((missing.points, missing.shown), (Points(2500), Points(0)));
}

#[test]
fn gradescope_has_what_is_hidden_of_a_missing_program_in_a_test_of_its_own() {
    let tests = |graded: &Graded| -> Vec<(String, String, f64)> {
        let report = parsed(Format::Gradescope, graded);
        let tests = report["tests"].as_array().unwrap().iter();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        tests
            .filter(|test| test["tags"][1] == "missing")
            .map(|test| (text(&test["number"]), text(&test["visibility"]), test["max_score"].as_f64().unwrap()))
            .collect()
    };
    let test = |number: &str, visibility: &str, points| (number.to_owned(), visibility.to_owned(), points);
    let seen = test("3.1", "visible", 10.0);
    assert_eq!(tests(&with_missing(2500, 1000)), [seen.clone(), test("3.2", "hidden", 15.0)]);
    assert_eq!(
        tests(&with_missing(1000, 1000)),
        std::slice::from_ref(&seen),
        "no hidden test, which would hide the total"
    );
    let mut later = with_missing(2500, 1000);
    later.verdict.missing[0].kept =
        vec![(Visibility::AfterDueDate, Points(1100)), (Visibility::AfterPublished, Points(400))];
    let later = tests(&later);
    assert_eq!(later, [seen, test("3.2", "after_due_date", 11.0), test("3.3", "after_published", 4.0)]);
}

/// Where no points are to be seen, no number says so.
#[test]
fn without_points_it_is_said_what_holds() {
    let mut graded = sample();
    graded.verdict.missing.clear();
    let first = |graded: &Graded| shown(Format::Markdown, graded).lines().nth(2).unwrap().to_owned();
    let each = |graded: &Graded, change: fn(usize, &mut crate::judge::verdict::Judged)| {
        let mut graded = graded.clone();
        let programs = graded.verdict.programs.iter_mut();
        programs.flat_map(|one| &mut one.requirements).enumerate().for_each(|(number, judged)| change(number, judged));
        graded
    };
    let ungraded = each(&graded, |number, judged| match number {
        0 => judged.visibility = Visibility::Hidden,
        _ => {
            judged.verdict = Verdict::Ungraded { reason: "no Python here".to_owned() };
            (judged.earned, judged.finding) = (Points(0), None);
        }
    });
    let hidden = each(&graded, |_, judged| judged.visibility = Visibility::Hidden);
    let worthless = each(&graded, |_, judged| (judged.points, judged.earned) = (Points(0), Points(0)));
    assert_eq!(first(&ungraded), "**Not graded.** No points are lost by that for what is shown here.");
    assert_eq!(first(&hidden), "**No points are shown here.**");
    assert_eq!(first(&worthless), "**No points** are given.");
    for graded in [&ungraded, &hidden, &worthless] {
        let mut reports =
            [Format::Markdown, Format::GithubSummary, Format::Html].map(|format| shown(format, graded)).to_vec();
        reports.push(plain(graded));
        for report in reports {
            assert!(!report.contains("0 of 0") && !report.contains("0 / 0"), "{report}");
        }
    }
    assert!(plain(&hidden).contains("Nothing of what was tested is shown."));
}

#[test]
fn what_is_told_of_a_failure_is_as_much_as_the_assignment_says() {
    let kept = ["bob receives 9", "followed by", "What to look at", "trailing-newline", "Why TCPS"];
    for format in STUDENTS.into_iter().chain([Format::Gradescope]) {
        for (show, told) in [(Show::Actual, true), (Show::None, false)] {
            let mut graded = sample();
            graded.verdict.programs[1].show = show;
            let report = shown(format, &graded);
            for word in kept {
                assert!(!report.contains(word), "{format} {show:?}: {word} in {report}");
            }
            let seen = report.contains("AT ONCE 1");
            assert!(seen == told || format == Format::Classroom50, "{format} {show:?}: {report}");
        }
    }
}

#[test]
fn gradescope_hides_by_itself_and_loses_no_points_to_us() {
    let report = parsed(Format::Gradescope, &with_hidden());
    let tests = report["tests"].as_array().unwrap();
    let of =
        |id: &str| tests.iter().find(|test| test["name"].as_str().unwrap().starts_with(&format!("{id} "))).unwrap();
    assert_eq!(of("TCPS-3")["visibility"], "hidden");
    assert_eq!(of("TCPS-12")["visibility"], "after_due_date");
    assert_eq!(of("TCPS-1")["visibility"], "visible");
    assert_eq!((of("TCPS-1")["score"].as_f64(), &of("TCPS-1")["status"]), (Some(3.0), &"passed".into()));
    assert_eq!((of("TCPS-9")["max_score"].as_f64(), of("TCPS-9").get("status")), (Some(0.0), None));
    let blocked = of("TCPS-6")["output"].as_str().unwrap();
    assert!(blocked.contains("something that it needs failed") && !blocked.contains("hidden"), "{blocked}");
    assert!(report["output"].as_str().unwrap().contains("1 requirement could not be graded"));
    assert!(tests.iter().all(|test| test["number"].is_string()));
    assert_eq!(tests.last().unwrap()["name"], "the TCP client is there");
}

#[test]
fn classroom50_counts_in_hundredths_and_fills_in_what_it_was_not_told() {
    let report = parsed(Format::Classroom50, &sample());
    assert_eq!((report["score"].as_u64(), report["max-score"].as_u64()), (Some(1300), Some(4250)));
    assert_eq!(report["datetime"], "2026-11-26T21:00:00Z");
    assert_eq!((&report["submission"], &report["classroom"]), (&"submit/jdoe".into(), &"unknown".into()));
    let environment = super::super::classroom50::Environment {
        classroom: Some("cs-net".to_owned()),
        submission: Some("submit/2026-a1b2c3d".to_owned()),
        commit: Some("https://example.org/c".to_owned()),
        ..Default::default()
    };
    let options = super::super::Options { classroom50: environment, ..Default::default() };
    let bytes = super::super::render(Format::Classroom50, &[sample()], &options).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!((&report["classroom"], &report["review"]), (&"cs-net".into(), &"https://example.org/c".into()));
}

#[test]
fn every_verdict_has_its_status() {
    let ctrf = parsed(Format::Ctrf, &sample());
    let summary = &ctrf["results"]["summary"];
    let number = |key: &str| summary[key].as_u64().unwrap();
    assert_eq!(["tests", "passed", "failed", "skipped", "other"].map(number), [10, 4, 3, 2, 1]);
    let tap = shown(Format::Tap, &sample());
    let points: Vec<&str> = tap.lines().filter(|line| line.starts_with("ok") || line.starts_with("not ok")).collect();
    assert_eq!(points.len(), 10);
    let with = |words: &str| points.iter().filter(|line| line.contains(words)).count();
    assert_eq!((with("# SKIP"), with("# TODO"), with("not ok")), (2, 1, 4));
    assert!(tap.starts_with("TAP version 13\n1..10\n"));
}

#[test]
fn several_do_not_fit_where_there_is_room_for_one() {
    let two = [sample(), sample()];
    for format in Format::ALL {
        let shapes = format.shapes();
        assert_eq!(render(format, &two).is_ok(), shapes.all, "{format}");
        assert_eq!(render(format, &two[..1]).is_ok(), shapes.one, "{format}");
    }
}

/// The lines that a runner of GitHub Actions obeys, as it decides that.
pub(super) fn live_commands(log: &str) -> Vec<String> {
    let mut stopped: Option<String> = None;
    let mut live = Vec::new();
    for line in log.split(['\n', '\r']) {
        let line = line.trim_start();
        if let Some(token) = &stopped {
            if line.trim_end() == format!("::{token}::") {
                stopped = None;
            }
        } else if let Some(token) = line.strip_prefix("::stop-commands::") {
            stopped = Some(token.to_owned());
        } else if line.starts_with("::") || line.contains("##[") {
            live.push(line.to_owned());
        }
    }
    assert_eq!(stopped, None, "commands are taken again at the end");
    live
}

#[test]
fn no_word_of_a_program_is_a_command_to_github() {
    let ours = live_commands(&shown(Format::Github, &sample()));
    let theirs = live_commands(&shown(Format::Github, &hostile(HOSTILE)));
    let kinds = |commands: &[String]| -> Vec<String> {
        let kind = |line: &String| line[2..].split([' ', ':']).next().unwrap().to_owned();
        commands.iter().map(kind).collect()
    };
    // As many commands, of the same kinds: one defect is not one cause any more, but none is theirs.
    for kind in kinds(&theirs) {
        assert!(kinds(&ours).contains(&kind), "{kind}: {theirs:#?}");
    }
    assert!(theirs.iter().all(|line| !line.contains("##[")), "{theirs:#?}");
}

#[test]
fn a_token_is_no_part_of_what_it_fences() {
    let log = shown(Format::Github, &sample());
    let token = log.split("::stop-commands::").nth(1).unwrap().lines().next().unwrap();
    // Not even a program that prints the token of its own report ends the fence.
    let again = shown(Format::Github, &hostile(&format!("::{token}::\n::error::no")));
    assert!(!again.contains(&format!("::stop-commands::{token}\n")));
    assert!(live_commands(&again).iter().all(|line| !line.starts_with("::error::")));
}

#[test]
fn an_annotation_names_the_file_in_the_repository() {
    let place = super::super::github::Place { folder: Some("labs/one".into()) };
    let options = super::super::Options { github: place, ..Default::default() };
    let log = text(super::super::render(Format::Github, &[sample()], &options).unwrap());
    assert!(log.starts_with("::error file=labs/one/TCPServer.py,line=1,title=TCPS-3 "), "{log}");
    assert!(log.contains("%0ASame cause%3A TCPS-12") || log.contains("%0ASame cause: TCPS-12"), "{log}");
}

#[test]
fn beyond_ten_annotations_a_level_their_number_is_said() {
    let mut graded = sample();
    let one = graded.verdict.programs[1].requirements[1].clone();
    graded.verdict.programs[1].requirements = (0..15)
        .map(|number| {
            let mut judged = one.clone();
            judged.id = RequirementId(format!("X-{number}"));
            judged.finding.as_mut().unwrap().cause = format!("cause-{number}");
            judged
        })
        .collect();
    let log = shown(Format::Github, &graded);
    assert_eq!(log.lines().filter(|line| line.starts_with("::error ")).count(), 10);
    assert!(log.contains("7 more annotations"), "{log}");
    assert_eq!(log.matches("::group::").count(), 15, "the log has all");
}

/// What Markdown makes of a page beyond text: tags, links, images.
pub(super) fn markup(page: &str) -> Vec<String> {
    Parser::new_ext(page, MdOptions::ENABLE_TABLES | MdOptions::ENABLE_GFM | MdOptions::ENABLE_MATH)
        .filter_map(|event| match event {
            Md::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::HtmlBlock)
            | Md::Html(_)
            | Md::InlineHtml(_)
            | Md::InlineMath(_)
            | Md::DisplayMath(_) => Some(format!("{event:?}")),
            _ => None,
        })
        .collect()
}

const HOSTILE_MARKDOWN: &str = "</code></pre><script>alert(1)</script> <img src=x onerror=alert(1)> [a](javascript:x) \
     ![b](http://x/y.png) <http://x> `a ``b ```` \n```\n# forged\n```\n| a | b |\n|---|---|\n[ref]: http://x\n[ref] &lt; $x$ \
     \\` \\` ~~~ \"unbalanced `<b> www.x.org @all #1";

#[test]
fn no_word_of_a_program_is_markup() {
    for format in [Format::Markdown, Format::GithubSummary] {
        for text in [HOSTILE, HOSTILE_MARKDOWN] {
            let page = shown(format, &hostile(text));
            assert_eq!(markup(&page), Vec::<String>::new(), "{page}");
            let headings =
                |page: &str| Parser::new(page).filter(|event| matches!(event, Md::Start(Tag::Heading { .. }))).count();
            assert!(headings(&page) <= headings(&shown(format, &sample())) + 1, "{page}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_printed_formats_are_whole(noise in "[`<>\\[\\]()!\"\\\\*_#|~:&$ \na-z\r@=+-]{0,80}", any in any::<String>()) {
        for text in [noise, any] {
            let graded = hostile(&text);
            prop_assert_eq!(markup(&shown(Format::Markdown, &graded)), Vec::<String>::new());
            let live = live_commands(&shown(Format::Github, &graded));
            prop_assert!(live.iter().all(|line| ["::error title=", "::warning title=", "::notice title=", "::group::", "::endgroup::"].iter().any(|start| line.starts_with(start))), "{:?}", live);
            for format in [Format::Gradescope, Format::Classroom50, Format::Ctrf] {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&shown(format, &graded)).is_ok());
            }
            let tap = shown(Format::Tap, &graded);
            prop_assert_eq!(tap.lines().filter(|line| line.starts_with("ok ") || line.starts_with("not ok ")).count(), 10);
        }
    }
}

#[test]
fn a_summary_ends_before_github_shows_nothing() {
    let several: Vec<Graded> = (0..50).map(|_| hostile(&"flood ".repeat(2000))).collect();
    let page = text(render(Format::GithubSummary, &several).unwrap());
    assert!(page.len() < 1 << 20, "{} bytes", page.len());
    assert!(page.contains("left out here"), "it says so");
    assert_eq!(markup(&page), Vec::<String>::new());
}
