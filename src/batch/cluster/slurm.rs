//! Slurm: a job array whose tasks grade a shard each, and a job that joins them.
//!
//! Slurm's accounting may be off, and then nobody knows of a job a moment after its end. So what has become of
//! a task is told by the file that it leaves ([`super::progress`]); Slurm is asked only for what it has not
//! ended yet (`squeue`, <https://slurm.schedmd.com/squeue.html>). Jobs are known by a name that no other
//! cohort has: also one whose ID was lost, because whoever submitted it was killed at that moment.

mod given;
mod run;

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

use super::Work;
use crate::text::shell_word;
pub use given::may_be_given;
pub use run::{Round, Run, RunError, forget, is_joined, unfinished};

/// What can go wrong with Slurm.
#[derive(Debug, Error)]
pub enum SlurmError {
    /// Its command cannot be started.
    #[error("`{tool}` cannot be run: {why}")]
    Tool {
        /// The command.
        tool: &'static str,
        /// The system's words.
        why: String,
    },
    /// It says no.
    #[error("{tool} refuses: {said}")]
    Refused {
        /// The command.
        tool: &'static str,
        /// Its words.
        said: String,
    },
    /// An option that is not the caller's to give.
    #[error(
        "--sbatch-arg {0}: this is sockspec's own to say (--shards and --at-once say how many tasks there are, SLURM_CLUSTERS on which cluster)"
    )]
    Ours(String),
    /// A word that is no option: the name of a script, to `sbatch`.
    #[error(
        "--sbatch-arg {0}: this is no option; write one with its value in one word: --sbatch-arg=--partition=grade"
    )]
    Bare(String),
}

impl Work {
    /// Where the jobs begin, and leave their output.
    #[must_use]
    pub fn slurm_folder(&self) -> Utf8PathBuf {
        self.out.join("slurm")
    }

    /// The output of a shard's task.
    #[must_use]
    pub fn log_of(&self, shard: u32) -> Utf8PathBuf {
        self.slurm_folder().join(format!("{shard}.log"))
    }

    /// The output of the job that joins them.
    #[must_use]
    pub fn log_of_join(&self) -> Utf8PathBuf {
        self.slurm_folder().join("join.log")
    }

    /// The name of the job that joins.
    #[must_use]
    pub fn join_name(&self) -> String {
        format!("{}-join", self.name())
    }

    /// The script of an array that grades these shards.
    #[must_use]
    pub fn array_script(&self, shards: &[u32]) -> String {
        let at_once = self.at_once.map_or_else(String::new, |most| format!("%{most}"));
        let array = format!("#SBATCH --array={}{at_once}\n", ranges(shards));
        let command = format!("k=$SLURM_ARRAY_TASK_ID\nexec {}\n", self.shard_command());
        script(&self.name(), "%a.log", &array, &command)
    }

    /// The script of the job that joins them.
    #[must_use]
    pub fn join_script(&self) -> String {
        script(&self.join_name(), "join.log", "", &format!("exec {}\n", self.join_command()))
    }

    /// Both, as a script that submits them.
    #[must_use]
    pub fn slurm_printed(&self, arguments: &[String]) -> String {
        let shards: Vec<u32> = (1..=self.shards).collect();
        let more: String = arguments.iter().map(|word| format!(" {}", shell_word(word))).collect();
        let folder = shell_word(self.slurm_folder().as_str());
        format!(
            "#!/bin/sh\n# Grades {shards} shards by Slurm, and joins them. `sbatch` is given this by `sockspec batch … --on slurm`\n\
             # without --print, which also waits, and submits again only what has failed.\nset -eu\n\
             unset {ours}\nmkdir -p {folder}\ncd {folder}\narray=$(sbatch --parsable{more} <<'SHARD'\n{array}SHARD\n)\n\
             sbatch --parsable{more} --dependency=\"afterany:${{array%%;*}}\" <<'JOIN'\n{join}JOIN\n",
            ours = given::DECISIVE.join(" "),
            shards = self.shards,
            array = self.array_script(&shards),
            join = self.join_script(),
        )
    }
}

/// `%a` in the output's name is a task's number. A task that Slurm starts again goes on in the same output.
fn script(name: &str, output: &str, more: &str, command: &str) -> String {
    format!(
        "#!/bin/sh\n#SBATCH --job-name={name}\n{more}#SBATCH --output={output}\n#SBATCH --open-mode=append\n\
         #SBATCH --requeue\n# A folder for temporary files that is not on this machine is no use here.\n\
         [ -d \"${{TMPDIR:-/tmp}}\" ] || unset TMPDIR\n{command}"
    )
}

/// `1-3,7`: numbers in order, as an array's indices.
fn ranges(numbers: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let words =
        ranges.iter().map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") });
    words.collect::<Vec<_>>().join(",")
}

/// A job, or a task of an array, that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// The job's ID: for a task, the array's.
    pub job: u64,
    /// The task's number.
    pub task: Option<u32>,
    /// The job's name.
    pub name: String,
    /// `PENDING`, `RUNNING`, …
    pub state: String,
    /// Why it does not run.
    pub reason: String,
}

/// What Slurm has not ended of the caller's jobs that have this name, or that of its join.
///
/// # Errors
/// `squeue` is not here, or its controller does not answer.
pub fn queue(work: &Work) -> Result<Vec<Queued>, SlurmError> {
    let mut command = Command::new("squeue");
    // By user: with job IDs it fails for one that is forgotten already. Also in hidden partitions, and whatever
    // the caller is used to see.
    given::leave_out(&mut command, "SQUEUE_", &[]);
    command.args(["--noheader", "--all", "--array", "--format=%F|%K|%j|%T|%r"]);
    #[cfg(unix)]
    command.arg(format!("--user={}", nix::unistd::geteuid()));
    let all = said("squeue", run_with(&mut command, "squeue", "")?)?;
    let names = [work.name(), work.join_name()];
    Ok(all.lines().filter_map(queued).filter(|job| names.contains(&job.name)).collect())
}

fn queued(line: &str) -> Option<Queued> {
    let mut columns = line.trim().splitn(5, '|');
    let mut next = || columns.next();
    let (job, task) = (next()?.parse().ok()?, next()?.parse().ok());
    Some(Queued { job, task, name: next()?.to_owned(), state: next()?.to_owned(), reason: next()?.to_owned() })
}

/// Submits a script from a folder; the job's ID.
///
/// # Errors
/// `sbatch` is not here, or refuses.
pub fn submit(script: &str, folder: &Utf8Path, arguments: &[String], after: Option<u64>) -> Result<u64, SlurmError> {
    let mut command = Command::new("sbatch");
    given::leave_out(&mut command, "SBATCH_", &given::THEIRS);
    command.arg("--parsable").args(arguments).current_dir(folder);
    if let Some(job) = after {
        // Whatever became of it: one shard that has failed does not keep the others from being joined.
        command.arg(format!("--dependency=afterany:{job}"));
    }
    let told = said("sbatch", run_with(&mut command, "sbatch", script)?)?;
    // `ID`, or `ID;CLUSTER`.
    let id = told.trim().split(';').next().unwrap_or_default().parse();
    id.map_err(|_| SlurmError::Refused { tool: "sbatch", said: format!("it names no job: {}", told.trim()) })
}

/// Whether Slurm's commands are here.
///
/// # Errors
/// They are not.
pub fn is_here() -> Result<(), SlurmError> {
    ["sbatch", "squeue"]
        .iter()
        .try_for_each(|tool| said(tool, run_with(Command::new(tool).arg("--version"), tool, "")?).map(drop))
}

fn run_with(command: &mut Command, tool: &'static str, input: &str) -> Result<Output, SlurmError> {
    let failed = |error: std::io::Error| SlurmError::Tool { tool, why: crate::text::io_words(&error) };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that refuses its arguments reads nothing.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output().map_err(failed)
}

fn said(tool: &'static str, output: Output) -> Result<String, SlurmError> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().replace("sbatch: error: ", "");
    Err(SlurmError::Refused { tool, said: if said.is_empty() { output.status.to_string() } else { said } })
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::super::tests::work;
    use super::*;

    #[test]
    fn numbers_are_written_as_ranges() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1-3,7,9-10");
        assert_eq!(ranges(&[5]), "5");
    }

    #[test]
    fn an_array_names_its_shards_and_how_many_run_at_once() {
        let script = work().array_script(&[2, 4]);
        assert!(script.contains("\n#SBATCH --array=2,4%2\n") && script.contains("\n#SBATCH --requeue\n"), "{script}");
        assert!(script.contains("\nk=$SLURM_ARRAY_TASK_ID\nexec /opt/sockspec batch "), "{script}");
        let printed = work().slurm_printed(&["--comment=a b".to_owned()]);
        assert!(printed.contains("sbatch --parsable '--comment=a b' <<'SHARD'\n#!/bin/sh\n"), "{printed}");
        let checked = Command::new("sh").args(["-n", "-c", &printed]).status().unwrap();
        assert!(checked.success(), "{printed}");
    }

    #[test]
    fn a_line_of_the_queue_is_read() {
        let task = queued("57|2|sockspec-abc|PENDING|Resources").unwrap();
        assert_eq!((task.job, task.task, task.state.as_str()), (57, Some(2), "PENDING"));
        let job = queued("58|N/A|sockspec-abc-join|PENDING|Dependency").unwrap();
        assert_eq!((job.job, job.task, job.reason.as_str()), (58, None, "Dependency"));
        assert_eq!(queued("slurm_load_jobs error: Socket timed out"), None);
    }
}
