//! Common Test Report Format (<https://ctrf.io>, specification 0.0): a test a requirement.
//!
//! A student may read it, so hidden requirements are left out. As in `junit`, an extra that fails is
//! `skipped`, for it breaks no build, and so is what was blocked; what could not be graded is `other`. The
//! verdict's own name is in `rawStatus`.

use serde::Serialize;
use serde_json::{Value, json};

use super::document::{Document, Who};
use super::sanitize::{attribute, json_document, xml_text};
use super::{Graded, ReportError, told};
use crate::judge::verdict::{Judged, ProgramVerdict, Verdict};
use crate::plan::model::Level;

/// The version of the specification.
const SPECIFICATION: &str = "0.0.0";

#[derive(Serialize)]
struct Test {
    #[serde(rename = "testId")]
    id: String,
    name: String,
    status: &'static str,
    duration: u64,
    suite: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
    #[serde(rename = "rawStatus")]
    raw_status: &'static str,
    tags: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stdout: Vec<String>,
}

/// The report while it is made.
pub(super) struct Ctrf {
    several: bool,
    tests: Vec<Test>,
    suites: usize,
    /// From when until when, in milliseconds since 1970.
    span: Option<(i64, i64)>,
}

impl Ctrf {
    pub(super) fn new(several: bool) -> Self {
        Self { several, tests: Vec::new(), suites: 0, span: None }
    }

    fn suite(&self, who: &Who<'_>, last: &str) -> Vec<String> {
        let owner = self.several.then(|| attribute(&who.student.id));
        owner.into_iter().chain([last.to_owned()]).collect()
    }

    /// A test without a verdict of its own. IDs and names are never empty, as the schema asks.
    fn plain(&self, who: &Who<'_>, last: &str, name: &str) -> Test {
        let owner = if self.several { format!("{}: ", who.student.id) } else { String::new() };
        Test {
            id: attribute(&format!("{owner}{last}")),
            name: attribute(&format!("{owner}{name}")),
            status: "other",
            duration: 0,
            suite: self.suite(who, last),
            message: None,
            trace: None,
            raw_status: "ungraded",
            tags: Vec::new(),
            stdout: Vec::new(),
        }
    }

    fn test(&self, who: &Who<'_>, graded: &Graded, program: &ProgramVerdict, judged: &Judged) -> Test {
        let mut test = self.plain(who, program.role.name(), &format!("{} {}", judged.id, judged.title));
        test.id = attribute(&format!("{}/{}", test.id, judged.id));
        let (status, message, trace) = outcome(graded, program, judged);
        (test.status, test.message, test.trace) = (status, message, trace);
        test.raw_status = judged.verdict.name();
        test.tags = vec![if judged.level == Level::Required { "required" } else { "extra" }];
        if !self.several {
            let printed = told::printed(graded, program, judged).unwrap_or_default();
            test.stdout = xml_text(&printed).lines().map(str::to_owned).collect();
        }
        test
    }

    fn during(&mut self, graded: &Graded) {
        let Ok(at) = graded.verdict.at.parse::<jiff::Timestamp>() else { return };
        let micros: u64 = graded.verdict.programs.iter().map(|program| program.micros).sum();
        let (start, took) = (at.as_millisecond(), i64::try_from(micros / 1000).unwrap_or_default());
        let (first, last) = self.span.unwrap_or((start, start));
        self.span = Some((first.min(start), last.max(start.saturating_add(took))));
    }
}

/// Status, message and trace of a requirement.
fn outcome(
    graded: &Graded,
    program: &ProgramVerdict,
    judged: &Judged,
) -> (&'static str, Option<String>, Option<String>) {
    match &judged.verdict {
        Verdict::Passed => ("passed", None, None),
        Verdict::Ungraded { reason } => ("other", Some(xml_text(&told::ungraded(reason))), None),
        Verdict::Blocked { by } => ("skipped", Some(xml_text(&told::blocked(program, by))), None),
        Verdict::Failed => {
            let told = told::failure(graded, program, judged);
            let (status, prefix) =
                if judged.level == Level::Required { ("failed", "") } else { ("skipped", "extra, not required: ") };
            let message = xml_text(&format!("{prefix}{}", told.message));
            (status, Some(message), Some(xml_text(&told.text)))
        }
    }
}

impl Document for Ctrf {
    fn submission(&mut self, who: &Who<'_>, graded: &Graded) -> Result<(), ReportError> {
        self.during(graded);
        for program in &graded.verdict.programs {
            let mut tests: Vec<Test> =
                told::shown(program).map(|judged| self.test(who, graded, program, judged)).collect();
            // Requirements share scenarios: each is given an equal part of the time.
            let part = program.micros / 1000 / u64::try_from(tests.len().max(1)).unwrap_or(1);
            tests.iter_mut().for_each(|test| test.duration = part);
            self.suites += 1;
            self.tests.append(&mut tests);
        }
        for missing in &graded.verdict.missing {
            let mut test = self.plain(who, missing.role.name(), &told::presence(missing));
            (test.status, test.raw_status) = ("failed", "missing");
            test.message = Some(xml_text(&told::missing(missing)));
            self.suites += 1;
            self.tests.push(test);
        }
        Ok(())
    }

    fn unread(&mut self, who: &Who<'_>, reason: &str) {
        let mut test = self.plain(who, "submission", "the submission can be graded");
        test.message = Some(xml_text(&told::ungraded(reason)));
        self.suites += 1;
        self.tests.push(test);
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, ReportError> {
        let number = |status: &str| self.tests.iter().filter(|test| test.status == status).count();
        let (start, stop) = self.span.unwrap_or_default();
        let report: Value = json!({
            "reportFormat": "CTRF",
            "specVersion": SPECIFICATION,
            "generatedBy": "sockspec",
            "results": {
                "tool": { "name": "sockspec", "version": env!("CARGO_PKG_VERSION") },
                "summary": {
                    "tests": self.tests.len(),
                    "passed": number("passed"),
                    "failed": number("failed"),
                    "skipped": number("skipped"),
                    "pending": 0,
                    "other": number("other"),
                    "suites": self.suites,
                    "start": start,
                    "stop": stop,
                },
                "tests": self.tests,
            },
        });
        Ok((json_document(&serde_json::to_string_pretty(&report)?) + "\n").into_bytes())
    }
}
