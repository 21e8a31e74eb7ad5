//! `sockspec list`: what is asked, and how it is tested.

use anstyle::Style;
use camino::Utf8Path;
use clap::Args;
use serde::Serialize;

use super::output::Screen;
use super::{Outcome, Suites};
use crate::ids::Role;
use crate::plan::model::{Level, Plan};
use crate::plan::points::Points;
use crate::report::layout::{fit, pad, width};

/// Arguments of `sockspec list`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sockspec list
  sockspec list --role tcp-server --dialect java
  sockspec list --json | jq '.suites[].requirements[].id'")]
pub struct List {
    /// Only what is asked of this program
    #[arg(long, value_name = "ROLE")]
    role: Option<Role>,

    #[command(flatten)]
    suites: Suites,

    /// Write JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listing<'a> {
    format: &'static str,
    suites: Vec<Suite<'a>>,
}

#[derive(Serialize)]
struct Suite<'a> {
    suite: &'a str,
    role: &'static str,
    dialect: &'a str,
    port: u16,
    requirements: Vec<Requirement<'a>>,
    scenarios: Vec<Scenario<'a>>,
}

#[derive(Serialize)]
struct Requirement<'a> {
    id: &'a str,
    title: &'a str,
    level: &'static str,
    points: Points,
    why: &'a str,
    hint: &'a str,
    source: Option<&'a str>,
    needs: Vec<&'a str>,
}

#[derive(Serialize)]
struct Scenario<'a> {
    id: &'a str,
    title: &'a str,
    requirements: Vec<&'a str>,
}

impl List {
    /// Runs the command.
    pub fn run(self, screen: &Screen) -> Outcome {
        let shelf = self.suites.load(Some(Utf8Path::new(".")))?;
        let mut plans = match self.role {
            Some(role) => vec![shelf.library.plan(role, &shelf.choice())?],
            None => shelf.library.plans(&shelf.choice())?,
        };
        plans.sort_by_key(|plan| plan.role);
        if self.json {
            let listing = Listing { format: "sockspec-list/1", suites: plans.iter().map(suite).collect() };
            let mut bytes = serde_json::to_vec_pretty(&listing).map_err(anyhow::Error::from)?;
            bytes.push(b'\n');
            screen.print(&bytes)?;
        } else {
            let text: Vec<String> = plans.iter().map(|plan| table(plan, screen)).collect();
            screen.print(text.join("\n").as_bytes())?;
        }
        Ok(0)
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Required => "required",
        Level::Extra => "extra",
        Level::Off => "off",
    }
}

/// The requirements that a scenario tests, each once, in order.
fn tested<'a>(plan: &Plan, scenario: &'a crate::plan::model::Scenario) -> Vec<&'a str> {
    let place = |id: &str| plan.requirements.iter().position(|requirement| requirement.id.0 == id);
    let mut ids: Vec<&str> = scenario.checks.iter().map(|check| check.requirement.0.as_str()).collect();
    ids.sort_by_key(|id| place(id));
    ids.dedup();
    ids
}

fn suite(plan: &Plan) -> Suite<'_> {
    Suite {
        suite: &plan.suite,
        role: plan.role.name(),
        dialect: &plan.dialect.name,
        port: plan.port,
        requirements: plan
            .requirements
            .iter()
            .map(|one| Requirement {
                id: &one.id.0,
                title: &one.title,
                level: level(one.level),
                points: one.points,
                why: &one.why,
                hint: &one.hint,
                source: one.source.as_deref(),
                needs: one.needs.iter().map(|id| id.0.as_str()).collect(),
            })
            .collect(),
        scenarios: plan
            .scenarios
            .iter()
            .map(|one| Scenario { id: &one.id.0, title: &one.title, requirements: tested(plan, one) })
            .collect(),
    }
}

fn table(plan: &Plan, screen: &Screen) -> String {
    let paint = screen.paint;
    let columns = screen.width.clamp(60, 120);
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    let heading = format!("{} · suite {} · dialect {} · port {}", plan.role, plan.suite, plan.dialect.name, plan.port);
    let mut out = format!("{}\n", paint.on(bold, &heading));
    let ids = plan.requirements.iter().map(|one| width(&one.id.0)).max().unwrap_or(0);
    for one in &plan.requirements {
        let right = match (one.level, one.points) {
            (Level::Extra, Points(0)) => "extra".to_owned(),
            (Level::Extra, points) => format!("extra {points}"),
            (_, points) => points.to_string(),
        };
        let room = columns.saturating_sub(ids + width(&right) + 6);
        let title = pad(&fit(&one.title, room), room);
        out.push_str(&format!("  {}  {title}  {}\n", pad(&one.id.0, ids), paint.on(dim, &right)));
    }
    out.push('\n');
    let ids = plan.scenarios.iter().map(|one| width(&one.id.0)).max().unwrap_or(0);
    for one in &plan.scenarios {
        let right = tested(plan, one).join(" ");
        let room = columns.saturating_sub(ids + width(&right) + 6);
        let title = pad(&fit(&one.title, room), room);
        out.push_str(&format!("  {}  {title}  {}\n", paint.on(dim, &pad(&one.id.0, ids)), paint.on(dim, &right)));
    }
    out
}
