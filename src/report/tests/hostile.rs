//! Nothing that a program prints breaks a report.

use proptest::prelude::*;

use super::*;
use crate::report::is_shown;

/// Runs xmllint. Only where there is none and nobody relies on it may a test go without.
fn well_formed(report: &[u8]) {
    use std::io::Write as _;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(report).unwrap();
    let output = match std::process::Command::new("xmllint").arg("--noout").arg(file.path()).output() {
        Ok(output) => output,
        Err(error) if std::env::var_os("CI").is_none() => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "skipped: xmllint cannot be run ({error}); Debian: libxml2-utils");
            return;
        }
        Err(error) => panic!("xmllint cannot be run ({error}); Debian: libxml2-utils"),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What is markup in a report.
fn outside_of_cdata(xml: &str) -> String {
    let mut outside = String::new();
    let mut rest = xml;
    while let Some((before, inside)) = rest.split_once("<![CDATA[") {
        outside.push_str(before);
        rest = inside.split_once("]]>").expect("CDATA ends").1;
    }
    outside + rest
}

#[test]
fn a_hostile_program_cannot_break_junit() {
    let report = render(Format::Junit, &[hostile(HOSTILE)]).unwrap();
    well_formed(&report);
    let report = text(report);
    let cases = sample().verdict.requirements().filter(|judged| is_shown(judged)).count() + 1;
    assert_eq!(outside_of_cdata(&report).matches("<testcase ").count(), cases, "no case is forged");
    assert!(!report.contains("[[ATTACHMENT|") && !report.contains("[[PROPERTY|") && !report.contains('\u{1b}'));
    assert!(!report.contains("\n::error") && !report.contains("##["));
}

#[test]
fn a_hostile_program_cannot_steer_a_terminal_or_ci() {
    let report = plain(&hostile(HOSTILE));
    let steers = |c: char| c.is_control() && c != '\n';
    assert!(!report.chars().any(steers), "{report:?}");
    assert!(report.lines().all(|line| !line.trim_start().starts_with("::") && !line.contains("##[")), "{report}");
}

#[test]
fn a_flood_of_output_is_cut() {
    let report = render(Format::Junit, &[hostile(&"x]]>\0".repeat(100_000))]).unwrap();
    well_formed(&report);
    assert!(report.len() < 2 << 20, "{} bytes", report.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_printed_reports_are_whole(noise in any::<String>(), piece in 0..HOSTILE.len()) {
        let start = (piece..).find(|at| HOSTILE.is_char_boundary(*at)).unwrap();
        let graded = [hostile(&format!("{noise}{}", &HOSTILE[start..]))];
        let json = render(Format::Json, &graded).unwrap();
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
        let xml = text(render(Format::Junit, &graded).unwrap());
        prop_assert_eq!(outside_of_cdata(&xml).matches("<testcase ").count(), 10);
        let shown = plain(&graded[0]);
        prop_assert!(shown.lines().all(|line| crate::report::layout::width(line) <= 80), "{}", shown);
    }
}
