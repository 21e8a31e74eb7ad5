//! Zips, entry by entry from the central directory: memory does not grow with their number, and two of one
//! name are seen.

use std::fs::File;
use std::io::{BufReader, Read, Seek};

use zip::read::{Config, ZipFileEntry};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;
use zip::{CompressionMethod, ZipReadOptions};

use crate::batch::export::name::decode;
use crate::batch::export::refused::{Refused, shown};
use crate::batch::export::sink::{Incoming, Sink, Stop};

/// The bits of a file's mode that say what it is (inode(7)).
const FORMAT: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

/// Unpacks a zip below `base`.
pub(in crate::batch::export) fn unpack(
    open: &dyn Fn() -> Result<File, Refused>,
    name: &str,
    base: &str,
    sink: &mut Sink<'_>,
) -> Result<(), Refused> {
    let mut list =
        ZipIterable::try_new(BufReader::new(open()?), Config::default()).map_err(|error| words(name, &error))?;
    let limit = sink.limits.entries();
    if list.len() > limit {
        return Err(Refused::TooMany { limit, what: "entries" });
    }
    let mut body = BufReader::new(open()?);
    for entry in list.files().map_err(|error| words(name, &error))? {
        let entry = entry.map_err(|error| words(name, &error))?;
        let called = name_of(&entry);
        if let Some(path) = sink.place(base, &called)? {
            lay(entry, &mut body, path, sink)?;
        }
    }
    Ok(())
}

/// An entry's name: UTF-8 also where its flag does not say so (as macOS has it), else what its flag says, which
/// is code page 437 (APPNOTE.TXT, appendix D).
pub(in crate::batch::export) fn name_of(entry: &ZipFileEntry<'_>) -> String {
    let raw = entry.name_raw();
    match std::str::from_utf8(raw) {
        Ok(text) => text.to_owned(),
        Err(_) => entry.name().map_or_else(|_| decode(raw).into_owned(), std::borrow::Cow::into_owned),
    }
}

/// Whether an entry stands for a folder.
pub(in crate::batch::export) fn is_folder(entry: &ZipFileEntry<'_>, called: &str) -> bool {
    called.ends_with(['/', '\\']) || entry.unix_mode().is_some_and(|mode| mode & FORMAT == FOLDER)
}

/// Lays one entry at `path`.
pub(in crate::batch::export) fn lay<R: Read + Seek>(
    entry: ZipFileEntry<'_>,
    body: &mut R,
    path: String,
    sink: &mut Sink<'_>,
) -> Result<(), Refused> {
    let called = name_of(&entry);
    let mode = entry.unix_mode().unwrap_or(0);
    match mode & FORMAT {
        LINK => return Err(Refused::Link(shown(&called))),
        0 | REGULAR | FOLDER => {}
        _ => return Err(Refused::Odd { entry: shown(&called), what: "a device, pipe or socket" }),
    }
    if is_folder(&entry, &called) {
        return Ok(());
    }
    if entry.encrypted() {
        return Err(Refused::archive(&called, "is encrypted: ask for the archive without a password"));
    }
    if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
        let why = format!("is packed by {}, which is not read here: ask for a usual zip", entry.compression());
        return Err(Refused::archive(&called, why));
    }
    let mut bytes = entry.with_reader(body, ZipReadOptions::new()).map_err(|error| words(&called, &error))?;
    let incoming = Incoming { path, executable: mode & 0o100 != 0, bytes: &mut bytes, replaces: false };
    match sink.file(incoming) {
        Ok(()) => Ok(()),
        Err(Stop::Refused(refused)) => Err(refused),
        Err(Stop::Read(error)) => Err(Refused::damaged(&called, error)),
    }
}

/// What the reader says, in words for a user.
fn words(name: &str, error: &ZipError) -> Refused {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            Refused::archive(name, "is encrypted: ask for the archive without a password")
        }
        ZipError::UnsupportedArchive(what) => {
            Refused::archive(name, format!("is not read here ({what}): ask for a usual zip"))
        }
        ZipError::InvalidArchive(what) => Refused::damaged(name, what),
        other => Refused::damaged(name, other),
    }
}
