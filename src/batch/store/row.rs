//! What stands in a row, and how it is packed.

use std::io::{self, Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use crate::judge::submission::{FORMAT, SubmissionRecord};
use crate::judge::verdict::SubmissionVerdict;
use crate::plan::points::Points;
use crate::roster::Student;

/// A record has a few megabytes; more than this is something else.
const LARGEST: u64 = 1 << 30;

/// What is stored of one submission.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Who.
    pub student: Student,
    /// The members of a group, where it is one.
    pub members: Vec<Student>,
    /// What a person should know of what was handed in.
    pub notes: Vec<String>,
    /// The hash of its files; empty where they could not be read.
    pub content: String,
    /// The hash of all else that decides a grading: the tool, the suites, the flags.
    pub terms: String,
    /// What came of it.
    pub outcome: Came,
}

/// What came of a submission.
#[derive(Debug, Clone, PartialEq)]
pub enum Came {
    /// It was graded.
    Graded(Box<Kept>),
    /// There are no verdicts.
    Unread {
        /// Why, and what to do.
        reason: String,
        /// Whether another try may have another end: something of ours went wrong.
        again: bool,
    },
}

impl Stored {
    /// Whether something of ours or of the machine's was amiss, so that another try may have another end.
    #[must_use]
    pub fn is_troubled(&self) -> bool {
        match &self.outcome {
            Came::Unread { again, .. } => *again,
            Came::Graded(kept) => kept.record.programs.iter().any(|program| program.record.trouble.is_some()),
        }
    }
}

/// Verdicts, and what they rest on.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The verdicts.
    pub verdict: SubmissionVerdict,
    /// The records.
    pub record: SubmissionRecord,
}

/// What a row says at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// See [`Stored::content`].
    pub content: String,
    /// See [`Stored::terms`].
    pub terms: String,
    /// Whether it is to be graded again in any case: something of ours or of the machine's was amiss.
    pub again: bool,
    /// The exit status that `check` would have had.
    pub status: u8,
    /// Why there are no verdicts, where there are none.
    pub reason: Option<String>,
}

/// A row of the cohort, in a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Who.
    pub student: Student,
    /// Why there are no verdicts, where there are none.
    pub reason: Option<String>,
    /// The exit status that `check` would have had.
    pub status: u8,
    /// Points earned, of how many.
    pub score: Option<(Points, Points)>,
}

/// What came of taking in another store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merged {
    /// Rows that were taken.
    pub taken: usize,
    /// Rows that were there already.
    pub known: usize,
}

/// Who handed in, as it stands in a row.
pub(super) struct Who {
    pub(super) student: Student,
    /// See [`Stored::members`].
    pub(super) members: Vec<Student>,
    /// See [`Stored::notes`].
    pub(super) notes: Vec<String>,
}

impl Who {
    pub(super) fn written(student: &Student, members: &[Student], notes: &[String]) -> Result<String, String> {
        serde_json::to_string(&(student, members, notes)).map_err(|error| error.to_string())
    }

    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (student, members, notes) = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(Self { student, members, notes })
    }
}

/// The columns of a row that [`stored`] makes sense of.
pub(super) type Columns = (String, String, String, Option<String>, bool, Option<Vec<u8>>, Option<Vec<u8>>);

/// What a row says; else what is wrong with it.
pub(super) fn stored((student, content, terms, reason, again, verdict, record): Columns) -> Result<Stored, String> {
    let words = |error: serde_json::Error| error.to_string();
    let Who { student, members, notes } = Who::read(&student)?;
    let outcome = match (reason, verdict, record) {
        (Some(reason), ..) => Came::Unread { reason, again },
        (None, Some(verdict), Some(record)) => {
            let verdict = serde_json::from_slice(&unpacked(&verdict)?).map_err(words)?;
            let record: SubmissionRecord = serde_json::from_slice(&unpacked(&record)?).map_err(words)?;
            if record.format != FORMAT {
                return Err(format!("its format is `{}`, and this version reads `{FORMAT}`", record.format));
            }
            Came::Graded(Box::new(Kept { verdict, record }))
        }
        _ => return Err("its verdicts are missing".to_owned()),
    };
    Ok(Stored { student, members, notes, content, terms, outcome })
}

/// A value as JSON, packed.
pub(super) fn packed(value: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    // In one piece: the encoder makes room anew for each of the many small ones that JSON is written in.
    encoder.write_all(&serde_json::to_vec(value)?)?;
    encoder.finish()
}

fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut whole = Vec::new();
    ZlibDecoder::new(bytes).take(LARGEST).read_to_end(&mut whole).map_err(|error| error.to_string())?;
    Ok(whole)
}
