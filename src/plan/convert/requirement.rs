//! The requirements of a suite, as far as they can be judged without a dialect.

use std::collections::{BTreeMap, BTreeSet};

use crate::span::{Mistake, suggest};
use crate::spec::placed::Placed;
use crate::spec::suite::{Check, Name, Requirement, Scenario, Suite, When};

/// Notes what is wrong with the suite's requirements.
pub(super) fn check(suite: &Suite, faults: &[Mistake], notes: &mut Vec<Mistake>) {
    crate::plan::settings::name(&suite.suite.value, suite.suite.span, "a suite's name", notes);
    if suite.port == Some(0) && faults.is_empty() {
        notes.push(Mistake::new(suite.suite.span, "no program can be found at port 0").help("from 1 to 65535"));
    }
    let begin = suite.scenarios.iter().filter_map(|part| Some(part.0.as_ref()?.span.start)).min();
    let faulty_scenarios = suite.scenarios.iter().any(|part| part.0.is_none())
        || faults.iter().any(|fault| begin.is_none_or(|begin| fault.span.start >= begin));
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
        if !faulty_scenarios && !tested(suite, id, requirement) {
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

/// Notes each requirement that needs itself, by whatever way: those that are left when again and
/// again all are taken away that need nothing that is left, or that nothing left needs.
fn circles(suite: &Suite, notes: &mut Vec<Mistake>) {
    let mut edges: Vec<(&str, &str)> = Vec::new();
    for (id, part) in &suite.requirements {
        let Some(requirement) = &part.0 else { continue };
        let known = requirement.needs.iter().filter(|need| need.value != id.value);
        let known = known.filter(|need| suite.requirements.contains_key(need.value.as_str()));
        edges.extend(known.map(|need| (id.value.as_str(), need.value.as_str())));
    }
    let all: BTreeSet<&str> = suite.requirements.keys().map(|id| id.value.as_str()).collect();
    let forward = peeled(&all, &edges);
    let backward: Vec<(&str, &str)> = edges.iter().map(|(from, to)| (*to, *from)).collect();
    let left = peeled(&forward, &backward);
    for id in suite.requirements.keys().filter(|id| left.contains(id.value.as_str())) {
        let message = format!("`{}` needs itself to be tested, by way of what it `needs`", id.value);
        notes.push(Mistake::new(id.span, message).help("of two requirements one can need the other"));
    }
}

/// What is left of a graph when again and again the nodes without an edge to another are taken away.
fn peeled<'a>(nodes: &BTreeSet<&'a str>, edges: &[(&'a str, &'a str)]) -> BTreeSet<&'a str> {
    let mut left = nodes.clone();
    let mut out: BTreeMap<&str, usize> = BTreeMap::new();
    let mut into: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to) in edges.iter().filter(|(from, to)| nodes.contains(from) && nodes.contains(to)) {
        *out.entry(from).or_default() += 1;
        into.entry(to).or_default().push(from);
    }
    let mut next: Vec<&str> = nodes.iter().copied().filter(|node| !out.contains_key(node)).collect();
    while let Some(node) = next.pop() {
        left.remove(node);
        for from in into.get(node).into_iter().flatten() {
            if let Some(count) = out.get_mut(from) {
                *count -= 1;
                if *count == 0 {
                    next.push(from);
                }
            }
        }
    }
    left
}
