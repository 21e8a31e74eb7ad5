//! How much of the disk a folder takes, where no file system of its own limits it.

use std::path::Path;

use walkdir::WalkDir;

/// What a file takes at least: its name, its inode.
const LEAST: u64 = 1 << 10;

/// Bytes that the files below a folder take on the disk. Stops to count at `enough`.
#[must_use]
pub fn taken(folder: &Path, enough: u64) -> u64 {
    let mut sum = 0;
    for entry in WalkDir::new(folder).min_depth(1).into_iter().flatten() {
        if sum > enough {
            break;
        }
        sum += entry.metadata().map_or(0, |known| size(&known)).max(LEAST);
    }
    sum
}

/// What is on the disk, not what a sparse file seems to have.
fn size(known: &std::fs::Metadata) -> u64 {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        known.blocks() * 512
    }
    #[cfg(not(unix))]
    {
        known.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    #[test]
    fn what_is_written_counts_and_what_is_not_does_not() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("full"), vec![b'x'; 1 << 20]).unwrap();
        std::fs::File::create(folder.path().join("sparse")).unwrap().set_len(1 << 30).unwrap();
        let taken = super::taken(folder.path(), u64::MAX);
        assert!(((1 << 20)..(2 << 20)).contains(&taken), "{taken}");
        assert!(super::taken(folder.path(), 100) > 100);
    }
}
