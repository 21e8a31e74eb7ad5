//! Grading submissions: who runs when, and what becomes of it.

mod build;
pub mod cluster;
pub mod cohort;
pub mod crossplay;
pub mod export;
mod habits;
mod halves;
mod lanes;
pub mod places;
pub mod room;
mod silent;
pub mod store;
mod task;

use std::path::PathBuf;
use std::sync::Arc;

use camino::Utf8PathBuf;
use thiserror::Error;
use tokio::task::JoinSet;

use build::Builder;
use places::Places;
use silent::{found_by_sockets, sought};
use task::{Task, left_out};

use crate::event::ProgramRecord;
use crate::ids::Role;
use crate::judge::submission::{FORMAT, Recorded, SubmissionRecord};
use crate::judge::verdict::Missing;
use crate::plan::model::Plan;
use crate::program::language::Build;
use crate::sandbox::{CopyError, Level, Limits, PrivateCopy};

/// A program of a submission, found and ready to be started.
#[derive(Debug, Clone)]
pub struct Program {
    /// What is asked of it.
    pub plan: Plan,
    /// The same in other dialects, where nobody said which it is to speak; none where somebody did.
    pub others: Vec<Plan>,
    /// How its dialect was told.
    pub told: Option<String>,
    /// What else is to be said of it.
    pub notes: Vec<String>,
    /// Whether arguments and input may be tried, since nobody said what it wants.
    pub may_try: bool,
    /// Whether nothing but its text says that it is this role's.
    pub by_text: bool,
    /// Its file, relative to the submission, or its command line: what reports show.
    pub path: String,
    /// Its language, in words.
    pub language: String,
    /// Ways to build it, best first; none where nothing is built.
    pub builds: Vec<Build>,
    /// The command line that starts it in its copy of the submission, where nothing is built.
    pub command: Vec<String>,
    /// What is added to the command line.
    pub arguments: Vec<String>,
    /// What is written to its standard input before the sentence.
    pub first_input: Option<String>,
    /// Why it cannot be run here, where that is so: our fault or the machine's.
    pub trouble: Option<String>,
}

/// A submission to grade.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who or what.
    pub id: String,
    /// The requirements that are asked for, as patterns; all if there are none.
    pub only: Vec<String>,
    /// Its folder or file.
    pub path: Utf8PathBuf,
    /// Its programs.
    pub programs: Vec<Program>,
    /// Roles without one.
    pub missing: Vec<Missing>,
    /// What could be the program of such a role, or of one whose program is told by its text alone and opens
    /// no socket: each is run, and its sockets tell.
    pub silent: Vec<Program>,
    /// The assignment's name.
    pub assignment: Option<String>,
    /// The level of isolation that is asked for; the best that can be had if none is.
    pub isolation: Option<Level>,
    /// What each program may use.
    pub limits: Limits,
    /// Host names, beside the usual ones, that the programs may use for the other side.
    pub hosts: Vec<String>,
    /// What nonces are drawn from; from the submission's content if nothing is said.
    pub seed: Option<u64>,
    /// For how many programs at the same time there is room.
    pub places: Places,
    /// This binary, which is its own worker.
    pub executable: PathBuf,
    /// The folder for files of captured packets: in it, one of each role's name. Absolute.
    pub evidence: Option<Utf8PathBuf>,
}

/// How far a grading is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Whose program.
    pub role: Role,
    /// The scenario that begins, from 1; of all, when the program is done.
    pub scenario: usize,
    /// All scenarios.
    pub of: usize,
}

/// Why a submission cannot be graded at all.
#[derive(Debug, Error)]
pub enum BatchError {
    /// It cannot be read or copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
}

impl BatchError {
    /// Whether it is the machine's fault: another try may have another end.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Copy(CopyError::Temporary { .. } | CopyError::Io { .. }))
    }
}

/// Grades one submission: each of its programs in a worker, side by side.
///
/// # Errors
/// The submission cannot be read or copied. What goes wrong later is in the records.
pub async fn grade(
    mut request: Request,
    progress: Arc<dyn Fn(Progress) + Send + Sync>,
) -> Result<SubmissionRecord, BatchError> {
    let at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    crate::sandbox::stale::sweep();
    #[cfg(target_os = "linux")]
    crate::sandbox::sweep_cgroups();
    let mut seed = request.seed;
    let builder = Arc::new(Builder::new(request.executable.clone(), request.isolation));
    let mut tasks = JoinSet::new();
    let task = |program: &Program, copy: &PrivateCopy, seed: u64| {
        let mut program = program.clone();
        program.trouble = program.trouble.or_else(|| left_out(&request.path, &program.path, copy));
        Task {
            program,
            limits: request.limits.clone(),
            hosts: request.hosts.clone(),
            isolation: request.isolation,
            seed,
            executable: request.executable.clone(),
            builder: Arc::clone(&builder),
            evidence: request.evidence.clone(),
            progress: Arc::clone(&progress),
            places: request.places.clone(),
        }
    };
    for (index, program) in request.programs.iter().enumerate() {
        let copy = PrivateCopy::of(&request.path)?;
        let seed = *seed.get_or_insert(copy.digest().seed());
        let task = task(program, &copy, seed);
        let places = request.places.clone();
        tasks.spawn(async move {
            let _place = places.wait().await;
            (index, task.run(copy).await)
        });
    }
    let silent = std::mem::take(&mut request.silent);
    let mut programs: Vec<(usize, Recorded)> = tasks.join_all().await;
    let sought = sought(&request, silent, &programs);
    for (program, recorded) in found_by_sockets(&request, sought, &task, seed).await? {
        request.missing.retain(|missing| missing.role != program.plan.role);
        programs.retain(|(_, recorded)| recorded.plan.role != program.plan.role);
        programs.push((request.programs.len(), recorded));
        request.programs.push(program);
    }
    programs.sort_by_key(|(index, _)| *index);
    halves::agree(&request, &mut programs, &task).await?;
    programs.sort_by_key(|(_, recorded)| recorded.plan.role);
    let (isolation, isolation_reason) = isolation(programs.iter().map(|(_, recorded)| &recorded.record));
    Ok(SubmissionRecord {
        format: FORMAT.to_owned(),
        id: request.id,
        seed: seed.or_else(|| programs.first().map(|(_, recorded)| recorded.record.seed)).unwrap_or_default(),
        isolation,
        isolation_reason,
        observation: crate::observe::method().to_owned(),
        assignment: request.assignment,
        only: request.only,
        at,
        programs: programs.into_iter().map(|(_, recorded)| recorded).collect(),
        missing: request.missing,
    })
}

/// The worst of the levels that the programs had, and why it was no better.
fn isolation<'a>(records: impl Iterator<Item = &'a ProgramRecord>) -> (String, Option<String>) {
    let levels = records.filter_map(|record| Some((record.isolation.parse::<Level>().ok()?, record)));
    let worst = levels.max_by_key(|(level, _)| *level).map(|(_, record)| record);
    worst.map_or(("none".to_owned(), None), |record| (record.isolation.clone(), record.isolation_reason.clone()))
}
