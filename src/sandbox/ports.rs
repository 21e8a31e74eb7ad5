//! Machine-wide locks on ports.
//!
//! Where programs share the machine's ports, two of them must not want the same one at once, even
//! if two graders run. Each (transport, port) is a file in the temporary folder that is locked
//! (`flock(2)`) while a program has it. The files stay: to remove one would race.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use tokio::time::sleep;

use crate::ids::Transport;

/// Ports that nobody else who asks may have until this is dropped.
#[derive(Debug)]
pub struct PortLocks {
    /// Closing a file unlocks it.
    files: Vec<File>,
}

/// A port could not be locked: its lock file could not be opened.
#[derive(Debug, Error)]
#[error("the lock on a port, `{}`, cannot be taken: {source}", path.display())]
pub struct PortsError {
    /// The lock file.
    pub path: PathBuf,
    /// The system's words.
    pub source: io::Error,
}

impl PortLocks {
    /// Waits until all these ports are free, and takes them. They are taken in order, so that two
    /// who want the same ones never wait for each other.
    ///
    /// # Errors
    /// If a lock file can be neither opened nor made.
    pub async fn take(ports: &BTreeSet<(Transport, u16)>) -> Result<Self, PortsError> {
        let folder = folder();
        let mut files = Vec::with_capacity(ports.len());
        for (transport, port) in ports {
            let path = folder.join(lock_name(*transport, *port));
            files.push(lock(&path).await.map_err(|source| PortsError { path, source })?);
        }
        Ok(Self { files })
    }

    /// Takes these ports if all are free now.
    ///
    /// # Errors
    /// If a lock file can be neither opened nor made.
    pub fn try_take(ports: &BTreeSet<(Transport, u16)>) -> Result<Option<Self>, PortsError> {
        let folder = folder();
        let mut files = Vec::with_capacity(ports.len());
        for (transport, port) in ports {
            let path = folder.join(lock_name(*transport, *port));
            match try_lock(&path) {
                Ok(Some(file)) => files.push(file),
                Ok(None) => return Ok(None),
                Err(source) => return Err(PortsError { path, source }),
            }
        }
        Ok(Some(Self { files }))
    }

    /// How many ports are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// The same for every user where there is such a place, whatever their `TMPDIR`.
fn folder() -> PathBuf {
    let shared = Path::new("/tmp");
    if cfg!(unix) && shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() }
}

fn lock_name(transport: Transport, port: u16) -> String {
    let transport = match transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
    };
    format!("sockspec-{transport}-{port}.lock")
}

async fn lock(path: &Path) -> io::Result<File> {
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(file) = try_lock(path)? {
            return Ok(file);
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

fn try_lock(path: &Path) -> io::Result<Option<File>> {
    let file = open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Opens the file of whoever made it, to read (that suffices for a lock, and other users' files in a
/// sticky folder may not be opened otherwise), or makes it, for all users.
fn open(path: &Path) -> io::Result<File> {
    let mut existing = OpenOptions::new();
    existing.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        existing.custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK);
    }
    match existing.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    match OpenOptions::new().read(true).write(true).create_new(true).open(path) {
        Ok(file) => {
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                file.set_permissions(std::fs::Permissions::from_mode(0o666))?;
            }
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => existing.open(path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[tokio::test]
    async fn a_port_is_had_by_one_at_a_time() {
        let ports: BTreeSet<_> = [(Transport::Udp, 1), (Transport::Tcp, 1)].into();
        let first = PortLocks::take(&ports).await.unwrap();
        assert_eq!(first.len(), 2);
        assert!(PortLocks::try_take(&[(Transport::Tcp, 1)].into()).unwrap().is_none());
        assert!(PortLocks::try_take(&[(Transport::Tcp, 2)].into()).unwrap().is_some());
        let second = tokio::spawn(async move { PortLocks::take(&ports).await.unwrap().len() });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        assert_eq!(second.await.unwrap(), 2);
    }
}
