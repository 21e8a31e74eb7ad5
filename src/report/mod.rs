//! Results to bytes, one file a format.
//!
//! A reporter is a function from a value to bytes: it reads no file, no clock and no environment,
//! so the same verdicts always give the same report. What a program wrote is hostile here; it
//! enters a report through [`sanitize`] alone.

use std::fmt;
use std::str::FromStr;

use camino::Utf8PathBuf;
use thiserror::Error;

use crate::event::{ProgramRecord, Record};
use crate::ids::{RequirementId, Role};
use crate::judge::verdict::{Judged, ProgramVerdict, SubmissionVerdict};
use crate::plan::model::Visibility;
use crate::span::suggest;

pub mod cohort;
pub mod crossplay;
mod group;
pub mod json;
pub mod junit;
pub mod ladder;
pub mod layout;
pub mod sanitize;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod words;

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

/// A format that a report can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JUnit XML, for CI.
    Junit,
    /// `sockspec/1`, for programs.
    Json,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 2] = [Self::Junit, Self::Json];

    /// Its name in flags.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Junit => "junit",
            Self::Json => "json",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = ReportError;

    fn from_str(text: &str) -> Result<Self, ReportError> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let advice = suggest(text, &Self::ALL.map(Self::name)).unwrap_or_default();
            ReportError::UnknownFormat { name: text.to_owned(), advice }
        })
    }
}

/// A report that is asked for, and where it goes: `FORMAT[=FILE]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The format.
    pub format: Format,
    /// The file; standard output if none is named, or `-`.
    pub file: Option<Utf8PathBuf>,
}

impl FromStr for Wanted {
    type Err = ReportError;

    fn from_str(text: &str) -> Result<Self, ReportError> {
        let (format, file) = match text.split_once('=') {
            Some((_, "")) => return Err(ReportError::NoFile { text: text.to_owned() }),
            Some((format, "-")) => (format, None),
            Some((format, file)) => (format, Some(Utf8PathBuf::from(file))),
            None => (text, None),
        };
        Ok(Self { format: format.parse()?, file })
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
    /// The values could not be turned into JSON.
    #[error("the JSON report cannot be written: {0}")]
    Json(#[from] serde_json::Error),
    /// The values could not be turned into XML.
    #[error("the JUnit report cannot be written: {0}")]
    Junit(String),
}

/// Renders a report about submissions.
///
/// # Errors
/// The format's library refuses; never because of what a program wrote.
pub fn render(format: Format, graded: &[Graded]) -> Result<Vec<u8>, ReportError> {
    match format {
        Format::Junit => junit::render(graded),
        Format::Json => json::render(graded),
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
