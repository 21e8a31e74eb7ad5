//! The format `sockspec/1`: JSON for programs.
//!
//! A published format is a versioned copy: the types here are what readers rely on, whatever
//! becomes of the judge's own. Keys may be added under the same version, never changed or removed.
//!
//! This report is the teacher's, so it names hidden requirements too and says that they are
//! (`visibility`). What `show` keeps from students, it leaves out for everybody.

use serde::Serialize;

use super::document::{Document, Who};
use super::sanitize::{json_document, json_text};
use super::{Graded, ReportError};
use crate::judge::verdict::{Judged, Missing, ProgramVerdict, SubmissionVerdict, Verdict};
use crate::plan::model::{Level, Show, Visibility};
use crate::plan::points::Points;
use crate::roster::Student;

/// The format's name and version.
pub const FORMAT: &str = "sockspec/1";

#[derive(Serialize)]
struct Report {
    format: &'static str,
    version: &'static str,
    seed: Option<u64>,
    isolation: Option<String>,
    observation: Option<String>,
    submissions: Vec<Submission>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unread: Vec<Unread>,
}

/// A submission without verdicts.
#[derive(Serialize)]
struct Unread {
    id: String,
    student: Student,
    reason: String,
}

#[derive(Serialize)]
struct Submission {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    student: Option<Student>,
    #[serde(skip_serializing_if = "Option::is_none")]
    again: Option<String>,
    score: Points,
    max_score: Points,
    status: u8,
    assignment: Option<String>,
    seed: u64,
    isolation: String,
    observation: String,
    graded_at: String,
    programs: Vec<Program>,
    missing: Vec<MissingProgram>,
}

#[derive(Serialize)]
struct Program {
    role: String,
    path: String,
    language: String,
    dialect: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    dialect_told: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tried: Vec<String>,
    score: Points,
    max_score: Points,
    starts: u32,
    milliseconds: u64,
    requirements: Vec<Requirement>,
}

#[derive(Serialize)]
struct Requirement {
    id: String,
    title: String,
    level: &'static str,
    verdict: &'static str,
    points: Points,
    earned: Points,
    visibility: &'static str,
    expected: Option<String>,
    actual: Option<String>,
    explanation: Option<String>,
    hint: Option<String>,
    why: Option<String>,
    source: Option<String>,
    cause: Option<String>,
    scenario: Option<String>,
    event: Option<usize>,
    blocked_by: Option<String>,
    reason: Option<String>,
}

#[derive(Serialize)]
struct MissingProgram {
    role: String,
    looked_for: String,
    points: Points,
}

/// The report while it is made.
#[derive(Default)]
pub(super) struct Json {
    submissions: Vec<Submission>,
    unread: Vec<Unread>,
}

impl Document for Json {
    fn submission(&mut self, who: &Who<'_>, graded: &Graded) -> Result<(), ReportError> {
        self.submissions.push(submission(who, graded));
        Ok(())
    }

    fn unread(&mut self, who: &Who<'_>, reason: &str) {
        let student = student(who.student);
        self.unread.push(Unread { id: student.id.clone(), student, reason: json_text(reason) });
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, ReportError> {
        let Self { submissions, unread } = *self;
        let all = || submissions.iter();
        let report = Report {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION"),
            seed: common(all().map(|one| one.seed)),
            isolation: common(all().map(|one| one.isolation.clone())),
            observation: common(all().map(|one| one.observation.clone())),
            submissions,
            unread,
        };
        let mut text = json_document(&serde_json::to_string_pretty(&report)?);
        text.push('\n');
        Ok(text.into_bytes())
    }
}

/// What all submissions have in common; they say it each for themselves as well.
fn common<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

/// What a course's list says of a student.
fn student(student: &Student) -> Student {
    let text = |text: &Option<String>| text.as_deref().map(json_text);
    Student {
        id: json_text(&student.id),
        name: text(&student.name),
        number: text(&student.number),
        login: text(&student.login),
        email: text(&student.email),
        late: student.late,
    }
}

fn submission(who: &Who<'_>, graded: &Graded) -> Submission {
    let verdict: &SubmissionVerdict = &graded.verdict;
    Submission {
        id: json_text(&who.student.id),
        student: who.known.then(|| student(who.student)),
        again: who.again.filter(|_| who.known).map(json_text),
        score: verdict.score(),
        max_score: verdict.max_score(),
        status: verdict.status(),
        assignment: verdict.assignment.clone(),
        seed: verdict.seed,
        isolation: verdict.isolation.clone(),
        observation: verdict.observation.clone(),
        graded_at: verdict.at.clone(),
        programs: verdict.programs.iter().map(|one| program(graded, one)).collect(),
        missing: verdict.missing.iter().map(missing).collect(),
    }
}

fn missing(missing: &Missing) -> MissingProgram {
    MissingProgram {
        role: missing.role.name().to_owned(),
        looked_for: missing.looked_for.clone(),
        points: missing.points,
    }
}

fn program(graded: &Graded, program: &ProgramVerdict) -> Program {
    let tried = graded.records_of(program.role).map(|record| record.tried.as_slice()).unwrap_or_default();
    Program {
        role: program.role.name().to_owned(),
        path: json_text(&program.path),
        language: program.language.clone(),
        dialect: program.dialect.clone(),
        dialect_told: program.told.clone(),
        notes: program.notes.iter().map(|note| json_text(note)).collect(),
        tried: tried.iter().map(|tried| json_text(tried)).collect(),
        score: program.score(),
        max_score: program.max_score(),
        starts: program.starts,
        milliseconds: program.micros / 1000,
        requirements: program.requirements.iter().map(|judged| requirement(judged, program.show)).collect(),
    }
}

fn requirement(judged: &Judged, show: Show) -> Requirement {
    let finding = judged.finding.as_ref();
    let full = finding.filter(|_| show == Show::Full);
    let seen = finding.filter(|_| show != Show::None);
    Requirement {
        id: judged.id.to_string(),
        title: judged.title.clone(),
        level: level(judged.level),
        verdict: judged.verdict.name(),
        points: judged.points,
        earned: judged.earned,
        visibility: visibility(judged.visibility),
        expected: full.map(|finding| json_text(&finding.expected)),
        actual: seen.map(|finding| json_text(&finding.actual)),
        explanation: full.map(|finding| json_text(&finding.explanation)),
        hint: full.map(|_| judged.hint.clone()),
        why: full.map(|_| judged.why.clone()),
        source: full.and(judged.source.clone()),
        cause: full.map(|finding| finding.cause.clone()),
        scenario: full.map(|finding| finding.scenario.to_string()),
        event: full.and_then(|finding| finding.event),
        blocked_by: match &judged.verdict {
            Verdict::Blocked { by } => Some(by.to_string()),
            _ => None,
        },
        reason: match &judged.verdict {
            Verdict::Ungraded { reason } => Some(json_text(reason)),
            _ => None,
        },
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Required => "required",
        Level::Extra => "extra",
        Level::Off => "off",
    }
}

/// A visibility as Gradescope, and so everybody, calls it.
pub(super) fn visibility(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Visible => "visible",
        Visibility::Hidden => "hidden",
        Visibility::AfterDueDate => "after_due_date",
        Visibility::AfterPublished => "after_published",
    }
}
