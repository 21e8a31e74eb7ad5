//! `sockspec judge`: judge records again, without running a program.

use std::fmt::Display;
use std::str::FromStr;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use super::args::Shelf;
use super::check::publish;
use super::cohort::Out;
use super::output::{self, Screen};
use super::{Outcome, Stop, Suites, grade, rejudge, reports};
use crate::judge::submission::{FORMAT, Recorded, SubmissionRecord};
use crate::plan::model::{Plan, Scenario};
use crate::report::Wanted;

/// A record of a submission has a few megabytes; more than this is something else.
const LARGEST: u64 = 1 << 30;

/// Arguments of `sockspec judge`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sockspec check . --record run.json
  sockspec judge run.json
  sockspec judge *.json --assignment sockspec.yaml --report json=marks.json
  sockspec judge lab2 --assignment new.yaml --report html=site/

Without --assignment and --dialect, a record is judged as it was when it was made.")]
pub struct Judge {
    /// Files that `sockspec check --record` wrote, or one folder that `batch --out` named
    #[arg(required = true, value_name = "RECORD|DIR")]
    records: Vec<Utf8PathBuf>,

    #[command(flatten)]
    suites: Suites,

    #[arg(long = "report", value_name = "FORMAT[=FILE]", help = reports::HELP)]
    reports: Vec<String>,
}

impl Judge {
    /// Runs the command.
    pub fn run(self, screen: &Screen) -> Outcome {
        if let [folder] = self.records.as_slice()
            && folder.is_dir()
        {
            return rejudge::run(folder, &self.suites, &parsed::<Out>(&self.reports)?, screen);
        }
        let reports: Vec<Wanted> = parsed(&self.reports)?;
        for file in reports.iter().filter_map(|wanted| wanted.file.as_ref()) {
            output::can_write(file)?;
        }
        reports::fit(&reports, self.records.len())?;
        let mut records = self.records.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
        if self.suites.is_said() {
            let shelf = self.suites.load(None)?;
            for record in &mut records {
                put_under(record, &shelf)?;
            }
        }
        let graded: Vec<_> = records.iter().map(grade::judged).collect();
        publish(screen, &graded, &reports, &reports::surroundings(None))
    }
}

/// Where a report goes is another thing for a cohort than for records.
fn parsed<T: FromStr<Err: Display>>(texts: &[String]) -> Result<Vec<T>, Stop> {
    let wrong = |text: &String, error: T::Err| Stop::Usage(format!("--report {text}: {error}"));
    texts.iter().map(|text| text.parse().map_err(|error| wrong(text, error))).collect()
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

/// Whether a scenario is played in another way than it was. One that was not played at all leaves what it
/// checks ungraded.
fn is_played_otherwise(old: &Plan, scenario: &Scenario) -> bool {
    old.scenarios.iter().any(|before| before.id == scenario.id && before.steps != scenario.steps)
}

/// A program that was told one port cannot be judged for another.
fn same_run(old: &Plan, new: &Plan, id: &str) -> Result<(), Stop> {
    let steers = |plan: &Plan| (plan.port, plan.dialect.framing, plan.dialect.closes_first, plan.dialect.udp_buffer);
    if let Some(scenario) = new.scenarios.iter().find(|scenario| is_played_otherwise(old, scenario)) {
        return Err(Stop::Usage(format!(
            "the record of `{id}` was made with other steps in the scenario `{}` of the {}; grade it under this assignment",
            scenario.id,
            old.role.words()
        )));
    }
    if steers(old) == steers(new) {
        return Ok(());
    }
    Err(Stop::Usage(format!(
        "the record of `{id}` was made with another port, framing, closing side or buffer for the {}, so it says nothing \
         of these; grade it under this assignment (`--dialect auto`, if each program's was told)",
        old.role.words()
    )))
}

/// The plan that a program would be graded under now.
fn plan_now(recorded: &Recorded, shelf: &Shelf) -> Result<Plan, Stop> {
    let mut choice = shelf.choice();
    if shelf.tells_dialect() {
        // As it was told when it was graded.
        (choice.dialect, choice.port) = (Some(recorded.plan.dialect.name.as_str()), Some(recorded.plan.port));
    }
    shelf.plan(recorded.record.role, &choice)
}

/// Puts other plans in the place of those that a record was made under. Says whether they
/// are told of by what was played then.
///
/// # Errors
/// The record says nothing of what is asked there.
pub fn put_under(record: &mut SubmissionRecord, shelf: &Shelf) -> Result<bool, Stop> {
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
    let mut whole = true;
    for recorded in &mut record.programs {
        let mut plan = plan_now(recorded, shelf)?;
        grade::narrow(&mut plan, &record.only);
        same_run(&recorded.plan, &plan, &record.id)?;
        let record = &recorded.record;
        let was_played = record.trouble.is_none() && record.stopped.is_none();
        whole &= !was_played || crate::judge::is_whole(&plan, &record.records);
        recorded.plan = plan;
    }
    for missing in &mut record.missing {
        missing.weigh(&shelf.plan(missing.role, &shelf.choice())?);
    }
    if let Some(name) = shelf.name() {
        record.assignment = Some(name);
    }
    Ok(whole)
}
