//! Gradescope: `submission_123456789/` folders, with `submission_metadata.yml` beside them, which names those who
//! handed each in:
//!
//! ```yaml
//! submission_123456789:
//!   :submitters:
//!   - :name: Jane Doe
//!     :sid: '1234567'
//!     :email: jane@example.edu
//!   :created_at: 2026-04-26 17:34:00.861687000 Z
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};

use serde::Deserialize;

use super::{Draft, Item, Listing, Reading, piece};
use crate::batch::export::Ignored;
use crate::batch::export::source::Place;
use crate::roster::Student;

/// The longest `submission_metadata.yml` that is read, in bytes: it has the results of all submissions in it.
const LONGEST: u64 = 64 << 20;

/// Those who handed in a submission. All else that Gradescope writes is passed over.
#[derive(Debug, Default, Deserialize)]
struct Entry {
    #[serde(default, rename = ":submitters", alias = "submitters")]
    submitters: Option<Vec<Submitter>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Submitter {
    #[serde(default, rename = ":name", alias = "name")]
    name: Option<String>,
    #[serde(default, rename = ":sid", alias = "sid")]
    sid: Option<String>,
    #[serde(default, rename = ":email", alias = "email")]
    email: Option<String>,
}

pub(super) fn is_metadata(item: &Item) -> bool {
    !item.folder && matches!(item.name.as_str(), "submission_metadata.yml" | "submission_metadata.yaml")
}

pub(super) fn is_submission(item: &Item) -> bool {
    number(&item.name).is_some() && item.folder
}

fn number(name: &str) -> Option<&str> {
    let number = name.strip_prefix("submission_")?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}

pub(super) fn read(listing: Listing) -> Reading {
    let mut reading = Reading { ignored: listing.ignored, ..Reading::default() };
    let (metadata, items): (Vec<Item>, Vec<Item>) = listing.items.into_iter().partition(is_metadata);
    let mut entries = match metadata.first().map(entries) {
        Some(Ok(entries)) => entries,
        Some(Err(why)) => {
            reading.notes.push(format!("submission_metadata.yml cannot be read, so names are missing: {why}"));
            BTreeMap::new()
        }
        None => {
            reading.notes.push("there is no submission_metadata.yml, so names are missing".to_owned());
            BTreeMap::new()
        }
    };
    for item in items {
        let known = entries.remove(&item.name);
        if known.is_none() && !is_submission(&item) {
            let reason = "submission_metadata.yml does not name it, and it is no submission_… folder";
            reading.ignored.push(Ignored::new(&item.name, reason));
            continue;
        }
        let key = item.name.clone();
        let name = key.clone();
        reading.drafts.push(draft(key, known.unwrap_or_default(), vec![piece(item, name)]));
    }
    // Who is named and has no folder gets a row all the same.
    reading.drafts.extend(entries.into_iter().map(|(key, entry)| draft(key, entry, Vec::new())));
    reading
}

fn draft(key: String, entry: Entry, pieces: Vec<crate::batch::export::source::Piece>) -> Draft {
    let number = number(&key).unwrap_or(&key).to_owned();
    let mut members: Vec<Student> =
        entry.submitters.unwrap_or_default().into_iter().map(|one| student(one, &number)).collect();
    members.sort_by(|a, b| (&a.id, &a.name).cmp(&(&b.id, &b.name)));
    if members.len() < 2 {
        let alone = Student { id: number.clone(), number: Some(number), ..Student::default() };
        let student = members.pop().unwrap_or(alone);
        return Draft { key, student, members, pieces };
    }
    let ids: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
    let names: Vec<&str> = members.iter().map(Student::shown).collect();
    let student =
        Student { id: ids.join("_"), name: Some(names.join(", ")), number: Some(number), ..Student::default() };
    Draft { key, student, members, pieces }
}

/// A submission's number changes when it is handed in again; the student's own does not.
fn student(submitter: Submitter, number: &str) -> Student {
    let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let (name, sid, email) = (filled(submitter.name), filled(submitter.sid), filled(submitter.email));
    let local = email.as_deref().and_then(|email| email.split('@').next()).map(str::to_owned);
    let id = sid.clone().or(local).unwrap_or_else(|| number.to_owned());
    Student { id, name, number: Some(number.to_owned()), login: sid, email, late: false }
}

fn entries(item: &Item) -> Result<BTreeMap<String, Entry>, String> {
    let text = text(item).map_err(|error| error.to_string())?;
    let options = serde_yaml::options! {
        duplicate_keys: serde_yaml::DuplicateKeyPolicy::LastWins,
        budget: serde_yaml::budget! { max_nodes: 20_000_000, max_events: 40_000_000, max_reader_input_bytes: None, max_total_scalar_bytes: 64 << 20 },
    };
    let entries: BTreeMap<String, Option<Entry>> =
        serde_yaml::from_str_with_options(&text, options).map_err(|error| error.to_string())?;
    Ok(entries.into_iter().map(|(key, entry)| (key, entry.unwrap_or_default())).collect())
}

fn text(item: &Item) -> io::Result<String> {
    let mut bytes = Vec::new();
    match &item.place {
        Place::Disk(path) => File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?,
        Place::Zip(packed) => {
            let mut body = BufReader::new(File::open(&packed.zip)?);
            let entry = packed.entries.first().ok_or(io::ErrorKind::NotFound)?;
            let file = entry.as_ref().with_reader(&mut body, zip::ZipReadOptions::new())?;
            file.take(LONGEST + 1).read_to_end(&mut bytes)?
        }
    };
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other("it is longer than 64 MiB"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
