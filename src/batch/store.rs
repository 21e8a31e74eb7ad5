//! The store of a cohort: one SQLite file, in which every finished submission stands at once. Whoever is
//! killed at any moment leaves it whole (SQLite's write-ahead log, <https://sqlite.org/wal.html>; see `journal`).
//!
//! A row holds what the reports and a later judgement need: who, what came of it, the records. Rows are
//! read one at a time, so that memory does not grow with the cohort.

mod error;
mod join;
mod journal;
mod lock;
mod row;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params};

use crate::plan::points::Points;
use crate::roster::Student;

pub use error::StoreError;
pub use journal::is_shared;
pub use lock::holder;
pub use row::{Came, Glance, Kept, Line, Merged, Stored};
use row::{Columns, Who, packed, stored};

/// The store's name in its folder.
pub const NAME: &str = "sockspec.db";

/// The version of the tables: `user_version` of the file.
const VERSION: i64 = 1;

/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(60);

const TABLES: &str = "
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE submission (
  id      TEXT PRIMARY KEY,
  student TEXT NOT NULL,    -- JSON: with the members of a group, and notes
  content TEXT NOT NULL,    -- hash of the files; empty where they could not be read
  terms   TEXT NOT NULL,    -- hash of all else that decides a grading
  reason  TEXT,             -- why there are no verdicts
  again   INTEGER NOT NULL, -- whether it is to be graded again in any case
  status  INTEGER NOT NULL, -- the exit status that `check` would have had
  score   INTEGER,          -- hundredths of points
  most    INTEGER,
  gone    INTEGER NOT NULL, -- whether it was no longer in the export
  verdict BLOB,             -- JSON, packed
  record  BLOB              -- JSON, packed
);
";

/// An open store.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    file: Utf8PathBuf,
    /// Nobody can write to it.
    is_as_it_is: bool,
    _lock: Option<File>,
}

impl Store {
    /// Opens the store of a folder to write to it; makes both where they are not there.
    ///
    /// # Errors
    /// It cannot be made or read, another process writes to it, or another version made it.
    pub fn create(folder: &Utf8Path) -> Result<Self, StoreError> {
        Self::write_to(folder, journal::mode)
    }

    /// The same where other machines read it afterwards, whatever the file system says of itself: they find one
    /// file, and no log.
    ///
    /// # Errors
    /// Those of [`Store::create`].
    pub fn create_for_others(folder: &Utf8Path) -> Result<Self, StoreError> {
        Self::write_to(folder, |_| journal::PLAIN)
    }

    fn write_to(folder: &Utf8Path, mode: impl Fn(&Utf8Path) -> &'static str) -> Result<Self, StoreError> {
        let lock = lock::take(folder)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut store = Self::open(folder, flags, Some(mode(folder)))?;
        store._lock = Some(lock);
        Ok(store)
    }

    /// Opens a store to read it.
    ///
    /// # Errors
    /// It is not there, cannot be read, or another version made it.
    pub fn read(folder: &Utf8Path) -> Result<Self, StoreError> {
        if !folder.join(NAME).is_file() {
            return Err(StoreError::Missing(folder.to_owned()));
        }
        // A log that is left by a killed process is taken in by the first who opens it, so reading alone
        // would not do.
        Self::open(folder, OpenFlags::SQLITE_OPEN_READ_WRITE, None).or_else(|error| {
            // Where nothing can be written there can be no log beside it either, and none is needed.
            let unwritten = fs::metadata(folder.join(format!("{NAME}-wal"))).map_or(true, |log| log.len() == 0);
            if unwritten { Self::open_as_it_is(folder) } else { Err(error) }
        })
    }

    /// Opens a store that nobody can write to (<https://sqlite.org/uri.html#uriimmutable>).
    fn open_as_it_is(folder: &Utf8Path) -> Result<Self, StoreError> {
        let file = folder.join(NAME);
        let uri = as_it_is(&file);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let failed = |source| StoreError::Database { file: file.clone(), source };
        let connection = Connection::open_with_flags(uri, flags).map_err(failed)?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
        if found == VERSION {
            Ok(Self { connection, file, is_as_it_is: true, _lock: None })
        } else {
            Err(StoreError::Version { file, found })
        }
    }

    /// Whether there is a store in a folder.
    #[must_use]
    pub fn is_in(folder: &Utf8Path) -> bool {
        folder.join(NAME).is_file()
    }

    /// With `mode`, however it kept what it wrote before.
    fn open(folder: &Utf8Path, flags: OpenFlags, mode: Option<&str>) -> Result<Self, StoreError> {
        let file = folder.join(NAME);
        let failed = |source| StoreError::Database { file: file.clone(), source };
        // A part that is joined may be named by a URI.
        let connection = Connection::open_with_flags(&file, flags | OpenFlags::SQLITE_OPEN_URI).map_err(failed)?;
        connection.busy_timeout(BUSY).map_err(failed)?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).map_err(failed)?;
        match (found, tables) {
            (VERSION, _) => mode.map_or(Ok(()), |mode| journal::set(&connection, mode)).map_err(failed)?,
            (0, 0) => {
                let mode = mode.unwrap_or_else(|| journal::mode(folder));
                journal::set(&connection, mode).map_err(failed)?;
                let script = format!("BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;");
                connection.execute_batch(&script).map_err(failed)?;
            }
            _ => return Err(StoreError::Version { file, found }),
        }
        // What was written stays written when the machine stops, too.
        connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        Ok(Self { connection, file, is_as_it_is: false, _lock: None })
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> StoreError + '_ {
        |source| StoreError::Database { file: self.file.clone(), source }
    }

    /// What is known of the whole cohort under a name.
    ///
    /// # Errors
    /// The database's.
    pub fn fact(&self, name: &str) -> Result<Option<String>, StoreError> {
        let query = "SELECT value FROM fact WHERE name = ?1";
        self.connection.query_row(query, [name], |row| row.get(0)).optional().map_err(self.failed())
    }

    /// Keeps something of the whole cohort.
    ///
    /// # Errors
    /// The database's.
    pub fn keep_fact(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let query = "INSERT OR REPLACE INTO fact VALUES (?1, ?2)";
        self.connection.execute(query, [name, value]).map(drop).map_err(self.failed())
    }

    /// Does several things of which all stand in the end, or none.
    ///
    /// # Errors
    /// What goes wrong on the way, or the database's (`words` puts that into the caller's).
    pub fn all_or_nothing<T, E>(
        &self,
        words: impl Fn(StoreError) -> E,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let failed = |source| words(StoreError::Database { file: self.file.clone(), source });
        let transaction = self.connection.unchecked_transaction().map_err(failed)?;
        let done = work()?;
        transaction.commit().map_err(failed)?;
        Ok(done)
    }

    /// Keeps what came of a submission, in the place of what was there. When this returns, it is safe.
    ///
    /// # Errors
    /// The database's: the disk is full.
    pub fn keep(&self, stored: &Stored) -> Result<(), StoreError> {
        let row = |why: String| StoreError::Row { id: stored.student.id.clone(), why };
        let student = Who::written(&stored.student, &stored.members, &stored.notes).map_err(row)?;
        let (reason, again, status, score, verdict, record) = match &stored.outcome {
            Came::Unread { reason, again } => (Some(reason), *again, 3, None, None, None),
            Came::Graded(kept) => {
                let verdict = packed(&kept.verdict).map_err(|error| row(error.to_string()))?;
                let record = packed(&kept.record).map_err(|error| row(error.to_string()))?;
                let score = (kept.verdict.score().0, kept.verdict.max_score().0);
                (None, stored.is_troubled(), kept.verdict.status(), Some(score), Some(verdict), Some(record))
            }
        };
        let query = "INSERT OR REPLACE INTO submission VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, FALSE, ?10, ?11)";
        let (score, most) = (score.map(|(score, _)| score), score.map(|(_, most)| most));
        let (id, content, terms) = (&stored.student.id, &stored.content, &stored.terms);
        let values = params![id, student, content, terms, reason, again, status, score, most, verdict, record];
        self.connection.execute(query, values).map(drop).map_err(self.failed())
    }

    /// Keeps who handed in what is stored already, where the course has come to say something else of them.
    ///
    /// # Errors
    /// The database's, or the row cannot be understood.
    pub fn rename(&self, student: &Student, members: &[Student]) -> Result<(), StoreError> {
        let wrong = |why: String| StoreError::Row { id: student.id.clone(), why };
        let query = "SELECT student FROM submission WHERE id = ?1";
        let found: Option<String> =
            self.connection.query_row(query, [&student.id], |row| row.get(0)).optional().map_err(self.failed())?;
        let Some(found) = found else { return Ok(()) };
        let notes = Who::read(&found).map_err(wrong)?.notes;
        let now = Who::written(student, members, &notes).map_err(wrong)?;
        if now != found {
            let query = "UPDATE submission SET student = ?2 WHERE id = ?1";
            self.connection.execute(query, [&student.id, &now]).map_err(self.failed())?;
        }
        Ok(())
    }

    /// Under what terms the rows were graded.
    ///
    /// # Errors
    /// The database's.
    pub fn terms(&self) -> Result<BTreeSet<String>, StoreError> {
        let failed = self.failed();
        let mut query = self.connection.prepare("SELECT DISTINCT terms FROM submission").map_err(&failed)?;
        let rows = query.query_map([], |row| row.get(0)).map_err(&failed)?;
        rows.collect::<Result<_, _>>().map_err(&failed)
    }

    /// What is stored of a submission, at a glance.
    ///
    /// # Errors
    /// The database's.
    pub fn glance(&self, id: &str) -> Result<Option<Glance>, StoreError> {
        let query = "SELECT content, terms, again, status, reason FROM submission WHERE id = ?1";
        let glance = |row: &Row<'_>| {
            let (content, terms, again) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Glance { content, terms, again, status: row.get(3)?, reason: row.get(4)? })
        };
        self.connection.query_row(query, [id], glance).optional().map_err(self.failed())
    }

    /// All rows, a line each, in the order of their IDs.
    ///
    /// # Errors
    /// The database's, or one cannot be understood.
    pub fn lines(&self, mut take: impl FnMut(Line)) -> Result<(), StoreError> {
        let failed = self.failed();
        let text = "SELECT id, student, reason, status, score, most FROM submission WHERE NOT gone ORDER BY id";
        let mut query = self.connection.prepare(text).map_err(&failed)?;
        let mut rows = query.query([]).map_err(&failed)?;
        while let Some(row) = rows.next().map_err(&failed)? {
            let column = |row: &Row<'_>| -> rusqlite::Result<(String, String, Option<u32>, Option<u32>)> {
                Ok((row.get(0)?, row.get(1)?, row.get(4)?, row.get(5)?))
            };
            let (id, student, score, most) = column(row).map_err(&failed)?;
            let student = Who::read(&student).map_err(|why| StoreError::Row { id, why })?.student;
            let score = score.map(Points).zip(most.map(Points));
            let (reason, status) = (row.get(2).map_err(&failed)?, row.get(3).map_err(&failed)?);
            take(Line { student, reason, status, score });
        }
        Ok(())
    }

    /// Notes which submissions there still are. The others are kept, and left out of everything else.
    /// Says how many those are.
    ///
    /// # Errors
    /// The database's.
    pub fn only_these_are_left(&self, ids: &[String]) -> Result<usize, StoreError> {
        self.all_or_nothing(
            |error| error,
            || {
                self.connection.execute("UPDATE submission SET gone = TRUE", []).map_err(self.failed())?;
                for id in ids {
                    let query = "UPDATE submission SET gone = FALSE WHERE id = ?1";
                    self.connection.execute(query, [id]).map_err(self.failed())?;
                }
                Ok(())
            },
        )?;
        let query = "SELECT count(*) FROM submission WHERE gone";
        let gone: i64 = self.connection.query_row(query, [], |row| row.get(0)).map_err(self.failed())?;
        Ok(usize::try_from(gone).unwrap_or(usize::MAX))
    }

    /// The IDs of all submissions, in order.
    ///
    /// # Errors
    /// The database's.
    pub fn ids(&self) -> Result<Vec<String>, StoreError> {
        let failed = self.failed();
        let mut query =
            self.connection.prepare("SELECT id FROM submission WHERE NOT gone ORDER BY id").map_err(&failed)?;
        let rows = query.query_map([], |row| row.get(0)).map_err(&failed)?;
        rows.collect::<Result<_, _>>().map_err(&failed)
    }

    /// What is stored of a submission.
    ///
    /// # Errors
    /// The database's, or it cannot be understood.
    pub fn get(&self, id: &str) -> Result<Option<Stored>, StoreError> {
        let query = "SELECT student, content, terms, reason, again, verdict, record FROM submission WHERE id = ?1";
        let columns = |row: &Row<'_>| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
        };
        let found: Option<Columns> =
            self.connection.query_row(query, [id], columns).optional().map_err(self.failed())?;
        found.map(|columns| stored(columns).map_err(|why| StoreError::Row { id: id.to_owned(), why })).transpose()
    }

    /// Puts all that was written into the one file, so that it can be copied alone.
    ///
    /// # Errors
    /// The database's.
    pub fn tidy(&self) -> Result<(), StoreError> {
        if self.is_as_it_is {
            return Ok(());
        }
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(self.failed())
    }
}

/// The name of a file that nobody can write to.
fn as_it_is(file: &Utf8Path) -> String {
    let path = file.as_str().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{path}?immutable=1")
}
