//! What reports on a cohort are made from, and how.

use camino::Utf8PathBuf;

use super::{Graded, ReportError};
use crate::roster::Student;

/// One line of a cohort: who handed in, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Who.
    pub student: Student,
    /// What came of it.
    pub outcome: Outcome,
    /// The command line that grades it again with the same seed, where there is something to grade.
    pub again: Option<String>,
}

/// What came of a submission.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was graded: some of it may still be `ungraded`.
    Graded(Box<Graded>),
    /// There are no verdicts: it could not be read (an archive that was refused, nothing handed in), or
    /// something of ours went wrong.
    Unread {
        /// Why, and what to do.
        reason: String,
    },
}

/// A file of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where, relative to the report's folder; in a report of one file, its proposed name.
    pub path: Utf8PathBuf,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A report on a cohort, made entry by entry: what it keeps of one is a line or two, so that memory
/// does not grow with what was recorded.
pub trait Cohort {
    /// Takes in one entry; the files that are ready with it.
    ///
    /// # Errors
    /// The format's library refuses; never because of what a program wrote.
    fn entry(&mut self, entry: &Entry) -> Result<Vec<File>, ReportError>;

    /// The files that are ready when all entries are in.
    ///
    /// # Errors
    /// As for an entry.
    fn end(&mut self) -> Result<Vec<File>, ReportError>;
}
