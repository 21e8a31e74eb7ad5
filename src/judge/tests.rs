#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::collections::BTreeMap;

use super::verdict::Verdict;
use super::{counts, is_moot, is_whole, judge};
use crate::event::{Event, Exit, Fact, ProgramRecord, Record, Spent};
use crate::ids::ScenarioId;
use crate::plan::model::Plan;
use crate::plan::{Choice, Library, Source, diagnose};

const SUITE: &str = r#"
suite: s
role: tcp-server
requirements:
  S-1: { title: t, level: required, why: w, hint: h }
scenarios:
  - { id: all, title: t, covers: [one], steps: [settle], checks: [{ requirement: S-1, program: { running: true } }] }
  - { id: one, title: t, steps: [settle], checks: [{ requirement: S-1, program: { running: true } }] }
  - { id: two, title: t, steps: [settle], checks: [{ requirement: S-1, program: { running: true } }] }
"#;

fn plan() -> Plan {
    let dialect = "dialect: d\ntitle: t\nproperties: { udp_port: 12000, tcp_port: 12000, framing: message, closes_first: server }\n";
    let library = Library::of(vec![Source::new("s.yaml", SUITE)], vec![Source::new("d.yaml", dialect)]);
    let library = library.unwrap_or_else(|reports| panic!("{}", diagnose::render(&reports, false)));
    let choice = Choice { dialect: Some("d"), assignment: None, port: None };
    library.plan_named("s", &choice).unwrap_or_else(|reports| panic!("{}", diagnose::render(&reports, false)))
}

/// The record of a scenario in which the program ran to the end, or did not.
fn record(scenario: &str, runs: bool) -> Record {
    let mut facts = vec![Fact::Started { run: 0, pid: 1, command: vec!["server".to_owned()] }];
    if !runs {
        facts.push(Fact::Exited { how: Exit::Status(1), stopped: false });
    }
    let events = facts.into_iter().map(|fact| Event { at: 0, fact }).collect();
    Record { scenario: ScenarioId(scenario.to_owned()), fresh: true, values: BTreeMap::new(), events }
}

#[test]
fn what_is_covered_is_left_out_only_where_all_holds() {
    let plan = plan();
    let moot =
        |records: &[Record]| -> Vec<bool> { plan.scenarios.iter().map(|one| is_moot(&plan, one, records)).collect() };
    assert_eq!(moot(&[]), [false, false, false]);
    assert_eq!(moot(&[record("all", true)]), [false, true, false]);
    assert_eq!(moot(&[record("all", false)]), [false, false, false]);
}

#[test]
fn what_covers_others_says_nothing_where_it_does_not_hold() {
    let plan = plan();
    let counted = |scenario: usize, runs| {
        let scenario = &plan.scenarios[scenario];
        counts(&plan, scenario, &record(&scenario.id.0, runs))
    };
    assert!(counted(0, true) && counted(1, true) && counted(1, false));
    assert!(!counted(0, false));
}

#[test]
fn records_are_whole_where_each_scenario_is_played_or_covered() {
    let plan = plan();
    let whole = |records: &[Record]| is_whole(&plan, records);
    assert!(whole(&[record("all", true), record("two", false)]));
    assert!(whole(&[record("one", true), record("two", true)]), "made before there was one that covers");
    assert!(!whole(&[record("all", true)]));
    assert!(!whole(&[record("all", false), record("two", true)]), "what it covered was never played");
}

#[test]
fn a_record_that_counts_for_nothing_fails_nobody_later() {
    let plan = plan();
    let verdict = |records: Vec<Record>| {
        let program = ProgramRecord {
            role: plan.role,
            path: "server".to_owned(),
            language: "C".to_owned(),
            seed: 0,
            records,
            built: None,
            told: None,
            notes: Vec::new(),
            tried: Vec::new(),
            trouble: None,
            stopped: None,
            isolation: String::new(),
            isolation_reason: None,
            starts: 1,
            spent: Spent::default(),
            micros: 0,
        };
        judge(&plan, &program).requirements.remove(0).verdict
    };
    assert_eq!(verdict(vec![record("all", true), record("two", true)]), Verdict::Passed);
    assert_eq!(verdict(vec![record("all", true), record("two", false)]), Verdict::Failed);
    assert!(matches!(verdict(vec![record("all", false)]), Verdict::Ungraded { .. }));
}
