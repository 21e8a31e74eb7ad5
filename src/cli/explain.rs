//! `sockspec explain`: one requirement, in words.

use anstyle::Style;
use camino::Utf8Path;
use clap::Args;

use super::args::Shelf;
use super::output::Screen;
use super::{Outcome, Stop, Suites};
use crate::plan::Choice;
use crate::plan::model::{Level, Plan, Requirement, Scenario, Step};
use crate::plan::points::Points;
use crate::report::layout::{pad, wrap};
use crate::report::words::Words;
use crate::span::nearest;

/// Arguments of `sockspec explain`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sockspec explain TCPS-5
  sockspec explain TCPS-15 --dialect java")]
pub struct Explain {
    /// A requirement's ID, such as TCPS-5
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    suites: Suites,
}

impl Explain {
    /// Runs the command.
    pub fn run(self, screen: &Screen) -> Outcome {
        let shelf = self.suites.load(Some(Utf8Path::new(".")))?;
        let Some((plan, requirement, note)) = find(&shelf, &self.id)? else {
            let known = shelf.library.ids();
            let advice = match nearest(&self.id, known.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => "`sockspec list` shows all of them".to_owned(),
            };
            return Err(Stop::Usage(format!("there is no requirement `{}`; {advice}", self.id)));
        };
        let text =
            Page { plan: &plan, screen, columns: screen.width.clamp(60, 100) }.render(&requirement, note.as_deref());
        screen.print(text.as_bytes())?;
        Ok(0)
    }
}

type Match = (Plan, Requirement, Option<String>);

/// Looks in the suites under the dialect that is chosen; a requirement that is off there is
/// explained under another one.
fn find(shelf: &Shelf, id: &str) -> Result<Option<Match>, Stop> {
    let here = shelf.choice();
    if let Some((plan, requirement)) = find_under(shelf, &here, id)? {
        return Ok(Some((plan, requirement, None)));
    }
    for (dialect, _) in shelf.library.dialects() {
        let there = Choice { dialect: Some(dialect), ..Choice::default() };
        if let Some((plan, requirement)) = find_under(shelf, &there, id)? {
            let note = format!("It is off here. This is how it is in the dialect {dialect}.");
            return Ok(Some((plan, requirement, Some(note))));
        }
    }
    Ok(None)
}

fn find_under(shelf: &Shelf, choice: &Choice<'_>, id: &str) -> Result<Option<(Plan, Requirement)>, Stop> {
    for suite in shelf.library.suites() {
        let plan = shelf.library.plan(suite.role, choice)?;
        let found = plan.requirements.iter().find(|one| one.id.0.eq_ignore_ascii_case(id)).cloned();
        if let Some(requirement) = found {
            return Ok(Some((plan, requirement)));
        }
    }
    Ok(None)
}

struct Page<'a> {
    plan: &'a Plan,
    screen: &'a Screen,
    columns: usize,
}

impl Page<'_> {
    fn render(&self, requirement: &Requirement, note: Option<&str>) -> String {
        let bold = Style::new().bold();
        let mut out = String::new();
        let title = wrap(&format!("{}  {}", requirement.id, requirement.title), self.columns);
        out.extend(title.iter().map(|line| format!("{}\n", self.screen.paint.on(bold, line))));
        let worth = match requirement.level {
            Level::Required if requirement.points == Points(100) => "required, 1 point".to_owned(),
            Level::Required => format!("required, {} points", requirement.points),
            Level::Extra if requirement.points > Points(0) => format!("extra, {} points", requirement.points),
            Level::Extra | Level::Off => "extra: tested and reported, not required".to_owned(),
        };
        let needs: Vec<&str> = requirement.needs.iter().map(|id| id.0.as_str()).collect();
        let role = format!("{} · dialect {} · {worth}", self.plan.role.words(), self.plan.dialect.name);
        out.push_str(&self.item("", &role));
        out.extend(note.map(|note| self.item("", note)));
        out.push('\n');
        out.push_str(&self.item("why", &requirement.why));
        out.push_str(&self.item("to fix it", &requirement.hint));
        out.extend(requirement.source.iter().map(|source| self.item("see", source)));
        if !needs.is_empty() {
            out.push_str(&self.item("needs", &format!("{} (else it cannot be tested)", needs.join(", "))));
        }
        // What covers others tests nothing that those do not.
        for scenario in self.plan.scenarios.iter().filter(|scenario| scenario.covers.is_empty()) {
            if scenario.checks.iter().any(|check| check.requirement == requirement.id) {
                out.push_str(&self.scenario(scenario, requirement));
            }
        }
        out
    }

    fn item(&self, word: &str, text: &str) -> String {
        const INDENT: usize = 13;
        let lines = wrap(text, self.columns - INDENT);
        let word = |number: usize| if number == 0 { pad(word, INDENT - 2) } else { " ".repeat(INDENT - 2) };
        let dim = Style::new().dimmed();
        lines
            .iter()
            .enumerate()
            .map(|(number, line)| format!("  {}{line}\n", self.screen.paint.on(dim, &word(number))))
            .collect()
    }

    /// What is done, and what must then be true for this requirement.
    fn scenario(&self, scenario: &Scenario, requirement: &Requirement) -> String {
        let words = Words::of(self.plan);
        let paint = self.screen.paint;
        let heading = format!("Scenario {}: {}", scenario.id, scenario.title);
        let mut out = String::from("\n");
        out.extend(
            wrap(&heading, self.columns).iter().map(|line| format!("{}\n", paint.on(Style::new().bold(), line))),
        );
        for (name, template) in &scenario.values {
            out.push_str(&self.line("  ", &format!("where {}", words.value(name, template))));
        }
        let steps = scenario.steps.iter().filter(|step| self.matters(step, scenario, requirement));
        for (number, step) in steps.enumerate() {
            for (index, line) in words.step(step).iter().enumerate() {
                let lead = if index == 0 { format!("  {:>2}. ", number + 1) } else { "      ".to_owned() };
                out.push_str(&self.line(&lead, line));
            }
        }
        for check in scenario.checks.iter().filter(|check| check.requirement == requirement.id) {
            out.push_str(&self.line("   → ", &words.check(check)));
        }
        out
    }

    /// Moments that only other requirements look at are left out.
    fn matters(&self, step: &Step, scenario: &Scenario, requirement: &Requirement) -> bool {
        let Step::Mark(name) = step else { return true };
        let mut checks = scenario.checks.iter().filter(|check| check.requirement == requirement.id);
        checks.any(|check| [&check.window.after, &check.window.before].into_iter().flatten().any(|mark| mark == name))
    }

    fn line(&self, lead: &str, text: &str) -> String {
        let indent = text.len() - text.trim_start().len();
        let lead_columns = lead.chars().count() + indent;
        wrap(text.trim_start(), self.columns.saturating_sub(lead_columns))
            .iter()
            .enumerate()
            .map(|(number, line)| {
                let start =
                    if number == 0 { format!("{lead}{}", " ".repeat(indent)) } else { " ".repeat(lead_columns) };
                format!("{start}{line}\n")
            })
            .collect()
    }
}
