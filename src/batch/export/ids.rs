//! The IDs of students: safe as names of files, each there once, and the same in the next export.

use std::collections::BTreeMap;

use super::layout::Draft;
use super::refused::shown;

/// The longest ID, in bytes.
const LONGEST: usize = 100;

/// How many digits of a hash tell apart what would have the same ID.
const DIGITS: usize = 8;

/// An ID of letters, digits, `.`, `-` and `_`. Where that loses something of the name, a hash of the name tells it from
/// others that lose the same.
fn safe(name: &str) -> String {
    let mut id = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') {
            id.push(c);
        } else if !id.ends_with('_') {
            id.push('_');
        }
    }
    let lost = name.chars().any(|c| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '_' | ' '));
    let id = id.trim_start_matches(['.', '-', '_']).trim_end_matches(['.', '_']);
    let id = if id.is_empty() { "student" } else { id };
    if lost || id == "student" && name != id || id.len() > LONGEST { tagged(id, name) } else { id.to_owned() }
}

/// An ID with a hash of what is behind it.
fn tagged(id: &str, key: &str) -> String {
    let hash = blake3::hash(key.as_bytes()).to_hex();
    let room = id.get(..id.len().min(LONGEST - DIGITS - 1)).unwrap_or(id);
    format!("{room}-{}", hash.get(..DIGITS).unwrap_or_default())
}

/// Settles the IDs of all, and says which are not what they would be. Those that differ in case alone are the same to
/// some file systems.
pub(super) fn settle(drafts: &mut [Draft]) -> Vec<String> {
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    for draft in drafts.iter_mut() {
        draft.student.id = safe(&draft.student.id);
        *wanted.entry(draft.student.id.to_lowercase()).or_default() += 1;
        for member in &mut draft.members {
            member.id = safe(&member.id);
        }
    }
    let mut notes = Vec::new();
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for draft in drafts.iter_mut() {
        let id = draft.student.id.clone();
        if wanted.get(&id.to_lowercase()).is_some_and(|count| *count > 1) && draft.key != id {
            draft.student.id = tagged(&id, &draft.key);
            notes.push(format!("several submissions would be `{id}`: {} is `{}`", shown(&draft.key), draft.student.id));
        }
        // Only who wants to can make two hashes alike, and is told apart by order.
        let count = taken.entry(draft.student.id.to_lowercase()).or_default();
        *count += 1;
        if *count > 1 {
            let key = format!("{}\0{count}", draft.key);
            draft.student.id = tagged(&draft.student.id, &key);
            taken.insert(draft.student.id.to_lowercase(), 1);
        }
    }
    notes
}
