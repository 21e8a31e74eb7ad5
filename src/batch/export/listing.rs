//! What lies at the top of an export: files and folders, on the disk or in a zip. Only names are read.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use zip::read::{Config, OwnedZipFileEntry};
use zip::unstable::read::ZipIterable;

use super::archive::zip::{is_folder, name_of};
use super::name;
use super::refused::{ExportError, shown};
use super::source::{Packed, Place};
use super::{Ignored, archive};
use crate::text::io_words;

/// The most entries of an export's zip.
const MOST: usize = 1_000_000;

/// The most files and folders side by side in an export: no course has more students' files.
const BESIDE: usize = 100_000;

/// The most entries that are kept of one student in an export's zip: with more it is refused anyway.
const KEPT: usize = 50_000;

/// The most names that are told as nobody's of one list.
const TOLD: usize = 1000;

/// A file or folder at the top of an export.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) folder: bool,
    /// It is a clone: there is a `.git` in it.
    pub(super) clone: bool,
    pub(super) place: Place,
}

/// The top of an export.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// What the folder above is called, or the zip, without its ending.
    pub(super) called: String,
    /// Sorted by name.
    pub(super) items: Vec<Item>,
    pub(super) ignored: Vec<Ignored>,
}

/// An export that can be listed at more than one depth.
pub(super) enum Tree {
    Folder(Utf8PathBuf),
    Zip { path: Utf8PathBuf, above: Vec<String> },
}

impl Tree {
    /// What is at a path, if that can be an export.
    pub(super) fn at(path: &Utf8Path) -> Result<Self, ExportError> {
        let metadata = fs::metadata(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => ExportError::Missing(path.to_owned()),
            _ => ExportError::Io { path: path.to_owned(), why: io_words(&error) },
        })?;
        if metadata.is_dir() {
            return Ok(Self::Folder(path.to_owned()));
        }
        let odd = |why: &str| Err(ExportError::Odd { path: path.to_owned(), why: why.to_owned() });
        if !metadata.is_file() {
            return odd("it is neither a folder nor a file");
        }
        let kind = archive::kind_of(path, "export.zip")
            .map_err(|error| ExportError::Io { path: path.to_owned(), why: error.to_string() })?;
        match (kind, archive::by_name(path.as_str())) {
            (Some(archive::Kind::Zip), Some(_)) => Ok(Self::Zip { path: path.to_owned(), above: Vec::new() }),
            (Some(archive::Kind::Tar | archive::Kind::TarGz | archive::Kind::Other(_)), Some(_)) => {
                odd("only zips and folders are read as exports; unpack it, and name the folder")
            }
            _ => odd("it is a single file, not a folder or a zip of submissions; `sockspec check` grades a single one"),
        }
    }

    /// What lies at its top.
    pub(super) fn list(&self) -> Result<Listing, ExportError> {
        let mut listing = match self {
            Self::Folder(path) => list_folder(path)?,
            Self::Zip { path, above } => list_zip(path, above)?,
        };
        listing.items.sort_by(|a, b| a.name.cmp(&b.name));
        listing.called = match self {
            Self::Zip { path, above } => above.last().cloned().or_else(|| path.file_stem().map(str::to_owned)),
            Self::Folder(path) => {
                path.canonicalize_utf8().unwrap_or_else(|_| path.clone()).file_name().map(str::to_owned)
            }
        }
        .unwrap_or_default();
        Ok(listing)
    }

    /// The same from one of its folders on.
    pub(super) fn below(&self, folder: &Item) -> Option<Self> {
        match (self, &folder.place) {
            (Self::Folder(_), Place::Disk(path)) => Utf8PathBuf::from_path_buf(path.clone()).ok().map(Self::Folder),
            (Self::Zip { path, above }, _) => {
                let above = above.iter().cloned().chain([folder.name.clone()]).collect();
                Some(Self::Zip { path: path.clone(), above })
            }
            _ => None,
        }
    }

    /// Whether it is a zip.
    pub(super) fn is_zip(&self) -> bool {
        matches!(self, Self::Zip { .. })
    }
}

fn list_folder(folder: &Utf8Path) -> Result<Listing, ExportError> {
    let fail = |error: std::io::Error| ExportError::Io { path: folder.to_owned(), why: io_words(&error) };
    let mut listing = Listing::default();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let called = name::of_path(Path::new(&entry.file_name()));
        if name::is_litter(&called) {
            continue;
        }
        if listing.items.len() >= BESIDE {
            return Err(ExportError::TooMany { path: folder.to_owned(), limit: BESIDE });
        }
        let kind = entry.file_type().map_err(fail)?;
        if !kind.is_dir() && !kind.is_file() {
            let reason = "it is a link, or no plain file: links out of an export are not followed";
            listing.ignored.push(Ignored::new(&called, reason));
            continue;
        }
        let path: PathBuf = entry.path();
        let clone = kind.is_dir() && path.join(".git").symlink_metadata().is_ok();
        listing.items.push(Item { name: called, folder: kind.is_dir(), clone, place: Place::Disk(path) });
    }
    Ok(listing)
}

/// What a zip holds of one item.
#[derive(Default)]
struct Group {
    entries: Vec<OwnedZipFileEntry>,
    more: bool,
    folder: bool,
    clone: bool,
}

fn list_zip(path: &Utf8Path, above: &[String]) -> Result<Listing, ExportError> {
    let damaged = |error: zip::result::ZipError| ExportError::Damaged {
        path: path.to_owned(),
        why: super::refused::reader_words(&error.to_string()),
    };
    let file = File::open(path).map_err(|error| ExportError::Io { path: path.to_owned(), why: io_words(&error) })?;
    let mut zip = ZipIterable::try_new(BufReader::new(file), Config::default()).map_err(damaged)?;
    if zip.len() > MOST {
        return Err(ExportError::TooMany { path: path.to_owned(), limit: MOST });
    }
    let mut ignored = Vec::new();
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for entry in zip.files().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        let called = name_of(&entry);
        match item_of(&called, above) {
            Whose::Item(item, rest) => {
                let group = groups.entry(item).or_default();
                group.folder |= !rest.is_empty() || is_folder(&entry, &called);
                group.clone |= rest.first().is_some_and(|part| part == ".git");
                if group.entries.len() < KEPT {
                    group.entries.push(entry.into())
                } else {
                    group.more = true
                }
                if groups.len() > BESIDE {
                    return Err(ExportError::TooMany { path: path.to_owned(), limit: BESIDE });
                }
            }
            Whose::Nobody => {}
            Whose::Unsafe(why) if ignored.len() < TOLD => ignored.push(Ignored::new(&called, &why)),
            Whose::Unsafe(_) => {}
        }
    }
    let items = groups.into_iter().map(|(name, group)| {
        let Group { entries, more, folder, clone } = group;
        let depth = above.len() + 1;
        let place = Place::Zip(Arc::new(Packed { zip: path.to_owned(), entries, depth, more }));
        Item { name, folder, clone, place }
    });
    Ok(Listing { called: String::new(), items: items.collect(), ignored })
}

/// Which item an entry belongs to.
enum Whose {
    Item(String, Vec<String>),
    Nobody,
    Unsafe(String),
}

/// An entry that leads out of its folder belongs to whose folder it begins in: that one is refused for it, and
/// nobody else.
fn item_of(called: &str, above: &[String]) -> Whose {
    let parts = match name::parts(called) {
        Ok(parts) => parts,
        Err(refused) => {
            let naive: Vec<&str> = called.split(['/', '\\']).collect();
            let item = naive.get(above.len()).filter(|item| !item.is_empty() && **item != "..");
            let begins = naive.iter().zip(above).all(|(part, above)| part == above);
            return match item.filter(|_| begins && !naive.first().is_some_and(|first| first.is_empty())) {
                Some(item) if naive.len() > above.len() + 1 => Whose::Item((*item).to_owned(), Vec::new()),
                _ => Whose::Unsafe(refused.to_string()),
            };
        }
    };
    let inside = parts.len() > above.len() && parts.iter().zip(above).all(|(part, above)| part == above);
    let mut rest = parts.iter().skip(above.len()).map(|part| (*part).to_owned());
    match rest.next().filter(|item| inside && !name::is_litter(item)) {
        Some(item) => Whose::Item(item, rest.collect()),
        None => Whose::Nobody,
    }
}

impl Ignored {
    pub(super) fn new(name: &str, reason: &str) -> Self {
        Self { name: shown(name), reason: reason.to_owned() }
    }
}
