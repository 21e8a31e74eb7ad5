//! The requirements of a suite, as far as they can be judged without a dialect.

use std::collections::BTreeMap;

use crate::span::{Mistake, suggest};
use crate::spec::placed::Placed;
use crate::spec::suite::{Check, Name, Requirement, Scenario, Suite, When};

/// Notes what is wrong with the suite's requirements.
pub(super) fn check(suite: &Suite, faults: &[Mistake], notes: &mut Vec<Mistake>) {
    crate::plan::settings::name(&suite.suite.value, suite.suite.span, "a suite's name", notes);
    if suite.port == Some(0) && faults.is_empty() {
        notes.push(Mistake::new(suite.suite.span, "no program can be found at port 0").help("from 1 to 65535"));
    }
    if suite.requirements.is_empty() {
        notes.push(Mistake::new(suite.suite.span, "this suite has no requirement"));
    }
    for (id, part) in &suite.requirements {
        one_id(id, notes);
        let Some(requirement) = &part.0 else { continue };
        if requirement.points.is_some_and(|points| !(0.0..=10_000.0).contains(&points)) {
            notes.push(Mistake::new(id.span, "a weight is a number from 0 to 10000"));
        }
        for need in &requirement.needs {
            if need.value == id.value {
                notes.push(Mistake::new(need.span, "a requirement does not need itself"));
            } else if let Some(mistake) = unknown(suite, need) {
                notes.push(mistake);
            }
        }
        // What could not be read may have been its scenario.
        if faults.is_empty() && !tested(suite, id, requirement) {
            let mistake = Mistake::new(id.span, format!("no scenario tests `{}`", id.value));
            notes.push(mistake.help("add a check with this `requirement`, or take it out"));
        }
    }
    circles(suite, notes);
}

/// What is wrong with a reference to a requirement, if something is.
pub(super) fn unknown(suite: &Suite, name: &Name) -> Option<Mistake> {
    if suite.requirements.contains_key(name.value.as_str()) {
        return None;
    }
    let known: Vec<&str> = suite.requirements.keys().map(|id| id.value.as_str()).collect();
    let mut mistake = Mistake::new(name.span, format!("this suite has no requirement `{}`", name.value));
    mistake.help = suggest(&name.value, &known);
    Some(mistake)
}

/// The number at the end of an ID, by which requirements are ordered.
pub(super) fn number(id: &str) -> u64 {
    let digits = id.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or(u64::MAX)
}

fn one_id(id: &Name, notes: &mut Vec<Mistake>) {
    let good = id.value.rsplit_once('-').is_some_and(|(letters, digits)| {
        letters.starts_with(|c: char| c.is_ascii_uppercase())
            && letters.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-')
            && (1..=6).contains(&digits.len())
            && digits.chars().all(|c| c.is_ascii_digit())
    });
    if !good {
        let message = format!("`{}` cannot be a requirement's ID", id.value);
        notes.push(Mistake::new(id.span, message).help("capitals, `-`, and a number: `ECHO-1`"));
    }
}

/// Whether a check tests it in some dialect.
fn tested(suite: &Suite, id: &Name, requirement: &Requirement) -> bool {
    let scenarios = suite.scenarios.iter().filter_map(|part| part.0.as_ref());
    let possible = |scenario: &Placed<Scenario>, check: &Check| {
        check.requirement.value == id.value
            && agree([requirement.when.as_ref(), scenario.when.as_ref(), check.when.as_ref()])
    };
    scenarios.into_iter().any(|scenario| {
        let mut checks = scenario.checks.iter().filter_map(|part| part.0.as_ref());
        checks.any(|check| possible(scenario, check))
    })
}

/// Whether some dialect has all of these properties.
fn agree(whens: [Option<&When>; 3]) -> bool {
    fn one<T: PartialEq>(mut wanted: impl Iterator<Item = T>) -> bool {
        wanted.next().is_none_or(|first| wanted.all(|other| other == first))
    }
    let all = || whens.iter().flatten();
    one(all().filter_map(|when| when.framing)) && one(all().filter_map(|when| when.closes_first))
}

/// Notes each requirement that needs itself, by whatever way.
fn circles(suite: &Suite, notes: &mut Vec<Mistake>) {
    let needs: BTreeMap<&str, Vec<&str>> = suite
        .requirements
        .iter()
        .filter_map(|(id, part)| {
            let needs = &part.0.as_ref()?.needs;
            Some((id.value.as_str(), needs.iter().map(|need| need.value.as_str()).collect()))
        })
        .collect();
    for id in suite.requirements.keys() {
        let direct = needs.get(id.value.as_str()).map_or(&[][..], Vec::as_slice);
        let mut seen: Vec<&str> = direct.iter().copied().filter(|need| *need != id.value).collect();
        let mut next = 0;
        while let Some(step) = seen.get(next).copied() {
            for need in needs.get(step).into_iter().flatten() {
                if !seen.contains(need) {
                    seen.push(need);
                }
            }
            next += 1;
        }
        if seen.contains(&id.value.as_str()) {
            let message = format!("`{}` needs itself to be tested, by way of what it `needs`", id.value);
            notes.push(Mistake::new(id.span, message).help("of two requirements one can need the other"));
        }
    }
}
