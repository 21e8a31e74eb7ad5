//! JUnit XML: a suite a program, a case a requirement.
//!
//! CI logs are read by students, so a requirement that is hidden from them is left out. A failure
//! turns a build red while the exit status says that all is well with the *required* ones, so an
//! extra that fails is a skipped case. GitLab shows only the text of a failure, others only its
//! message: the text repeats the message.

use std::collections::BTreeSet;

use junit_report::{Duration, OffsetDateTime, Report, TestCase, TestResult, TestSuite};

use super::sanitize::{attribute, cdata};
use super::{Graded, ReportError, blocker_is_shown, is_shown, ladder};
use crate::judge::facts::View;
use crate::judge::verdict::{Finding, Judged, Missing, ProgramVerdict, Verdict};
use crate::plan::model::{Level, Show};
use crate::text::tame;

/// How wide a ladder is drawn here: no reader wraps less.
const WIDTH: usize = 78;

/// Renders the report.
///
/// # Errors
/// The XML writer refuses.
pub fn render(graded: &[Graded]) -> Result<Vec<u8>, ReportError> {
    let mut report = Report::new();
    for one in graded {
        let context = Context { graded: one, several: graded.len() > 1 };
        report.add_testsuites(one.verdict.programs.iter().map(|program| context.program(program)));
        report.add_testsuites(one.verdict.missing.iter().map(|missing| context.missing(missing)));
    }
    let mut bytes = Vec::new();
    report.write_xml(&mut bytes).map_err(|error| ReportError::Junit(error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

struct Context<'a> {
    graded: &'a Graded,
    /// Whether cases need the submission's name to be told apart.
    several: bool,
}

impl Context<'_> {
    fn id(&self) -> &str {
        &self.graded.verdict.id
    }

    fn suite(&self, role: &str, path: &str) -> TestSuite {
        let owner = if self.several { format!("{} ", self.id()) } else { String::new() };
        let mut suite = TestSuite::new(&attribute(&format!("{owner}{role} ({path})")));
        suite.package = self.classname(role);
        suite.timestamp = timestamp(&self.graded.verdict.at);
        suite
    }

    /// Never empty, which crashes some readers; dots divide packages.
    fn classname(&self, role: &str) -> String {
        if self.several {
            attribute(&format!("sockspec.{}.{role}", self.id().replace(['.', '/', '\\'], "_")))
        } else {
            format!("sockspec.{role}")
        }
    }

    fn case(&self, role: &str, name: &str, result: TestResult) -> TestCase {
        let owner = if self.several { format!("{}: ", self.id()) } else { String::new() };
        let mut case = TestCase::success(&attribute(&format!("{owner}{name}")), Duration::ZERO);
        case.set_classname(&self.classname(role));
        case.result = result;
        case
    }

    fn program(&self, program: &ProgramVerdict) -> TestSuite {
        let role = program.role.name();
        let mut suite = self.suite(role, &program.path);
        let mut names = BTreeSet::new();
        for judged in program.requirements.iter().filter(|judged| is_shown(judged)) {
            let name = unique(&mut names, format!("{} {}", judged.id, judged.title));
            let mut case = self.case(role, &name, self.result(program, judged));
            if program.show == Show::Full {
                case.system_out = self.output(program, judged);
            }
            suite.add_testcase(case);
        }
        spread(&mut suite, program.micros);
        suite
    }

    fn missing(&self, missing: &Missing) -> TestSuite {
        let role = missing.role.name();
        let mut suite = self.suite(role, "missing");
        let message = format!("there is no {}: looked for {}", missing.role.words(), missing.looked_for);
        let name = format!("the {} is there", missing.role.words());
        suite.add_testcase(self.case(role, &name, failure("missing-program", &message, &message)));
        suite
    }

    fn result(&self, program: &ProgramVerdict, judged: &Judged) -> TestResult {
        match (&judged.verdict, &judged.finding) {
            (Verdict::Passed, _) => TestResult::Success,
            (Verdict::Ungraded { reason }, _) => error(reason),
            (Verdict::Blocked { by }, _) => {
                let by = if blocker_is_shown(program, by) { by.to_string() } else { "a hidden requirement".to_owned() };
                let message = format!("could not be tested, because {by} failed");
                skipped("blocked", &message, &message)
            }
            (Verdict::Failed, finding) => {
                let told = self.told(program, judged, finding.as_ref());
                if judged.level == Level::Required {
                    failure(told.cause, &told.message, &told.text)
                } else {
                    let message = format!("extra, not required: {}", told.message);
                    skipped(told.cause, &message, &format!("extra, not required\n\n{}", told.text))
                }
            }
        }
    }

    /// What is told of a failure, as far as students may know.
    fn told<'a>(&self, program: &ProgramVerdict, judged: &Judged, finding: Option<&'a Finding>) -> Told<'a> {
        let heading = format!("{} {}", judged.id, judged.title);
        let Some(finding) = finding.filter(|_| program.show != Show::None) else {
            let message = format!("does not hold: {}", judged.title);
            return Told { cause: "failed", text: message.clone(), message };
        };
        let exchange = self.exchange(program, judged);
        if program.show == Show::Actual {
            let text = format!("{heading}\n\nseen: {}\n{exchange}", finding.actual);
            return Told { cause: "failed", message: finding.actual.clone(), text };
        }
        let mut text = format!(
            "{heading}\n\n{}\n\nexpected: {}\nseen:     {}\n\nhint: {}\nwhy:  {}\n",
            finding.explanation, finding.expected, finding.actual, judged.hint, judged.why
        );
        if let Some(source) = &judged.source {
            text.push_str(&format!("see:  {source}\n"));
        }
        text.push_str(&exchange);
        Told { cause: &finding.cause, message: finding.explanation.clone(), text }
    }

    fn exchange(&self, program: &ProgramVerdict, judged: &Judged) -> String {
        let (Some(record), Some(finding)) = (self.graded.evidence(program.role, judged), &judged.finding) else {
            return String::new();
        };
        let ladder = ladder::draw(record, program.role, finding.event, WIDTH);
        if ladder.rows.is_empty() { String::new() } else { format!("\n{}", ladder.plain()) }
    }

    /// What the program printed in the scenario of a failure.
    fn output(&self, program: &ProgramVerdict, judged: &Judged) -> Option<String> {
        let printed = View::whole(self.graded.evidence(program.role, judged)?).printed(None);
        (!printed.is_empty()).then(|| cdata(&String::from_utf8_lossy(&printed)))
    }
}

struct Told<'a> {
    cause: &'a str,
    message: String,
    text: String,
}

fn failure(cause: &str, message: &str, text: &str) -> TestResult {
    TestResult::Failure { type_: attribute(cause), message: attribute(message), cause: Some(body(text)) }
}

fn skipped(cause: &str, message: &str, text: &str) -> TestResult {
    TestResult::SkippedWithCause { type_: attribute(cause), message: attribute(message), cause: Some(body(text)) }
}

fn error(reason: &str) -> TestResult {
    let text = format!("could not be graded, and costs no points: {reason}");
    TestResult::Error { type_: "ungraded".to_owned(), message: attribute(&text), cause: Some(body(&text)) }
}

/// Text of ours with quotations in it, such that it can neither steer a terminal nor end CDATA.
fn body(text: &str) -> String {
    cdata(&tame(text))
}

/// GitLab keeps only the first of cases with equal names.
fn unique(names: &mut BTreeSet<String>, name: String) -> String {
    let mut candidate = name.clone();
    let mut number = 2;
    while !names.insert(candidate.clone()) {
        candidate = format!("{name} ({number})");
        number += 1;
    }
    candidate
}

/// Requirements share scenarios, so no case has a time of its own: each is given an equal part.
fn spread(suite: &mut TestSuite, micros: u64) {
    let cases = u32::try_from(suite.testcases.len()).unwrap_or(u32::MAX);
    let Some(part) = Duration::microseconds(i64::try_from(micros).unwrap_or(i64::MAX)).checked_div(cases.cast_signed())
    else {
        return;
    };
    let part = Duration::milliseconds(i64::try_from(part.whole_milliseconds()).unwrap_or_default());
    suite.testcases.iter_mut().for_each(|case| case.time = part);
}

/// When the submission was graded, as it is recorded: a report about a record never changes.
fn timestamp(at: &str) -> OffsetDateTime {
    at.parse::<jiff::Timestamp>()
        .ok()
        .and_then(|at| OffsetDateTime::from_unix_timestamp(at.as_second()).ok())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
