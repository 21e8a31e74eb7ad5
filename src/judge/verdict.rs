//! What the judge says: values that reports are made from.

use serde::{Deserialize, Serialize};

use crate::ids::{RequirementId, Role, ScenarioId};
use crate::plan::model::{Level, Plan, Show, Visibility};
use crate::plan::points::Points;

/// What holds of one requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// It could not be tested, because another requirement failed.
    Blocked {
        /// Which.
        by: RequirementId,
    },
    /// It could not be tested, by our fault or the machine's: it never costs points.
    Ungraded {
        /// Why, and what to do.
        reason: String,
    },
}

impl Verdict {
    /// The verdict's name in reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Blocked { .. } => "blocked",
            Self::Ungraded { .. } => "ungraded",
        }
    }
}

/// What is shown for a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The scenario in which it was seen.
    pub scenario: ScenarioId,
    /// What should have been, in words.
    pub expected: String,
    /// What was, in words.
    pub actual: String,
    /// What went wrong, in the student's terms; may be several sentences.
    pub explanation: String,
    /// The cause's name, for statistics and clusters (`reset-instead-of-close`).
    pub cause: String,
    /// The index in the record's events of the fact that shows it, where there is one.
    pub event: Option<usize>,
}

/// One requirement with its verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// The requirement's ID.
    pub id: RequirementId,
    /// Its sentence.
    pub title: String,
    /// Required or extra.
    pub level: Level,
    /// What it is worth.
    pub points: Points,
    /// What was earned.
    pub earned: Points,
    /// Who may see it.
    pub visibility: Visibility,
    /// Why it is asked.
    pub why: String,
    /// What to look at.
    pub hint: String,
    /// Where it stands in the textbook or RFC.
    pub source: Option<String>,
    /// What holds.
    pub verdict: Verdict,
    /// What is shown for it; there where the verdict is `failed`.
    pub finding: Option<Finding>,
}

impl Judged {
    /// Points that could be earned: none where it could not be graded, since that costs nobody a point.
    #[must_use]
    pub fn possible(&self) -> Points {
        if matches!(self.verdict, Verdict::Ungraded { .. }) { Points(0) } else { self.points }
    }
}

/// One program with its verdicts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramVerdict {
    /// Its role.
    pub role: Role,
    /// Its file or command line.
    pub path: String,
    /// Its language.
    pub language: String,
    /// The dialect that it was judged by.
    pub dialect: String,
    /// How that was told, where nobody had said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
    /// What else is to be said of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What a student is shown of a failure.
    pub show: Show,
    /// Its requirements, in the suite's order.
    pub requirements: Vec<Judged>,
    /// How often it was started.
    pub starts: u32,
    /// Microseconds that its scenarios took.
    pub micros: u64,
}

impl ProgramVerdict {
    /// Points earned.
    #[must_use]
    pub fn score(&self) -> Points {
        self.requirements.iter().map(|judged| judged.earned).sum()
    }

    /// Points that could be earned: those of what could be graded.
    #[must_use]
    pub fn max_score(&self) -> Points {
        self.requirements.iter().map(Judged::possible).sum()
    }
}

/// One submission with its verdicts: what every report is made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubmissionVerdict {
    /// Who or what: the folder's or file's name.
    pub id: String,
    /// The seed that the nonces were drawn from.
    pub seed: u64,
    /// The isolation level that it was run under.
    pub isolation: String,
    /// Why it was no better one.
    pub isolation_reason: Option<String>,
    /// How rest was told: `quiescence` or `grace periods`.
    pub observation: String,
    /// The assignment, where there was one.
    pub assignment: Option<String>,
    /// When it was graded: RFC 3339, UTC.
    pub at: String,
    /// Its programs, in the order of the roles.
    pub programs: Vec<ProgramVerdict>,
    /// Roles for which no program was found, with what was looked for.
    pub missing: Vec<Missing>,
}

/// A role for which a submission has no program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// The role.
    pub role: Role,
    /// What was looked for, in words.
    pub looked_for: String,
    /// Points that it would have been worth.
    pub points: Points,
    /// Those of them that a student may know of: of requirements that are visible. None are known in a record
    /// that does not say, for too small a total does less harm than one that tells what is hidden.
    #[serde(default)]
    pub shown: Points,
    /// Those that a student may know of later, or never.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<(Visibility, Points)>,
}

impl Missing {
    /// That there is no program for a plan.
    #[must_use]
    pub fn of(plan: &Plan, looked_for: String) -> Self {
        let (role, points, shown) = (plan.role, Points(0), Points(0));
        let mut missing = Self { role, looked_for, points, shown, kept: Vec::new() };
        missing.weigh(plan);
        missing
    }

    /// What it would have been worth under a plan.
    pub fn weigh(&mut self, plan: &Plan) {
        let of = |visibility: Visibility| -> Points {
            let asked = plan.requirements.iter().filter(|asked| asked.visibility == visibility);
            asked.map(|asked| asked.points).sum()
        };
        let later = [Visibility::AfterDueDate, Visibility::AfterPublished, Visibility::Hidden];
        self.shown = of(Visibility::Visible);
        self.kept = later.map(|visibility| (visibility, of(visibility))).into();
        self.kept.retain(|(_, points)| *points > Points(0));
        self.points = plan.requirements.iter().map(|asked| asked.points).sum();
    }
}

impl SubmissionVerdict {
    /// Points earned.
    #[must_use]
    pub fn score(&self) -> Points {
        self.programs.iter().map(ProgramVerdict::score).sum()
    }

    /// Points that could be earned.
    #[must_use]
    pub fn max_score(&self) -> Points {
        self.programs.iter().map(ProgramVerdict::max_score).sum::<Points>()
            + self.missing.iter().map(|missing| missing.points).sum()
    }

    /// All requirements of all programs.
    pub fn requirements(&self) -> impl Iterator<Item = &Judged> {
        self.programs.iter().flat_map(|program| &program.requirements)
    }

    /// The exit status: 3 something could not be graded, else 1 a required requirement did not
    /// hold, else 0.
    #[must_use]
    pub fn status(&self) -> u8 {
        self.status_of(|_| true)
    }

    /// The exit status by what a student may see now: another one would tell of what is hidden.
    #[must_use]
    pub fn shown_status(&self) -> u8 {
        self.status_of(|judged| judged.visibility == Visibility::Visible)
    }

    fn status_of(&self, counts: fn(&Judged) -> bool) -> u8 {
        let any = |wrong: fn(&Judged) -> bool| self.requirements().filter(|judged| counts(judged)).any(wrong);
        if any(|judged| matches!(judged.verdict, Verdict::Ungraded { .. })) {
            3
        } else if !self.missing.is_empty()
            || any(|judged| judged.level == Level::Required && judged.verdict != Verdict::Passed)
        {
            1
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;
    use crate::plan::library::{Choice, Library};

    #[test]
    fn a_missing_program_is_worth_all_that_was_asked_and_shows_what_is_visible() {
        let mut plan = Library::builtin().unwrap().plan(Role::TcpClient, &Choice::default()).unwrap();
        let whole = Missing::of(&plan, "a file".to_owned());
        assert_eq!((whole.role, whole.points), (Role::TcpClient, whole.shown));
        let secret = [Visibility::Hidden, Visibility::AfterDueDate, Visibility::AfterPublished];
        let worth: Points = plan.requirements[..3].iter().map(|asked| asked.points).sum();
        assert!(worth > Points(0));
        plan.requirements.iter_mut().zip(secret).for_each(|(asked, visibility)| asked.visibility = visibility);
        let mut missing = whole.clone();
        missing.weigh(&plan);
        assert_eq!((missing.points, missing.shown + worth), (whole.points, whole.points));
        let kept: Vec<Visibility> = missing.kept.iter().map(|(visibility, _)| *visibility).collect();
        assert_eq!(kept, [Visibility::AfterDueDate, Visibility::AfterPublished, Visibility::Hidden]);
        assert_eq!(missing.kept.iter().map(|(_, points)| *points).sum::<Points>(), worth);
        plan.requirements.drain(..3);
        missing.weigh(&plan);
        assert_eq!((missing.points, missing.shown + worth), (missing.shown, whole.points), "weighed again");
    }
}
