//! Why a submission or an export cannot be read, and what to do about it.

use camino::Utf8PathBuf;
use thiserror::Error;

use crate::text::{io_words, quote};

/// How much of a hostile name is shown, in characters.
const SHOWN: usize = 80;

/// Why the files of one submission were not laid out. Nothing of it is left behind then.
///
/// Names in it are quoted, with escapes for what could steer a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// There is no file in it.
    #[error("nothing was handed in: {0}")]
    Nothing(String),
    /// The name of an entry leads elsewhere.
    #[error("{entry} {why}; such an archive is made by hand or by a broken tool: ask for a new one")]
    Path {
        /// Its name.
        entry: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An archive holds a link.
    #[error("{0} is a link, and links in archives are not followed: ask for an archive with the file itself")]
    Link(String),
    /// An archive holds what is neither file nor folder.
    #[error("{entry} is {what}, which no submission needs: ask for an archive of plain files")]
    Odd {
        /// Its name.
        entry: String,
        /// What it is.
        what: &'static str,
    },
    /// Two entries of one archive are written to the same place.
    #[error(
        "{0} is there twice, or both as a file and as a folder, so what was meant cannot be told: ask for a new archive"
    )]
    Twice(String),
    /// There are more files or entries than a submission may have.
    #[error("it has more than {limit} {what}: a bomb, or more than was written by hand; ask for the sources alone")]
    TooMany {
        /// How many there may be.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
    /// Unpacked, it is bigger than a submission may be.
    #[error("unpacked it has more than {} MiB: a bomb, or more than was written by hand; ask for the sources alone", .limit >> 20)]
    TooBig {
        /// How many bytes it may have.
        limit: u64,
    },
    /// An entry lies too deep, or its name is too long.
    #[error("{entry} {why}: ask for an archive of the sources alone")]
    TooLong {
        /// Its name, shortened.
        entry: String,
        /// What is too long.
        why: String,
    },
    /// An archive cannot be read: it is damaged, encrypted, or of an unknown kind.
    #[error("{archive} {why}")]
    Archive {
        /// Its name.
        archive: String,
        /// What is the matter, and what to do.
        why: String,
    },
    /// The grader or its machine is at fault.
    #[error("{what}: {why}")]
    Ours {
        /// What could not be done.
        what: String,
        /// The system's words.
        why: String,
    },
}

impl Refused {
    /// Whether the grader or its machine is at fault, and not what was handed in.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Ours { .. })
    }

    /// Whether it is merely unreadable, so that the files beside it can be graded all the same.
    pub(super) fn is_mere_damage(&self) -> bool {
        matches!(self, Self::Archive { .. })
    }

    pub(super) fn ours(what: impl Into<String>, error: &std::io::Error) -> Self {
        Self::Ours { what: what.into(), why: io_words(error) }
    }

    pub(super) fn archive(name: &str, why: impl Into<String>) -> Self {
        Self::Archive { archive: shown(name), why: why.into() }
    }

    pub(super) fn damaged(name: &str, error: impl std::fmt::Display) -> Self {
        let words = reader_words(&error.to_string());
        Self::archive(name, format!("is damaged ({words}): ask for it again, or try to repair it"))
    }
}

/// What a reader of archives says, on a short line: it quotes what it has read, and that is the student's.
pub(super) fn reader_words(said: &str) -> String {
    const MOST: usize = 200;
    let line: String = said.chars().take(MOST).map(|c| if c == '\n' || c == '\t' { ' ' } else { c }).collect();
    crate::text::tame(&line).into_owned()
}

/// Why an export cannot be read at all.
#[derive(Debug, Error)]
pub enum ExportError {
    /// There is nothing at that place.
    #[error("`{0}` does not exist")]
    Missing(Utf8PathBuf),
    /// It is no folder and no zip.
    #[error("`{path}` is no export: {why}")]
    Odd {
        /// Where.
        path: Utf8PathBuf,
        /// What it is, and what to do.
        why: String,
    },
    /// A folder holds nothing but an export's zip.
    #[error(
        "`{folder}` holds nothing but an export, {zip}: name that file itself, `{folder}/…`, or say `--layout plain` if it is a student's"
    )]
    ZipAlone {
        /// The folder.
        folder: Utf8PathBuf,
        /// The file in it.
        zip: String,
    },
    /// Nothing in it is a submission.
    #[error(
        "no submission is found in `{path}` ({why}){ignored}; name the folder that holds the submissions, or say what it is with --layout"
    )]
    Empty {
        /// Where.
        path: Utf8PathBuf,
        /// What was looked for.
        why: String,
        /// What was found instead.
        ignored: String,
    },
    /// It has more entries than any course hands in.
    #[error("`{path}` has more than {limit} entries; is that the right folder?")]
    TooMany {
        /// Where.
        path: Utf8PathBuf,
        /// How many there may be.
        limit: usize,
    },
    /// The zip is damaged.
    #[error("`{path}` cannot be read as a zip ({why}); download it again, or unpack it and name the folder")]
    Damaged {
        /// Where.
        path: Utf8PathBuf,
        /// The reader's words.
        why: String,
    },
    /// The system cannot read it.
    #[error("`{path}` cannot be read: {why}")]
    Io {
        /// Where.
        path: Utf8PathBuf,
        /// The system's words.
        why: String,
    },
}

/// A hostile name as a message shows it: quoted, escaped and shortened.
pub(super) fn shown(name: &str) -> String {
    quote(name.as_bytes(), SHOWN)
}

#[cfg(test)]
mod tests {
    use super::Refused;

    #[test]
    fn what_a_reader_quotes_of_an_archive_steers_no_terminal() {
        let error = format!("numeric field was not a number: \u{1b}[2J\u{16}\n::error::x {}", "x".repeat(5000));
        let words = Refused::damaged("lab.tar", error).to_string();
        assert!(words.starts_with("\"lab.tar\" is damaged (numeric field") && words.len() < 400, "{words}");
        assert!(!words.contains(char::is_control), "{words:?}");
    }
}
