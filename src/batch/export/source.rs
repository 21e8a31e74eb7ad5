//! The files of one submission, where they lie in the export, and how they are laid out.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use walkdir::{DirEntry, WalkDir};
use zip::read::OwnedZipFileEntry;

use super::archive;
use super::name;
use super::refused::{Refused, shown};
use super::sink::{Incoming, Sink, Stop, UnpackLimits};

/// Where the files of a submission lie in an export.
#[derive(Debug, Clone, Default)]
pub struct Source {
    pub(super) pieces: Vec<Piece>,
}

/// A file or folder of a submission.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// What a file is called in the submission; of a folder, what is in it lies at the submission's top.
    pub(super) name: Option<String>,
    pub(super) place: Place,
}

/// Where a file or folder lies.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// On the disk.
    Disk(PathBuf),
    /// In the export's zip.
    Zip(Arc<Packed>),
}

/// Entries of an export's zip.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) zip: Utf8PathBuf,
    pub(super) entries: Vec<OwnedZipFileEntry>,
    /// How many parts of their names stand for the folder that they are in.
    pub(super) depth: usize,
    /// There were more of them than were kept.
    pub(super) more: bool,
}

/// What was laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// What [`Submission::digest`](super::Submission::digest) says of it.
    pub digest: String,
    /// How many files there are now.
    pub files: usize,
    /// How many bytes were written, archives counted with what was in them.
    pub bytes: u64,
    /// What a person should know: what was left out or left packed, and why. Names are quoted.
    pub notes: Vec<String>,
}

impl Source {
    /// Lays all files below `into`, and what is in archives beside them.
    pub(super) fn unpack(&self, into: &Utf8Path, limits: &UnpackLimits) -> Result<Unpacked, Refused> {
        prepare(into)?;
        let done = self.unpack_there(into, limits);
        if done.is_err() {
            // What is half there must not be taken for a submission.
            empty(into).map_err(|error| Refused::ours(format!("`{into}` cannot be emptied"), &error))?;
        }
        done
    }

    fn unpack_there(&self, into: &Utf8Path, limits: &UnpackLimits) -> Result<Unpacked, Refused> {
        let mut sink = Sink::new(Some(into), *limits);
        self.lay(&mut sink)?;
        let digest = sink.digest();
        let paths = sink.paths("");
        let alone = paths.len() == 1;
        for path in paths {
            open_archive(&mut sink, into, &path, alone, 1)?;
        }
        if sink.len() == 0 {
            let why = if alone { "the archive is empty" } else { "there is no file in it" };
            return Err(Refused::Nothing(why.to_owned()));
        }
        Ok(Unpacked { digest, files: sink.len(), bytes: sink.bytes(), notes: sink.notes })
    }

    /// The digest of what was handed in, without writing anything.
    pub(super) fn digest(&self, limits: &UnpackLimits) -> Result<String, Refused> {
        let mut sink = Sink::new(None, *limits);
        self.lay(&mut sink)?;
        Ok(sink.digest())
    }

    fn lay(&self, sink: &mut Sink<'_>) -> Result<(), Refused> {
        for piece in &self.pieces {
            match &piece.place {
                Place::Disk(path) => match &piece.name {
                    Some(name) => lay_file(path, name, sink)?,
                    None => lay_folder(path, sink)?,
                },
                Place::Zip(packed) => lay_packed(packed, piece.name.as_deref(), sink)?,
            }
        }
        if sink.len() == 0 {
            return Err(Refused::Nothing("there is no file in it".to_owned()));
        }
        Ok(())
    }
}

/// Makes sure that a folder is there and empty.
fn prepare(into: &Utf8Path) -> Result<(), Refused> {
    let fail = |error: io::Error| Refused::ours(format!("`{into}` cannot be used"), &error);
    fs::create_dir_all(into).map_err(fail)?;
    if fs::read_dir(into).map_err(fail)?.next().is_some() {
        return Err(fail(io::Error::other("it is not empty")));
    }
    Ok(())
}

fn empty(folder: &Utf8Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
    }
    Ok(())
}

/// Unpacks a file that was laid, where it is an archive: into a folder named for it, or, where nothing was handed
/// in beside it, in its place. An archive that is merely damaged is left beside what else there is.
fn open_archive(sink: &mut Sink<'_>, into: &Utf8Path, path: &str, alone: bool, level: usize) -> Result<(), Refused> {
    let file = into.join(path);
    let Some(kind) = archive::kind_of(&file, path.rsplit('/').next().unwrap_or(path))? else { return Ok(()) };
    if level > sink.limits.nesting {
        sink.notes.push(format!("{} is an archive in an archive in an archive, and stays packed", shown(path)));
        return Ok(());
    }
    let base =
        if alone { path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned() } else { beside(sink, path) };
    let packed = into.join(format!("{ASIDE}{level}"));
    let aside = sink.set_aside(path, &packed)?;
    let before = sink.len();
    match archive::unpack(&packed, path, kind, &base, sink) {
        Ok(()) => {}
        Err(refused) if refused.is_mere_damage() && !alone => {
            sink.remove_folder(&base)?;
            sink.put_back(aside)?;
            sink.notes.push(format!("{refused}; the files beside it were read"));
            return Ok(());
        }
        Err(refused) => return Err(refused),
    }
    fs::remove_file(&packed).map_err(|error| Refused::ours(format!("`{packed}` cannot be removed"), &error))?;
    let alone = sink.len() - before == 1;
    for path in sink.paths(&base) {
        open_archive(sink, into, &path, alone, level + 1)?;
    }
    Ok(())
}

/// What an archive is called while it is unpacked. No submission has that name: [`name::is_litter`] knows it.
const ASIDE: &str = ".sockspec-unpacking-";

/// A folder beside an archive, named for it, that nothing has yet.
fn beside(sink: &Sink<'_>, path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
    let stem = name::stem(name).0;
    let slash = if folder.is_empty() { "" } else { "/" };
    let with = |end: &str| format!("{folder}{slash}{stem}{end}");
    let others = (2..).map(|number| with(&format!("-{number}")));
    // An archive without an ending has its own name to itself only when it is gone.
    std::iter::once(with("")).chain(others).find(|free| sink.is_free(free)).unwrap_or_default()
}

/// Lays a file of the disk.
fn lay_file(path: &Path, name: &str, sink: &mut Sink<'_>) -> Result<(), Refused> {
    let Some(place) = sink.place("", name)? else { return Ok(()) };
    let fail = |error: io::Error| Refused::ours(format!("`{}` cannot be read", name::of_path(path)), &error);
    let metadata = fs::symlink_metadata(path).map_err(fail)?;
    if !metadata.is_file() {
        sink.notes.push(format!("{} is no plain file, and is left out", shown(name)));
        return Ok(());
    }
    let mut file = File::open(path).map_err(fail)?;
    let incoming = Incoming { path: place, executable: may_be_run(&metadata), bytes: &mut file, replaces: false };
    match sink.file(incoming) {
        Ok(()) => Ok(()),
        Err(Stop::Refused(refused)) => Err(refused),
        Err(Stop::Read(error)) => Err(fail(error)),
    }
}

#[cfg(unix)]
fn may_be_run(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o100 != 0
}

#[cfg(not(unix))]
fn may_be_run(_: &fs::Metadata) -> bool {
    false
}

/// Lays what is in a folder of the disk. A link to a file inside becomes that file, as in a clone; others are left
/// out.
fn lay_folder(folder: &Path, sink: &mut Sink<'_>) -> Result<(), Refused> {
    let fail =
        |path: &Path, error: io::Error| Refused::ours(format!("`{}` cannot be read", name::of_path(path)), &error);
    let root = folder.canonicalize().map_err(|error| fail(folder, error))?;
    for entry in WalkDir::new(&root).sort_by_file_name().into_iter().filter_entry(is_wanted) {
        let entry = entry.map_err(|error| fail(error.path().unwrap_or(&root).to_owned().as_path(), error.into()))?;
        let inside = entry.path().strip_prefix(&root).unwrap_or(entry.path());
        let called = name::of_path(inside);
        let kind = entry.file_type();
        if kind.is_dir() {
            sink.place("", &called)?;
        } else if kind.is_file() {
            lay_file(entry.path(), &called, sink)?;
        } else if let Some(target) = linked(&entry, &root) {
            lay_file(&target, &called, sink)?;
        } else {
            sink.notes
                .push(format!("{} is no plain file or leads out of the submission, and is left out", shown(&called)));
        }
    }
    Ok(())
}

/// The file inside that a link leads to.
fn linked(entry: &DirEntry, root: &Path) -> Option<PathBuf> {
    let target = entry.path().canonicalize().ok()?;
    // What is left out is not brought in by a link either: a clone's `.git` may hold a token.
    let inside = target.strip_prefix(root).ok()?;
    let litter = inside.components().any(|part| name::is_litter(&part.as_os_str().to_string_lossy()));
    (entry.path_is_symlink() && !litter && target.is_file()).then_some(target)
}

fn is_wanted(entry: &DirEntry) -> bool {
    entry.depth() == 0 || !name::is_litter(&entry.file_name().to_string_lossy())
}

/// Lays entries of the export's zip.
fn lay_packed(packed: &Packed, only: Option<&str>, sink: &mut Sink<'_>) -> Result<(), Refused> {
    if packed.more {
        return Err(Refused::TooMany { limit: packed.entries.len(), what: "entries" });
    }
    let zip = &packed.zip;
    let file = File::open(zip).map_err(|error| Refused::ours(format!("`{zip}` cannot be read"), &error))?;
    let mut body = BufReader::new(file);
    for entry in &packed.entries {
        let entry = entry.as_ref();
        let called = archive::zip::name_of(&entry);
        let inside = match only {
            Some(name) => name.to_owned(),
            None => name::parts(&called)?.get(packed.depth..).unwrap_or_default().join("/"),
        };
        if let Some(path) = sink.place("", &inside)? {
            archive::zip::lay(entry, &mut body, path, sink)?;
        }
    }
    Ok(())
}
