//! From a suite as written to a plan: one conversion, which reports every mistake.
//!
//! All of a suite is checked whatever the dialect; only then is left out what the dialect or the
//! assignment rules out. So a suite that is right is right under each.

use std::collections::BTreeMap;

use crate::plan::model::{self, Level, Plan, Show, Visibility};
use crate::plan::points::Points;
use crate::span::Mistake;
use crate::spec::suite::{Suite, When};

mod check;
mod cover;
mod grade;
mod letters;
mod peers;
mod requirement;
mod scenario;
mod scope;
mod step;
#[cfg(test)]
mod tests;

/// Under what a suite is converted: a dialect with an assignment over it.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The dialect's properties.
    pub dialect: model::Dialect,
    /// The port that the assignment asks for.
    pub asked_port: Option<u16>,
    /// The dialect's port.
    pub usual_port: u16,
    /// Requirements that are moved to another level, by ID.
    pub levels: BTreeMap<String, Level>,
    /// Requirements that are worth exactly this, by ID.
    pub exact: BTreeMap<String, Points>,
    /// Who sees a requirement, by ID, where not the student at once.
    pub visibility: BTreeMap<String, Visibility>,
    /// What the required requirements add up to.
    pub total: Points,
    /// What a student is shown of a failure.
    pub show: Show,
}

impl Settings {
    /// Whether this dialect has these properties.
    pub(crate) fn match_when(&self, when: Option<&When>) -> bool {
        when.is_none_or(|when| {
            when.framing.is_none_or(|framing| framing == self.dialect.framing)
                && when.closes_first.is_none_or(|closer| closer == self.dialect.closes_first)
        })
    }

    /// The assigned port: as the assignment asks, else as the suite says, else as is usual.
    fn port(&self, suite: &Suite) -> u16 {
        self.asked_port.or(suite.port).unwrap_or(self.usual_port)
    }
}

/// Converts a suite; `text` is the text that it stands in.
///
/// # Errors
/// Every mistake in it.
pub fn plan(suite: &Suite, text: &str, settings: &Settings) -> Result<Plan, Vec<Mistake>> {
    let (plan, mistakes) = partly(suite, text, settings, &[]);
    if mistakes.is_empty() { Ok(plan) } else { Err(mistakes) }
}

/// Converts what can be converted. `faults` are mistakes that were found in reading the suite: what
/// they are in is not looked at again.
pub(crate) fn partly(suite: &Suite, text: &str, settings: &Settings, faults: &[Mistake]) -> (Plan, Vec<Mistake>) {
    let mut mistakes = Vec::new();
    let port = settings.port(suite);
    requirement::check(suite, faults, &mut mistakes);
    let scenarios = scenario::all(suite, text, settings, port, faults, &mut mistakes);
    let requirements = grade::requirements(suite, settings, &scenarios);
    let scenarios = cover::narrow(grade::left(scenarios, &requirements));
    let plan = Plan {
        suite: suite.suite.value.clone(),
        role: suite.role,
        dialect: settings.dialect.clone(),
        port,
        requirements,
        scenarios,
        show: settings.show,
    };
    (plan, mistakes)
}
