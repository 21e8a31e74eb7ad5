//! Classroom 50's `result.json`, `classroom50/result/v1`
//! (<https://github.com/foundation50/classroom50/wiki/Advanced-Autograding>).
//!
//! Its points are whole numbers: **ours are given in hundredths**, so that none are lost by rounding
//! (`max-score` 10000 is 100 points). The result is published in the student's repository, so hidden
//! requirements are left out, and `score` is that of what is shown; who hides requirements takes the
//! grade from `csv` or `json`. What could not be graded is worth nothing either way. Its runner takes any exit
//! status but 0 for a breakdown: `check --exit-zero`.

use serde::Serialize;
use serde_json::json;

use super::document::{Document, Who};
use super::sanitize::{attribute, json_document};
use super::{Graded, ReportError, told};
use crate::judge::verdict::{Judged, Missing, ProgramVerdict, Verdict};
use crate::text::tame;

/// What the runner says of a submission in its environment. What it has not said (outside of it, or for
/// a cohort) is filled in with `unknown`, since no value may be empty; its collector refuses such a result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `CLASSROOM`: its short name.
    pub classroom: Option<String>,
    /// `ASSIGNMENT`: its slug.
    pub assignment: Option<String>,
    /// `SUBMISSION_TAG`: `submit/…`.
    pub submission: Option<String>,
    /// `COMMIT_URL`.
    pub commit: Option<String>,
    /// `RELEASE_URL`.
    pub release: Option<String>,
    /// `REVIEW_URL`; the commit's if there is nothing to compare.
    pub review: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Test {
    test_name: String,
    passed: bool,
    score: u32,
    max_score: u32,
}

/// The report while it is made.
pub(super) struct Classroom50 {
    environment: Environment,
    assignment: Option<String>,
    id: String,
    at: String,
    tests: Vec<Test>,
}

impl Classroom50 {
    pub(super) fn new(environment: Environment) -> Self {
        Self { environment, assignment: None, id: String::new(), at: String::new(), tests: Vec::new() }
    }
}

impl Document for Classroom50 {
    fn submission(&mut self, who: &Who<'_>, graded: &Graded) -> Result<(), ReportError> {
        self.id.clone_from(&who.student.id);
        self.at.clone_from(&graded.verdict.at);
        self.assignment.clone_from(&graded.verdict.assignment);
        for program in &graded.verdict.programs {
            self.tests.extend(told::shown(program).map(|judged| test(program, judged)));
        }
        self.tests.extend(graded.verdict.missing.iter().map(absent));
        Ok(())
    }

    fn unread(&mut self, who: &Who<'_>, reason: &str) {
        self.id.clone_from(&who.student.id);
        let test_name = named(&format!("the submission can be graded ({})", told::ungraded(reason)));
        self.tests.push(Test { test_name, passed: false, score: 0, max_score: 0 });
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, ReportError> {
        let said = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let or_unknown = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
        let environment = &self.environment;
        let commit = or_unknown(said(&environment.commit));
        let tag = said(&environment.submission).unwrap_or_else(|| format!("submit/{}", attribute(&tame(&self.id))));
        let report = json!({
            "schema": "classroom50/result/v1",
            "classroom": or_unknown(said(&environment.classroom)),
            "assignment": or_unknown(said(&environment.assignment).or_else(|| said(&self.assignment))),
            "submission": tag,
            "commit": commit,
            "release": or_unknown(said(&environment.release)),
            "review": said(&environment.review).unwrap_or(commit),
            "datetime": whole_seconds(&self.at),
            "score": self.tests.iter().map(|test| test.score).sum::<u32>(),
            "max-score": self.tests.iter().map(|test| test.max_score).sum::<u32>(),
            "tests": self.tests,
        });
        Ok((json_document(&serde_json::to_string_pretty(&report)?) + "\n").into_bytes())
    }
}

fn test(program: &ProgramVerdict, judged: &Judged) -> Test {
    let note = match &judged.verdict {
        Verdict::Passed | Verdict::Failed => String::new(),
        Verdict::Blocked { by } => format!(" ({})", told::blocked(program, by)),
        Verdict::Ungraded { .. } => " (could not be graded, and costs no points)".to_owned(),
    };
    Test {
        test_name: named(&format!("{} {}{note}", judged.id, judged.title)),
        passed: judged.verdict == Verdict::Passed,
        score: judged.earned.0,
        max_score: judged.possible().0,
    }
}

fn absent(missing: &Missing) -> Test {
    Test { test_name: named(&told::presence(missing)), passed: false, score: 0, max_score: missing.shown.0 }
}

fn named(text: &str) -> String {
    attribute(&tame(text))
}

/// `YYYY-MM-DDTHH:MM:SSZ`, as the schema asks.
fn whole_seconds(at: &str) -> String {
    let at = at.parse::<jiff::Timestamp>().unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
