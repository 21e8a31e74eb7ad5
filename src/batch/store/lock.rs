//! A store has one writer: a lock on a file beside it, which the system gives back when its holder ends. It
//! protects where the file system tells it to all machines (NFS from version 4, Lustre with `flock`, Ceph). Where
//! locks are local to a host (Lustre with `localflock`, NFS with `local_lock`), it keeps out those of the same host.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};

use camino::Utf8Path;

use super::super::cluster::progress::host;
use super::StoreError;

const NAME: &str = "sockspec.lock";

/// Takes the lock of a folder, which is made where it is not there.
pub(super) fn take(folder: &Utf8Path) -> Result<File, StoreError> {
    let io = |source| StoreError::Io { folder: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(io)?;
    // Who holds it stands in it: that is not for others to wipe out.
    let mut options = OpenOptions::new();
    let lock = options.create(true).write(true).truncate(false).open(folder.join(NAME)).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StoreError::Locked(folder.to_owned())),
        Err(TryLockError::Error(source)) => return Err(io(source)),
    }
    // On a full disk the lock holds all the same.
    let _ = sign(&lock);
    Ok(lock)
}

fn sign(mut lock: &File) -> io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "process {} on {}", std::process::id(), host())
}

/// Who holds the lock of a folder, as far as that can be told.
#[must_use]
pub fn holder(folder: &Utf8Path) -> String {
    let told = fs::read_to_string(folder.join(NAME)).unwrap_or_default();
    let told = told.lines().next().unwrap_or_default();
    if told.is_empty() { "another sockspec".to_owned() } else { crate::text::tame(told).into_owned() }
}
