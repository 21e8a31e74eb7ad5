//! A store that is made of others.

use super::{Merged, Store, StoreError, as_it_is};

impl Store {
    /// Takes in the rows of another store, all or none. A row that is there with the same content under the
    /// same terms stays, unless what is there is to be graded again; so to do it twice changes nothing.
    ///
    /// # Errors
    /// Either database's.
    pub fn take_in(&mut self, other: &Self) -> Result<Merged, StoreError> {
        let failed = |source| StoreError::Database { file: other.file.clone(), source };
        let name = if other.is_as_it_is { as_it_is(&other.file) } else { other.file.to_string() };
        self.connection.execute("ATTACH DATABASE ?1 AS other", [name]).map_err(failed)?;
        let taken = self.copy_attached().map_err(failed);
        let all = self.connection.query_row("SELECT count(*) FROM other.submission", [], |row| row.get::<_, i64>(0));
        self.connection.execute("DETACH DATABASE other", []).map_err(failed)?;
        let (taken, all) = (taken?, usize::try_from(all.map_err(failed)?).unwrap_or(usize::MAX));
        Ok(Merged { taken, known: all.saturating_sub(taken) })
    }

    fn copy_attached(&mut self) -> rusqlite::Result<usize> {
        let transaction = self.connection.transaction()?;
        let taken = transaction.execute(
            "INSERT OR REPLACE INTO main.submission SELECT * FROM other.submission AS theirs WHERE NOT EXISTS (
               SELECT 1 FROM main.submission AS ours WHERE ours.id = theirs.id AND ours.content = theirs.content
               AND ours.terms = theirs.terms AND ours.again <= theirs.again
               AND (ours.reason IS NULL OR theirs.reason IS NOT NULL))",
            [],
        )?;
        // Who has left, or has come back, is as graded.
        transaction.execute(
            "UPDATE main.submission SET gone = theirs.gone FROM other.submission AS theirs
             WHERE theirs.id = main.submission.id AND theirs.gone != main.submission.gone",
            [],
        )?;
        transaction.commit()?;
        Ok(taken)
    }

    /// Takes over the rows of another store that are its to say (`are_its`, by ID) in the place of what is here of
    /// the same submissions, all or none: the other is what this one is made from. What is here stays where it
    /// says more of the same files under the same terms, as it does on one machine: nobody's verdicts are taken
    /// away by a full disk. Says how many rows are the other's to say.
    ///
    /// # Errors
    /// Either database's.
    pub fn take_over(&mut self, other: &Self, are_its: impl Fn(&str) -> bool) -> Result<usize, StoreError> {
        let failed = |source| StoreError::Database { file: other.file.clone(), source };
        let name = if other.is_as_it_is { as_it_is(&other.file) } else { other.file.to_string() };
        self.connection.execute("ATTACH DATABASE ?1 AS other", [name]).map_err(failed)?;
        let taken = self.replace_by_attached(are_its);
        self.connection.execute("DETACH DATABASE other", []).map_err(failed)?;
        taken.map_err(failed)
    }

    fn replace_by_attached(&mut self, are_its: impl Fn(&str) -> bool) -> rusqlite::Result<usize> {
        let transaction = self.connection.transaction()?;
        let taken = {
            let mut query = transaction.prepare("SELECT id FROM other.submission")?;
            let all = query.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
            let mut take = transaction.prepare(TAKE_OVER)?;
            let ids: Vec<String> = all.into_iter().filter(|id| are_its(id)).collect();
            ids.iter().try_for_each(|id| take.execute([id]).map(drop))?;
            ids.len()
        };
        transaction.commit()?;
        Ok(taken)
    }
}

/// Where their files could not be read, nobody knows what they are: then ours are taken for the same.
const TAKE_OVER: &str = "
INSERT OR REPLACE INTO main.submission SELECT * FROM other.submission AS theirs WHERE theirs.id = ?1 AND NOT EXISTS (
  SELECT 1 FROM main.submission AS ours WHERE ours.id = theirs.id AND ours.terms = theirs.terms
  AND (ours.content = theirs.content OR theirs.content = '')
  AND (ours.reason IS NULL AND theirs.reason IS NOT NULL
       OR ours.again < theirs.again AND (ours.reason IS NULL OR theirs.reason IS NOT NULL)))";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use camino::Utf8PathBuf;

    use super::super::{Came, Stored};
    use super::*;
    use crate::roster::Student;

    fn store(folder: &tempfile::TempDir, name: &str) -> Store {
        Store::create(&Utf8PathBuf::from_path_buf(folder.path().join(name)).unwrap()).unwrap()
    }

    fn unread(id: &str, content: &str, reason: &str, again: bool) -> Stored {
        Stored {
            student: Student { id: id.to_owned(), ..Student::default() },
            members: Vec::new(),
            notes: Vec::new(),
            content: content.to_owned(),
            terms: "t".to_owned(),
            outcome: Came::Unread { reason: reason.to_owned(), again },
        }
    }

    fn reason(store: &Store, id: &str) -> Option<String> {
        store.glance(id).unwrap().and_then(|row| row.reason)
    }

    #[test]
    fn who_has_left_or_come_back_is_so_in_what_is_joined() {
        let folder = tempfile::tempdir().unwrap();
        let (mut ours, theirs) = (store(&folder, "ours"), store(&folder, "theirs"));
        theirs.keep(&unread("a", "1", "r", false)).unwrap();
        for (left, there) in [(vec![], 0), (vec!["a".to_owned()], 1), (vec![], 0)] {
            theirs.only_these_are_left(&left).unwrap();
            ours.take_in(&theirs).unwrap();
            assert_eq!(ours.ids().unwrap().len(), there, "{left:?}");
        }
    }

    #[test]
    fn of_a_clusters_shard_only_its_own_rows_are_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let (mut ours, theirs) = (store(&folder, "ours"), store(&folder, "theirs"));
        ours.keep(&unread("b", "1", "right", false)).unwrap();
        for id in ["a", "b"] {
            theirs.keep(&unread(id, "1", "stale", false)).unwrap();
        }
        assert_eq!(ours.take_over(&theirs, |id| id == "a").unwrap(), 1);
        assert_eq!((reason(&ours, "a").as_deref(), reason(&ours, "b").as_deref()), (Some("stale"), Some("right")));
    }

    #[test]
    fn what_a_cluster_knows_better_of_the_same_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (mut ours, theirs) = (store(&folder, "ours"), store(&folder, "theirs"));
        for id in ["same", "changed", "unseen", "better"] {
            ours.keep(&unread(id, "1", "ours", id == "better")).unwrap();
        }
        theirs.keep(&unread("same", "1", "theirs", true)).unwrap();
        theirs.keep(&unread("changed", "2", "theirs", true)).unwrap();
        theirs.keep(&unread("unseen", "", "theirs", true)).unwrap();
        theirs.keep(&unread("better", "1", "theirs", false)).unwrap();
        // What stays is no less taken: it has been settled.
        assert_eq!(ours.take_over(&theirs, |_| true).unwrap(), 4);
        let kept = ["same", "changed", "unseen", "better"].map(|id| reason(&ours, id).unwrap());
        assert_eq!(kept, ["ours", "theirs", "ours", "theirs"]);
        // A grade is not given for the word that there is none, though neither is to be tried again.
        ours.connection.execute("UPDATE submission SET reason = NULL, content = '1'", []).unwrap();
        theirs.keep(&unread("changed", "1", "theirs", false)).unwrap();
        ours.take_over(&theirs, |_| true).unwrap();
        assert_eq!(reason(&ours, "changed"), None);
    }
}
