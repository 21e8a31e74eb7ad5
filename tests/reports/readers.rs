//! Formats for which somebody publishes a reader.

use std::fs;

use serde_json::Value;
use sockspec::report::cohort::{CohortOptions, Entry, Outcome, Shape, cohort};
use sockspec::report::{Format, Options};
use sockspec::roster::Student;

use super::runs::{Run, hostile, mutant};
use super::tools::{READERS, node, python, run};

const JUNIT: &str = r#"
import sys, json, junitparser
found = junitparser.JUnitXml.fromfile(sys.argv[1])
cases = [case for suite in found for case in suite]
kinds = {"Failure": 0, "Error": 0, "Skipped": 0}
for case in cases:
    for result in case.result: kinds[type(result).__name__] += 1
print(json.dumps({"cases": len(cases), **kinds, "names": [c.name for c in cases], "classes": [c.classname for c in cases]}))
"#;

#[test]
fn junit_is_read_by_a_reader_and_by_xmllint() {
    for one in [mutant(), hostile()] {
        let file = one.report("junit");
        run("xmllint", &["--noout", "--nonet"], &file);
        let Some(said) = python(JUNIT, &file, READERS) else { return };
        let said: Value = serde_json::from_str(&said).unwrap();
        let shown: usize = ["passed", "failed", "blocked", "ungraded"].map(|verdict| one.shown(verdict)).iter().sum();
        assert_eq!(said["cases"].as_u64(), Some((shown + one.missing()) as u64), "and the missing program: {said:#}");
        assert!(said["Failure"].as_u64().unwrap() >= 1 && said["Error"] == 0, "{said:#}");
        assert!(said["names"].as_array().unwrap().iter().all(|name| !name.as_str().unwrap().contains("forged")));
    }
}

const CTRF: &str = r#"
const { validateStrict, parse } = require("ctrf");
const report = parse(require("fs").readFileSync(process.argv[1], "utf8"));
validateStrict(report);
const s = report.results.summary;
const counted = {};
for (const test of report.results.tests) counted[test.status] = (counted[test.status] || 0) + 1;
for (const key of ["passed", "failed", "skipped", "pending", "other"])
  if (s[key] !== (counted[key] || 0)) throw new Error(key);
if (s.tests !== report.results.tests.length || s.stop < s.start) throw new Error("summary");
console.log(JSON.stringify(s));
"#;

#[test]
fn ctrf_is_valid_by_its_published_schema() {
    for one in [mutant(), hostile()] {
        let Some(said) = node(CTRF, &one.report("ctrf")) else { return };
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["passed"].as_u64(), Some(one.shown("passed") as u64));
        assert!(said["failed"].as_u64() >= Some(1), "{said}");
    }
}

const TAP: &str = r#"
use TAP::Parser;
my $parser = TAP::Parser->new({ source => $ARGV[0] });
my %kinds;
while (my $result = $parser->next) { $kinds{$result->type}++; }
die join("; ", $parser->parse_errors) if $parser->parse_errors;
die "plan" unless $parser->is_good_plan;
die "unknown lines" if $kinds{unknown};
printf "%d %d %d %d %d\n", $parser->tests_run, scalar($parser->failed), scalar($parser->skipped), scalar($parser->todo), $kinds{yaml} || 0;
"#;

#[test]
fn tap_is_read_by_perl() {
    for one in [mutant(), hostile()] {
        let Some(said) = run("perl", &["-e", TAP], &one.report("tap")) else { return };
        let said: Vec<usize> = said.split_whitespace().map(|number| number.parse().unwrap()).collect();
        let shown: usize = ["passed", "failed", "blocked", "ungraded"].map(|verdict| one.shown(verdict)).iter().sum();
        assert_eq!(said[0], shown + one.missing());
        assert_eq!(said[2], one.shown("blocked") + one.shown("ungraded"));
        assert_eq!(said[1] + said[3], one.shown("failed") + one.missing(), "failed, or to do, and the missing program");
        assert_eq!(said[4], one.shown("failed") + one.missing(), "each has its block");
    }
}

const MARKDOWN: &str = r#"
import sys, json
from html.parser import HTMLParser
from markdown_it import MarkdownIt
page = open(sys.argv[1], encoding="utf-8").read()
tags = set()
class Tags(HTMLParser):
    def handle_starttag(self, tag, attributes): tags.add(tag)
Tags().feed(MarkdownIt("gfm-like", {"html": True}).render(page))
print(json.dumps(sorted(tags)))
"#;

#[test]
fn markdown_of_a_hostile_program_is_text() {
    let ours = [
        "code", "em", "h1", "h2", "h3", "h4", "li", "p", "pre", "strong", "table", "tbody", "td", "th", "thead", "tr",
        "ul",
    ];
    for one in [mutant(), hostile()] {
        for format in ["markdown", "github-summary"] {
            let Some(said) = python(MARKDOWN, &one.report(format), READERS) else { return };
            let tags: Vec<String> = serde_json::from_str(&said).unwrap();
            assert!(tags.iter().all(|tag| ours.contains(&tag.as_str())), "{tags:?} in {}", one.text(format));
            assert!(tags.contains(&"table".to_owned()));
        }
    }
}

const TABLE: &str = r#"
import sys, csv, json
print(json.dumps(list(csv.reader(open(sys.argv[1], encoding="utf-8", newline=""), strict=True))))
"#;

fn students(one: &Run) -> Vec<Entry> {
    let student = |id: &str, name: &str, number: &str| Student {
        id: id.to_owned(),
        name: Some(name.to_owned()),
        number: Some(number.to_owned()),
        ..Student::default()
    };
    let graded = Outcome::Graded(Box::new(one.graded()));
    let unread =
        Outcome::Unread { reason: "+the archive is damaged,\r\n\"=cmd|' /C calc'!A0\"; hand in again".to_owned() };
    vec![
        Entry {
            student: student("anne", "@SUM(1+1)*cmd|' /C calc'!A0", "000123"),
            members: Vec::new(),
            outcome: graded,
            again: None,
        },
        Entry {
            student: student("bob", "Müller, \"Bob\" -1", "42"),
            members: Vec::new(),
            outcome: unread,
            again: None,
        },
    ]
}

#[test]
fn gradebooks_are_read_by_python_and_compute_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for format in [Format::Csv, Format::CsvMoodle, Format::CsvCanvas] {
        for one in [mutant(), hostile()] {
            let mut report =
                cohort(format, &CohortOptions { shape: Shape::File, formats: Options::default() }).unwrap();
            for entry in students(one) {
                report.entry(&entry).unwrap();
            }
            let written = report.end().unwrap().remove(0);
            let file = folder.path().join(written.path.as_str());
            fs::write(&file, &written.bytes).unwrap();
            let Some(said) = python(TABLE, &file, &[]) else { return };
            let rows: Vec<Vec<String>> = serde_json::from_str(&said).unwrap();
            assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{rows:?}");
            let all: Vec<&String> = rows.iter().flatten().collect();
            assert!(all.iter().any(|cell| cell.ends_with("000123")), "identifiers are kept: {rows:?}");
            for cell in all {
                assert!(!cell.trim_start_matches([' ', '"']).starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
            }
            let text = String::from_utf8(written.bytes).unwrap();
            assert!(
                text.ends_with("\r\n") && !text.starts_with('\u{feff}'),
                "RFC 4180, and no mark that an importer reads"
            );
        }
    }
}
