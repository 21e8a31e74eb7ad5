//! Failures that have one cause, so that it is explained once.

use crate::judge::verdict::{Finding, Judged, ProgramVerdict, Verdict};
use crate::plan::model::Level;

/// Causes that are a family: two failures have the same one only if the same was said of both.
const FAMILIES: [&str; 6] =
    ["other", "exception", "changed-characters", "blocked-in-call", "ended-early", "nonzero-exit"];

/// Failures that one defect led to.
#[derive(Debug)]
pub(super) struct Group<'a> {
    /// The one that is explained: the first that costs points, else the first.
    pub first: &'a Judged,
    /// The others.
    pub others: Vec<&'a Judged>,
}

impl Group<'_> {
    /// Whether a required requirement is among them.
    pub fn is_required(&self) -> bool {
        self.first.level == Level::Required
    }
}

/// The failures that may be shown to a student, by cause, in the order of the suite.
pub(super) fn failures(program: &ProgramVerdict) -> Vec<Group<'_>> {
    failures_among(program.requirements.iter().filter(|judged| super::is_shown(judged)))
}

/// The failures among some requirements, by cause, in their order.
pub(super) fn failures_among<'a>(requirements: impl Iterator<Item = &'a Judged>) -> Vec<Group<'a>> {
    let mut failed: Vec<&Judged> = requirements.filter(|judged| judged.verdict == Verdict::Failed).collect();
    failed.sort_by_key(|judged| judged.level);
    let mut groups: Vec<Group<'_>> = Vec::new();
    for judged in failed {
        match groups.iter_mut().find(|group| same_cause(group.first, judged)) {
            Some(group) => group.others.push(judged),
            None => groups.push(Group { first: judged, others: Vec::new() }),
        }
    }
    groups
}

fn same_cause(a: &Judged, b: &Judged) -> bool {
    let (Some(a), Some(b)) = (&a.finding, &b.finding) else { return false };
    cause(a) == cause(b)
}

/// What tells one cause from another: its name, and what was said where the name is a family's.
pub(super) fn cause(finding: &Finding) -> (&str, Option<String>) {
    (&finding.cause, FAMILIES.contains(&finding.cause.as_str()).then(|| gist(&finding.explanation)))
}

/// What was said, without what differs from run to run: numbers, quotations, and who it was.
fn gist(text: &str) -> String {
    let unquoted: String = text.split('"').step_by(2).collect();
    let words = unquoted.split_whitespace().filter(|word| !matches!(*word, "alice" | "bob" | "carol"));
    words
        .map(|word| word.trim_matches(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation()))
        .collect::<Vec<_>>()
        .join(" ")
}
