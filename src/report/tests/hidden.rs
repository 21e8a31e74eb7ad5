//! What is hidden by a suite's own `needs`: nobody can guess it from what is left.

use super::formats::STUDENTS;
use super::sample::{graded, record, records};
use super::*;
use crate::event::Fact;
use crate::ids::Role;
use crate::judge::judge;
use crate::judge::verdict::ProgramVerdict;
use crate::plan::model::{Plan, Visibility};
use crate::plan::{Choice, Library, Source, assignment};
use crate::report::is_shown;
use crate::report::told::UNNAMED;

/// Formats that a student reads, the page among them.
fn students() -> impl Iterator<Item = Format> {
    STUDENTS.into_iter().chain([Format::Html])
}

fn hiding(role: Role, id: &str) -> Plan {
    let text = format!("assignment: a\nrequirements: {{ {id}: {{ visibility: hidden }} }}\n");
    let loaded = assignment::read("sockspec.yaml".into(), Source::new("sockspec.yaml", text)).unwrap();
    let choice = Choice { assignment: Some(&loaded), ..Choice::default() };
    Library::for_assignment(&loaded).unwrap().plan(role, &choice).unwrap()
}

/// The verdicts on a program that does nothing at all.
fn of_nothing(plan: &Plan) -> ProgramVerdict {
    let mut program = records(plan.role, Vec::new());
    let nothing = || record(vec![Fact::Starved { waited_for: "anything".to_owned() }]);
    let scenarios = plan.scenarios.iter();
    program.records = scenarios.map(|one| crate::event::Record { scenario: one.id.clone(), ..nothing() }).collect();
    judge(plan, &program)
}

fn words(report: &str) -> impl Iterator<Item = &str> {
    report.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
}

#[test]
fn what_can_be_blocked_by_something_hidden_is_hidden_with_it() {
    for (role, id) in [(Role::TcpServer, "TCPS-5"), (Role::TcpServer, "TCPS-2"), (Role::UdpClient, "UDPC-2")] {
        let verdict = of_nothing(&hiding(role, id));
        let hidden: Vec<String> =
            verdict.requirements.iter().filter(|one| !is_shown(one)).map(|one| one.id.0.clone()).collect();
        assert!(hidden.len() > 1, "{id}: something needs it");
        assert!(verdict.requirements.iter().any(|one| matches!(one.verdict, Verdict::Blocked { .. })));
        let graded = graded(vec![verdict], Vec::new());
        let mut reports: Vec<String> =
            students().map(|format| text(render(format, std::slice::from_ref(&graded)).unwrap())).collect();
        reports.push(plain(&graded));
        for report in reports {
            assert!(!report.contains(UNNAMED), "{id}: {report}");
            let told = words(&report).find(|word| hidden.iter().any(|id| id == word));
            assert_eq!(told, None, "{id} hidden: {report}");
        }
    }
}

#[test]
fn what_needs_something_hidden_is_as_hidden_by_whatever_way() {
    let plan = hiding(Role::TcpServer, "TCPS-1");
    assert!(plan.requirements.iter().all(|one| one.visibility == Visibility::Hidden), "all need a server");
    let with = |id: &str| {
        let one = plan.requirements.iter().find(|one| one.id.0 == id).unwrap();
        one.hidden_with.as_ref().map(|with| with.0.as_str())
    };
    assert_eq!([with("TCPS-1"), with("TCPS-2"), with("TCPS-6")], [None, Some("TCPS-1"), Some("TCPS-1")]);
}
