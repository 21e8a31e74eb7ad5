//! Tars, entry by entry as they come. Long names (GNU's and POSIX's) are read here and not by the library, which
//! would take one of any length into memory.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::rc::Rc;

use tar::{Archive, Entry, EntryType, PaxExtensions};

use crate::batch::export::name::decode;
use crate::batch::export::refused::{Refused, shown};
use crate::batch::export::sink::{Incoming, Sink, Stop};

/// The longest description of one entry that is read, in bytes: a path, and what else POSIX allows there.
const LONGEST: u64 = 64 << 10;

/// What stands before an entry and describes it.
#[derive(Default)]
struct Ahead {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    /// Its size or shape stands elsewhere than in its header.
    odd: bool,
}

/// Unpacks a tar below `base`.
pub(in crate::batch::export) fn unpack(
    stream: impl Read,
    name: &str,
    base: &str,
    sink: &mut Sink<'_>,
) -> Result<(), Refused> {
    let mut archive = Archive::new(Metered { stream, left: Rc::clone(&sink.readable) });
    let limit = sink.limits.bytes;
    let refuse = |error: io::Error| refused(name, &error, limit);
    let mut ahead = Ahead::default();
    let (mut seen, most) = (0, sink.limits.entries());
    for entry in archive.entries().map_err(refuse)?.raw(true) {
        let mut entry = entry.map_err(refuse)?;
        seen += 1;
        if seen > most {
            return Err(Refused::TooMany { limit: most, what: "entries" });
        }
        match entry.header().entry_type() {
            EntryType::GNULongName => ahead.name = Some(described(&mut entry, name, limit)?),
            EntryType::GNULongLink => ahead.link = Some(described(&mut entry, name, limit)?),
            EntryType::XHeader => extensions(&described(&mut entry, name, limit)?, &mut ahead),
            EntryType::XGlobalHeader => {}
            _ => lay(&mut entry, std::mem::take(&mut ahead), name, base, sink)?,
        }
    }
    Ok(())
}

/// Lays one entry.
fn lay<R: Read>(
    entry: &mut Entry<'_, R>,
    ahead: Ahead,
    archive: &str,
    base: &str,
    sink: &mut Sink<'_>,
) -> Result<(), Refused> {
    let raw = ahead.name.unwrap_or_else(|| entry.path_bytes().into_owned());
    let called = decode(&raw).into_owned();
    let Some(path) = sink.place(base, &called)? else { return Ok(()) };
    let odd = |what| Err(Refused::Odd { entry: shown(&called), what });
    match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous if !called.ends_with('/') => {}
        EntryType::Regular | EntryType::Continuous | EntryType::Directory => return Ok(()),
        EntryType::Symlink | EntryType::Link => {
            let to =
                ahead.link.or_else(|| entry.link_name_bytes().map(std::borrow::Cow::into_owned)).unwrap_or_default();
            return Err(Refused::Link(format!("{} → {}", shown(&called), shown(&decode(&to)))));
        }
        EntryType::Char | EntryType::Block => return odd("a device"),
        EntryType::Fifo => return odd("a pipe"),
        EntryType::GNUSparse => return odd("a file with holes"),
        _ => return odd("of a kind that no tar should have"),
    }
    if ahead.odd {
        return odd("a file with holes, or of more than 8 GiB");
    }
    let executable = entry.header().mode().is_ok_and(|mode| mode & 0o100 != 0);
    let size = entry.size();
    let mut bytes = Whole { stream: entry, left: size };
    match sink.file(Incoming { path, executable, bytes: &mut bytes, replaces: true }) {
        Ok(()) => Ok(()),
        Err(Stop::Refused(refused)) => Err(refused),
        Err(Stop::Read(error)) => Err(refused(archive, &error, sink.limits.bytes)),
    }
}

/// The content of an entry that describes the next one.
fn described<R: Read>(entry: &mut Entry<'_, R>, archive: &str, limit: u64) -> Result<Vec<u8>, Refused> {
    if entry.size() > LONGEST {
        let why = format!("has a name of {} bytes", entry.size());
        return Err(Refused::TooLong { entry: format!("an entry of {}", shown(archive)), why });
    }
    let mut bytes = Vec::new();
    entry.take(LONGEST).read_to_end(&mut bytes).map_err(|error| refused(archive, &error, limit))?;
    // GNU's names end with a NUL.
    if entry.header().entry_type() != EntryType::XHeader && bytes.last() == Some(&0) {
        bytes.pop();
    }
    Ok(bytes)
}

/// What a POSIX header says of the next entry (pax, "pax Extended Header").
fn extensions(bytes: &[u8], ahead: &mut Ahead) {
    for extension in PaxExtensions::new(bytes).flatten() {
        match extension.key_bytes() {
            b"path" => ahead.name = Some(extension.value_bytes().to_vec()),
            b"linkpath" => ahead.link = Some(extension.value_bytes().to_vec()),
            b"size" => ahead.odd = true,
            key if key.starts_with(b"GNU.sparse.") => ahead.odd = true,
            _ => {}
        }
    }
}

fn refused(archive: &str, error: &io::Error, limit: u64) -> Refused {
    if error.get_ref().is_some_and(|inner| inner.is::<Spent>()) {
        return Refused::TooBig { limit };
    }
    Refused::damaged(archive, error)
}

/// A stream that ends with an error when more is read of it than may be.
struct Metered<R> {
    stream: R,
    left: Rc<Cell<u64>>,
}

/// More was read than may be.
#[derive(Debug)]
struct Spent;

impl std::error::Error for Spent {}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is too big")
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(buffer)?;
        self.left.set(self.left.get().checked_sub(length as u64).ok_or_else(|| io::Error::other(Spent))?);
        Ok(length)
    }
}

/// An entry's bytes, with an error where the archive ends before them: a half file is none.
struct Whole<R> {
    stream: R,
    left: u64,
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(buffer)?;
        if length == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends in the middle of a file"));
        }
        self.left = self.left.saturating_sub(length as u64);
        Ok(length)
    }
}
