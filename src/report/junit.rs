//! JUnit XML: a suite a program, a case a requirement.
//!
//! CI logs are read by students, so a requirement that is hidden from them is left out. A failure
//! turns a build red while the exit status says that all is well with the *required* ones, so an
//! extra that fails is a skipped case. GitLab shows only the text of a failure, others only its
//! message: the text repeats the message.

use std::collections::BTreeSet;

use junit_report::{Duration, OffsetDateTime, Report, TestCase, TestResult, TestSuite};

use super::document::{Document, Who};
use super::sanitize::{attribute, cdata};
use super::{Graded, ReportError, told};
use crate::judge::verdict::{Judged, Missing, ProgramVerdict, Verdict};
use crate::plan::model::Level;
use crate::text::tame;

/// The report while it is made.
pub(super) struct Junit {
    report: Report,
    several: bool,
}

impl Junit {
    pub(super) fn new(several: bool) -> Self {
        Self { report: Report::new(), several }
    }
}

impl Document for Junit {
    fn submission(&mut self, who: &Who<'_>, graded: &Graded) -> Result<(), ReportError> {
        let context = Context { id: &who.student.id, at: &graded.verdict.at, several: self.several };
        let verdict = &graded.verdict;
        self.report.add_testsuites(verdict.programs.iter().map(|program| context.program(graded, program)));
        self.report.add_testsuites(verdict.missing.iter().map(|missing| context.missing(missing)));
        Ok(())
    }

    /// What could not be read is an error of a suite of its own.
    fn unread(&mut self, who: &Who<'_>, reason: &str) {
        let context = Context { id: &who.student.id, at: "", several: self.several };
        let mut suite = context.suite("submission", "not read");
        suite.add_testcase(context.case("submission", "the submission can be graded", error(reason)));
        self.report.add_testsuite(suite);
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, ReportError> {
        let mut bytes = Vec::new();
        self.report.write_xml(&mut bytes).map_err(|error| ReportError::Junit(error.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

struct Context<'a> {
    id: &'a str,
    at: &'a str,
    /// Whether cases need the submission's name to be told apart. A report on many leaves out what programs
    /// printed: GitLab reads no more than 30 MB.
    several: bool,
}

impl Context<'_> {
    fn suite(&self, role: &str, path: &str) -> TestSuite {
        let owner = if self.several { format!("{} ", self.id) } else { String::new() };
        let mut suite = TestSuite::new(&attribute(&format!("{owner}{role} ({path})")));
        suite.package = self.classname(role);
        suite.timestamp = timestamp(self.at);
        suite
    }

    /// Never empty, which crashes some readers; dots divide packages.
    fn classname(&self, role: &str) -> String {
        if self.several {
            attribute(&format!("sockspec.{}.{role}", self.id.replace(['.', '/', '\\'], "_")))
        } else {
            format!("sockspec.{role}")
        }
    }

    fn case(&self, role: &str, name: &str, result: TestResult) -> TestCase {
        let owner = if self.several { format!("{}: ", self.id) } else { String::new() };
        let mut case = TestCase::success(&attribute(&format!("{owner}{name}")), Duration::ZERO);
        case.set_classname(&self.classname(role));
        case.result = result;
        case
    }

    fn program(&self, graded: &Graded, program: &ProgramVerdict) -> TestSuite {
        let role = program.role.name();
        let mut suite = self.suite(role, &program.path);
        let mut names = BTreeSet::new();
        for judged in told::shown(program) {
            let name = unique(&mut names, format!("{} {}", judged.id, judged.title));
            let mut case = self.case(role, &name, result(graded, program, judged));
            if !self.several {
                case.system_out = told::printed(graded, program, judged).map(|printed| cdata(&printed));
            }
            suite.add_testcase(case);
        }
        spread(&mut suite, program.micros);
        suite
    }

    fn missing(&self, missing: &Missing) -> TestSuite {
        let role = missing.role.name();
        let mut suite = self.suite(role, "missing");
        let message = told::missing(missing);
        let result = failure("missing-program", &message, &message);
        suite.add_testcase(self.case(role, &told::presence(missing), result));
        suite
    }
}

fn result(graded: &Graded, program: &ProgramVerdict, judged: &Judged) -> TestResult {
    match &judged.verdict {
        Verdict::Passed => TestResult::Success,
        Verdict::Ungraded { reason } => error(reason),
        Verdict::Blocked { by } => {
            let message = told::blocked(program, by);
            skipped("blocked", &message, &message)
        }
        Verdict::Failed => {
            let told = told::failure(graded, program, judged);
            if judged.level == Level::Required {
                failure(&told.cause, &told.message, &told.text)
            } else {
                let message = format!("extra, not required: {}", told.message);
                skipped(&told.cause, &message, &format!("extra, not required\n\n{}", told.text))
            }
        }
    }
}

fn failure(cause: &str, message: &str, text: &str) -> TestResult {
    TestResult::Failure { type_: attribute(cause), message: attribute(message), cause: Some(body(text)) }
}

fn skipped(cause: &str, message: &str, text: &str) -> TestResult {
    TestResult::SkippedWithCause { type_: attribute(cause), message: attribute(message), cause: Some(body(text)) }
}

fn error(reason: &str) -> TestResult {
    let text = told::ungraded(reason);
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
