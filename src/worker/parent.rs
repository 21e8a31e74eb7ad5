//! The parent's side: starts a worker, gives it its job, and survives whatever it does.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::job::{BuildJob, Built, Job, MeetJob, Message, Task};
use crate::event::{Fact, Meeting, Record};
use crate::sandbox::{Level, Trial};

/// How long a worker may say nothing. It says every few seconds that it is alive while a scenario is
/// being played, and waits a minute for a port at most.
const SILENCE: Duration = Duration::from_secs(120);

/// The most that a worker may say, in bytes; one that says more has gone wrong.
const LARGEST: u64 = 1 << 30;

/// What a worker can do wrong. Never the program's fault.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// It could not be started.
    #[error("cannot start a worker process: {0}")]
    Start(std::io::Error),
    /// It ended before its job was done.
    #[error("the worker process ended before its job was done ({0})")]
    Ended(String),
    /// It could not set its network up.
    #[error("the worker process has no network; SOCKSPEC_NETWORK=shared does without one of its own")]
    NoNetwork,
    /// It said nothing for too long.
    #[error("the worker process said nothing for {} seconds", SILENCE.as_secs())]
    Silent,
    /// It could not do its job, by our fault or the machine's.
    #[error("{0}")]
    Trouble(String),
    /// It said what makes no sense.
    #[error("the worker process said something that cannot be understood: {0}")]
    Rubbish(String),
}

/// The workers that run, so that what a dead one leaves behind can be told from them.
static WORKERS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// What a worker has found out of the machine that others need not find out again.
static TRIAL: Mutex<Option<Trial>> = Mutex::new(None);

/// Keeps what a worker has found out; it is found out anew after anything has gone wrong.
fn note_trial(message: &Message) {
    let troubled = |record: &Record| record.events.iter().any(|event| matches!(event.fact, Fact::Trouble { .. }));
    let mut known = TRIAL.lock().unwrap_or_else(PoisonError::into_inner);
    match message {
        Message::Isolated { trial: Some(trial), .. } => *known = Some(*trial),
        Message::Trouble(_) => *known = None,
        Message::Played(record) if troubled(record) => *known = None,
        _ => {}
    }
}

/// Has a worker do a job: the scenarios that `next` gives it, by their place in the plan, until that has
/// none; `hear` gets each of its messages.
///
/// # Errors
/// What the worker did wrong. Messages that came before stand.
pub async fn run(
    executable: &Path,
    job: &Job,
    mut next: impl FnMut() -> Option<usize>,
    mut hear: impl FnMut(Message),
) -> Result<(), WorkerError> {
    carry_out(executable, &Task::Play(Box::new(job.clone())), &mut next, &mut hear).await
}

/// Has a worker build a program.
///
/// # Errors
/// What the worker did wrong, or the machine lacks.
pub async fn build(executable: &Path, job: &BuildJob) -> Result<Built, WorkerError> {
    let (mut built, mut trouble, mut isolated) = (None, None, None);
    let mut hear = |message| match message {
        Message::Isolated { level, .. } => isolated = Some(level),
        Message::Built(outcome) => built = Some(outcome),
        Message::Trouble(reason) => trouble = Some(reason),
        _ => {}
    };
    carry_out(executable, &Task::Build(job.clone()), &mut || None, &mut hear).await?;
    match trouble {
        Some(reason) => Err(WorkerError::Trouble(reason)),
        None => built
            .map(|built: Built| Built { level: isolated, ..built })
            .ok_or(WorkerError::Ended("without a word".to_owned())),
    }
}

/// Finds out whether a worker can have a private network.
///
/// # Errors
/// It cannot: why, and what to do.
pub async fn find_network(executable: &Path) -> Result<(), WorkerError> {
    let mut trouble = None;
    let mut hear = |message| {
        if let Message::Trouble(reason) = message {
            trouble = Some(reason);
        }
    };
    carry_out(executable, &Task::Network, &mut || None, &mut hear).await?;
    trouble.map_or(Ok(()), |reason| Err(WorkerError::Trouble(reason)))
}

/// Lets a client loose on a server; how well they were isolated.
///
/// # Errors
/// What the worker did wrong, or the machine lacks: above all a private network.
pub async fn meet(executable: &Path, job: &MeetJob) -> Result<(Meeting, Option<Level>), WorkerError> {
    let (mut met, mut trouble, mut isolation) = (None, None, None);
    let mut hear = |message| match message {
        Message::Met(meeting) => met = Some(*meeting),
        Message::Isolated { level, .. } => isolation = isolation.max(Some(level)),
        Message::Trouble(reason) => trouble = Some(reason),
        _ => {}
    };
    carry_out(executable, &Task::Meet(Box::new(job.clone())), &mut || None, &mut hear).await?;
    match trouble {
        Some(reason) => Err(WorkerError::Trouble(reason)),
        None => Ok((met.ok_or(WorkerError::Ended("without a word".to_owned()))?, isolation)),
    }
}

async fn carry_out(
    executable: &Path,
    task: &Task,
    next: &mut impl FnMut() -> Option<usize>,
    hear: &mut impl FnMut(Message),
) -> Result<(), WorkerError> {
    crate::sys::set_subreaper().map_err(WorkerError::Start)?;
    match once(start(executable, false), task, next, hear).await {
        Err(WorkerError::NoNetwork) => once(start(executable, true), task, next, hear).await,
        outcome => outcome,
    }
}

/// One worker's life.
async fn once(
    started: std::io::Result<Child>,
    task: &Task,
    next: &mut impl FnMut() -> Option<usize>,
    hear: &mut impl FnMut(Message),
) -> Result<(), WorkerError> {
    let mut child = started.map_err(WorkerError::Start)?;
    let enlisted = Enlisted::new(child.id());
    let outcome = talk(&mut child, task, next, hear).await;
    if outcome.is_err() {
        let _ = child.start_kill();
    }
    let status = child.wait().await;
    drop(enlisted);
    clean_up();
    match outcome {
        Err(WorkerError::Ended(_)) => {
            Err(WorkerError::Ended(status.map_or_else(|error| error.to_string(), |status| status.to_string())))
        }
        outcome => outcome,
    }
}

fn start(executable: &Path, shared_network: bool) -> std::io::Result<Child> {
    let mut command = Command::new(executable);
    if shared_network {
        command.env(crate::sandbox::network::VARIABLE, "shared");
    }
    if let Some(trial) = *TRIAL.lock().unwrap_or_else(PoisonError::into_inner) {
        let (name, value) = trial.variable();
        command.env(name, value);
    }
    command
        .arg("worker")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
}

/// A worker is on the list until this is dropped: also where nobody waits for its end any more.
struct Enlisted(Option<u32>);

impl Enlisted {
    fn new(pid: Option<u32>) -> Self {
        WORKERS.lock().unwrap_or_else(PoisonError::into_inner).extend(pid);
        Self(pid)
    }
}

impl Drop for Enlisted {
    fn drop(&mut self) {
        let mut workers = WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.map(|pid| workers.remove(&pid));
    }
}

/// Ends what dead workers left behind: it has become a child of this process, which is a subreaper.
pub fn clean_up() {
    #[cfg(target_os = "linux")]
    {
        let workers = WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
        crate::program::sweep::sweep_except(&workers);
        crate::sandbox::sweep_cgroups();
    }
}

async fn talk(
    child: &mut Child,
    task: &Task,
    next: &mut impl FnMut() -> Option<usize>,
    hear: &mut impl FnMut(Message),
) -> Result<(), WorkerError> {
    let ended = || WorkerError::Ended(String::new());
    let mut input = child.stdin.take().ok_or_else(ended)?;
    let output = child.stdout.take().ok_or_else(ended)?;
    let mut line = serde_json::to_vec(task).map_err(|error| WorkerError::Rubbish(error.to_string()))?;
    line.push(b'\n');
    input.write_all(&line).await.map_err(|_| ended())?;
    let mut messages = BufReader::new(output.take(LARGEST));
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = tokio::time::timeout(SILENCE, messages.read_until(b'\n', &mut line)).await;
        match read.map_err(|_| WorkerError::Silent)? {
            Ok(0) | Err(_) => return Err(ended()),
            Ok(_) => {}
        }
        let message: Message =
            serde_json::from_slice(&line).map_err(|error| WorkerError::Rubbish(error.to_string()))?;
        if message == Message::NoNetwork {
            return Err(WorkerError::NoNetwork);
        }
        note_trial(&message);
        if message == Message::Ready {
            let mut answer = serde_json::to_vec(&next()).map_err(|error| WorkerError::Rubbish(error.to_string()))?;
            answer.push(b'\n');
            input.write_all(&answer).await.map_err(|_| ended())?;
            continue;
        }
        let last = matches!(
            message,
            Message::Done { .. } | Message::Built(_) | Message::Met(_) | Message::Trouble(_) | Message::Stopped(_)
        );
        hear(message);
        if last {
            return Ok(());
        }
    }
}
