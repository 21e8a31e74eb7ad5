//! Grading a cohort on more than one machine: what each task is to run, as command lines for any system that
//! starts tasks on machines which see the same files.
//!
//! # How the work is shared
//! Task K of N grades shard K ([`Work::shard_command`]) into a store of its own, `DIR/shards/K`; when all
//! have ended, one more task joins what is there into `DIR` ([`Work::join_command`]). The shards' stores are
//! the truth and `DIR` is made from them, so that to join twice changes nothing. A task can be started again
//! at any time and anywhere: it goes on with what is not in its store yet (and with `--force`, from the
//! beginning of its shard).
//!
//! # What one machine knows of another
//! SQLite's write-ahead log is shared memory: "all processes using a database must be on the same host
//! computer" (<https://www.sqlite.org/wal.html>). So nobody opens a store that a task of another machine may be
//! writing to. A task tells how far it is by a small file beside its store, which it replaces as a whole
//! ([`progress`]), and a store is joined when its task has ended. On a network file system a new store has no
//! write-ahead log at all but a rollback journal (`store/journal.rs`), since a machine that dies there leaves
//! its log to others.
//!
//! A task whose machine is taken for dead may live on, and write: a store has one writer, by a lock on a file
//! beside it, and the task that was started in its place waits for that. Where a file system keeps locks to the
//! host that takes them, that protects nothing (`store/lock.rs`).

pub mod github;
pub mod kubernetes;
pub mod progress;
pub mod slurm;

use camino::{Utf8Path, Utf8PathBuf};

use crate::text::shell_word;

/// Submissions in a shard for which a task is worth its start: a Slurm task costs about half a second, a
/// submission a half to one.
const WORTH: usize = 20;

/// A cohort that is to be graded in shards. All paths are absolute: a task begins in another folder.
#[derive(Debug, Clone)]
pub struct Work {
    /// This program's file.
    pub executable: Utf8PathBuf,
    /// The export.
    pub export: Utf8PathBuf,
    /// The folder for the results.
    pub out: Utf8PathBuf,
    /// How many shards there are.
    pub shards: u32,
    /// How many of them may run at the same time, where that is said.
    pub at_once: Option<u32>,
    /// Options that decide how each is graded.
    pub options: Vec<String>,
    /// What is written in the end, as options.
    pub reports: Vec<String>,
    /// Other files that are read.
    pub reads: Vec<Utf8PathBuf>,
    /// The hash of what decides a grading: what was graded under other terms is not done.
    pub terms: String,
}

impl Work {
    /// Where a shard is stored.
    #[must_use]
    pub fn shard(&self, number: u32) -> Utf8PathBuf {
        self.shards_folder().join(number.to_string())
    }

    /// Where all shards are.
    #[must_use]
    pub fn shards_folder(&self) -> Utf8PathBuf {
        self.out.join("shards")
    }

    /// Where a shard's task tells how far it is.
    #[must_use]
    pub fn progress_of(&self, number: u32) -> Utf8PathBuf {
        self.shards_folder().join(format!("{number}.json"))
    }

    /// Where the last task tells how far it is.
    #[must_use]
    pub fn progress_of_join(&self) -> Utf8PathBuf {
        self.shards_folder().join("join.json")
    }

    /// What a shell runs to grade shard `$k`.
    #[must_use]
    pub fn shard_command(&self) -> String {
        let folder = shell_word(self.shards_folder().as_str());
        let place = format!("--out {folder}/\"$k\" --shard \"$k\"/{} --progress {folder}/\"$k\".json", self.shards);
        self.batch(&place, &[&self.options])
    }

    /// What a shell runs to join all shards that have a store, and to write the reports.
    #[must_use]
    pub fn join_command(&self) -> String {
        let progress = self.progress_of_join();
        let [out, progress] = [&self.out, &progress].map(|path| shell_word(path.as_str()));
        let place = format!("--out {out} --join {} --progress {progress}", self.shards);
        self.batch(&place, &[&self.options, &self.reports])
    }

    fn batch(&self, place: &str, options: &[&[String]]) -> String {
        let [executable, export] = [&self.executable, &self.export].map(|path| shell_word(path.as_str()));
        let options: String = options.concat().iter().map(|word| format!(" {}", shell_word(word))).collect();
        format!("{executable} batch {export} {place}{options}")
    }

    /// From where a task goes on that is started again, in words.
    #[must_use]
    pub fn goes_on_from(&self) -> &'static str {
        if self.options.iter().any(|word| word == "--force") {
            "from the beginning of its shard, as --force says"
        } else {
            "where it stopped"
        }
    }

    /// A name for its tasks that no other cohort has.
    #[must_use]
    pub fn name(&self) -> String {
        // However it was spelt.
        let out = self.out.canonicalize_utf8().unwrap_or_else(|_| self.out.clone());
        let hash = blake3::hash(out.as_str().as_bytes()).to_hex();
        format!("sockspec-{}", &hash[..10])
    }

    /// The deepest folder that everything lies in; none but `/` is no folder to share.
    #[must_use]
    pub fn common_folder(&self) -> Option<&Utf8Path> {
        let all = || [&self.export, &self.out].into_iter().chain(&self.reads);
        let folder = self.export.parent()?.ancestors().find(|folder| all().all(|path| path.starts_with(folder)))?;
        folder.parent().map(|_| folder)
    }

    /// What is to be said where the shards are too small for so many submissions.
    #[must_use]
    pub fn advice(&self, submissions: usize) -> Option<String> {
        let each = submissions / self.shards as usize;
        (self.shards > 1 && each < WORTH).then(|| {
            let better = (submissions / WORTH).max(1);
            format!(
                "{submissions} submissions in {} shards are some {each} each: to start a task takes about as long as \
                 to grade one submission; {better} would do",
                self.shards
            )
        })
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    pub(super) fn work() -> Work {
        Work {
            executable: "/opt/sockspec".into(),
            export: "/srv/lab's/ex port.zip".into(),
            out: "/srv/lab's/out".into(),
            shards: 4,
            at_once: Some(2),
            options: vec!["--assignment".into(), "/srv/lab's/lab.yaml".into(), "--only".into(), "$(id)".into()],
            reports: vec!["--report".into(), "csv=/srv/lab's/a b.csv".into()],
            reads: vec!["/srv/lab's/lab.yaml".into()],
            terms: String::new(),
        }
    }

    #[test]
    fn nothing_in_a_command_is_the_shells() {
        let command = work().shard_command();
        let script = command.replacen("/opt/sockspec", "printf '%s\\n'", 1);
        let run = std::process::Command::new("sh").args(["-c", &format!("k=3; {script}")]).output().unwrap();
        let words: Vec<String> = String::from_utf8(run.stdout).unwrap().lines().map(str::to_owned).collect();
        let wanted = [
            "batch",
            "/srv/lab's/ex port.zip",
            "--out",
            "/srv/lab's/out/shards/3",
            "--shard",
            "3/4",
            "--progress",
            "/srv/lab's/out/shards/3.json",
            "--assignment",
            "/srv/lab's/lab.yaml",
            "--only",
            "$(id)",
        ];
        assert_eq!(words, wanted);
        assert!(work().join_command().ends_with(r"--report 'csv=/srv/lab'\''s/a b.csv'"), "{}", work().join_command());
    }

    #[test]
    fn the_common_folder_holds_all() {
        assert_eq!(work().common_folder(), Some(Utf8Path::new("/srv/lab's")));
        let elsewhere = Work { out: "/home/ta/out".into(), ..work() };
        assert_eq!(elsewhere.common_folder(), None);
    }

    #[test]
    fn small_shards_are_advised_against() {
        assert_eq!(work().advice(80), None);
        assert!(work().advice(79).unwrap().contains("3 would do"));
        assert!(Work { shards: 1, ..work() }.advice(3).is_none());
    }
}
