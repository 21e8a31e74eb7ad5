//! Whether an export is still what it was, at a glance: no file of it is read.

use std::fs::Metadata;
use std::path::Path;
use std::time::UNIX_EPOCH;

use walkdir::WalkDir;

use super::Export;
use super::source::Place;

impl Export {
    /// A hash of who is in it, and of the names, sizes and dates of what was handed in. Another says that something
    /// may have changed; what has, the digests of the submissions tell.
    #[must_use]
    pub fn stamp(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut zip = None;
        for submission in &self.submissions {
            put(&mut hasher, submission.student.id.as_bytes());
            for piece in &submission.source.pieces {
                put(&mut hasher, piece.name.as_deref().unwrap_or_default().as_bytes());
                match &piece.place {
                    Place::Disk(path) => put_all(&mut hasher, path),
                    // All lie in the same one.
                    Place::Zip(packed) if zip.as_ref() == Some(&packed.zip) => {}
                    Place::Zip(packed) => {
                        put_metadata(&mut hasher, std::fs::metadata(&packed.zip).ok());
                        zip = Some(packed.zip.clone());
                    }
                }
            }
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// A file, or a folder with all that is in it. What git keeps beside a clone changes when somebody looks at it.
fn put_all(hasher: &mut blake3::Hasher, path: &Path) {
    let below = WalkDir::new(path).sort_by_file_name().into_iter().filter_entry(|entry| entry.file_name() != ".git");
    for entry in below.flatten() {
        let name = entry.path().strip_prefix(path).unwrap_or(entry.path());
        put(hasher, name.as_os_str().as_encoded_bytes());
        // A folder's own date changes with litter too.
        if !entry.file_type().is_dir() {
            put_metadata(hasher, entry.metadata().ok());
        }
    }
}

fn put_metadata(hasher: &mut blake3::Hasher, found: Option<Metadata>) {
    let date = found.as_ref().and_then(|found| found.modified().ok()?.duration_since(UNIX_EPOCH).ok());
    put(hasher, &found.map_or(0, |found| found.len()).to_le_bytes());
    put(hasher, &date.map_or(0, |date| date.as_nanos()).to_le_bytes());
}

/// With its length, so that no two lists of words are alike.
fn put(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use std::fs;

    use camino::Utf8Path;

    #[test]
    fn a_cluster_sees_what_is_added_or_changed_in_an_export_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap();
        for student in ["ann", "ben"] {
            fs::create_dir(path.join(student)).unwrap();
            fs::write(path.join(student).join("UDPServer.py"), "print()").unwrap();
        }
        let stamp = || super::super::open(path, None).unwrap().stamp();
        let first = stamp();
        assert_eq!(stamp(), first);
        fs::write(path.join("ben/UDPServer.py"), "print(1)").unwrap();
        let second = stamp();
        assert_ne!(second, first);
        fs::create_dir(path.join("eve")).unwrap();
        fs::write(path.join("eve/UDPServer.py"), "").unwrap();
        assert_ne!(stamp(), second);
    }
}
