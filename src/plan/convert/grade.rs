//! Levels and points: which requirements are left, and what each is worth.

use crate::ids::RequirementId;
use crate::plan::convert::{Settings, requirement};
use crate::plan::model::{self, Level};
use crate::plan::points::Points;
use crate::spec::suite::{Name, Requirement, Suite};

/// The requirements that are on and that a scenario of these tests, in the order of their numbers.
pub(super) fn requirements(
    suite: &Suite,
    settings: &Settings,
    scenarios: &[model::Scenario],
) -> Vec<model::Requirement> {
    let tested =
        |id: &str| scenarios.iter().flat_map(|scenario| &scenario.checks).any(|check| check.requirement.0 == id);
    let mut left: Vec<(&Name, &Requirement, Level)> = suite
        .requirements
        .iter()
        .filter_map(|(id, part)| {
            let written = &part.0.as_ref()?.value;
            let on = settings.match_when(written.when.as_ref()) && tested(&id.value);
            let level = settings.levels.get(&id.value).copied().unwrap_or_else(|| usual_level(written, settings));
            (on && level != Level::Off).then_some((id, written, level))
        })
        .collect();
    left.sort_by_key(|(id, _, _)| (requirement::number(&id.value), id.value.as_str()));
    let points = points(&left, settings);
    let ids: Vec<&str> = left.iter().map(|(id, _, _)| id.value.as_str()).collect();
    let mut all: Vec<model::Requirement> = left
        .iter()
        .zip(points)
        .map(|((id, written, level), points)| model::Requirement {
            id: RequirementId(id.value.clone()),
            title: written.title.clone(),
            level: *level,
            points,
            why: written.why.clone(),
            hint: written.hint.clone(),
            source: written.source.clone(),
            needs: needs(written, &ids),
            visibility: settings.visibility.get(&id.value).copied().unwrap_or_default(),
            hidden_with: None,
        })
        .collect();
    hide(&mut all);
    all
}

/// Hides each with the most hidden one that can block it.
fn hide(requirements: &mut [model::Requirement]) {
    // It ends: each round hides something more, and nothing can be hidden for ever more.
    while let Some((at, visibility, with)) = requirements.iter().enumerate().find_map(|(at, one)| {
        let needed = requirements.iter().filter(|other| one.needs.contains(&other.id));
        let most = needed.max_by_key(|other| other.visibility.secrecy())?;
        let with = most.hidden_with.as_ref().unwrap_or(&most.id);
        (most.visibility.secrecy() > one.visibility.secrecy()).then(|| (at, most.visibility, with.clone()))
    }) {
        requirements[at].visibility = visibility;
        requirements[at].hidden_with = Some(with);
    }
}

/// The level that the suite says, in a dialect with these properties.
fn usual_level(written: &Requirement, settings: &Settings) -> Level {
    let special = written.level_when.iter().find(|special| settings.match_when(Some(&special.when)));
    special.map_or(written.level.value, |special| special.level)
}

/// What it needs of what is left.
fn needs(written: &Requirement, left: &[&str]) -> Vec<RequirementId> {
    let needs = written.needs.iter().filter(|need| left.contains(&need.value.as_str()));
    needs.map(|need| RequirementId(need.value.clone())).collect()
}

/// What each is worth. Exact points are kept; the rest of the total is shared out by weight among
/// the other required ones.
fn points(requirements: &[(&Name, &Requirement, Level)], settings: &Settings) -> Vec<Points> {
    let exact = |id: &Name| settings.exact.get(&id.value).copied();
    let fixed: Points =
        requirements.iter().filter(|(_, _, level)| *level == Level::Required).filter_map(|(id, _, _)| exact(id)).sum();
    let rest = Points(settings.total.0.saturating_sub(fixed.0));
    let weights: Vec<f64> = requirements
        .iter()
        .map(|(id, written, level)| match (level, exact(id)) {
            (Level::Required, None) => written.points.unwrap_or(1.0),
            _ => 0.0,
        })
        .collect();
    let shares = rest.share(&weights);
    requirements.iter().zip(shares).map(|((id, _, _), share)| exact(id).unwrap_or(share)).collect()
}

/// The scenarios with the checks of these requirements; without those that have none left.
pub(super) fn left(scenarios: Vec<model::Scenario>, requirements: &[model::Requirement]) -> Vec<model::Scenario> {
    let on = |check: &model::Check| requirements.iter().any(|requirement| requirement.id == check.requirement);
    scenarios
        .into_iter()
        .filter_map(|mut scenario| {
            scenario.checks.retain(on);
            (!scenario.checks.is_empty()).then_some(scenario)
        })
        .collect()
}
