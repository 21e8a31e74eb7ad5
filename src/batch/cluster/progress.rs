//! How far a task is, for whoever looks from another machine: a file that is replaced as a whole, and is never
//! half written.

use std::fs;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

/// A file system that many machines share is not written to more often.
const EVERY: Duration = Duration::from_secs(1);

/// How far a task is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Submissions that are done.
    pub done: usize,
    /// All of the shard's.
    pub of: usize,
    /// The machine that it runs on.
    pub host: String,
    /// The hash of what decides its gradings; empty until it has read that.
    #[serde(default)]
    pub terms: String,
    /// How it ended, once it has.
    pub end: Option<End>,
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// All of its work is done, whatever that says of the students.
    Done,
    /// It could not do it, or not all of it: why.
    Failed(String),
}

impl Progress {
    /// What a file says; nothing where there is none, or something else.
    #[must_use]
    pub fn read(file: &Utf8Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(file).ok()?).ok()
    }

    /// Whether all of the task's work is done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.end == Some(End::Done)
    }

    /// Whether it is, under these terms: the assignment may have changed while the task waited for its turn.
    #[must_use]
    pub fn is_done_under(&self, terms: &str) -> bool {
        self.is_done() && self.terms == terms
    }
}

/// Says of a task that was done that it is not: what it has left cannot be used. Nothing is said of others.
///
/// # Errors
/// The file cannot be written.
pub fn undo(file: &Utf8Path, why: &str) -> io::Result<()> {
    match Progress::read(file) {
        Some(now) if now.is_done() => write(file, &Progress { end: Some(End::Failed(why.to_owned())), ..now }),
        _ => Ok(()),
    }
}

/// Tells how far this task is.
#[derive(Debug)]
pub struct Teller {
    file: Utf8PathBuf,
    now: Progress,
    told: Instant,
}

impl Teller {
    /// Begins: what an earlier task has told is gone.
    ///
    /// # Errors
    /// The file cannot be written: nobody would ever know of this task.
    pub fn begin(file: &Utf8Path) -> io::Result<Self> {
        let host = host();
        let teller =
            Self { file: file.to_owned(), now: Progress { host, ..Progress::default() }, told: Instant::now() };
        file.parent().map_or(Ok(()), fs::create_dir_all)?;
        teller.write()?;
        Ok(teller)
    }

    /// Tells with what follows under which terms it works.
    pub fn under(&mut self, terms: &str) {
        terms.clone_into(&mut self.now.terms);
    }

    /// Tells that so many are done. One that cannot be written now is told by the next.
    pub fn tell(&mut self, done: usize, of: usize) {
        let begins = self.now.of != of;
        (self.now.done, self.now.of) = (done, of);
        if begins || self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            let _ = self.write();
        }
    }

    /// Tells the end.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn end(mut self, end: End) -> io::Result<()> {
        self.now.end = Some(end);
        self.write()
    }

    fn write(&self) -> io::Result<()> {
        write(&self.file, &self.now)
    }
}

fn write(file: &Utf8Path, now: &Progress) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Whoever may see the results may see how far they are.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut new = builder.prefix(".progress-").tempfile_in(folder)?;
    new.write_all(&serde_json::to_vec(now)?)?;
    // Another machine sees what was handed to the server.
    new.as_file().sync_all()?;
    new.persist(file).map_err(|error| error.error)?;
    Ok(())
}

/// The name of this machine.
#[cfg(unix)]
pub(in crate::batch) fn host() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The name of this machine.
#[cfg(not(unix))]
pub(in crate::batch) fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn what_is_told_is_read_and_an_earlier_end_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8Path::from_path(folder.path()).unwrap().join("shards/1.json");
        assert_eq!(Progress::read(&file), None);
        let mut teller = Teller::begin(&file).unwrap();
        teller.tell(0, 7);
        assert_eq!(Progress::read(&file).map(|it| (it.done, it.of, it.end)), Some((0, 7, None)));
        teller.tell(7, 7);
        teller.end(End::Failed("no room".to_owned())).unwrap();
        let read = Progress::read(&file).unwrap();
        assert_eq!((read.done, read.is_done(), read.end), (7, false, Some(End::Failed("no room".to_owned()))));
        let mut teller = Teller::begin(&file).unwrap();
        teller.under("then");
        teller.end(End::Done).unwrap();
        let read = Progress::read(&file).unwrap();
        assert!(read.is_done_under("then") && !read.is_done_under("now"), "{read:?}");
        undo(&file, "damaged").unwrap();
        assert_eq!(Progress::read(&file).unwrap().end, Some(End::Failed("damaged".to_owned())));
        Teller::begin(&file).unwrap();
        assert_eq!(Progress::read(&file).unwrap().end, None);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
        fs::write(&file, b"{\"done\":").unwrap();
        assert_eq!(Progress::read(&file), None);
    }
}
