//! Grading submissions: who runs when, and what becomes of it.

mod build;
mod lanes;

use std::path::PathBuf;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use build::{Builder, Outcome};
use lanes::Lanes;

use crate::event::{BuildNote, Event, Fact, ProgramRecord, Record};
use crate::ids::Role;
use crate::judge::check::contains;
use crate::judge::is_moot;
use crate::judge::facts::View;
use crate::judge::submission::{FORMAT, Recorded, SubmissionRecord};
use crate::judge::verdict::Missing;
use crate::plan::model::Plan;
use crate::program::language::Build;
use crate::program::launch::Launch;
use crate::sandbox::{CopyError, Level, Limits, PrivateCopy};
use crate::worker::Job;

/// A program of a submission, found and ready to be started.
#[derive(Debug, Clone)]
pub struct Program {
    /// What is asked of it.
    pub plan: Plan,
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
    /// How many programs are run at the same time.
    pub jobs: usize,
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

/// Grades one submission: each of its programs in a worker, side by side.
///
/// # Errors
/// The submission cannot be read or copied. What goes wrong later is in the records.
pub async fn grade(
    request: Request,
    progress: Arc<dyn Fn(Progress) + Send + Sync>,
) -> Result<SubmissionRecord, BatchError> {
    let at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    crate::sandbox::stale::sweep();
    #[cfg(target_os = "linux")]
    crate::sandbox::sweep_cgroups();
    let mut seed = request.seed;
    let places = Arc::new(Semaphore::new(request.jobs.max(1)));
    let builder = Arc::new(Builder::new(request.executable.clone(), request.isolation));
    let mut tasks = JoinSet::new();
    for (index, program) in request.programs.iter().enumerate() {
        let copy = PrivateCopy::of(&request.path)?;
        let mut program = program.clone();
        program.trouble = program.trouble.or_else(|| left_out(&request.path, &program.path, &copy));
        let seed = *seed.get_or_insert(copy.digest().seed());
        let task = Task {
            program,
            limits: request.limits.clone(),
            hosts: request.hosts.clone(),
            isolation: request.isolation,
            seed,
            executable: request.executable.clone(),
            builder: Arc::clone(&builder),
            evidence: request.evidence.clone(),
            progress: Arc::clone(&progress),
        };
        let places = Arc::clone(&places);
        tasks.spawn(async move {
            let _place = Arc::clone(&places).acquire_owned().await;
            (index, task.run(copy, places).await)
        });
    }
    let mut programs: Vec<(usize, Recorded)> = tasks.join_all().await;
    programs.sort_by_key(|(index, _)| *index);
    let (isolation, isolation_reason) = isolation(programs.iter().map(|(_, recorded)| &recorded.record));
    Ok(SubmissionRecord {
        format: FORMAT.to_owned(),
        id: request.id,
        seed: seed.unwrap_or_default(),
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

/// Why a program cannot be run: it is not in the copy.
fn left_out(submission: &Utf8Path, path: &str, copy: &PrivateCopy) -> Option<String> {
    let original = submission.join(path);
    let missing = submission.is_dir() && original.is_file() && !copy.root().join(path).exists();
    missing.then(|| format!("`{path}` is a link that leads out of the submission; put the file itself in its place"))
}

/// Why a program could not be run fairly: it missed something, and its folder was not copied whole.
fn missed(record: &ProgramRecord, copy: &PrivateCopy) -> Option<String> {
    const SIGNS: [&[u8]; 4] = [b"ModuleNotFoundError", b"ImportError", b"FileNotFoundError", b"No such file"];
    let mut outputs = record.records.iter().map(|record| View::whole(record).printed(None));
    let misses = outputs.any(|output| SIGNS.iter().any(|sign| contains(&output, sign)));
    (misses && !copy.is_whole()).then(|| {
        "it looked for a file that was not copied with it: its folder holds too much (or a name that is not UTF-8); \
         put the program and what it needs in a folder of its own, and name that"
            .to_owned()
    })
}

struct Task {
    program: Program,
    limits: Limits,
    hosts: Vec<String>,
    isolation: Option<Level>,
    seed: u64,
    executable: PathBuf,
    builder: Arc<Builder>,
    evidence: Option<Utf8PathBuf>,
    progress: Arc<dyn Fn(Progress) + Send + Sync>,
}

impl Task {
    async fn run(self, copy: PrivateCopy, places: Arc<Semaphore>) -> Recorded {
        let Program { plan, path, language, builds, mut command, arguments, first_input, trouble } = self.program;
        let mut record = ProgramRecord {
            role: plan.role,
            path,
            language,
            seed: self.seed,
            records: Vec::new(),
            built: None,
            trouble,
            stopped: None,
            isolation: String::new(),
            isolation_reason: None,
            starts: 0,
            micros: 0,
        };
        if record.trouble.is_none() && !builds.is_empty() {
            match self.builder.make(&builds, plan.role, &copy).await {
                Outcome::Built(run, note) => (command, record.built) = (run, Some(note)),
                Outcome::Trouble(reason) => record.trouble = Some(reason),
                Outcome::Failed(note) => {
                    record.records = unbuilt(&plan, &note);
                    record.built = Some(note);
                    return Recorded { plan, record };
                }
            }
        }
        command.extend(arguments);
        if record.trouble.is_none() {
            let launch = launch(command, copy.root(), self.limits);
            let (seed, hosts, isolation) = (self.seed, self.hosts, self.isolation);
            let evidence = self.evidence.map(|folder| folder.join(plan.role.name()));
            let job = Job { plan: plan.clone(), launch, seed, hosts, isolation, first_input, evidence };
            record = Lanes::new(job, record, self.executable, self.progress).play(places).await;
            if record.trouble.is_none() {
                record.trouble = missed(&record, &copy);
            }
        }
        Recorded { plan, record }
    }
}

fn launch(command: Vec<String>, folder: &Utf8Path, limits: Limits) -> Launch {
    let (inside, env) = (Utf8PathBuf::new(), std::collections::BTreeMap::new());
    Launch { command, cwd: folder.to_owned(), inside, env, limits }
}

/// What is recorded of a program that could not be built: nothing came of it, in any scenario.
fn unbuilt(plan: &Plan, note: &BuildNote) -> Vec<Record> {
    let mut records = Vec::new();
    for scenario in &plan.scenarios {
        if is_moot(plan, scenario, &records) {
            continue;
        }
        let facts = [
            Fact::NotBuilt { command: note.command.clone(), output: note.output.clone() },
            Fact::Starved { waited_for: "the program is built".to_owned() },
        ];
        let events = facts.into_iter().map(|fact| Event { at: 0, fact }).collect();
        records.push(Record {
            scenario: scenario.id.clone(),
            fresh: true,
            values: std::collections::BTreeMap::new(),
            events,
        });
    }
    records
}
