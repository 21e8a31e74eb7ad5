//! What can be wrong with a store, and what to do about it.

use std::io;

use camino::Utf8PathBuf;
use rusqlite::ErrorCode;
use thiserror::Error;

use super::VERSION;
use crate::text::io_words;

/// What is wrong with a store.
#[derive(Debug, Error)]
pub enum StoreError {
    /// There is none.
    #[error("there is no store in `{0}`; `sockspec batch EXPORT --out {0}` makes one")]
    Missing(Utf8PathBuf),
    /// Another process writes to it.
    #[error("another sockspec is at work on `{0}`; wait for it, or name another folder")]
    Locked(Utf8PathBuf),
    /// Another version has made it.
    #[error(
        "`{file}` was made by another version of sockspec ({found}; this one reads {VERSION}); use that, or a new folder"
    )]
    Version {
        /// The store.
        file: Utf8PathBuf,
        /// Its version.
        found: i64,
    },
    /// The database says so.
    #[error("the store `{file}` cannot be used: {source}; {advice}", advice = advice(source))]
    Database {
        /// The store.
        file: Utf8PathBuf,
        /// Its words.
        source: rusqlite::Error,
    },
    /// The system says so.
    #[error("the store in `{folder}` cannot be used: {words}; name a folder that can be written", words = io_words(source))]
    Io {
        /// Its folder.
        folder: Utf8PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// What is in a row cannot be read.
    #[error(
        "what the store has of `{id}` cannot be read ({why}); `sockspec batch … --only {id} --force` grades it again"
    )]
    Row {
        /// The submission.
        id: String,
        /// What is wrong with it.
        why: String,
    },
}

/// What to do about it.
fn advice(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "make room, and give the same command again: what was stored is safe",
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            "it is damaged, or no store of sockspec; name another folder"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another process holds it; wait for that",
        _ => "see whether its folder can be written, and give the same command again: what was stored is safe",
    }
}
