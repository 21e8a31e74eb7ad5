//! The place where a program runs: a file system of a limited size in this process's mount namespace,
//! with the program's copy of the submission, and what else it is to see.
//!
//! It is mounted over the folder of the copy, which this process can then no longer see; it goes with
//! the mount namespace.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// What a program sees of the machine, beside the system's own folders.
#[derive(Debug)]
pub struct Room {
    root: PathBuf,
    /// The folder over which it lies.
    original: File,
    scratch_bytes: u64,
    identity: Option<(u32, u32)>,
    staged: usize,
}

/// How many files there may be beside the copy of the submission, which has some itself.
const FILES: u64 = 20_000;

/// How many files may be in the empty folders of a start, together.
const SCRATCH_FILES: u64 = 5000;

/// What is given back ends here: no build has more, and no file of it lies deeper.
const DEPTH: usize = 24;
const GIVEN_FILES: usize = 5000;
const GIVEN_BYTES: u64 = 256 << 20;

/// Folders of tools' own, which no program needs that was built: those of Cargo, right below its
/// profiles, and of CMake.
const INTERMEDIATE: [&str; 5] = [
    ".sockspec/target/debug/deps",
    ".sockspec/target/debug/build",
    ".sockspec/target/debug/incremental",
    ".sockspec/target/debug/.fingerprint",
    ".sockspec/cmake/CMakeFiles",
];

/// The user that a program of an administrator's grader is: nobody (Debian's number, and that of
/// overflowuid, user_namespaces(7)).
const NOBODY: (u32, u32) = (65534, 65534);

impl Room {
    /// Empty folders, and who may do what in them (chmod(1)).
    pub const SCRATCH: [(&str, u32); 3] = [("tmp", 0o1777), ("shm", 0o1777), ("home", 0o700)];

    /// Makes it in the place of a folder that holds the copy of a submission. Needs a mount namespace
    /// of this process's own.
    ///
    /// # Errors
    /// The system's: it may not mount, or there is no room.
    pub fn make(folder: &Path, bytes: u64) -> io::Result<Self> {
        let original = File::open(folder)?;
        // In a user namespace with one user there is nobody else to be.
        let is_there = |map: &str, id: u32| maps(&fs::read_to_string(map).unwrap_or_default(), id);
        let another = is_there("/proc/self/uid_map", NOBODY.0) && is_there("/proc/self/gid_map", NOBODY.1);
        let identity = (nix::unistd::Uid::effective().is_root() && another).then_some(NOBODY);
        mount_memory(folder, bytes.saturating_add(size_of(folder)?), FILES)?;
        // Its empty folders have half as much room as its copy of the submission.
        let room = Self { root: folder.to_owned(), original, scratch_bytes: bytes / 2, identity, staged: 0 };
        room.copy(&room.original(), &room.work())?;
        Ok(room)
    }

    /// The user and group that the program is to be, where it is not this process's.
    #[must_use]
    pub fn identity(&self) -> Option<(u32, u32)> {
        self.identity
    }

    /// The program's copy of the submission.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// The folder for what the program sees as `/`; there is none yet.
    #[must_use]
    pub fn tree(&self) -> PathBuf {
        self.root.join("tree")
    }

    /// Where a folder of the machine can be reached by whoever the program is started as.
    ///
    /// # Errors
    /// The system's.
    pub fn stage(&mut self, folder: &Path) -> io::Result<PathBuf> {
        if self.identity.is_none() {
            return Ok(folder.to_owned());
        }
        // Somewhere above it may be a folder that only the administrator may enter, as /root is.
        let place = self.root.join(format!("stage{}", self.staged));
        self.staged += 1;
        if folder.is_dir() {
            fs::create_dir(&place)?
        } else {
            drop(File::create(&place)?)
        }
        super::tree::bind(folder, &place)?;
        Ok(place)
    }

    /// Where a program's empty folders are, by the names of [`Self::SCRATCH`].
    #[must_use]
    pub fn scratch(&self) -> PathBuf {
        self.root.join("scratch")
    }

    /// Makes these folders, for a start of the program: what an earlier one has left there is gone.
    ///
    /// # Errors
    /// The system's.
    pub fn empty(&self) -> io::Result<()> {
        let place = self.scratch();
        if fs::create_dir(&place).is_err() {
            // It was made for an earlier start. Where nothing lies over it any more, all the better.
            let _ = umount2(&place, MntFlags::MNT_DETACH);
        }
        mount_memory(&place, self.scratch_bytes, SCRATCH_FILES)?;
        for (name, mode) in Self::SCRATCH {
            let folder = place.join(name);
            fs::create_dir(&folder)?;
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode))?;
            self.give(&folder)?;
        }
        Ok(())
    }

    /// The folder over which it lies, as a path.
    fn original(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.original.as_raw_fd()))
    }

    /// Puts files that have come or changed into the folder over which this lies.
    ///
    /// # Errors
    /// The system's.
    pub fn give_back(&self) -> io::Result<()> {
        give_back(&self.work(), &self.original(), &mut Left { files: GIVEN_FILES, bytes: GIVEN_BYTES }, DEPTH)
    }

    /// Copies what the copy of the submission holds: files and folders, nothing else.
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
            if kind.is_dir() {
                self.copy(&entry.path(), &target)?;
            } else if kind.is_file() {
                fs::copy(entry.path(), &target)?;
                self.give(&target)?;
            }
        }
        fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
        self.give(to)
    }

    fn give(&self, path: &Path) -> io::Result<()> {
        self.identity.map_or(Ok(()), |(user, group)| chown(path, Some(user), Some(group)))
    }
}

/// How much may still be given back.
struct Left {
    files: usize,
    bytes: u64,
}

fn give_back(from: &Path, to: &Path, left: &mut Left, depth: usize) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        // Links are not followed: they may lead anywhere.
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if !kind.is_dir() && !kind.is_file() || INTERMEDIATE.iter().any(|end| entry.path().ends_with(end)) {
            continue;
        }
        if let Ok(old) = target.symlink_metadata()
            && old.file_type() != kind
        {
            // A file where a folder was, or the other way round.
            if old.is_dir() { fs::remove_dir_all(&target)? } else { fs::remove_file(&target)? }
        }
        if kind.is_dir() && depth > 0 {
            match fs::create_dir(&target) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => give_back(&entry.path(), &target, left, depth - 1)?,
            }
        } else if kind.is_file() && is_news(&entry.path(), &target)? {
            let length = entry.metadata()?.len();
            let room = (left.files.checked_sub(1), left.bytes.checked_sub(length));
            let (Some(files), Some(bytes)) = room else {
                return Err(io::Error::other("the build has made more files than may be kept"));
            };
            (left.files, left.bytes) = (files, bytes);
            fs::copy(entry.path(), &target)?;
            tame_mode(&target)?;
        }
    }
    Ok(())
}

/// Takes from a file what would make it somebody else when it is run (setuid, chmod(2)).
fn tame_mode(file: &Path) -> io::Result<()> {
    let mode = fs::metadata(file)?.permissions().mode();
    fs::set_permissions(file, fs::Permissions::from_mode(mode & 0o755 | 0o600))
}

/// Whether a file is another than the one in its place.
fn is_news(file: &Path, place: &Path) -> io::Result<bool> {
    let (new, Ok(old)) = (file.metadata()?, place.symlink_metadata()) else { return Ok(true) };
    Ok(!old.is_file() || new.len() != old.len() || fs::read(file)? != fs::read(place)?)
}

/// Mounts an empty file system of limited size (tmpfs(5)).
fn mount_memory(place: &Path, bytes: u64, files: u64) -> io::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let options = format!("size={bytes},nr_inodes={files},mode=0755");
    Ok(mount(Some("tmpfs"), place, Some("tmpfs"), flags, Some(options.as_str()))?)
}

impl Drop for Room {
    fn drop(&mut self) {
        // So that whoever clears up finds the folder as it was. Where it fails, the mounts go with
        // this process.
        let _ = umount2(&self.root, MntFlags::MNT_DETACH);
    }
}

/// Whether a user or group exists in this user namespace (`uid_map`, user_namespaces(7)).
fn maps(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u64>);
        let (Some(Ok(first)), Some(Ok(_)), Some(Ok(length))) = (numbers.next(), numbers.next(), numbers.next()) else {
            return false;
        };
        (first..first + length).contains(&u64::from(id))
    })
}

fn size_of(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in walkdir::WalkDir::new(folder) {
        // Each file takes whole pages.
        bytes += entry?.metadata().map_or(0, |what| what.len().next_multiple_of(4096));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::maps;

    #[test]
    fn a_namespace_with_one_user_has_no_other() {
        assert!(maps("         0          0 4294967295\n", 65534));
        assert!(!maps("         0       1000          1\n", 65534));
        assert!(maps("0 1000 1\n1 100000 65536\n", 65534));
        assert!(!maps("", 65534));
    }
}
