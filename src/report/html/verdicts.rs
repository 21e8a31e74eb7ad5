//! Verdicts as a page shows them, and what who may see.

use maud::{Markup, html};

use super::text::Said;
use crate::ids::RequirementId;
use crate::judge::verdict::{Judged, Missing, ProgramVerdict, SubmissionVerdict, Verdict};
use crate::plan::model::{Level, Show, Visibility};
use crate::plan::points::Points;
use crate::report::{blocker_is_shown, is_shown};

/// Whom a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// Who handed in: sees what the assignment lets a student see.
    Student,
    /// Who grades: sees all.
    Staff,
}

impl Reader {
    /// Whether a requirement is on the page at all.
    pub(super) fn sees(self, judged: &Judged) -> bool {
        self == Self::Staff || is_shown(judged)
    }

    /// What is told of a failure.
    pub(super) fn show(self, program: &ProgramVerdict) -> Show {
        if self == Self::Staff { Show::Full } else { program.show }
    }

    /// Whether a requirement that blocks another may be named.
    pub(super) fn sees_blocker(self, program: &ProgramVerdict, by: &RequirementId) -> bool {
        self == Self::Staff || blocker_is_shown(program, by)
    }

    /// The requirements of a program that are on the page.
    pub(super) fn requirements(self, program: &ProgramVerdict) -> impl Iterator<Item = &Judged> {
        program.requirements.iter().filter(move |judged| self.sees(judged))
    }

    /// Points of a program: earned, and to be earned, by what is on the page.
    pub(super) fn points(self, program: &ProgramVerdict) -> (Points, Points) {
        let earned = self.requirements(program).map(|judged| judged.earned).sum();
        (earned, self.requirements(program).map(Judged::possible).sum())
    }

    /// What a missing program would have been worth.
    pub(super) fn worth(self, missing: &Missing) -> Points {
        if self == Self::Staff { missing.points } else { missing.shown }
    }

    /// Points of a submission, by what is on the page.
    pub(super) fn total(self, verdict: &SubmissionVerdict) -> (Points, Points) {
        let points = || verdict.programs.iter().map(|program| self.points(program));
        let missing: Points = verdict.missing.iter().map(|missing| self.worth(missing)).sum();
        (points().map(|(earned, _)| earned).sum(), points().map(|(_, of)| of).sum::<Points>() + missing)
    }
}

/// What a cell of the matrix, a line of a list or a heading shows of a verdict. Sign and word say the
/// same as the colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sign {
    /// The letter for it in the index's data, and the name of its class.
    pub letter: char,
    /// What is drawn.
    pub drawn: &'static str,
    /// What is said.
    pub word: &'static str,
}

/// What there is no verdict on, since there was no program.
pub(super) const MISSING: Sign = Sign { letter: 'm', drawn: "○", word: "no program" };
/// What was not asked of this submission.
pub(super) const UNASKED: Sign = Sign { letter: 'n', drawn: "·", word: "not asked" };
/// What could not be graded.
pub(super) const UNGRADED: Sign = Sign { letter: 'u', drawn: "?", word: "not graded" };

const PASSED: Sign = Sign { letter: 'p', drawn: "✓", word: "passed" };
const FAILED: Sign = Sign { letter: 'f', drawn: "✗", word: "failed" };
const BLOCKED: Sign = Sign { letter: 'b', drawn: "–", word: "blocked" };

/// All signs.
pub(super) const SIGNS: [Sign; 6] = [PASSED, FAILED, BLOCKED, UNGRADED, MISSING, UNASKED];

impl Sign {
    /// The sign of a verdict.
    pub(super) fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Passed => PASSED,
            Verdict::Failed => FAILED,
            Verdict::Blocked { .. } => BLOCKED,
            Verdict::Ungraded { .. } => UNGRADED,
        }
    }

    /// The sign as it is drawn, with the word for who does not see it.
    pub(super) fn mark(self, level: Level) -> Markup {
        let extra = if level == Level::Extra { " extra" } else { "" };
        html! {
            span class={ "mark " (self.letter) (extra) } { span aria-hidden="true" { (self.drawn) } span .vh { (self.word) } }
        }
    }
}

/// Where on a submission's page a requirement is. IDs are unique in a suite, and a suite is for a role.
pub(super) fn anchor(program: &ProgramVerdict, id: &RequirementId) -> String {
    place(program.role.name(), &id.0)
}

/// The same, from names. Letters and digits stay, so that the index can say it too.
pub(super) fn place(role: &str, id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '_' };
    format!("{role}-{}", id.chars().map(plain).collect::<String>())
}

/// What is to be said of who may see a requirement.
pub(super) fn visibility(judged: &Judged) -> Option<&'static str> {
    match judged.visibility {
        Visibility::Visible => None,
        Visibility::Hidden => Some("hidden from students"),
        Visibility::AfterDueDate => Some("hidden until due"),
        Visibility::AfterPublished => Some("hidden until published"),
    }
}

/// Points earned of those to be earned.
pub(super) fn points(earned: Points, of: Points) -> Markup {
    html! { span .points { b { (earned.to_string()) } " / " (of.to_string()) } }
}

/// Where a source stands: text, never a link, for it is the assignment's.
pub(super) fn source(judged: &Judged) -> Markup {
    html! { @if let Some(source) = &judged.source { p .source { "See " (Said(source)) } } }
}
