//! Folders, zips and tars for tests, good ones and bad ones.

#![allow(dead_code, clippy::unwrap_used, reason = "each test file takes what it needs; a test that cannot go on fails")]

use std::io::{Cursor, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A temporary folder and its path.
pub fn folder() -> (TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
    (folder, path)
}

/// Writes files below a folder.
pub fn write(root: &Utf8Path, files: &[(&str, &[u8])]) {
    for (name, bytes) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// A zip of files.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// One entry of a zip that no writer would make: stored, with any name, mode and flags.
pub struct Raw<'a> {
    pub name: &'a [u8],
    pub bytes: &'a [u8],
    pub mode: u32,
    pub flags: u16,
}

/// A plain file with any name.
pub fn raw<'a>(name: &'a [u8], bytes: &'a [u8]) -> Raw<'a> {
    Raw { name, bytes, mode: 0o100_644, flags: 0 }
}

/// A zip by hand (APPNOTE.TXT, 4.3).
pub fn raw_zip(entries: &[Raw<'_>]) -> Vec<u8> {
    let (mut out, mut central) = (Vec::new(), Vec::new());
    for entry in entries {
        let mut crc = flate2::Crc::new();
        crc.update(entry.bytes);
        let (length, name) = (u32::try_from(entry.bytes.len()).unwrap(), u16::try_from(entry.name.len()).unwrap());
        let mut common = Vec::new();
        for half in [20, entry.flags, 0, 0, 0x21] {
            common.extend(half.to_le_bytes());
        }
        for word in [crc.sum(), length, length] {
            common.extend(word.to_le_bytes());
        }
        common.extend(name.to_le_bytes());
        common.extend([0, 0]);
        let at = u32::try_from(out.len()).unwrap();
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(entry.name);
        out.extend(entry.bytes);
        central.extend(b"PK\x01\x02\x14\x03");
        central.extend(&common);
        central.extend([0; 6]);
        central.extend((entry.mode << 16).to_le_bytes());
        central.extend(at.to_le_bytes());
        central.extend(entry.name);
    }
    let (at, length) = (u32::try_from(out.len()).unwrap(), u32::try_from(central.len()).unwrap());
    let count = u16::try_from(entries.len()).unwrap();
    out.extend(central);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// A header of a tar, with a name that is not looked at.
pub fn header(name: &[u8], kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    header
}

/// A tar of plain files.
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (name, bytes) in files {
        let header = header(name.as_bytes(), EntryType::Regular, bytes.len() as u64);
        tar.append(&header, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

/// The same within gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// The files below a folder, with their bytes, sorted.
pub fn files(root: &Utf8Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(root).sort_by_file_name() {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            found.push((name, String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned()));
        }
    }
    found.sort();
    found
}

/// Their names alone.
pub fn names(root: &Utf8Path) -> Vec<String> {
    files(root).into_iter().map(|(name, _)| name).collect()
}
