//! Names of entries, which are hostile: where an archive says that a file goes.

use std::borrow::Cow;
use std::path::Path;

use super::refused::{Refused, shown};
use crate::sandbox::SKIPPED;

/// Files that systems leave behind in folders and archives, in lower case.
const LITTER: [&str; 4] = [".ds_store", "thumbs.db", "desktop.ini", "__macosx"];

/// A name as text: UTF-8, else every byte as the character of that number (ISO 8859-1), so that no file is
/// lost for its name.
pub(super) fn decode(raw: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(raw) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(raw.iter().map(|byte| char::from(*byte)).collect()),
    }
}

/// The name of a file of ours as text.
pub(super) fn of_path(path: &Path) -> String {
    decode(path.as_os_str().as_encoded_bytes()).into_owned()
}

/// The parts of a name that stays inside. Both slashes part: archives made on Windows have either.
///
/// # Errors
/// If it is absolute, leads out, or has a NUL.
pub(super) fn parts(name: &str) -> Result<Vec<&str>, Refused> {
    let refuse = |why| Err(Refused::Path { entry: shown(name), why });
    if name.contains('\0') {
        return refuse("has a NUL in its name");
    }
    if name.starts_with(['/', '\\']) {
        return refuse("is an absolute path");
    }
    let bytes = name.as_bytes();
    if bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.get(1) == Some(&b':') {
        return refuse("is a path on a drive");
    }
    let parts: Vec<&str> = name.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return refuse("leads out of its folder by `..`");
    }
    Ok(parts)
}

/// Whether a file or folder of that name is no part of a submission: what systems and tools leave behind,
/// and what no program is looked for in.
pub(super) fn is_litter(part: &str) -> bool {
    SKIPPED.contains(&part)
        || part.starts_with("._")
        || part.starts_with(".sockspec-")
        || LITTER.contains(&part.to_lowercase().as_str())
}

/// A file's name without its last ending, and the ending, dot and all; both parts of `.tar.gz` count as one.
pub(super) fn stem(name: &str) -> (&str, &str) {
    let lower = name.to_ascii_lowercase();
    let double = [".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"].into_iter().find(|end| lower.ends_with(end));
    let at = match double {
        Some(end) => name.len() - end.len(),
        None => name.rfind('.').unwrap_or(name.len()),
    };
    // A dot at the beginning hides a file, and ends nothing.
    if at == 0 { (name, "") } else { name.split_at(at) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for name in ["/etc/passwd", "\\x", "C:\\x", "c:x", "../x", "a/../b", "a\\..\\b", "a\0b", ".."] {
            assert!(matches!(parts(name), Err(Refused::Path { .. })), "{name:?}");
        }
        assert_eq!(parts("./a//b\\c.py").unwrap(), ["a", "b", "c.py"]);
        assert_eq!(parts("...").unwrap(), ["..."]);
        assert!(parts("./").unwrap().is_empty());
    }

    #[test]
    fn names_lose_one_ending() {
        assert_eq!(stem("jane.TAR.gz"), ("jane", ".TAR.gz"));
        assert_eq!(stem("jane.v2.zip"), ("jane.v2", ".zip"));
        assert_eq!(stem(".profile"), (".profile", ""));
        assert_eq!(stem("Makefile"), ("Makefile", ""));
    }

    #[test]
    fn names_in_other_encodings_are_kept() {
        assert_eq!(decode(b"M\xfcller.py"), "Müller.py");
        assert_eq!(decode("Müller.py".as_bytes()), "Müller.py");
    }

    #[test]
    fn litter_is_told() {
        for name in ["__MACOSX", ".DS_Store", "Thumbs.db", ".git", "node_modules", "._server.py"] {
            assert!(is_litter(name), "{name}");
        }
        assert!(!is_litter("server.py") && !is_litter(".gitignore"));
    }
}
