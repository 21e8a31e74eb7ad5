//! From records to verdicts. Pure: no I/O, no clock, no randomness.
//!
//! A requirement holds when every check for it holds in every record. One that fails because
//! nothing came (no socket, no reply, no connection) is *absent*; whatever needs an absent one
//! could not be tested and is `blocked` by it, whether its own checks happen to hold or not, so
//! that a program that does nothing earns nothing. Any other failure blocks nobody: independent
//! defects are judged independently.

pub mod check;
pub mod crossplay;
pub mod explain;
pub mod facts;
pub mod submission;
#[cfg(test)]
mod tests;
pub mod verdict;

use std::collections::BTreeMap;

use crate::event::{ProgramRecord, Record};
use crate::ids::{RequirementId, ScenarioId};
use crate::judge::check::{Failure, Outcome, evaluate};
use crate::judge::verdict::{Finding, Judged, ProgramVerdict, Verdict};
use crate::plan::model::{Plan, Requirement, Scenario};
use crate::plan::points::Points;

/// What all checks for one requirement say together.
enum Standing<'a> {
    Holds,
    /// With whether another check of it found that nothing came at all.
    Fails(&'a Scenario, Failure<'a>, bool),
    Absent(Option<(&'a Scenario, Failure<'a>)>),
    Trouble(String),
}

/// Judges all records of a program.
#[must_use]
pub fn judge(plan: &Plan, program: &ProgramRecord) -> ProgramVerdict {
    let standings = standings(plan, counting(plan, &program.records).map(|(_, record)| record));
    let requirements =
        plan.requirements.iter().map(|requirement| judged(plan, program, requirement, &standings)).collect();
    ProgramVerdict {
        role: program.role,
        path: program.path.clone(),
        language: program.language.clone(),
        dialect: plan.dialect.name.clone(),
        told: program.told.clone(),
        notes: program.notes.clone(),
        show: plan.show,
        requirements,
        starts: program.starts,
        micros: program.micros,
    }
}

/// Whether all checks of a scenario hold in a record of it.
#[must_use]
pub fn holds(plan: &Plan, scenario: &Scenario, record: &Record) -> bool {
    scenario.checks.iter().all(|check| evaluate(plan, check, record) == Outcome::Holds)
}

/// Whether a record of a scenario says anything: one that covers others does so only where all its checks
/// hold, for else those are played.
#[must_use]
pub fn counts(plan: &Plan, scenario: &Scenario, record: &Record) -> bool {
    scenario.covers.is_empty() || holds(plan, scenario, record)
}

/// The records that say anything, each with its scenario; those of scenarios that the plan does not have do not.
fn counting<'p, 'r>(plan: &'p Plan, records: &'r [Record]) -> impl Iterator<Item = (&'p Scenario, &'r Record)> {
    let known = records.iter().filter_map(|record| Some((plan.scenario(&record.scenario)?, record)));
    known.filter(|(scenario, record)| counts(plan, scenario, record))
}

/// Whether records say all that playing the plan's scenarios would: each has one that counts, or is moot, or only
/// stands for others that have one.
#[must_use]
pub fn is_whole(plan: &Plan, records: &[Record]) -> bool {
    let played: Vec<&ScenarioId> = counting(plan, records).map(|(scenario, _)| &scenario.id).collect();
    let has = |id: &ScenarioId| played.contains(&id);
    plan.scenarios.iter().all(|scenario| {
        has(&scenario.id)
            || is_moot(plan, scenario, records)
            || !scenario.covers.is_empty()
                && scenario
                    .covers
                    .iter()
                    .filter_map(|id| plan.scenario(id))
                    .all(|one| has(&one.id) || is_moot(plan, one, records))
    })
}

/// Whether a scenario can say nothing new: another covers it, or everything that it tests is blocked by what
/// the records so far show to be absent.
#[must_use]
pub fn is_moot(plan: &Plan, scenario: &Scenario, records: &[Record]) -> bool {
    let counting: Vec<_> = counting(plan, records).collect();
    if counting.iter().any(|(of, _)| of.covers.contains(&scenario.id)) {
        return true;
    }
    let so_far = partial_standings(plan, counting.into_iter().map(|(_, record)| record));
    scenario.checks.iter().all(|check| blocker(plan, &check.requirement, &so_far).is_some())
}

fn standings<'a, 'r>(
    plan: &'a Plan,
    records: impl IntoIterator<Item = &'r Record>,
) -> BTreeMap<&'a RequirementId, Standing<'a>> {
    let mut all = partial_standings(plan, records);
    for requirement in &plan.requirements {
        all.entry(&requirement.id).or_insert(Standing::Absent(None));
    }
    all
}

/// What the records say of the requirements that they test. A requirement that is tested in
/// several scenarios stands as the worst of them.
fn partial_standings<'a, 'r>(
    plan: &'a Plan,
    records: impl IntoIterator<Item = &'r Record>,
) -> BTreeMap<&'a RequirementId, Standing<'a>> {
    let mut all = BTreeMap::new();
    for record in records {
        let Some(scenario) = plan.scenario(&record.scenario) else { continue };
        for check in &scenario.checks {
            let new = match evaluate(plan, check, record) {
                Outcome::Holds => Standing::Holds,
                Outcome::Fails(failure) => Standing::Fails(scenario, failure, false),
                Outcome::Absent(failure) => Standing::Absent(Some((scenario, failure))),
                Outcome::Trouble(reason) => Standing::Trouble(reason),
            };
            let absent = is_absent(&new) || all.get(&check.requirement).is_some_and(is_absent);
            if all.get(&check.requirement).is_none_or(|old| rank(&new) > rank(old)) {
                all.insert(&check.requirement, new);
            }
            if let Some(Standing::Fails(_, _, too)) = all.get_mut(&check.requirement) {
                *too |= absent;
            }
        }
    }
    all
}

/// Whether what needs this requirement cannot be tested.
fn is_absent(standing: &Standing<'_>) -> bool {
    matches!(standing, Standing::Absent(Some(_)) | Standing::Fails(_, _, true))
}

fn rank(standing: &Standing<'_>) -> u8 {
    match standing {
        Standing::Holds => 0,
        Standing::Trouble(_) => 1,
        Standing::Absent(_) => 2,
        Standing::Fails(..) => 3,
    }
}

/// The absent requirement at the root of why this one cannot be tested. `plan` has made sure that
/// needs have no cycle.
fn blocker<'a>(
    plan: &'a Plan,
    id: &RequirementId,
    standings: &BTreeMap<&'a RequirementId, Standing<'a>>,
) -> Option<&'a RequirementId> {
    let requirement = plan.requirement(id)?;
    requirement.needs.iter().find_map(|need| {
        blocker(plan, need, standings).or_else(|| standings.get(need).is_some_and(is_absent).then_some(need))
    })
}

fn judged(
    plan: &Plan,
    program: &ProgramRecord,
    requirement: &Requirement,
    standings: &BTreeMap<&RequirementId, Standing<'_>>,
) -> Judged {
    let verdict = |verdict| (verdict, None);
    let (verdict, finding) = match (&program.trouble, blocker(plan, &requirement.id, standings)) {
        (Some(reason), _) => verdict(Verdict::Ungraded { reason: reason.clone() }),
        (None, Some(by)) => verdict(Verdict::Blocked { by: by.clone() }),
        (None, None) => match standings.get(&requirement.id) {
            Some(Standing::Holds) => verdict(Verdict::Passed),
            Some(Standing::Trouble(reason)) => verdict(Verdict::Ungraded { reason: reason.clone() }),
            Some(Standing::Fails(scenario, failure, _) | Standing::Absent(Some((scenario, failure)))) => {
                (Verdict::Failed, finding(plan, program, scenario, failure))
            }
            Some(Standing::Absent(None)) | None => verdict(Verdict::Ungraded {
                reason: program.stopped.clone().unwrap_or_else(|| {
                    "no scenario for it was played when this was recorded; run `sockspec check` again".to_owned()
                }),
            }),
        },
    };
    let earned = if verdict == Verdict::Passed { requirement.points } else { Points(0) };
    Judged {
        id: requirement.id.clone(),
        title: requirement.title.clone(),
        level: requirement.level,
        points: requirement.points,
        earned,
        visibility: requirement.visibility,
        why: requirement.why.clone(),
        hint: requirement.hint.clone(),
        source: requirement.source.clone(),
        verdict,
        finding,
    }
}

fn finding(plan: &Plan, program: &ProgramRecord, scenario: &Scenario, failure: &Failure<'_>) -> Option<Finding> {
    let record = program.records.iter().find(|record| record.scenario == scenario.id)?;
    let explained = explain::explain(plan, record, failure);
    Some(Finding {
        scenario: scenario.id.clone(),
        expected: failure.expected.clone(),
        actual: failure.actual.clone(),
        explanation: explained.text,
        cause: explained.cause.to_owned(),
        event: failure.event,
    })
}
