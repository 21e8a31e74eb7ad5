//! Archives of students: what kind a file is, and its entries into a [`Sink`]. Nothing is believed: not the
//! ending, not the promised sizes, not the names.

pub(super) mod tar;
pub(super) mod zip;

use std::fs::File;
use std::io::{self, Read};

use camino::Utf8Path;

use super::name::stem;
use super::refused::Refused;
use super::sink::Sink;

/// The kinds of archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>
    Zip,
    /// <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html>
    Tar,
    /// A tar within gzip (RFC 1952).
    TarGz,
    /// One that is not unpacked here, by its usual name.
    Other(&'static str),
}

/// What a file begins with, how far on, and what it is then.
const MAGIC: [(usize, &[u8], Kind); 9] = [
    (0, b"PK\x03\x04", Kind::Zip),
    (0, b"PK\x05\x06", Kind::Zip),
    (0, b"\x1f\x8b", Kind::TarGz),
    (257, b"ustar", Kind::Tar),
    (0, b"Rar!\x1a\x07", Kind::Other("rar")),
    (0, b"7z\xbc\xaf\x27\x1c", Kind::Other("7z")),
    (0, b"\xfd7zXZ\0", Kind::Other("xz")),
    (0, b"BZh", Kind::Other("bzip2")),
    (0, b"\x28\xb5\x2f\xfd", Kind::Other("zstd")),
];

/// The endings of archives.
const ENDINGS: [(&str, Kind); 17] = [
    (".zip", Kind::Zip),
    (".tar", Kind::Tar),
    (".tar.gz", Kind::TarGz),
    (".tgz", Kind::TarGz),
    (".gz", Kind::TarGz),
    (".rar", Kind::Other("rar")),
    (".7z", Kind::Other("7z")),
    (".tar.xz", Kind::Other("xz")),
    (".txz", Kind::Other("xz")),
    (".xz", Kind::Other("xz")),
    (".tar.bz2", Kind::Other("bzip2")),
    (".tbz", Kind::Other("bzip2")),
    (".tbz2", Kind::Other("bzip2")),
    (".bz2", Kind::Other("bzip2")),
    (".tar.zst", Kind::Other("zstd")),
    (".zst", Kind::Other("zstd")),
    (".zipx", Kind::Other("zipx")),
];

/// Whether a file is called like an archive.
pub(super) fn by_name(name: &str) -> Option<Kind> {
    let ending = stem(name).1.to_ascii_lowercase();
    ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, kind)| *kind)
}

/// Whether a file's name lets it be an archive: one without an ending may be anything.
fn may_be(name: &str) -> bool {
    by_name(name).is_some() || stem(name).1.is_empty()
}

/// What an archive a file is, if any: its beginning says, else its name. Formats that are zips inside
/// (`.jar`, `.docx`) are left as they are.
fn kind(name: &str, head: &[u8]) -> Option<Kind> {
    if !may_be(name) {
        return None;
    }
    let named = by_name(name);
    let begins = |(at, magic, _): &&(usize, &[u8], Kind)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic));
    let seen = MAGIC.iter().find(begins).map(|(_, _, kind)| *kind);
    // Without an ending, nothing but a sure sign counts.
    seen.filter(|seen| named.is_some() || !matches!(seen, Kind::Other(_))).or(named)
}

/// Tells what an archive a file is, from its beginning.
pub(super) fn kind_of(path: &Utf8Path, name: &str) -> Result<Option<Kind>, Refused> {
    if !may_be(name) {
        return Ok(None);
    }
    let mut head = Vec::with_capacity(512);
    File::open(path)
        .and_then(|file| file.take(512).read_to_end(&mut head))
        .map_err(|error| Refused::ours(format!("`{path}` cannot be read"), &error))?;
    Ok(kind(name, &head))
}

/// Unpacks a file below `base`.
///
/// # Errors
/// If it cannot be read, or must not be.
pub(super) fn unpack(path: &Utf8Path, name: &str, kind: Kind, base: &str, sink: &mut Sink<'_>) -> Result<(), Refused> {
    let open = || File::open(path).map_err(|error| Refused::ours(format!("`{path}` cannot be read"), &error));
    match kind {
        Kind::Zip => zip::unpack(&open, name, base, sink),
        Kind::Tar => tar::unpack(io::BufReader::new(open()?), name, base, sink),
        Kind::TarGz => tar::unpack(flate2::bufread::MultiGzDecoder::new(io::BufReader::new(open()?)), name, base, sink),
        Kind::Other(what) => {
            Err(Refused::archive(name, format!("is packed by {what}, which is not read here: ask for a zip or tar.gz")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_told_by_its_beginning() {
        assert_eq!(kind("x.zip", b"Rar!\x1a\x07\x00"), Some(Kind::Other("rar")));
        assert_eq!(kind("x.zip", b"\x1f\x8b\x08"), Some(Kind::TarGz));
        assert_eq!(kind("x.zip", b"<html>"), Some(Kind::Zip));
        assert_eq!(kind("upload", b"PK\x03\x04"), Some(Kind::Zip));
        assert_eq!(kind("report.docx", b"PK\x03\x04"), None);
        assert_eq!(kind("lib.jar", b"PK\x03\x04"), None);
        assert_eq!(kind("server", b"BZh = 1"), None);
        assert_eq!(kind("server.py", b"import socket"), None);
    }
}
