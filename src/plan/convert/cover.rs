//! Scenarios that cover others.

use std::collections::BTreeSet;

use crate::plan::model;
use crate::span::{Mistake, suggest};
use crate::spec::placed::Placed;
use crate::spec::suite::{Scenario, Suite};

/// Notes what is wrong with what scenarios say to cover.
pub(super) fn check(suite: &Suite, notes: &mut Vec<Mistake>) {
    let all: Vec<&Placed<Scenario>> = suite.scenarios.iter().filter_map(|part| part.0.as_ref()).collect();
    for (place, scenario) in all.iter().enumerate() {
        notes.extend(tested_alone(scenario, &all));
        notes.extend(scenario.covers.iter().filter_map(|name| mistake(scenario, name, place, &all)));
    }
}

/// Notes a requirement that nobody would test where the scenario does not hold.
fn tested_alone(scenario: &Scenario, all: &[&Placed<Scenario>]) -> Option<Mistake> {
    let covered = all.iter().filter(|other| scenario.covers.iter().any(|name| name.value == other.id.value));
    let covered: BTreeSet<&str> = covered.flat_map(|other| tests(other)).collect();
    let own = tests(scenario);
    let (name, alone) = scenario.covers.first().zip(own.difference(&covered).next())?;
    let message = format!("this scenario tests `{alone}`, and none does that it covers");
    let mistake = Mistake::new(name.span, message).help("where one of its checks does not hold, only they count");
    Some(mistake.if_whole())
}

/// What is wrong with one that it says to cover; place is its own.
fn mistake(scenario: &Scenario, name: &Placed<String>, place: usize, all: &[&Placed<Scenario>]) -> Option<Mistake> {
    let Some(other) = all.iter().skip(place + 1).find(|other| other.id.value == name.value) else {
        return Some(not_later(name, all));
    };
    if !other.covers.is_empty() {
        return Some(Mistake::new(name.span, format!("`{}` covers others itself", name.value)));
    }
    let lacking = tests(other).difference(&tests(scenario)).next().copied()?;
    let message = format!("`{}` tests `{lacking}`, and this scenario does not", name.value);
    let mistake = Mistake::new(name.span, message).help("add a check for it, or leave the other to be played");
    Some(mistake.if_whole())
}

/// What is said of a name that no later scenario has.
fn not_later(name: &Placed<String>, all: &[&Placed<Scenario>]) -> Mistake {
    if all.iter().any(|other| other.id.value == name.value) {
        return Mistake::new(name.span, format!("`{}` does not come after this scenario", name.value))
            .help("what covers others is played before them");
    }
    let known: Vec<&str> = all.iter().map(|other| other.id.value.as_str()).collect();
    let mut mistake = Mistake::new(name.span, format!("there is no scenario `{}`", name.value));
    mistake.help = suggest(&name.value, &known);
    mistake.if_whole()
}

/// The requirements that a scenario tests.
fn tests(scenario: &Scenario) -> BTreeSet<&str> {
    scenario.checks.iter().filter_map(|part| Some(part.0.as_ref()?.requirement.value.as_str())).collect()
}

/// Leaves to a scenario those that it covers under this dialect: it may have lost a check that they have, or
/// they one that it has.
pub(super) fn narrow(mut scenarios: Vec<model::Scenario>) -> Vec<model::Scenario> {
    let tested = |scenario: &model::Scenario| -> BTreeSet<String> {
        scenario.checks.iter().map(|check| check.requirement.0.clone()).collect()
    };
    let all: Vec<_> = scenarios.iter().map(|scenario| (scenario.id.clone(), tested(scenario))).collect();
    for scenario in &mut scenarios {
        let own = tested(scenario);
        scenario.covers.retain(|id| all.iter().any(|(other, tests)| other == id && tests.is_subset(&own)));
        let covered: BTreeSet<&String> =
            all.iter().filter(|(id, _)| scenario.covers.contains(id)).flat_map(|(_, tests)| tests).collect();
        // What it alone tests would be tested by nobody where it does not hold.
        if !own.iter().all(|id| covered.contains(id)) {
            scenario.covers.clear();
        }
    }
    scenarios
}
