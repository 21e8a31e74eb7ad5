//! A folder for each student, or an archive, or a single file; the name is the student's.

use super::{Draft, Item, Listing, Reading, is_whole, piece};
use crate::batch::export::Ignored;
use crate::batch::export::name::stem;
use crate::roster::Student;

/// Endings of what lies beside submissions and is none.
const PAPERS: [&str; 18] = [
    ".md", ".txt", ".rst", ".csv", ".tsv", ".xlsx", ".xls", ".ods", ".json", ".yml", ".yaml", ".toml", ".html", ".pdf",
    ".docx", ".log", ".xml", ".db",
];

pub(super) fn read(listing: Listing) -> Reading {
    let mut reading = Reading { ignored: listing.ignored, ..Reading::default() };
    for item in listing.items {
        if is_paper(&item) {
            reading.ignored.push(Ignored::new(&item.name, "it is no folder, archive or program"));
            continue;
        }
        let called = if item.folder { item.name.as_str() } else { stem(&item.name).0 }.to_owned();
        let name = Some(called.clone()).filter(|name| name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '-'));
        let student = Student { id: called, name, ..Student::default() };
        let file = item.name.clone();
        reading.drafts.push(Draft {
            key: item.name.clone(),
            student,
            members: Vec::new(),
            pieces: vec![piece(item, file)],
        });
    }
    reading
}

fn is_paper(item: &Item) -> bool {
    let ending = stem(&item.name).1.to_ascii_lowercase();
    !is_whole(item) && (item.name.starts_with('.') || PAPERS.contains(&ending.as_str()))
}
