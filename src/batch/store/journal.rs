//! How a store keeps what it writes whole. The write-ahead log is quicker, and lets others read meanwhile,
//! but is shared memory: on a network file system it is not to be used ("WAL does not work over a network
//! filesystem", <https://www.sqlite.org/wal.html>). There a rollback journal does the same
//! (<https://www.sqlite.org/lockingv3.html#rollback>): a killed writer leaves it, and whoever opens the store
//! next undoes what was half written. A row a second is no work for either.

use camino::Utf8Path;
use rusqlite::Connection;

/// SQLite's name for how it is done (<https://www.sqlite.org/pragma.html#pragma_journal_mode>).
pub(super) fn mode(folder: &Utf8Path) -> &'static str {
    if is_shared(folder) { PLAIN } else { LOGGED }
}

/// A rollback journal.
pub(super) const PLAIN: &str = "DELETE";
const LOGGED: &str = "WAL";

/// Has a store written so, however it was before: it may have been copied here from another file system.
pub(super) fn set(connection: &Connection, mode: &str) -> rusqlite::Result<()> {
    let now: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if now.eq_ignore_ascii_case(mode) {
        return Ok(());
    }
    match connection.pragma_update(None, "journal_mode", mode) {
        // While somebody reads it, it goes on as it was: that is slower, and no less safe.
        Err(_) if mode == LOGGED => Ok(()),
        outcome => outcome,
    }
}

/// File systems that several machines may have mounted, by `f_type` (statfs(2); the rest from Linux'
/// `magic.h` and the systems' own sources): NFS, SMB, CIFS, SMB2, Ceph, Lustre, GPFS, BeeGFS, AFS, kAFS, OCFS2,
/// GFS2, Coda, PanFS, OrangeFS, 9P, and all that go by FUSE (sshfs, GlusterFS, JuiceFS).
#[cfg(target_os = "linux")]
const SHARED: [u64; 17] = [
    0x6969,
    0x517b,
    0xff53_4d42,
    0xfe53_4d42,
    0x00c3_6400,
    0x0bd0_0bd0,
    0x4750_4653,
    0x1983_0326,
    0x5346_414f,
    0x6b41_4653,
    0x7461_636f,
    0x0116_1970,
    0x7375_7245,
    0xaad7_aaea,
    0x2003_0528,
    0x0102_1997,
    0x6573_5546,
];

/// Whether a folder lies on a file system that several machines may have mounted.
#[cfg(target_os = "linux")]
#[must_use]
pub fn is_shared(folder: &Utf8Path) -> bool {
    nix::sys::statfs::statfs(folder.as_std_path()).is_ok_and(|what| {
        #[allow(
            clippy::cast_sign_loss,
            clippy::unnecessary_cast,
            reason = "a magic number of 32 bits, in a word that each platform has its own type for"
        )]
        let kind = what.filesystem_type().0 as u64 & 0xffff_ffff;
        SHARED.contains(&kind)
    })
}

/// Whether a folder lies on a file system that several machines may have mounted: not told here.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn is_shared(_folder: &Utf8Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::super::{NAME, Store};
    use super::*;

    #[test]
    fn a_store_of_a_cluster_has_no_log_and_can_be_read_while_somebody_writes() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        // One that was begun on one machine, and had a log.
        drop(Store::create(folder).unwrap());
        let kept = || -> String {
            let connection = Connection::open(folder.join(NAME)).unwrap();
            connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap()
        };
        assert_eq!(kept(), "wal");
        let writes = Store::create_for_others(folder).unwrap();
        writes.keep_fact("version", "1").unwrap();
        let reads = Store::read(folder).unwrap();
        assert_eq!(reads.fact("version").unwrap().as_deref(), Some("1"));
        writes.keep_fact("version", "2").unwrap();
        writes.tidy().unwrap();
        assert_eq!(reads.fact("version").unwrap().as_deref(), Some("2"));
        assert!(!folder.join(format!("{NAME}-wal")).exists());
        assert_eq!(kept(), "delete");
        drop((writes, reads));
        drop(Store::create(folder).unwrap());
        assert_eq!(kept(), "wal", "and back again");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_system_of_the_kernels_own_is_nobody_elses() {
        assert!(!is_shared(Utf8Path::new("/proc")));
        assert_eq!(mode(Utf8Path::new("/proc")), "WAL");
    }
}
