//! Clones of GitHub Classroom (`gh classroom clone student-repos`) and of Classroom 50: `lab1-username`, where the
//! beginning is the assignment's and the rest the account's.

use super::{Draft, Listing, Reading, piece};
use crate::batch::export::Ignored;
use crate::roster::Student;

pub(super) fn read(listing: Listing) -> Reading {
    let mut reading = Reading { ignored: listing.ignored, ..Reading::default() };
    let names: Vec<&str> = listing.items.iter().filter(|item| item.folder).map(|item| item.name.as_str()).collect();
    let prefix = prefix(&names, &listing.called);
    match names.len() {
        1 if prefix.is_empty() => reading.notes.push(format!(
            "one clone alone does not tell where the assignment's name ends: the student is called {}",
            crate::text::quote(names.first().unwrap_or(&"").as_bytes(), 80)
        )),
        2.. if prefix.is_empty() => {
            reading.notes.push("the clones' names do not begin alike, so each is an account's as it is".to_owned());
        }
        _ => {}
    }
    for item in listing.items {
        if !item.folder {
            reading.ignored.push(Ignored::new(&item.name, "it is a file, and clones are folders"));
            continue;
        }
        let login = item.name.strip_prefix(&prefix).unwrap_or(&item.name).to_owned();
        let student = Student { id: login.clone(), login: Some(login), ..Student::default() };
        reading.drafts.push(Draft {
            key: item.name.clone(),
            student,
            members: Vec::new(),
            pieces: vec![piece(item, "")],
        });
    }
    reading
}

/// What is the assignment's in all names: what the folder above says (`lab1-submissions`), else what they have in
/// common up to a hyphen.
fn prefix(names: &[&str], above: &str) -> String {
    if let Some(assignment) = above.strip_suffix("-submissions") {
        let told = format!("{assignment}-");
        if names.iter().all(|name| name.len() > told.len() && name.starts_with(&told)) {
            return told;
        }
    }
    let (Some(first), true) = (names.first(), names.len() > 1) else { return String::new() };
    let common = names.iter().fold(first.len(), |most, name| {
        let same = first.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        most.min(same)
    });
    let common = first.as_bytes().get(..common).unwrap_or_default();
    let end = common.iter().rposition(|byte| *byte == b'-').map_or(0, |at| at + 1);
    // A hyphen is one byte in UTF-8, so it ends a character.
    let prefix = first.get(..end).unwrap_or_default();
    if names.iter().any(|name| name.len() == prefix.len()) { String::new() } else { prefix.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_assignments_name_is_what_all_begin_with() {
        assert_eq!(prefix(&["lab1-jane", "lab1-john-doe"], "x"), "lab1-");
        assert_eq!(prefix(&["udp-lab-jane", "udp-lab-jim"], "x"), "udp-lab-");
        assert_eq!(prefix(&["lab1-jane-a", "lab1-jane-b"], "lab1-submissions"), "lab1-");
        assert_eq!(prefix(&["jane", "john"], "x"), "");
        assert_eq!(prefix(&["lab1-jane"], "x"), "");
        assert_eq!(prefix(&["lab1-", "lab1-john"], "x"), "");
        assert_eq!(prefix(&["lab-é", "lab-è"], "x"), "lab-");
        assert_eq!(prefix(&[], "x"), "");
    }
}
