//! A run on a cluster, as it is kept in its folder: who gives the same command again finds it.

use std::fs::{self, File};
use std::io::{self, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::super::Work;
use super::super::progress::Progress;
use crate::batch::store::Store;

const NAME: &str = "run.json";

/// Why a run cannot be gone on with.
#[derive(Debug, Error)]
pub enum RunError {
    /// The files of it.
    #[error("`{file}` cannot be used: {source}; name another --out, or make this one fit to be written")]
    Io {
        /// Which.
        file: Utf8PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Somebody else does.
    #[error("another sockspec waits for the jobs of `{0}`; let it, or end it: the jobs go on")]
    Watched(Utf8PathBuf),
    /// It was begun in other parts.
    #[error("`{folder}` holds {begun} shards; say --shards {begun}, or name another --out")]
    Shards {
        /// Where.
        folder: Utf8PathBuf,
        /// How many there are.
        begun: u32,
    },
}

/// Jobs that were submitted together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// The array's ID; none where only the join was submitted.
    pub array: Option<u64>,
    /// Its shards.
    pub shards: Vec<u32>,
    /// The ID of the job that joins; none where that could not be submitted.
    pub join: Option<u64>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    shards: u32,
    /// What decides the gradings.
    terms: String,
    /// Whether its result was told: then the same command begins anew, and finds what has changed.
    closed: bool,
    rounds: Vec<Round>,
}

/// A run on a cluster.
#[derive(Debug)]
pub struct Run {
    folder: Utf8PathBuf,
    kept: Kept,
    _lock: File,
}

impl Run {
    /// Takes up the run of a folder, or begins one. As long as this lives, nobody else does.
    ///
    /// # Errors
    /// Somebody else does already, it was begun in other parts, or the system's.
    pub fn take_up(work: &Work) -> Result<Self, RunError> {
        let folder = work.slurm_folder();
        let io = |source| RunError::Io { file: folder.clone(), source };
        fs::create_dir_all(&folder).and_then(|()| fs::create_dir_all(work.shards_folder())).map_err(io)?;
        let lock = File::create(folder.join("lock")).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(RunError::Watched(work.out.clone())),
            Err(fs::TryLockError::Error(source)) => return Err(io(source)),
        }
        let kept: Kept = match fs::read(folder.join(NAME)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| io(error.into()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Kept { shards: work.shards, ..Kept::default() },
            Err(error) => return Err(io(error)),
        };
        if kept.shards != work.shards {
            return Err(RunError::Shards { folder: work.out.clone(), begun: kept.shards });
        }
        Ok(Self { folder, kept, _lock: lock })
    }

    /// Whether jobs were submitted whose result nobody was told.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.kept.rounds.is_empty() && !self.kept.closed
    }

    /// Whether the gradings were asked for under these terms.
    #[must_use]
    pub fn is_under(&self, terms: &str) -> bool {
        self.kept.terms == terms
    }

    /// Begins anew, under these terms: what earlier tasks have told is of no more use.
    ///
    /// # Errors
    /// The system's.
    pub fn begin(&mut self, work: &Work, terms: &str) -> Result<(), RunError> {
        self.kept = Kept { shards: self.kept.shards, terms: terms.to_owned(), closed: false, rounds: Vec::new() };
        (1..=work.shards).try_for_each(|shard| forget(&work.progress_of(shard)))?;
        forget(&work.progress_of_join())
    }

    /// Notes jobs.
    ///
    /// # Errors
    /// The system's.
    pub fn note(&mut self, round: Round) -> Result<(), RunError> {
        self.kept.rounds.push(round);
        self.save()
    }

    /// Takes jobs that run already for those of this run, where nothing is known of them: whoever submitted them
    /// was ended at that moment, or it was done by hand.
    ///
    /// # Errors
    /// The system's.
    pub fn adopt(&mut self, terms: &str, array: Option<u64>, join: Option<u64>) -> Result<(), RunError> {
        terms.clone_into(&mut self.kept.terms);
        self.kept.closed = false;
        self.note(Round { array, shards: (1..=self.kept.shards).collect(), join })
    }

    /// Notes the job that joins what the last array grades.
    ///
    /// # Errors
    /// The system's.
    pub fn note_join(&mut self, job: u64) -> Result<(), RunError> {
        if let Some(round) = self.kept.rounds.last_mut() {
            round.join = Some(job);
        }
        self.save()
    }

    /// Notes that its result was told.
    ///
    /// # Errors
    /// The system's.
    pub fn close(&mut self) -> Result<(), RunError> {
        self.kept.closed = true;
        self.save()
    }

    /// The last array that graded a shard.
    #[must_use]
    pub fn array_of(&self, shard: u32) -> Option<u64> {
        self.kept.rounds.iter().rev().find(|round| round.shards.contains(&shard)).and_then(|round| round.array)
    }

    /// The last array.
    #[must_use]
    pub fn array(&self) -> Option<u64> {
        self.kept.rounds.last().and_then(|round| round.array)
    }

    /// The last job that joins.
    #[must_use]
    pub fn join(&self) -> Option<u64> {
        self.kept.rounds.last().and_then(|round| round.join)
    }

    fn save(&self) -> Result<(), RunError> {
        let file = self.folder.join(NAME);
        let failed = |source| RunError::Io { file: file.clone(), source };
        let bytes = serde_json::to_vec_pretty(&self.kept).map_err(|error| failed(error.into()))?;
        let mut new = tempfile::NamedTempFile::new_in(&self.folder).map_err(failed)?;
        new.write_all(&bytes).and_then(|()| new.as_file().sync_all()).map_err(failed)?;
        new.persist(&file).map(drop).map_err(|error| failed(error.error))
    }
}

/// Removes what a task has told, before it is submitted again.
///
/// # Errors
/// The system's.
pub fn forget(file: &Utf8Path) -> Result<(), RunError> {
    match fs::remove_file(file) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(RunError::Io { file: file.to_owned(), source }),
        _ => Ok(()),
    }
}

/// The shards whose tasks have not done all of their work, under the terms of now and into a store that is there.
#[must_use]
pub fn unfinished(work: &Work) -> Vec<u32> {
    let is_done = |shard: u32| {
        let told = Progress::read(&work.progress_of(shard));
        told.is_some_and(|told| told.is_done_under(&work.terms)) && Store::is_in(&work.shard(shard))
    };
    (1..=work.shards).filter(|shard| !is_done(*shard)).collect()
}

/// Whether what the shards have was joined, under the terms of now.
#[must_use]
pub fn is_joined(work: &Work) -> bool {
    Progress::read(&work.progress_of_join()).is_some_and(|told| told.is_done_under(&work.terms))
}
