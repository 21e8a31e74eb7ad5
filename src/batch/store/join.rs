//! A store that is made of others.

use super::{Store, StoreError, as_it_is};

impl Store {
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
