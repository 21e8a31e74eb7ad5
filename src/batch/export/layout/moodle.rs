//! Moodle: `Full Name_1234567_assignsubmission_file_/…` where a folder was made for each student (the default since
//! 3.1), else `Full Name_1234567_assignsubmission_file_server.py`. The number is the participant's, by which the
//! grading worksheet knows a student too. See `download_submissions` in Moodle's `mod/assign/locallib.php`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::{Draft, Item, Listing, Reading, piece};
use crate::batch::export::Ignored;
use crate::batch::export::source::Piece;
use crate::roster::Student;

/// In a name underscores are blanks, so the first number with the plugin's name behind it is the participant's,
/// whatever a student calls a file.
static NAME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?s)^(.*?)_(\d{1,20})_assignsubmission_([a-z0-9]+)_(.*)$").ok());

struct Parts<'a> {
    name: &'a str,
    number: &'a str,
    plugin: &'a str,
    file: &'a str,
}

fn parts(item: &Item) -> Option<Parts<'_>> {
    let found = NAME.as_ref()?.captures(&item.name)?;
    let group = |index| found.get(index).map_or("", |group| group.as_str());
    let parts = Parts { name: group(1), number: group(2), plugin: group(3), file: group(4) };
    (item.folder || !parts.file.is_empty()).then_some(parts)
}

pub(super) fn is_submission(item: &Item) -> bool {
    parts(item).is_some()
}

/// What is there of one participant.
#[derive(Default)]
struct Found {
    name: String,
    files: Vec<Piece>,
    texts: Vec<(String, Piece)>,
}

pub(super) fn read(listing: Listing) -> Reading {
    let mut reading = Reading { ignored: listing.ignored, ..Reading::default() };
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for item in listing.items {
        let Some(Parts { name, number, plugin, file }) = parts(&item) else {
            reading.ignored.push(Ignored::new(&item.name, "its name has no …_NUMBER_assignsubmission_…"));
            continue;
        };
        let (is_text, file, called) = (plugin == "onlinetext", file.to_owned(), item.name.clone());
        let found = found.entry(number.to_owned()).or_default();
        name.clone_into(&mut found.name);
        let piece = piece(item, file);
        if is_text { found.texts.push((called, piece)) } else { found.files.push(piece) }
    }
    // Where names are hidden from graders, all are called the same ("Participant", in the course's language).
    let hidden = {
        let mut names = found.values().map(|found| &found.name);
        let first = names.next();
        found.len() > 1 && names.all(|name| Some(name) == first)
    };
    for (number, Found { name, mut files, texts }) in found {
        if files.is_empty() {
            files = texts.into_iter().map(|(_, piece)| piece).collect();
        } else {
            let reason = "an online text, and the student has handed in files";
            reading.ignored.extend(texts.iter().map(|(called, _)| Ignored::new(called, reason)));
        }
        let name = (!hidden && !name.is_empty()).then_some(name);
        let student = Student { id: number.clone(), name, number: Some(number.clone()), ..Student::default() };
        reading.drafts.push(Draft { key: number, student, members: Vec::new(), pieces: files });
    }
    reading
}
