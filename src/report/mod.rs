//! Results to bytes, one file a format.
//!
//! A reporter is a function from values to bytes: it reads no file, no clock and no environment,
//! so the same verdicts always give the same report. What a program wrote is hostile here; it
//! enters a report through [`sanitize`] or a format's own escape alone.
//!
//! A format is a [`Document`](document::Document), which takes in submissions one by one and is then
//! finished. The same one serves `check` (one submission), several at once, and a cohort, as one file
//! or a file a student ([`cohort`]).
//!
//! Who reads a report decides what is in it. `json` and the `csv` gradebooks are the teacher's, and have
//! all. What a student sees (terminal, `junit`, `github`, `ctrf`, `tap`, `markdown`, `classroom50`) leaves out
//! requirements that are hidden from students, and its totals are those of what is shown: another total
//! would tell what is hidden. Gradescope hides by itself what a test's `visibility` says.

use thiserror::Error;

use crate::event::{ProgramRecord, Record};
use crate::ids::{RequirementId, Role};
use crate::judge::verdict::{Judged, ProgramVerdict, SubmissionVerdict};
use crate::plan::model::Visibility;
use crate::roster::Student;

mod cells;
pub mod classroom50;
pub mod cohort;
pub mod crossplay;
mod csv;
mod csv_canvas;
mod csv_moodle;
mod ctrf;
pub mod document;
pub mod format;
pub mod github;
mod gradescope;
mod group;
pub mod html;
pub mod json;
pub mod junit;
pub mod ladder;
pub mod layout;
mod markdown;
pub mod sanitize;
mod summary;
mod tap;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod timings;
mod told;
pub mod words;

pub use document::Options;
pub use format::{Format, Shapes, Wanted};

/// What every report is made from: the verdicts on one submission, and what they rest on.
#[derive(Debug, Clone, PartialEq)]
pub struct Graded {
    /// The verdicts.
    pub verdict: SubmissionVerdict,
    /// The records of its programs: where the exchange and the output come from.
    pub records: Vec<ProgramRecord>,
}

impl Graded {
    /// What was recorded of the program of a role.
    #[must_use]
    pub fn records_of(&self, role: Role) -> Option<&ProgramRecord> {
        self.records.iter().find(|record| record.role == role)
    }

    /// The record of the scenario that a failure was seen in.
    #[must_use]
    pub fn evidence(&self, role: Role, judged: &Judged) -> Option<&Record> {
        let finding = judged.finding.as_ref()?;
        self.records_of(role)?.records.iter().find(|record| record.scenario == finding.scenario)
    }
}

/// Why there is no report.
#[derive(Debug, Error)]
pub enum ReportError {
    /// There is no such format.
    #[error("`{name}` is no report format; {advice}")]
    UnknownFormat {
        /// What was asked for.
        name: String,
        /// The nearest right one, or all of them.
        advice: String,
    },
    /// `FORMAT=` without a file.
    #[error("`{text}` names no file; write FORMAT=FILE, or FORMAT alone for standard output")]
    NoFile {
        /// What was asked for.
        text: String,
    },
    /// A gradebook is wanted of one submission.
    #[error("`{0}` is a gradebook: it is about a cohort, not about one submission; `csv` is about either")]
    CohortOnly(Format),
    /// A student's own report is wanted of several at once.
    #[error("`{0}` is about one submission: several do not fit in one file; write each of them to a file of its own")]
    OneOnly(Format),
    /// One page is wanted of a cohort.
    #[error("`html` is a site about a cohort: name a folder for it, html=FOLDER/")]
    Site,
    /// The values could not be turned into JSON.
    #[error("the JSON report cannot be written: {0}")]
    Json(#[from] serde_json::Error),
    /// The values could not be turned into XML.
    #[error("the JUnit report cannot be written: {0}")]
    Junit(String),
    /// The values could not be turned into CSV.
    #[error("the CSV report cannot be written: {0}")]
    Csv(String),
}

/// Renders a report about submissions.
///
/// # Errors
/// The format is not for so many ([`Format::shapes`]), or its library refuses; never because of what a
/// program wrote.
pub fn render(format: Format, graded: &[Graded], options: &Options) -> Result<Vec<u8>, ReportError> {
    fits(format, graded.len())?;
    let mut document = document::new(format, options, graded.len() > 1);
    for graded in graded {
        let student = Student { id: graded.verdict.id.clone(), ..Student::default() };
        let who = document::Who { student: &student, again: options.again.as_deref(), known: false };
        document.submission(&who, graded)?;
    }
    document.finish()
}

/// Whether a report in this format can be about so many submissions.
///
/// # Errors
/// It cannot; says what to do.
pub fn fits(format: Format, submissions: usize) -> Result<(), ReportError> {
    match (format.shapes(), submissions) {
        (Shapes { one: false, .. }, 0 | 1) => Err(ReportError::CohortOnly(format)),
        (Shapes { all: false, .. }, 2..) => Err(ReportError::OneOnly(format)),
        _ => Ok(()),
    }
}

/// Whether a student may see this requirement's verdict now.
fn is_shown(judged: &Judged) -> bool {
    judged.visibility == Visibility::Visible
}

/// Whether a requirement that blocks another may be named to a student.
fn blocker_is_shown(program: &ProgramVerdict, by: &RequirementId) -> bool {
    program.requirements.iter().find(|judged| judged.id == *by).is_none_or(is_shown)
}
