//! `sockspec judge`: judge records again, without running a program.

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use super::args::Shelf;
use super::check::publish;
use super::output::{self, Screen};
use super::{Outcome, Stop, Suites, grade};
use crate::judge::submission::{FORMAT, SubmissionRecord};
use crate::plan::model::Plan;
use crate::report::Wanted;

/// A record of a submission has a few megabytes; more than this is something else.
const LARGEST: u64 = 1 << 30;

/// Arguments of `sockspec judge`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sockspec check . --record run.json
  sockspec judge run.json
  sockspec judge *.json --assignment sockspec.yaml --report json=marks.json

Without --assignment and --dialect, a record is judged as it was when it was made.")]
pub struct Judge {
    /// Files that `sockspec check --record` wrote
    #[arg(required = true, value_name = "RECORD")]
    records: Vec<Utf8PathBuf>,

    #[command(flatten)]
    suites: Suites,

    /// Write a report (junit, json, html) to FILE or standard output
    #[arg(long = "report", value_name = "FORMAT[=FILE]")]
    reports: Vec<Wanted>,
}

impl Judge {
    /// Runs the command.
    pub fn run(self, screen: &Screen) -> Outcome {
        for file in self.reports.iter().filter_map(|wanted| wanted.file.as_ref()) {
            output::can_write(file)?;
        }
        let mut records = self.records.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
        if self.suites.assignment.is_some() || self.suites.dialect.is_some() {
            let shelf = self.suites.load(None)?;
            for record in &mut records {
                put_under(record, &shelf)?;
            }
        }
        let graded: Vec<_> = records.iter().map(grade::judged).collect();
        publish(screen, &graded, &self.reports, None)
    }
}

fn read(file: &Utf8Path) -> Result<SubmissionRecord, Stop> {
    let wrong = |why: &str| Stop::Usage(format!("`{file}` is no record of sockspec: {why}"));
    let size = std::fs::metadata(file).with_context(|| format!("`{file}` cannot be read")).map_err(usage)?.len();
    if size > LARGEST {
        return Err(wrong(&format!("it has {size} bytes")));
    }
    let bytes = std::fs::read(file).with_context(|| format!("`{file}` cannot be read")).map_err(usage)?;
    // The version first: what another version wrote would fail at some key or other.
    let version: Version = serde_json::from_slice(&bytes).map_err(|error| wrong(&error.to_string()))?;
    if version.format != FORMAT {
        return Err(wrong(&format!("its format is `{}`, and this version reads `{FORMAT}`", version.format)));
    }
    serde_json::from_slice(&bytes).map_err(|error| wrong(&error.to_string()))
}

#[derive(serde::Deserialize)]
struct Version {
    format: String,
}

fn usage(error: anyhow::Error) -> Stop {
    Stop::Usage(format!("{error:#}"))
}

/// A program that was told one port cannot be judged for another.
fn same_run(old: &Plan, new: &Plan, id: &str) -> Result<(), Stop> {
    let steers = |plan: &Plan| (plan.port, plan.dialect.framing, plan.dialect.closes_first, plan.dialect.udp_buffer);
    if steers(old) == steers(new) {
        return Ok(());
    }
    Err(Stop::Usage(format!(
        "the record of `{id}` was made with another port, framing, closing side or buffer for the {}, so it says nothing \
         of these; run `sockspec check` under this assignment",
        old.role.words()
    )))
}

/// Puts other plans in the place of those that a record was made under.
fn put_under(record: &mut SubmissionRecord, shelf: &Shelf) -> Result<(), Stop> {
    let roles = shelf.library.resolve(&shelf.choice())?.roles;
    record.programs.retain(|recorded| roles.contains(&recorded.record.role));
    record.missing.retain(|missing| roles.contains(&missing.role));
    if record.programs.is_empty() && record.missing.is_empty() {
        let asked: Vec<String> = roles.iter().map(ToString::to_string).collect();
        return Err(Stop::Usage(format!(
            "the record of `{}` has no program that is asked for here ({})",
            record.id,
            asked.join(", ")
        )));
    }
    for recorded in &mut record.programs {
        let mut plan = shelf.library.plan(recorded.record.role, &shelf.choice())?;
        grade::narrow(&mut plan, &record.only);
        same_run(&recorded.plan, &plan, &record.id)?;
        recorded.plan = plan;
    }
    for missing in &mut record.missing {
        missing.points = grade::points(&shelf.library.plan(missing.role, &shelf.choice())?);
    }
    if let Some(name) = shelf.name() {
        record.assignment = Some(name);
    }
    Ok(())
}
