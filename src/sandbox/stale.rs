//! Copies of submissions that a grader left behind when it was killed.
//!
//! A grader holds a lock on each of its copies (`flock(2)`), which the system gives up when the
//! process ends, however it ends.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How the names of all copies begin.
pub const PREFIX: &str = "sockspec-copy-";

/// A copy that is younger may be about to be locked.
const AGE: Duration = Duration::from_secs(3600);

/// Marks a folder as in use until the result is dropped. `None` where the system has no such locks
/// on folders.
#[must_use]
pub fn hold(folder: &Path) -> Option<File> {
    let file = File::open(folder).ok()?;
    file.lock_shared().ok()?;
    Some(file)
}

/// Removes the copies in the temporary folder that nobody holds. Whatever cannot be removed stays.
pub fn sweep() {
    let now = SystemTime::now();
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            let _ = remove(&entry.path(), now);
        }
    }
}

fn remove(folder: &Path, now: SystemTime) -> io::Result<()> {
    let metadata = fs::symlink_metadata(folder)?;
    let age = now.duration_since(metadata.modified()?).unwrap_or_default();
    if age < AGE || !metadata.is_dir() && !metadata.is_file() {
        return Ok(());
    }
    if metadata.is_file() {
        // What a worker puts in the place of another file, which needs no name any more.
        return fs::remove_file(folder);
    }
    let file = File::open(folder)?;
    file.try_lock()?;
    fs::remove_dir_all(folder)
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "a test fails by a panic")]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_old_and_nobody_holds_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy");
        fs::create_dir(&copy).unwrap();
        fs::write(copy.join("server.py"), "").unwrap();
        let later = SystemTime::now() + AGE + Duration::from_secs(1);
        remove(&copy, SystemTime::now()).unwrap();
        assert!(copy.exists(), "it is young");
        let held = hold(&copy).unwrap();
        assert!(remove(&copy, later).is_err());
        assert!(copy.exists(), "it is held");
        drop(held);
        remove(&copy, later).unwrap();
        assert!(!copy.exists());
        fs::write(&copy, "127.0.0.1 localhost").unwrap();
        remove(&copy, SystemTime::now()).unwrap();
        assert!(copy.exists(), "it is young");
        remove(&copy, later).unwrap();
        assert!(!copy.exists());
    }
}
