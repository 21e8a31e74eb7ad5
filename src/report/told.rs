//! What a student is told of a verdict, in whatever format: as much as the assignment lets them know.
//!
//! The texts quote what a program wrote, raw: each format makes them harmless in its own way.

use super::{Graded, blocker_is_shown, is_shown, ladder};
use crate::ids::RequirementId;
use crate::judge::facts::View;
use crate::judge::verdict::{Finding, Judged, Missing, ProgramVerdict, SubmissionVerdict, Verdict};
use crate::plan::model::Show;
use crate::plan::points::Points;

/// How wide a ladder is drawn here: no reader wraps less.
pub(super) const WIDTH: usize = 78;

/// What is told of a failure.
pub(super) struct Told {
    /// Its cause's name, where that may be known.
    pub cause: String,
    /// What went wrong.
    pub message: String,
    /// All of it, in lines, with the exchange.
    pub text: String,
}

/// What is told of a failure.
pub(super) fn failure(graded: &Graded, program: &ProgramVerdict, judged: &Judged) -> Told {
    let heading = format!("{} {}", judged.id, judged.title);
    let exchange = || exchange(graded, program, judged);
    match (program.show, &judged.finding) {
        (Show::Full, Some(finding)) => {
            let text = format!("{heading}\n\n{}{}", explained(judged, finding), exchange());
            Told { cause: finding.cause.clone(), message: finding.explanation.clone(), text }
        }
        (Show::Actual, Some(finding)) => {
            let text = format!("{heading}\n\nseen: {}\n{}", finding.actual, exchange());
            Told { cause: "failed".to_owned(), message: finding.actual.clone(), text }
        }
        _ => {
            let message = format!("does not hold: {}", judged.title);
            Told { cause: "failed".to_owned(), text: message.clone(), message }
        }
    }
}

fn explained(judged: &Judged, finding: &Finding) -> String {
    let source = judged.source.iter().map(|source| format!("see:  {source}\n")).collect::<String>();
    format!(
        "{}\n\nexpected: {}\nseen:     {}\n\nhint: {}\nwhy:  {}\n{source}",
        finding.explanation, finding.expected, finding.actual, judged.hint, judged.why
    )
}

/// The exchange in which it failed, drawn, behind an empty line; nothing where nothing is to be seen.
fn exchange(graded: &Graded, program: &ProgramVerdict, judged: &Judged) -> String {
    drawn(graded, program, judged).map(|drawn| format!("\n{drawn}")).unwrap_or_default()
}

/// The exchange in which it failed, drawn.
pub(super) fn drawn(graded: &Graded, program: &ProgramVerdict, judged: &Judged) -> Option<String> {
    let finding = judged.finding.as_ref().filter(|_| program.show != Show::None)?;
    let ladder = ladder::draw(graded.evidence(program.role, judged)?, program.role, finding.event, WIDTH);
    (!ladder.rows.is_empty()).then(|| ladder.plain())
}

/// What the program printed in the scenario of a failure, where that is shown.
pub(super) fn printed(graded: &Graded, program: &ProgramVerdict, judged: &Judged) -> Option<String> {
    let record = graded.evidence(program.role, judged).filter(|_| program.show == Show::Full)?;
    let printed = View::whole(record).printed(None);
    (!printed.is_empty()).then(|| String::from_utf8_lossy(&printed).into_owned())
}

/// What a requirement that may not be named is called: not even that it is a hidden one is said.
pub(super) const UNNAMED: &str = "something that it needs";

/// Why something was not tested.
pub(super) fn blocked(program: &ProgramVerdict, by: &RequirementId) -> String {
    let by = if blocker_is_shown(program, by) { &by.0 } else { UNNAMED };
    format!("could not be tested, because {by} failed")
}

/// Why something has no verdict.
pub(super) fn ungraded(reason: &str) -> String {
    format!("could not be graded, and costs no points: {reason}")
}

/// Why requirements could not be graded, each reason once, with their IDs.
pub(super) fn reasons<'a>(all: impl IntoIterator<Item = &'a Judged>) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for judged in all {
        let Verdict::Ungraded { reason } = &judged.verdict else { continue };
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, ids)) => ids.push(&judged.id.0),
            None => reasons.push((reason, vec![&judged.id.0])),
        }
    }
    reasons
}

/// That a program is not there.
pub(super) fn missing(missing: &Missing) -> String {
    format!("there is no {}: looked for {}", missing.role.words(), missing.looked_for)
}

/// The requirement, so to speak, that a missing program does not meet.
pub(super) fn presence(missing: &Missing) -> String {
    format!("the {} is there", missing.role.words())
}

/// What a student may see of a program.
pub(super) fn shown(program: &ProgramVerdict) -> impl Iterator<Item = &Judged> {
    program.requirements.iter().filter(|judged| is_shown(judged))
}

/// Whether something is kept from the student.
pub(super) fn hides(verdict: &SubmissionVerdict) -> bool {
    verdict.requirements().any(|judged| !is_shown(judged))
        || verdict.missing.iter().any(|missing| missing.shown != missing.points)
}

/// What holds in place of a number of points, where nobody sees any to be earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPoints {
    /// Nothing at all is seen.
    Unseen,
    /// Nothing of what is seen could be graded.
    Ungraded,
    /// All that is seen is worth nothing.
    Worthless,
}

impl NoPoints {
    /// Of the requirements that somebody sees, and of so many points that these can earn.
    pub(super) fn of<'a>(seen: impl Iterator<Item = &'a Judged>, points: Points) -> Option<Self> {
        if points > Points(0) {
            return None;
        }
        let (mut all, mut ungraded) = (0, 0);
        for judged in seen {
            all += 1;
            ungraded += usize::from(matches!(judged.verdict, Verdict::Ungraded { .. }));
        }
        Some(match (all, ungraded) {
            (0, _) => Self::Unseen,
            _ if all == ungraded => Self::Ungraded,
            _ => Self::Worthless,
        })
    }

    /// Of a whole submission: a program that is missing is seen, and may be worth nothing.
    pub(super) fn beside(self, missing: &[Missing]) -> Self {
        if missing.is_empty() { self } else { Self::Worthless }
    }

    /// In a word or two.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Unseen => "not shown",
            Self::Ungraded => "not graded",
            Self::Worthless => "worth no points",
        }
    }
}

/// The same of a submission, by what is shown of it.
pub(super) fn no_points(verdict: &SubmissionVerdict) -> Option<NoPoints> {
    let none = NoPoints::of(verdict.programs.iter().flat_map(shown), total(verdict).1)?;
    Some(none.beside(&verdict.missing))
}

/// What was earned, and what could be, by what is shown of a program.
pub(super) fn score(program: &ProgramVerdict) -> (Points, Points) {
    (shown(program).map(|judged| judged.earned).sum(), shown(program).map(Judged::possible).sum())
}

/// The same of a submission. Of a missing program those points count that are shown.
pub(super) fn total(verdict: &SubmissionVerdict) -> (Points, Points) {
    let scores = || verdict.programs.iter().map(score);
    let missing: Points = verdict.missing.iter().map(|missing| missing.shown).sum();
    (scores().map(|(earned, _)| earned).sum(), scores().map(|(_, of)| of).sum::<Points>() + missing)
}
