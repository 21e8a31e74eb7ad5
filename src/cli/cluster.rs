//! `sockspec batch --on`: the same on more than one machine.

mod join;
mod slurm;
mod told;
mod wait;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use camino::{Utf8Component, Utf8Path, Utf8PathBuf, absolute_utf8};
use clap::{Args, ValueEnum};

use super::args::Shelf;
use super::batch::Batch;
use super::output::Screen;
use super::{Outcome, Stop, TROUBLE, cohort, terms};
use crate::batch::cluster::progress::{End, Teller};
use crate::batch::cluster::{Work, github};
use crate::batch::store::{Store, StoreError, holder};
use crate::text::{count, tame};

pub use join::join;

/// Arguments of `sockspec batch` for more than one machine.
#[derive(Debug, Args)]
#[command(next_help_heading = "More than one machine")]
pub struct Cluster {
    /// Let others do it, who see the same files: slurm submits jobs; kubernetes and github want --print
    #[arg(long, value_name = "WHERE", value_enum, requires = "shards", conflicts_with = "shard")]
    pub on: Option<Place>,

    /// Deal it out to so many tasks; some hundred submissions a task are well
    #[arg(long, value_name = "N", requires = "on", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    shards: Option<u32>,

    /// Run at most so many of them at the same time
    #[arg(long, value_name = "N", requires = "on", value_parser = clap::value_parser!(u32).range(1..))]
    at_once: Option<u32>,

    /// Give this to sbatch as well: --sbatch-arg=--partition=grade
    #[arg(long, value_name = "ARG", requires = "on", allow_hyphen_values = true)]
    sbatch_arg: Vec<String>,

    /// Do not wait for the end; the same command waits for it later
    #[arg(long, requires = "on")]
    no_wait: bool,

    /// Print what would be submitted, and submit nothing
    #[arg(long, requires = "on")]
    print: bool,

    /// Join DIR/shards/1 to N, which tasks have graded, instead of grading
    #[arg(long, value_name = "N", hide = true, conflicts_with_all = ["on", "shard"])]
    pub join: Option<u32>,

    /// Be a task: tell in this file how far it is and how it ended
    #[arg(long, value_name = "FILE", hide = true, conflicts_with = "on")]
    pub progress: Option<Utf8PathBuf>,
}

/// Who starts tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Place {
    /// A cluster with Slurm
    Slurm,
    /// Kubernetes
    Kubernetes,
    /// GitHub Actions
    Github,
}

/// How grading or joining ended.
pub struct Ended {
    /// The exit status that one machine would have.
    pub status: u8,
    /// Whether all of the work is done.
    pub end: End,
}

/// Runs `sockspec batch --on`.
pub fn run(batch: &Batch, screen: &Screen) -> Outcome {
    let cluster = &batch.cluster;
    let Some(place) = cluster.on else { return Err(Stop::Usage("--on: say where".to_owned())) };
    super::cohort::can_write(&batch.reports)?;
    let export = batch.opened()?;
    let shelf = batch.suites.load(Some(&batch.export))?;
    let work = work(batch, &shelf, place)?;
    let stamp = export.stamp();
    let submissions = batch.wanted(export)?.len();
    if let Some(advice) = work.advice(submissions) {
        screen.note(&format!("warning: {advice}\n"));
    }
    crate::batch::cluster::slurm::may_be_given(&cluster.sbatch_arg).map_err(|error| Stop::Usage(error.to_string()))?;
    let text = match place {
        Place::Slurm if !cluster.print => {
            let asked = format!("{} {stamp} {:?}", work.terms, work.options);
            return slurm::run(&work, &asked, &cluster.sbatch_arg, cluster.no_wait, screen);
        }
        _ if !cluster.print => {
            return Err(Stop::Usage(
                "only --on slurm submits by itself; say --print, and give what is printed to kubectl, or put it into \
                 .github/workflows"
                    .to_owned(),
            ));
        }
        Place::Slurm => work.slurm_printed(&cluster.sbatch_arg),
        Place::Kubernetes => work.kubernetes(work.common_folder().ok_or_else(apart)?),
        Place::Github if work.shards > github::MOST => {
            let most = github::MOST;
            return Err(Stop::Usage(format!("--shards {}: GitHub allows {most} jobs of one matrix", work.shards)));
        }
        Place::Github => work.github(),
    };
    screen.print(text.as_bytes())?;
    Ok(0)
}

fn apart() -> Stop {
    Stop::Usage(
        "the export, the results and the assignment have no folder in common but `/`: put them below one that \
         can be a volume"
            .to_owned(),
    )
}

/// What is to be done, from wherever a task begins.
fn work(batch: &Batch, shelf: &Shelf, place: Place) -> Result<Work, Stop> {
    let at = |path: &Utf8Path| placed(path, place);
    let executable = std::env::current_exe().context("this program does not know its own file")?;
    let executable = Utf8PathBuf::from_path_buf(executable)
        .map_err(|path| Stop::Usage(format!("the path of this program is no text: {}", path.display())))?;
    let assignment = shelf.assignment.as_ref().map(|loaded| at(Utf8Path::new(&loaded.path))).transpose()?;
    let mut reports = Vec::new();
    for out in &batch.reports {
        reports.extend(["--report".to_owned(), out.at(&at(out.path())?)]);
    }
    let work = Work {
        executable,
        export: at(&batch.export)?,
        out: at(&batch.out)?,
        shards: batch.cluster.shards.unwrap_or(1),
        at_once: batch.cluster.at_once,
        options: batch.options(assignment.as_deref()),
        reports,
        reads: assignment.into_iter().collect(),
        terms: terms::of(shelf, &batch.flags())?,
    };
    let paths = [&work.executable, &work.export, &work.out].map(|path| path.as_str());
    let words = work.options.iter().chain(&work.reports).map(String::as_str);
    // GitHub puts in what an expression says, wherever it stands.
    let is_hostile = |word: &&str| word.contains(char::is_control) || place == Place::Github && word.contains("${{");
    if let Some(word) = paths.into_iter().chain(words).find(is_hostile) {
        return Err(Stop::Usage(format!("`{}`: no script can name this; rename it", tame(word))));
    }
    Ok(work)
}

/// A path as a task finds it: from the root of the file system, or of the repository.
fn placed(path: &Utf8Path, place: Place) -> Result<Utf8PathBuf, Stop> {
    let path = absolute(path).with_context(|| format!("nobody knows where `{path}` is"))?;
    if place != Place::Github {
        return Ok(path);
    }
    let here = std::env::current_dir().context("the current folder cannot be told")?;
    match path.strip_prefix(here.to_string_lossy().as_ref()) {
        Ok(inside) if !inside.as_str().is_empty() => Ok(inside.to_owned()),
        _ => Err(Stop::Usage(format!(
            "`{path}` does not lie in this folder; begin at the root of the repository, where the export and the \
             assignment are"
        ))),
    }
}

/// From the root of the file system, as it was spelt: where links lead may differ from machine to machine. Only
/// a way back up cannot be told without them.
fn absolute(path: &Utf8Path) -> std::io::Result<Utf8PathBuf> {
    let path = absolute_utf8(path)?;
    if !path.components().any(|part| part == Utf8Component::ParentDir) {
        return Ok(path);
    }
    let there = path.ancestors().find_map(|folder| Some((folder.canonicalize_utf8().ok()?, folder)));
    Ok(there.map_or_else(
        || path.clone(),
        |(real, folder)| {
            let rest = path.strip_prefix(folder).unwrap_or(Utf8Path::new(""));
            real.components().chain(rest.components()).collect()
        },
    ))
}

impl Batch {
    /// What is to be passed on to each task of what was asked for. Whoever adds an argument decides here.
    fn options(&self, assignment: Option<&Utf8Path>) -> Vec<String> {
        let Self {
            export: _,
            out: _,
            layout,
            suites,
            only,
            failed,
            force,
            shard: _,
            isolation,
            seed,
            jobs,
            each,
            within,
            timings,
            reports: _,
            cluster: _,
        } = self;
        let mut words = Vec::new();
        let mut say = |flag: &str, value: Option<String>| {
            if let Some(value) = value {
                // In one word, since a value may begin as a flag does.
                words.push(format!("{flag}={value}"));
            }
        };
        say("--layout", layout.map(|layout| layout.to_string()));
        say("--assignment", assignment.map(Utf8Path::to_string));
        say("--dialect", suites.dialect.clone());
        only.iter().for_each(|id| say("--only", Some(id.clone())));
        say("--isolation", isolation.map(|level| level.to_string()));
        say("--seed", seed.map(|seed| seed.to_string()));
        say("--jobs", jobs.map(|jobs| jobs.to_string()));
        say("--each", Some(each.to_string()));
        say("--within", within.map(|within| within.to_string()));
        words.extend(
            [("--failed", failed), ("--force", force), ("--timings", timings)]
                .iter()
                .filter(|(_, is)| **is)
                .map(|(flag, _)| (*flag).to_owned()),
        );
        words
    }
}

/// Works as a task, and tells of it. Its status is 0 when all of its work is done, whatever that says of the
/// students: a task that fails is one to run again.
pub fn as_task(file: &Utf8Path, work: impl FnOnce(&mut Teller) -> Result<Ended, Stop>) -> Outcome {
    let mut teller = Teller::begin(file).with_context(|| format!("`{file}` cannot be written"))?;
    let outcome = work(&mut teller);
    let end = match &outcome {
        Ok(ended) => ended.end.clone(),
        Err(stop) => End::Failed(stop.to_string()),
    };
    let status = if end == End::Done { 0 } else { TROUBLE };
    teller.end(end).with_context(|| format!("`{file}` cannot be written"))?;
    outcome.map(|_| status)
}

/// How long a task waits for another that writes to its store: one whose node is taken for dead is ended by then,
/// or never.
const PATIENCE: Duration = Duration::from_secs(600);

/// A task's store. One whose machine is taken for dead may still write to it: that is waited for.
///
/// # Errors
/// The store's, or it writes for too long.
pub fn own_store(folder: &Utf8Path, screen: &Screen) -> Result<Store, Stop> {
    own_store_within(folder, PATIENCE, screen)
}

fn own_store_within(folder: &Utf8Path, patience: Duration, screen: &Screen) -> Result<Store, Stop> {
    let (begun, mut waits) = (Instant::now(), false);
    loop {
        match Store::create_for_others(folder) {
            Err(StoreError::Locked(_)) if begun.elapsed() < patience => {
                if !waits {
                    screen.note(&format!(
                        "another sockspec is at work on `{folder}` ({}): waiting for its end\n",
                        holder(folder)
                    ));
                }
                waits = true;
                std::thread::sleep(Duration::from_secs(1));
            }
            // The next try may find it free: no mistake of the caller's.
            Err(StoreError::Locked(_)) => {
                let (holder, minutes) = (holder(folder), patience.as_secs() / 60);
                return Err(Stop::Trouble(anyhow::anyhow!(
                    "`{folder}` is locked by {holder}, for more than {minutes} minutes; end that, and run this again"
                )));
            }
            outcome => return outcome.map_err(cohort::stop),
        }
    }
}

/// `3 shards`.
fn shards(number: usize) -> String {
    count(number, "shard")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::super::Colour;
    use super::*;

    #[test]
    fn a_lock_that_nobody_gives_back_is_trouble_and_its_holder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        let screen = Screen::new(Colour::Never);
        let held = own_store(folder, &screen).unwrap();
        let stop = own_store_within(folder, Duration::ZERO, &screen).unwrap_err();
        assert!(matches!(stop, Stop::Trouble(_)), "a scheduler may try again: {stop}");
        let wanted = format!("is locked by process {} on ", std::process::id());
        assert!(stop.to_string().contains(&wanted), "{stop}");
        drop(held);
        own_store_within(folder, Duration::ZERO, &screen).unwrap();
    }
}
