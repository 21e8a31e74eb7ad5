//! What the caller may say to Slurm's commands beside us: arguments, and variables of the environment, which
//! `sbatch` prefers to what a script says (<https://slurm.schedmd.com/sbatch.html#SECTION_INPUT-ENVIRONMENT-VARIABLES>).

use std::process::Command;

use super::SlurmError;

/// Options of `sbatch` that decide what is relied upon, long and short.
const OURS: [(&str, char); 11] = [
    ("--array", 'a'),
    ("--job-name", 'J'),
    ("--output", 'o'),
    ("--error", 'e'),
    ("--dependency", 'd'),
    ("--chdir", 'D'),
    ("--wait", 'W'),
    ("--parsable", '\0'),
    ("--wrap", '\0'),
    ("--no-requeue", '\0'),
    // `squeue` would have to be told as well: SLURM_CLUSTERS tells both.
    ("--clusters", 'M'),
];

/// Short options without a value: others may follow in the same word.
const FLAGS: &str = "HIkOQsv";

/// Variables that the caller may have set for `sbatch`, by how they begin: who pays, where, what a task may have.
pub(super) const THEIRS: [&str; 7] = [
    "SBATCH_ACCOUNT",
    "SBATCH_PARTITION",
    "SBATCH_QOS",
    "SBATCH_RESERVATION",
    "SBATCH_TIMELIMIT",
    "SBATCH_CONSTRAINT",
    "SBATCH_MEM",
];

/// Those that would decide what is relied upon.
pub(super) const DECISIVE: [&str; 11] = [
    "SBATCH_ARRAY_INX",
    "SBATCH_CLUSTERS",
    "SBATCH_DEPENDENCY",
    "SBATCH_ERROR",
    "SBATCH_JOB_NAME",
    "SBATCH_NO_REQUEUE",
    "SBATCH_OPEN_MODE",
    "SBATCH_OUTPUT",
    "SBATCH_REQUEUE",
    "SBATCH_WAIT",
    "SBATCH_WRAP",
];

/// Refuses arguments for `sbatch` that would undo what is relied upon.
///
/// # Errors
/// One would.
pub fn may_be_given(arguments: &[String]) -> Result<(), SlurmError> {
    for word in arguments {
        // What stands alone is a script's name, or begins another job.
        if !word.starts_with('-') || word.trim_matches('-').is_empty() {
            return Err(SlurmError::Bare(word.clone()));
        }
        if is_ours(word) {
            return Err(SlurmError::Ours(word.clone()));
        }
    }
    Ok(())
}

fn is_ours(word: &str) -> bool {
    if word.starts_with("--") {
        let name = word.split('=').next().unwrap_or_default();
        // getopt_long takes a long option by any beginning that is its alone.
        return OURS.iter().any(|(option, _)| name.len() > 3 && option.starts_with(name));
    }
    let mut letters = word.chars().skip(1).skip_while(|letter| FLAGS.contains(*letter));
    letters.next().is_some_and(|letter| OURS.iter().any(|(_, ours)| letter == *ours))
}

/// Keeps the caller's variables that begin so from a command, but for some.
pub(super) fn leave_out(command: &mut Command, prefix: &str, but: &[&str]) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with(prefix) && !but.iter().any(|one| text.starts_with(one)) {
            command.env_remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn may(words: &[&str]) -> Result<(), SlurmError> {
        may_be_given(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_relied_upon_cannot_be_said_otherwise() {
        let ours = ["--array=1-2", "-a1", "--arr=3", "--dependency=after:1", "-J", "-oX", "--wrap=true", "--chdir=/"];
        for word in ours.into_iter().chain(["--no-requeue", "--no-req", "-Hdafter:1", "-QvJx", "-Wv"]) {
            assert!(matches!(may(&["--partition=p", word]), Err(SlurmError::Ours(_))), "{word}");
        }
        for word in ["job.sh", "grade", ":", "--", "-", ""] {
            assert!(matches!(may(&["--partition=p", word]), Err(SlurmError::Bare(_))), "{word}");
        }
        may(&["--partition=p", "-pgrade", "-HQ", "--cpus-per-task=4", "--account=a", "--comment=--array", "--time=5"])
            .unwrap();
        // Values of short options are nobody's letters.
        may(&["-pdebug", "-Aaccount", "--nodes=1", "--no-kill"]).unwrap();
    }
}
