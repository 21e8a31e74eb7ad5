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
        let covered = all.iter().filter(|other| scenario.covers.iter().any(|name| name.value == other.id.value));
        let covered: BTreeSet<&str> = covered.flat_map(|other| tests(other)).collect();
        if let Some((name, alone)) = scenario.covers.first().zip(tests(scenario).difference(&covered).next()) {
            let message = format!("this scenario tests `{alone}`, and none does that it covers");
            notes.push(
                Mistake::new(name.span, message)
                    .help("where one of its checks does not hold, only they count")
                    .if_whole(),
            );
        }
        for name in &scenario.covers {
            let later = all.iter().skip(place + 1).find(|other| other.id.value == name.value);
            let mistake = match later {
                Some(other) if !other.covers.is_empty() => {
                    Mistake::new(name.span, format!("`{}` covers others itself", name.value))
                }
                Some(other) => {
                    let Some(lacking) = tests(other).difference(&tests(scenario)).next().copied() else { continue };
                    let message = format!("`{}` tests `{lacking}`, and this scenario does not", name.value);
                    Mistake::new(name.span, message)
                        .help("add a check for it, or leave the other to be played")
                        .if_whole()
                }
                None if all.iter().any(|other| other.id.value == name.value) => {
                    Mistake::new(name.span, format!("`{}` does not come after this scenario", name.value))
                        .help("what covers others is played before them")
                }
                None => {
                    let known: Vec<&str> = all.iter().map(|other| other.id.value.as_str()).collect();
                    let mut mistake = Mistake::new(name.span, format!("there is no scenario `{}`", name.value));
                    mistake.help = suggest(&name.value, &known);
                    mistake.if_whole()
                }
            };
            notes.push(mistake);
        }
    }
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
