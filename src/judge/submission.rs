//! All that was recorded of one submission, and its judgement.

use serde::{Deserialize, Serialize};

use crate::event::ProgramRecord;
use crate::judge::judge;
use crate::judge::verdict::{Missing, SubmissionVerdict};
use crate::plan::model::Plan;

/// The version of the file format of records.
pub const FORMAT: &str = "sockspec-record/1";

/// What `--record` keeps, and `judge` judges again: the records of a submission's programs, each
/// with the plan that led to them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubmissionRecord {
    /// [`FORMAT`].
    pub format: String,
    /// Who or what.
    pub id: String,
    /// What nonces were drawn from.
    pub seed: u64,
    /// How the programs were kept apart.
    pub isolation: String,
    /// Why they were kept apart no better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation_reason: Option<String>,
    /// How rest was told.
    pub observation: String,
    /// The assignment's name, where there was one.
    pub assignment: Option<String>,
    /// The requirements that were asked for, as patterns; all if there are none.
    #[serde(default)]
    pub only: Vec<String>,
    /// When the grading began: RFC 3339, UTC.
    pub at: String,
    /// The programs.
    pub programs: Vec<Recorded>,
    /// Roles without one.
    pub missing: Vec<Missing>,
}

/// A program's records with what was asked of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// What was asked.
    pub plan: Plan,
    /// What was observed.
    pub record: ProgramRecord,
}

impl SubmissionRecord {
    /// Judges it. The same record under the same plans always gives the same verdicts.
    #[must_use]
    pub fn judge(&self) -> SubmissionVerdict {
        SubmissionVerdict {
            id: self.id.clone(),
            seed: self.seed,
            isolation: self.isolation.clone(),
            isolation_reason: self.isolation_reason.clone(),
            observation: self.observation.clone(),
            assignment: self.assignment.clone(),
            at: self.at.clone(),
            programs: self.programs.iter().map(|recorded| judge(&recorded.plan, &recorded.record)).collect(),
            missing: self.missing.clone(),
        }
    }
}
