//! Where the files of a submission go: counted against limits, hashed, and written where they belong.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};

use super::name;
use super::refused::{Refused, shown};

/// What a submission may have at most. All is counted while it is read, whatever an archive promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnpackLimits {
    /// Files, also those of archives within; ten times as many entries may be passed over (litter, folders).
    pub files: usize,
    /// Bytes of all files together, also of archives within; four times as many may be passed over.
    pub bytes: u64,
    /// Names in a path, one within the other.
    pub depth: usize,
    /// Bytes in one name of a path.
    pub name: usize,
    /// Archives within each other; what lies deeper stays packed.
    pub nesting: usize,
}

impl Default for UnpackLimits {
    fn default() -> Self {
        Self { files: 20_000, bytes: 256 << 20, depth: 16, name: 255, nesting: 2 }
    }
}

impl UnpackLimits {
    /// Entries of all kinds that are looked at.
    pub(super) fn entries(&self) -> usize {
        self.files.saturating_mul(10)
    }

    /// Bytes that are read of a compressed stream, also where they are passed over.
    pub(super) fn read(&self) -> u64 {
        self.bytes.saturating_mul(4)
    }
}

/// What is known of a file that was laid.
struct Laid {
    executable: bool,
    hash: blake3::Hash,
}

/// Takes files. With a root it writes them there; without, it only hashes.
pub(super) struct Sink<'a> {
    root: Option<&'a Utf8Path>,
    pub(super) limits: UnpackLimits,
    laid: BTreeMap<String, Laid>,
    /// Of all that were ever laid: archives count, and what is in them again.
    files: usize,
    entries: usize,
    bytes: u64,
    /// How much may still be read of compressed streams, all together.
    pub(super) readable: Rc<Cell<u64>>,
    pub(super) notes: Vec<String>,
}

/// One file to be laid.
pub(super) struct Incoming<'a> {
    /// Its path in the submission, as [`Sink::place`] has told it.
    pub(super) path: String,
    /// Whether its owner may run it.
    pub(super) executable: bool,
    /// Its bytes.
    pub(super) bytes: &'a mut dyn Read,
    /// Whether it takes the place of an earlier one, as in a tar that was appended to.
    pub(super) replaces: bool,
}

/// What went wrong while a file was laid.
pub(super) enum Stop {
    /// It could not be read to its end.
    Read(io::Error),
    /// All else.
    Refused(Refused),
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl<'a> Sink<'a> {
    pub(super) fn new(root: Option<&'a Utf8Path>, limits: UnpackLimits) -> Self {
        let readable = Rc::new(Cell::new(limits.read()));
        Self { root, limits, laid: BTreeMap::new(), files: 0, entries: 0, bytes: 0, readable, notes: Vec::new() }
    }

    /// Counts an entry and tells where it goes, below `base`: `None` where it is passed over.
    pub(super) fn place(&mut self, base: &str, entry: &str) -> Result<Option<String>, Refused> {
        self.entries += 1;
        if self.entries > self.limits.entries() {
            return Err(Refused::TooMany { limit: self.limits.entries(), what: "entries" });
        }
        let parts = name::parts(entry)?;
        if parts.is_empty() || parts.iter().any(|part| name::is_litter(part)) {
            return Ok(None);
        }
        let too_long = |why: String| Err(Refused::TooLong { entry: shown(entry), why });
        if parts.iter().any(|part| part.len() > self.limits.name) {
            return too_long(format!("has a name of more than {} bytes", self.limits.name));
        }
        let above = base.split('/').filter(|part| !part.is_empty());
        let all: Vec<&str> = above.chain(parts).collect();
        if all.len() > self.limits.depth {
            return too_long(format!("lies more than {} folders deep", self.limits.depth));
        }
        Ok(Some(all.join("/")))
    }

    /// Takes one file.
    pub(super) fn file(&mut self, incoming: Incoming<'_>) -> Result<(), Stop> {
        let Incoming { path, executable, bytes, replaces } = incoming;
        self.files += 1;
        if self.files > self.limits.files {
            return Err(Refused::TooMany { limit: self.limits.files, what: "files" }.into());
        }
        self.make_room(&path, replaces)?;
        let mut out = self.root.map(|root| create(&root.join(&path), &path, executable)).transpose()?;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let length = match bytes.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Stop::Read(error)),
            };
            self.bytes += length as u64;
            if self.bytes > self.limits.bytes {
                return Err(Refused::TooBig { limit: self.limits.bytes }.into());
            }
            let chunk = buffer.get(..length).unwrap_or_default();
            hasher.update(chunk);
            if let Some(out) = &mut out {
                out.write_all(chunk)
                    .map_err(|error| Refused::ours(format!("{} cannot be written", shown(&path)), &error))?;
            }
        }
        self.laid.insert(path, Laid { executable, hash: hasher.finalize() });
        Ok(())
    }

    /// Sees to it that nothing stands where a file goes.
    fn make_room(&mut self, path: &str, replaces: bool) -> Result<(), Refused> {
        let twice = || Err(Refused::Twice(shown(path)));
        let is_folder = self.below(path).next().is_some();
        let in_file =
            path.match_indices('/').any(|(at, _)| path.get(..at).is_some_and(|up| self.laid.contains_key(up)));
        if is_folder || in_file {
            return twice();
        }
        if !self.laid.contains_key(path) {
            return Ok(());
        }
        if replaces { self.remove(path) } else { twice() }
    }

    /// The files below a folder.
    fn below(&self, folder: &str) -> impl Iterator<Item = &String> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let begins = prefix.clone();
        self.laid.range(prefix..).map(|(path, _)| path).take_while(move |path| path.starts_with(&begins))
    }

    /// Whether nothing has that path yet, neither a file nor a folder.
    pub(super) fn is_free(&self, path: &str) -> bool {
        !self.laid.contains_key(path) && self.below(path).next().is_none()
    }

    /// The paths of all files below a folder, sorted.
    pub(super) fn paths(&self, folder: &str) -> Vec<String> {
        self.below(folder).cloned().collect()
    }

    /// How many files there are now.
    pub(super) fn len(&self) -> usize {
        self.laid.len()
    }

    /// How many bytes were taken.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where a file is on the disk, where files are written.
    pub(super) fn on_disk(&self, path: &str) -> Option<Utf8PathBuf> {
        self.root.map(|root| root.join(path))
    }

    /// Takes a file away again.
    pub(super) fn remove(&mut self, path: &str) -> Result<(), Refused> {
        self.laid.remove(path);
        match self.on_disk(path).map(fs::remove_file) {
            Some(Err(error)) => Err(Refused::ours(format!("{} cannot be removed", shown(path)), &error)),
            _ => Ok(()),
        }
    }

    /// Takes a folder away again, with all that is in it, also what was only begun.
    pub(super) fn remove_folder(&mut self, folder: &str) -> Result<(), Refused> {
        for path in self.paths(folder) {
            self.laid.remove(&path);
        }
        match self.on_disk(folder).filter(|folder| folder.exists()).map(fs::remove_dir_all) {
            Some(Err(error)) => Err(Refused::ours(format!("{} cannot be removed", shown(folder)), &error)),
            _ => Ok(()),
        }
    }

    /// Moves a file aside, on the disk and out of the list.
    pub(super) fn set_aside(&mut self, path: &str, aside: &Utf8Path) -> Result<Aside, Refused> {
        let from = self.on_disk(path).unwrap_or_default();
        fs::rename(&from, aside).map_err(|error| Refused::ours(format!("{} cannot be moved", shown(path)), &error))?;
        Ok(Aside { path: path.to_owned(), laid: self.laid.remove(path), from, aside: aside.to_owned() })
    }

    /// Puts a file back that was set aside.
    pub(super) fn put_back(&mut self, aside: Aside) -> Result<(), Refused> {
        fs::rename(&aside.aside, &aside.from)
            .map_err(|error| Refused::ours(format!("{} cannot be moved", shown(&aside.path)), &error))?;
        if let Some(laid) = aside.laid {
            self.laid.insert(aside.path, laid);
        }
        Ok(())
    }

    /// The hash of all files: names, whether each may be run, and bytes, in whatever order they came.
    pub(super) fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (path, laid) in &self.laid {
            hasher.update(&(path.len() as u64).to_le_bytes());
            hasher.update(path.as_bytes());
            hasher.update(&[u8::from(laid.executable)]);
            hasher.update(laid.hash.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// A file that was set aside.
pub(super) struct Aside {
    path: String,
    laid: Option<Laid>,
    from: Utf8PathBuf,
    aside: Utf8PathBuf,
}

/// A new file, with no more rights than a source needs: privileges (setuid) never come along.
fn create(target: &Utf8Path, path: &str, executable: bool) -> Result<File, Refused> {
    let fail = |error: io::Error| match error.kind() {
        // Where names that differ in case alone are the same.
        io::ErrorKind::AlreadyExists => Refused::Twice(shown(path)),
        _ => Refused::ours(format!("{} cannot be written", shown(path)), &error),
    };
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(fail)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if executable { 0o755 } else { 0o644 });
    #[cfg(not(unix))]
    let _ = executable;
    options.open(target).map_err(fail)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    /// Zeros without end, counted as they are read.
    struct Zeros(u64);

    impl Read for Zeros {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer.fill(0);
            self.0 += buffer.len() as u64;
            Ok(buffer.len())
        }
    }

    #[test]
    fn no_more_than_the_limit_is_read_held_or_written() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        let limits = UnpackLimits { bytes: 1 << 20, ..UnpackLimits::default() };
        let mut sink = Sink::new(Some(root), limits);
        let mut zeros = Zeros(0);
        let bomb = Incoming { path: "bomb".to_owned(), executable: false, bytes: &mut zeros, replaces: false };
        assert!(matches!(sink.file(bomb), Err(Stop::Refused(Refused::TooBig { .. }))));
        assert_eq!(fs::metadata(root.join("bomb")).unwrap().len(), 1 << 20);
        assert!(zeros.0 <= (1 << 20) + (64 << 10), "{}", zeros.0);
    }

    #[test]
    fn the_digest_does_not_depend_on_order() {
        let digest = |files: &[(&str, &[u8], bool)]| {
            let mut sink = Sink::new(None, UnpackLimits::default());
            for (path, bytes, executable) in files {
                let path = (*path).to_owned();
                let file = Incoming { path, executable: *executable, bytes: &mut &**bytes, replaces: false };
                assert!(sink.file(file).is_ok());
            }
            sink.digest()
        };
        let one = digest(&[("a", b"1", false), ("b", b"2", false)]);
        assert_eq!(one, digest(&[("b", b"2", false), ("a", b"1", false)]));
        assert_ne!(one, digest(&[("a", b"2", false), ("b", b"1", false)]));
        assert_ne!(one, digest(&[("a", b"1", true), ("b", b"2", false)]));
    }
}
