//! Grading submissions: who runs when, and what becomes of it.

mod build;
pub mod cluster;
pub mod cohort;
pub mod crossplay;
pub mod export;
mod habits;
mod lanes;
pub mod places;
pub mod store;

use std::path::PathBuf;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;
use tokio::task::JoinSet;

use build::{Builder, Outcome};
use habits::Way;
use lanes::Lanes;
use places::Places;

use crate::event::{BuildNote, Event, Fact, ProgramRecord, Record};
use crate::ids::Role;
use crate::judge::check::contains;
use crate::judge::facts::View;
use crate::judge::is_moot;
use crate::judge::submission::{FORMAT, Recorded, SubmissionRecord};
use crate::judge::verdict::Missing;
use crate::plan::model::{Framing, Plan};
use crate::program::language::Build;
use crate::program::launch::Launch;
use crate::sandbox::{CopyError, Level, Limits, PrivateCopy};
use crate::worker::Job;

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
    let helpers = helpers(&request, &programs);
    let silent = silent.into_iter().filter(|program| {
        let role = program.plan.role;
        helpers.contains(&role) || request.missing.iter().any(|missing| missing.role == role)
    });
    for (program, recorded) in found_by_sockets(&request, silent.collect(), &task, seed).await? {
        request.missing.retain(|missing| missing.role != program.plan.role);
        programs.retain(|(_, recorded)| recorded.plan.role != program.plan.role);
        programs.push((request.programs.len(), recorded));
        seed.get_or_insert(programs.last().map_or(0, |(_, recorded)| recorded.record.seed));
        request.programs.push(program);
    }
    programs.sort_by_key(|(index, _)| *index);
    if let Some((index, recorded)) = client_by_server(&request, &programs, &task).await? {
        programs[index].1 = recorded;
    }
    if let Some((index, recorded)) = server_by_client(&request, &programs, &task).await? {
        programs[index].1 = recorded;
    }
    programs.sort_by_key(|(_, recorded)| recorded.plan.role);
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
    places: Places,
}

/// Roles whose program was told by its text alone, and which opens nothing of the kind: the text is a helper's.
fn helpers(request: &Request, programs: &[(usize, Recorded)]) -> Vec<Role> {
    let is_helper = |(index, recorded): &&(usize, Recorded)| {
        request.programs.get(*index).is_some_and(|program| program.by_text)
            && recorded.record.trouble.is_none()
            && recorded.record.records.first().is_some_and(|first| !habits::succeeds(&recorded.plan, first))
    };
    programs.iter().filter(is_helper).map(|(_, recorded)| recorded.plan.role).collect()
}

/// The programs of roles that had none, among files that do not say what they are: each is started, and what
/// it opens tells. Of one that is a role's program, no other role's is sought in it.
async fn found_by_sockets(
    request: &Request,
    silent: Vec<Program>,
    task: &impl Fn(&Program, &PrivateCopy, u64) -> Task,
    seed: Option<u64>,
) -> Result<Vec<(Program, Recorded)>, BatchError> {
    let mut found: Vec<(Program, Recorded)> = Vec::new();
    for program in silent {
        let taken =
            |(other, _): &(Program, Recorded)| other.path == program.path || other.plan.role == program.plan.role;
        if found.iter().any(taken) || program.trouble.is_some() {
            continue;
        }
        let copy = PrivateCopy::of(&request.path)?;
        let seed = seed.unwrap_or_else(|| copy.digest().seed());
        let _place = request.places.wait().await;
        if task(&program, &copy, seed).opens(&copy).await {
            let copy = PrivateCopy::of(&request.path)?;
            let recorded = task(&program, &copy, seed).run(copy).await;
            found.push((program, recorded));
        }
    }
    Ok(found)
}

/// A TCP client that ends its sentence with a newline does what its server waits for, where that was told
/// to speak by lines: then both are judged so. (Alone, the newline would be one too many.)
async fn client_by_server(
    request: &Request,
    programs: &[(usize, Recorded)],
    task: &impl Fn(&Program, &PrivateCopy, u64) -> Task,
) -> Result<Option<(usize, Recorded)>, BatchError> {
    let of = |role: Role| programs.iter().position(|(_, recorded)| recorded.plan.role == role);
    let (Some(server), Some(client)) = (of(Role::TcpServer), of(Role::TcpClient)) else { return Ok(None) };
    let (server, recorded) = (&programs[server].1, &programs[client].1);
    let Some(program) = request.programs.get(programs[client].0) else { return Ok(None) };
    let other = program.others.iter().find(|other| other.dialect.name == server.plan.dialect.name);
    let (Some(other), Some(_)) = (other, &server.record.told) else { return Ok(None) };
    let by_lines = habits::sends_lines(&recorded.record) && other.dialect.framing == Framing::Line;
    if !by_lines || recorded.plan.dialect.framing == Framing::Line {
        return Ok(None);
    }
    let copy = PrivateCopy::of(&request.path)?;
    let mut program = program.clone();
    (program.plan, program.others) = (other.clone(), Vec::new());
    program.told = Some("told by its server, which speaks by lines".to_owned());
    let recorded = task(&program, &copy, recorded.record.seed).run(copy).await;
    Ok(Some((client, recorded)))
}

/// A TCP server that waits for a newline which its own client does not send: the two could never speak with
/// each other, so it is judged by the dialect that its client speaks.
async fn server_by_client(
    request: &Request,
    programs: &[(usize, Recorded)],
    task: &impl Fn(&Program, &PrivateCopy, u64) -> Task,
) -> Result<Option<(usize, Recorded)>, BatchError> {
    let of = |role: Role| programs.iter().position(|(_, recorded)| recorded.plan.role == role);
    let (Some(place), Some(client)) = (of(Role::TcpServer), of(Role::TcpClient)) else { return Ok(None) };
    let (server, client) = (&programs[place].1, &programs[client].1);
    let Some(program) = request.programs.get(programs[place].0) else { return Ok(None) };
    // By its behaviour alone: its text had spoken for the other dialect.
    let by_behaviour = server.plan.dialect.name != program.plan.dialect.name;
    let apart = habits::sends_without_newline(&client.record) && client.plan.dialect.framing == Framing::Message;
    if !by_behaviour || !apart || server.plan.dialect.framing != Framing::Line {
        return Ok(None);
    }
    let copy = PrivateCopy::of(&request.path)?;
    let mut program = program.clone();
    program.others = Vec::new();
    program.notes.push("it waits for a newline, which the client of this submission does not send".to_owned());
    let recorded = task(&program, &copy, server.record.seed).run(copy).await;
    Ok(Some((place, recorded)))
}

impl Task {
    async fn run(self, copy: PrivateCopy) -> Recorded {
        let program = &self.program;
        let mut plan = program.plan.clone();
        let mut record = self.blank();
        let mut command = program.command.clone();
        if record.trouble.is_none() && !program.builds.is_empty() {
            match self.builder.make(&program.builds, plan.role, &copy).await {
                Outcome::Built(run, note) => (command, record.built) = (run, Some(note)),
                Outcome::Trouble(reason) => record.trouble = Some(reason),
                Outcome::Failed(note) => {
                    record.records = unbuilt(&plan, &note);
                    record.isolation.clone_from(&note.isolation);
                    record.built = Some(note);
                    return Recorded { plan, record };
                }
            }
        }
        if record.trouble.is_none() {
            let way = Way { arguments: program.arguments.clone(), input: program.first_input.clone() };
            let playing = Playing { task: &self, command, copy: &copy, places: self.places.clone() };
            record = playing.whole(&plan, &way, record).await;
            (plan, record) = playing.with_habits(plan, way, record).await;
            if record.trouble.is_none() {
                record.trouble = missed(&record, &copy);
            }
        }
        Recorded { plan, record }
    }

    /// Whether the program opens its role's socket, and does with it what the role does.
    async fn opens(&self, copy: &PrivateCopy) -> bool {
        let mut command = self.program.command.clone();
        if !self.program.builds.is_empty() {
            match self.builder.make(&self.program.builds, self.program.plan.role, copy).await {
                Outcome::Built(run, _) => command = run,
                _ => return false,
            }
        }
        let way = Way { arguments: self.program.arguments.clone(), input: self.program.first_input.clone() };
        let playing = Playing { task: self, command, copy, places: self.places.clone() };
        let first = playing.first(&self.program.plan, &way).await;
        first.is_some_and(|first| habits::succeeds(&self.program.plan, &first))
    }

    /// The record of a program that has not been run.
    fn blank(&self) -> ProgramRecord {
        ProgramRecord {
            role: self.program.plan.role,
            path: self.program.path.clone(),
            language: self.program.language.clone(),
            seed: self.seed,
            records: Vec::new(),
            built: None,
            told: self.program.told.clone(),
            notes: self.program.notes.clone(),
            tried: Vec::new(),
            trouble: self.program.trouble.clone(),
            stopped: None,
            isolation: String::new(),
            isolation_reason: None,
            starts: 0,
            micros: 0,
        }
    }
}

/// A program that is ready to be played with.
struct Playing<'a> {
    task: &'a Task,
    command: Vec<String>,
    copy: &'a PrivateCopy,
    places: Places,
}

impl Playing<'_> {
    /// Plays all scenarios.
    async fn whole(&self, plan: &Plan, way: &Way, record: ProgramRecord) -> ProgramRecord {
        let evidence = self.task.evidence.as_ref().map(|folder| folder.join(plan.role.name()));
        self.play(plan, way, record, evidence, Arc::clone(&self.task.progress)).await
    }

    /// Plays the first scenario, to see whether a way is the right one.
    async fn first(&self, plan: &Plan, way: &Way) -> Option<Record> {
        let mut plan = plan.clone();
        plan.scenarios.truncate(1);
        let record = self.play(&plan, way, self.task.blank(), None, Arc::new(|_| ())).await;
        record.records.into_iter().next().filter(|_| record.trouble.is_none())
    }

    async fn play(
        &self,
        plan: &Plan,
        way: &Way,
        record: ProgramRecord,
        evidence: Option<Utf8PathBuf>,
        progress: Arc<dyn Fn(Progress) + Send + Sync>,
    ) -> ProgramRecord {
        let task = self.task;
        let command = self.command.iter().chain(&way.arguments).cloned().collect();
        let job = Job {
            plan: plan.clone(),
            launch: launch(command, self.copy.root(), task.limits.clone()),
            seed: task.seed,
            hosts: task.hosts.clone(),
            isolation: task.isolation,
            first_input: way.input.clone(),
            evidence,
        };
        Lanes::new(job, record, task.executable.clone(), progress).play(self.places.clone()).await
    }

    /// What comes out where a program wants to be started, fed or spoken to in another way than it was.
    async fn with_habits(&self, plan: Plan, way: Way, record: ProgramRecord) -> (Plan, ProgramRecord) {
        let (mut plan, mut way, mut record) = (plan, way, record);
        let Some(first) = record.records.first().filter(|_| record.trouble.is_none()).cloned() else {
            return (plan, record);
        };
        let ways = if self.task.program.may_try { habits::ways(&plan, &first) } else { Vec::new() };
        let mut latest = first;
        for another in ways {
            record.tried.push(another.words());
            let Some(found) = self.first(&plan, &another).await else { continue };
            if habits::succeeds(&plan, &found) {
                let mut blank = self.task.blank();
                (blank.built, blank.tried) = (record.built.take(), std::mem::take(&mut record.tried));
                blank.notes.push(another.words());
                record = self.whole(&plan, &another, blank).await;
                (way, latest) = (another, found);
                break;
            }
        }
        for other in &self.task.program.others {
            if !habits::speaks_otherwise(&plan, &latest) {
                break;
            }
            let Some(found) = self.first(other, &way).await else { continue };
            if habits::speaks(other, &found) {
                let mut blank = self.task.blank();
                (blank.built, blank.tried) = (record.built.take(), std::mem::take(&mut record.tried));
                blank.notes = std::mem::take(&mut record.notes);
                blank.told = Some(habits::told(other).to_owned());
                record = self.whole(other, &way, blank).await;
                plan = other.clone();
                break;
            }
        }
        (plan, record)
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
