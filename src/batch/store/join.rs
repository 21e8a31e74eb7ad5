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
        transaction.commit()?;
        Ok(taken)
    }

    /// Takes over all rows of another store in the place of what is here of the same submissions, all or none:
    /// the other is what this one is made from. Says how many.
    ///
    /// # Errors
    /// Either database's.
    pub fn take_over(&mut self, other: &Self) -> Result<usize, StoreError> {
        let failed = |source| StoreError::Database { file: other.file.clone(), source };
        let name = if other.is_as_it_is { as_it_is(&other.file) } else { other.file.to_string() };
        self.connection.execute("ATTACH DATABASE ?1 AS other", [name]).map_err(failed)?;
        // One statement is one transaction.
        let query = "INSERT OR REPLACE INTO main.submission SELECT * FROM other.submission";
        let taken = self.connection.execute(query, []);
        self.connection.execute("DETACH DATABASE other", []).map_err(failed)?;
        taken.map_err(failed)
    }
}
