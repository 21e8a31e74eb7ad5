//! One program in its copy of the submission: built, played with, and played with in the way that it wants.

use std::path::PathBuf;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::build::{Builder, Outcome};
use super::habits::{self, Way};
use super::lanes::Lanes;
use super::places::Places;
use super::{Program, Progress};
use crate::event::{BuildNote, Event, Fact, ProgramRecord, Record, Spent};
use crate::judge::check::contains;
use crate::judge::facts::View;
use crate::judge::is_moot;
use crate::judge::submission::Recorded;
use crate::plan::model::Plan;
use crate::program::launch::Launch;
use crate::sandbox::{Level, Limits, PrivateCopy};
use crate::worker::Job;

/// A program, and all that its grading needs beside a copy of the submission.
pub(super) struct Task {
    pub(super) program: Program,
    pub(super) limits: Limits,
    pub(super) hosts: Vec<String>,
    pub(super) isolation: Option<Level>,
    pub(super) seed: u64,
    pub(super) executable: PathBuf,
    pub(super) builder: Arc<Builder>,
    pub(super) evidence: Option<Utf8PathBuf>,
    pub(super) progress: Arc<dyn Fn(Progress) + Send + Sync>,
    pub(super) places: Places,
}

/// Why a program cannot be played with.
pub(super) enum Unready {
    /// Our fault, or the machine's.
    Trouble(String),
    /// It cannot be built: its own.
    Unbuilt(BuildNote),
}

impl Task {
    /// Plays all scenarios with it.
    pub(super) async fn run(&self, copy: PrivateCopy) -> Recorded {
        let mut plan = self.program.plan.clone();
        let mut record = self.blank();
        match self.ready(&copy).await {
            Err(Unready::Trouble(reason)) => record.trouble = Some(reason),
            Err(Unready::Unbuilt(note)) => {
                record.records = unbuilt(&plan, &note);
                record.isolation.clone_from(&note.isolation);
                record.built = Some(note);
            }
            Ok((playing, note)) => {
                record.built = note;
                let way = self.way();
                record = playing.whole(&plan, &way, record).await;
                (plan, record) = playing.with_habits(plan, way, record).await;
                if record.trouble.is_none() {
                    record.trouble = missed(&record, &copy);
                }
            }
        }
        Recorded { plan, record }
    }

    /// Whether the program opens its role's socket, and does with it what the role does.
    ///
    /// # Errors
    /// Why that cannot be seen, by our fault or the machine's.
    pub(super) async fn opens(&self, copy: &PrivateCopy) -> Result<bool, String> {
        let playing = match self.ready(copy).await {
            Ok((playing, _)) => playing,
            Err(Unready::Unbuilt(_)) => return Ok(false),
            Err(Unready::Trouble(reason)) => return Err(reason),
        };
        let first = playing.first(&self.program.plan, &self.way()).await?;
        Ok(first.is_some_and(|first| habits::succeeds(&self.program.plan, &first)))
    }

    /// Builds it where that is needed; what is said of the build comes with it.
    pub(super) async fn ready<'a>(
        &'a self,
        copy: &'a PrivateCopy,
    ) -> Result<(Playing<'a>, Option<BuildNote>), Unready> {
        let program = &self.program;
        if let Some(reason) = &program.trouble {
            return Err(Unready::Trouble(reason.clone()));
        }
        if program.builds.is_empty() {
            return Ok((Playing { task: self, command: program.command.clone(), copy }, None));
        }
        let _may_build = self.places.build().await;
        match self.builder.make(&program.builds, program.plan.role, copy).await {
            Outcome::Built(command, note) => Ok((Playing { task: self, command, copy }, Some(note))),
            Outcome::Trouble(reason) => Err(Unready::Trouble(reason)),
            Outcome::Failed(note) => Err(Unready::Unbuilt(note)),
        }
    }

    /// How it is started and fed as far as somebody has said.
    pub(super) fn way(&self) -> Way {
        Way { arguments: self.program.arguments.clone(), input: self.program.first_input.clone() }
    }

    /// The record of a program that has not been run.
    pub(super) fn blank(&self) -> ProgramRecord {
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
            spent: Spent::default(),
            micros: 0,
        }
    }
}

/// A program that is ready to be played with.
pub(super) struct Playing<'a> {
    task: &'a Task,
    /// What starts it, without arguments.
    pub(super) command: Vec<String>,
    copy: &'a PrivateCopy,
}

impl Playing<'_> {
    /// Plays all scenarios.
    async fn whole(&self, plan: &Plan, way: &Way, record: ProgramRecord) -> ProgramRecord {
        let evidence = self.task.evidence.as_ref().map(|folder| folder.join(plan.role.name()));
        self.play(plan, way, record, evidence, Arc::clone(&self.task.progress)).await
    }

    /// Plays the first scenario, to see whether a way is the right one. Nothing comes of a program that has
    /// had all its time.
    ///
    /// # Errors
    /// Why it cannot be seen, by our fault or the machine's: then nothing may be concluded from it.
    pub(super) async fn first(&self, plan: &Plan, way: &Way) -> Result<Option<Record>, String> {
        let mut plan = plan.clone();
        plan.scenarios.truncate(1);
        // Whatever comes of it is to be seen.
        plan.scenarios.iter_mut().for_each(|scenario| scenario.covers.clear());
        let record = self.play(&plan, way, self.task.blank(), None, Arc::new(|_| ())).await;
        let first = record.records.into_iter().next();
        let within = first.as_ref().and_then(|first| View::whole(first).trouble().map(str::to_owned));
        record.trouble.or(within).map_or(Ok(first), Err)
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
        Lanes::new(job, record, task.executable.clone(), progress).play(task.places.clone()).await
    }

    /// The way in which it wants to be started, of those that its first record suggests, and the record that
    /// shows it. Each that is tried is noted.
    ///
    /// # Errors
    /// As for the first scenario.
    pub(super) async fn fitting_way(
        &self,
        plan: &Plan,
        first: &Record,
        tried: &mut Vec<String>,
    ) -> Result<Option<(Way, Record)>, String> {
        if !self.task.program.may_try {
            return Ok(None);
        }
        for way in habits::ways(plan, first) {
            tried.push(way.words());
            if let Some(found) = self.first(plan, &way).await?
                && habits::succeeds(plan, &found)
            {
                return Ok(Some((way, found)));
            }
        }
        Ok(None)
    }

    /// What comes out where a program wants to be started, fed or spoken to in another way than it was. Where
    /// that cannot be tried, by our fault, it is not known what to hold against the program.
    async fn with_habits(&self, mut plan: Plan, way: Way, mut record: ProgramRecord) -> (Plan, ProgramRecord) {
        if let Err(reason) = self.try_habits(&mut plan, way, &mut record).await {
            record.trouble.get_or_insert(reason);
        }
        (plan, record)
    }

    async fn try_habits(&self, plan: &mut Plan, mut way: Way, record: &mut ProgramRecord) -> Result<(), String> {
        let Some(mut latest) = record.records.first().filter(|_| record.trouble.is_none()).cloned() else {
            return Ok(());
        };
        if let Some((fitting, found)) = self.fitting_way(plan, &latest, &mut record.tried).await? {
            let mut again = self.again(record);
            again.notes.push(fitting.words());
            *record = self.whole(plan, &fitting, again).await;
            (way, latest) = (fitting, found);
        }
        for other in &self.task.program.others {
            if !habits::speaks_otherwise(plan, &latest) {
                break;
            }
            let Some(found) = self.first(other, &way).await? else { continue };
            if habits::speaks(other, &found) {
                let mut again = self.again(record);
                again.notes = std::mem::take(&mut record.notes);
                again.told = Some(habits::told(other).to_owned());
                *record = self.whole(other, &way, again).await;
                *plan = other.clone();
                break;
            }
        }
        Ok(())
    }

    /// A new record in the place of one, with what that says of what went before.
    fn again(&self, record: &mut ProgramRecord) -> ProgramRecord {
        let mut again = self.task.blank();
        (again.built, again.tried) = (record.built.take(), std::mem::take(&mut record.tried));
        again
    }
}

/// How a command is started in a copy of the submission.
pub(super) fn launch(command: Vec<String>, folder: &Utf8Path, limits: Limits) -> Launch {
    let (inside, env) = (Utf8PathBuf::new(), std::collections::BTreeMap::new());
    Launch { command, cwd: folder.to_owned(), inside, env, limits }
}

/// Why a program cannot be run: it is not in the copy.
pub(super) fn left_out(submission: &Utf8Path, path: &str, copy: &PrivateCopy) -> Option<String> {
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

/// What is recorded of a program that could not be built: nothing came of it, in any scenario.
fn unbuilt(plan: &Plan, note: &BuildNote) -> Vec<Record> {
    let mut records = Vec::new();
    for scenario in &plan.scenarios {
        if !scenario.covers.is_empty() || is_moot(plan, scenario, &records) {
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
