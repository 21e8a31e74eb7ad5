//! The private copy of a submission that its program runs in.

use std::fmt;
use std::fs;
use std::io;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;
use thiserror::Error;
use walkdir::{DirEntry, WalkDir};

use super::stale;

/// The most bytes that a submission may have.
pub const MAX_BYTES: u64 = 64 << 20;
/// The most files that a submission may have.
pub const MAX_FILES: usize = 5000;

/// How much is copied at most.
struct Most {
    bytes: u64,
    files: usize,
}

/// Of a submission.
const FOLDER: Most = Most { bytes: MAX_BYTES, files: MAX_FILES };

/// Of the folder of a single file, which may be anything: somebody's downloads.
const BESIDE: Most = Most { bytes: 16 << 20, files: 1000 };

/// Folders that are no part of what was written by hand: no program is looked for in them.
pub const SKIPPED: [&str; 7] = [".sockspec", ".git", "node_modules", "__pycache__", ".venv", "venv", "target"];

/// A copy of a submission in a temporary folder of its own, removed when dropped.
///
/// Symbolic links that lead to a file inside the submission become that file; others, and what is
/// neither file nor folder, are left out.
#[derive(Debug)]
pub struct PrivateCopy {
    root: Utf8PathBuf,
    file: Option<Utf8PathBuf>,
    digest: Digest,
    whole: bool,
    _held: Option<fs::File>,
    _folder: TempDir,
}

/// What identifies a submission's content: a BLAKE3 hash over the sorted names and the bytes of its
/// files. The same on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

/// Why a submission could not be copied.
#[derive(Debug, Error)]
pub enum CopyError {
    /// There is nothing at that place.
    #[error("`{0}` does not exist")]
    Missing(Utf8PathBuf),
    /// It is neither a file nor a folder.
    #[error("`{0}` is neither a file nor a folder")]
    Odd(Utf8PathBuf),
    /// It has too many bytes.
    #[error("`{0}` has more than 64 MiB; is that the right folder?")]
    TooBig(Utf8PathBuf),
    /// It has too many files.
    #[error("`{0}` has more than 5000 files; is that the right folder?")]
    TooMany(Utf8PathBuf),
    /// The name of a file is no UTF-8, so it cannot be reported.
    #[error("the name of `{}` is not UTF-8", .0.display())]
    Name(PathBuf),
    /// There is no place for the copy.
    #[error("no temporary folder can be made in `{}`: {source}; TMPDIR can name another place", path.display())]
    Temporary {
        /// Where.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A file could not be read or written.
    #[error("`{}` cannot be copied: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

impl PrivateCopy {
    /// Copies a folder with all that is in it, or a single file with all that is in its folder. Where
    /// that is too much, or cannot be read, the file comes with what little stands right beside it, and
    /// [`is_whole`](Self::is_whole) says so.
    ///
    /// # Errors
    /// If there is nothing there, it is too big, or it cannot be read.
    pub fn of(source: &Utf8Path) -> Result<Self, CopyError> {
        let absolute = source.canonicalize_utf8().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => CopyError::Missing(source.to_owned()),
            _ => CopyError::Io { path: source.into(), source: error },
        })?;
        if absolute.is_dir() {
            let found = find(&absolute, usize::MAX, &FOLDER)?;
            return Self::make(&found, None, true);
        }
        let (Some(folder), Some(name)) = (absolute.parent(), source.file_name().or(absolute.file_name())) else {
            return Err(CopyError::Odd(source.to_owned()));
        };
        if !absolute.is_file() {
            return Err(CopyError::Odd(source.to_owned()));
        }
        let alone = || Found { name: Utf8PathBuf::from(name), path: absolute.clone().into() };
        let beside = find(folder, usize::MAX, &BESIDE);
        let whole = beside.is_ok();
        let mut found = beside.or_else(|_| find(folder, 1, &BESIDE)).unwrap_or_default();
        if !found.iter().any(|file| file.name == name) {
            found.push(alone());
            found.sort_by(|a, b| a.name.cmp(&b.name));
        }
        Self::make(&found, Some(name.into()), whole)
    }

    fn make(found: &[Found], file: Option<Utf8PathBuf>, whole: bool) -> Result<Self, CopyError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| CopyError::Io { path, source }
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(stale::PREFIX);
        // Nobody else's: what is in it may be somebody's who could run it.
        #[cfg(unix)]
        builder.permissions(fs::Permissions::from_mode(0o700));
        let folder = builder
            .tempdir()
            .map_err(|error| CopyError::Temporary { path: std::env::temp_dir(), source: error.kind().into() })?;
        let held = stale::hold(folder.path());
        let root = folder.path().canonicalize().map_err(at(folder.path()))?;
        let root = Utf8PathBuf::from_path_buf(root).map_err(CopyError::Name)?;
        let mut hasher = Hasher::default();
        for Found { name, path } in found {
            let target = root.join(name);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent).map_err(at(path))?;
            }
            fs::copy(path, &target).map_err(at(path))?;
            make_writable(&target).map_err(at(path))?;
            hasher.file(name, &fs::read(&target).map_err(at(path))?);
        }
        Ok(Self { root, file, digest: hasher.digest(), whole, _held: held, _folder: folder })
    }

    /// The folder of the copy.
    #[must_use]
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// The single file that was asked for, relative to the folder; `None` if it was a folder.
    #[must_use]
    pub fn file(&self) -> Option<&Utf8Path> {
        self.file.as_deref()
    }

    /// Whether all is there that the program may need.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// The content's digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

impl Digest {
    /// A seed that depends on the content alone; of 53 bits, so that every reader of JSON takes it for
    /// the number that it is.
    #[must_use]
    pub fn seed(self) -> u64 {
        self.0.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte)) >> 11
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::text::hex(&self.0))
    }
}

/// Lengths stand before names and contents, so that no two submissions feed it the same bytes.
#[derive(Default)]
struct Hasher(blake3::Hasher);

impl Hasher {
    fn file(&mut self, name: &Utf8Path, bytes: &[u8]) {
        let name: Vec<&str> = name.components().map(|part| part.as_str()).collect();
        for part in [name.join("/").as_bytes(), bytes] {
            self.0.update(&(part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }

    fn digest(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

struct Found {
    /// Relative to the submission.
    name: Utf8PathBuf,
    /// The file itself.
    path: PathBuf,
}

/// The files of a folder, sorted by name, within the limits.
fn find(root: &Utf8Path, depth: usize, most: &Most) -> Result<Vec<Found>, CopyError> {
    let mut found = Vec::new();
    let mut bytes = 0;
    for entry in WalkDir::new(root).max_depth(depth).into_iter().filter_entry(wanted) {
        let entry = entry.map_err(|error| CopyError::Io {
            path: error.path().unwrap_or(root.as_std_path()).to_owned(),
            source: error.into(),
        })?;
        let Some((path, length)) = content(&entry, root) else { continue };
        bytes += length;
        let name = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let name = Utf8Path::from_path(name).ok_or_else(|| CopyError::Name(entry.path().to_owned()))?;
        found.push(Found { name: name.to_owned(), path });
        if bytes > most.bytes {
            return Err(CopyError::TooBig(root.to_owned()));
        }
        if found.len() > most.files {
            return Err(CopyError::TooMany(root.to_owned()));
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn wanted(entry: &DirEntry) -> bool {
    entry.depth() == 0
        || !entry.file_type().is_dir() && entry.file_name() != ".sockspec"
        || !entry.file_name().to_str().is_some_and(|name| SKIPPED.contains(&name))
}

/// Where the bytes of an entry are, and how many: of a file, or of a link to a file inside.
fn content(entry: &DirEntry, root: &Utf8Path) -> Option<(PathBuf, u64)> {
    let kind = entry.file_type();
    if kind.is_file() {
        return Some((entry.path().to_owned(), entry.metadata().ok()?.len()));
    }
    if !kind.is_symlink() {
        return None;
    }
    let target = entry.path().canonicalize().ok()?;
    let metadata = target.metadata().ok()?;
    // What is left out is not brought in by a link either: a clone's `.git` may hold a token.
    let inside = target.strip_prefix(root).ok()?;
    let skipped = inside.components().any(|part| part.as_os_str().to_str().is_some_and(|name| SKIPPED.contains(&name)));
    (!skipped && metadata.is_file()).then_some((target, metadata.len()))
}

/// A read-only file must be writable in the copy: compilers and programs write beside their sources.
fn make_writable(path: &Utf8Path) -> io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    #[cfg(unix)]
    {
        // Nothing in it may make whoever runs it somebody else (setuid). What the system can start may be
        // started: an upload has lost its mode on the way.
        let start = if super::begins_like_a_program(path.as_std_path())? { 0o100 } else { 0 };
        permissions.set_mode(permissions.mode() & 0o755 | 0o600 | start);
    }
    #[cfg(not(unix))]
    #[expect(clippy::permissions_set_readonly_false, reason = "this is not Unix")]
    permissions.set_readonly(false);
    fs::set_permissions(path, permissions)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn folder() -> (TempDir, Utf8PathBuf) {
        let folder = TempDir::new().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        fs::create_dir_all(path.join("src/__pycache__")).unwrap();
        fs::create_dir_all(path.join(".git")).unwrap();
        fs::write(path.join("server.py"), "print(1)\n").unwrap();
        fs::write(path.join("src/util.py"), "x = 1\n").unwrap();
        fs::write(path.join("src/__pycache__/util.pyc"), "junk").unwrap();
        fs::write(path.join(".git/HEAD"), "ref").unwrap();
        (folder, path)
    }

    #[cfg(unix)]
    #[test]
    fn a_link_brings_in_nothing_that_is_left_out() {
        let (_keep, path) = folder();
        std::os::unix::fs::symlink(".git/HEAD", path.join("notes.txt")).unwrap();
        std::os::unix::fs::symlink("server.py", path.join("other.py")).unwrap();
        let copy = PrivateCopy::of(&path).unwrap();
        assert!(!copy.root().join("notes.txt").exists());
        assert!(copy.root().join("other.py").is_file());
    }

    #[test]
    fn a_folder_is_copied_without_what_is_not_written_by_hand() {
        let (_keep, path) = folder();
        let copy = PrivateCopy::of(&path).unwrap();
        assert!(copy.root().join("server.py").is_file());
        assert!(copy.root().join("src/util.py").is_file());
        assert!(!copy.root().join(".git").exists());
        assert!(!copy.root().join("src/__pycache__").exists());
        let root = copy.root().to_owned();
        drop(copy);
        assert!(!root.exists());
    }

    #[test]
    fn a_file_comes_with_the_files_beside_it() {
        let (_keep, path) = folder();
        let copy = PrivateCopy::of(&path.join("server.py")).unwrap();
        assert_eq!(copy.file().unwrap(), "server.py");
        assert!(copy.root().join("server.py").is_file());
        assert!(copy.root().join("src/util.py").is_file());
        assert!(copy.is_whole());
    }

    #[test]
    fn a_file_among_too_much_comes_with_what_stands_beside_it_or_alone() {
        let (_keep, path) = folder();
        fs::create_dir(path.join("films")).unwrap();
        fs::File::create(path.join("films/huge")).unwrap().set_len(BESIDE.bytes + 1).unwrap();
        let copy = PrivateCopy::of(&path.join("server.py")).unwrap();
        assert!(!copy.is_whole());
        fs::write(path.join("beside.py"), "").unwrap();
        let copy = PrivateCopy::of(&path.join("server.py")).unwrap();
        assert!(copy.root().join("beside.py").is_file() && !copy.root().join("films").exists());
        fs::rename(path.join("films/huge"), path.join("huge")).unwrap();
        let copy = PrivateCopy::of(&path.join("server.py")).unwrap();
        assert!(copy.root().join("server.py").is_file() && !copy.root().join("beside.py").exists());
    }

    #[test]
    fn the_digest_is_of_names_and_contents_alone() {
        let (_a, one) = folder();
        let (_b, two) = folder();
        let digest = |path: &Utf8Path| PrivateCopy::of(path).unwrap().digest();
        assert_eq!(digest(&one), digest(&two));
        assert_eq!(digest(&one).seed(), digest(&two).seed());
        fs::write(two.join(".git/HEAD"), "other").unwrap();
        assert_eq!(digest(&one), digest(&two));
        fs::rename(two.join("server.py"), two.join("serve.py")).unwrap();
        assert_ne!(digest(&one), digest(&two));
    }

    #[cfg(unix)]
    #[test]
    fn links_inside_become_files_and_others_are_left_out() {
        let (_keep, path) = folder();
        std::os::unix::fs::symlink("server.py", path.join("alias.py")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", path.join("stolen")).unwrap();
        let copy = PrivateCopy::of(&path).unwrap();
        assert!(copy.root().join("alias.py").symlink_metadata().unwrap().is_file());
        assert!(!copy.root().join("stolen").exists());
    }

    #[test]
    fn what_is_too_big_or_missing_is_named() {
        let (_keep, path) = folder();
        let missing = PrivateCopy::of(&path.join("nothing")).unwrap_err();
        assert!(missing.to_string().ends_with("nothing` does not exist"), "{missing}");
        fs::File::create(path.join("huge")).unwrap().set_len(MAX_BYTES).unwrap();
        assert!(matches!(PrivateCopy::of(&path), Err(CopyError::TooBig(_))));
        assert!(PrivateCopy::of(&path.join("server.py")).is_ok());
    }
}
