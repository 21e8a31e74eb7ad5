//! What is said of jobs on a cluster: how far they are, which have failed, what to do.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use camino::Utf8Path;

use super::super::output::Screen;
use super::super::{Stop, TROUBLE, cohort};
use crate::batch::cluster::Work;
use crate::batch::cluster::progress::{End, Progress};
use crate::batch::cluster::slurm::{Queued, Run, unfinished};
use crate::batch::store::Store;
use crate::text::{count, shell_word, tame};

/// So many failed shards are described.
const NAMED: usize = 10;
/// So much of a task's output is shown.
const LINES: usize = 10;
const BYTES: u64 = 8 << 10;

/// How far all of it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Submissions that are done.
    pub done: usize,
    /// All that tasks have told of so far.
    pub of: usize,
    ended: usize,
    shards: usize,
    running: usize,
    /// How many tasks do not run, by Slurm's reason.
    waiting: BTreeMap<String, usize>,
}

impl Sight {
    /// What the tasks and Slurm say.
    #[must_use]
    pub fn of(work: &Work, queue: &[Queued]) -> Self {
        let mut sight = Self { shards: work.shards as usize, ..Self::default() };
        for told in (1..=work.shards).filter_map(|shard| Progress::read(&work.progress_of(shard))) {
            sight.done += told.done;
            sight.of += told.of;
            sight.ended += usize::from(told.end.is_some());
        }
        for task in queue.iter().filter(|job| !job.name.ends_with("-join")) {
            if task.state == "PENDING" {
                *sight.waiting.entry(task.reason.clone()).or_default() += 1;
            } else {
                sight.running += 1;
            }
        }
        sight
    }
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} shards ended, {} running", self.ended, self.shards, self.running)?;
        for (reason, number) in &self.waiting {
            write!(f, ", {number} waiting ({})", tame(reason))?;
        }
        write!(f, "; {} done", count(self.done, "submission"))
    }
}

/// The jobs of a run.
pub fn jobs(run: &Run) -> String {
    let shards = run.array().map(|job| format!("array {job} for the shards"));
    let join = run.join().map(|job| format!("job {job} to join them"));
    shards.into_iter().chain(join).collect::<Vec<_>>().join(", ")
}

/// What ends them.
pub fn cancel(run: &Run) -> String {
    let jobs = run.array().into_iter().chain(run.join());
    format!("scancel {}", jobs.map(|job| job.to_string()).collect::<Vec<_>>().join(" "))
}

/// What is said where nobody waits.
pub fn under_way(work: &Work, run: &Run) -> String {
    let left = unfinished(work).len();
    format!(
        "{} of {} shards are done. The same command without --no-wait waits for the rest, and tells what has come \
         of it; {} ends the jobs.\n",
        work.shards as usize - left,
        work.shards,
        cancel(run)
    )
}

/// What is said where somebody waits no more.
pub fn interrupted(run: &Run) -> String {
    format!("\nThe jobs go on. The same command waits for them again; {} ends them.\n", cancel(run))
}

/// What was joined, as one machine would say it; its exit status.
///
/// # Errors
/// The store's.
pub fn result(work: &Work, failed: usize, join: Option<&Progress>, screen: &Screen) -> Result<u8, Stop> {
    if join.is_none_or(|join| join.end.is_none()) || !Store::is_in(&work.out) {
        return Ok(TROUBLE);
    }
    let summary = cohort::Summary::of(&Store::read(&work.out).map_err(cohort::stop)?)?;
    let mut text = summary.told(screen);
    let all = work.shards as usize;
    let of = if failed > 0 { format!("{} of ", all - failed) } else { String::new() };
    text.push_str(&format!("Graded in {of}{}. Stored in {}.\n", super::shards(all), work.out));
    if work.reports.is_empty() {
        text.push_str(&format!("For reports: sockspec report {} --report html=site/\n", work.out));
    }
    screen.print(text.as_bytes())?;
    Ok(summary.status)
}

/// What has failed, with the end of its output, and what to do.
pub fn failures(work: &Work, run: &Run, failed: &[u32]) -> String {
    let mut text = String::new();
    for shard in failed.iter().take(NAMED) {
        let job = run.array_of(*shard).map_or_else(String::new, |job| format!(" (task {job}_{shard})"));
        let why = why(work, Progress::read(&work.progress_of(*shard)).as_ref());
        text.push_str(&format!("shard {shard} of {} failed{job}: {why}\n", work.shards));
        text.push_str(&last_lines(&work.log_of(*shard)));
    }
    if failed.len() > NAMED {
        text.push_str(&format!("… and {} more\n", super::shards(failed.len() - NAMED)));
    }
    let join = Progress::read(&work.progress_of_join());
    if failed.is_empty() || join.is_none() {
        let job = run.join().map_or_else(String::new, |job| format!(" (job {job})"));
        text.push_str(&format!("the shards were not joined{job}: {}\n", why(work, join.as_ref())));
        text.push_str(&last_lines(&work.log_of_join()));
    }
    text + &format!("Run again what failed, and nothing else: {}\n", same_command())
}

/// Why a task has not done all of its work.
fn why(work: &Work, told: Option<&Progress>) -> String {
    match told {
        Some(Progress { end: Some(End::Failed(why)), .. }) => tame(why).into_owned(),
        Some(Progress { end: None, host, done, of, .. }) => {
            format!("it was ended on {} after {done} of {}", tame(host), count(*of, "submission"))
        }
        Some(told) if told.terms != work.terms => {
            "it worked under another assignment, or with another sockspec, than there is now".to_owned()
        }
        Some(_) => "it says that all is done, and its store is gone".to_owned(),
        None => "it never began, or could not say so".to_owned(),
    }
}

/// The last lines of a task's output: what Slurm says of its end stands there too.
fn last_lines(file: &Utf8Path) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(file)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
        let mut bytes = Vec::new();
        file.take(BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let Ok(bytes) = read() else {
        return format!("    it left no output in {file}: do the nodes see that folder?\n");
    };
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    last.iter().map(|line| format!("    {}\n", tame(line))).chain([format!("    ({file})\n")]).collect()
}

/// The command that was given.
fn same_command() -> String {
    let words = std::env::args_os().skip(1).map(|word| shell_word(&word.to_string_lossy()));
    std::iter::once("sockspec".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}
