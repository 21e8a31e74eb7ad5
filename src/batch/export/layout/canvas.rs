//! Canvas: flat files, `lastnamefirst_[LATE_]12345_678901_Original-Name.py`, where the first number is the user's and
//! the second the attachment's; `anon_ab1cd` stands for name and user where names are hidden. Texts and links come as
//! `…_12345_text.html` and `…_12345_link.html`. See `lib/content_zipper.rb` of canvas-lms.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::{Draft, Item, Listing, Reading, piece};
use crate::batch::export::Ignored;
use crate::roster::Student;

/// Canvas takes `_NUMBER_` out of names, so the first such number is the user's.
static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern =
        r"(?s)^(?:(.*?)_)??(LATE_)?(\d{1,20}|anon_[A-Za-z0-9]{5})_(?:(\d{1,20})_(.+)|(text\.html|link\.html))$";
    Regex::new(pattern).ok()
});

/// What Canvas takes for a file's ending when it numbers a file of a name that the student has used before, and the
/// number (`make_unique_filename` in `app/models/attachment.rb`).
static NUMBERED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?s)^(.+)-([1-9]\d?)((?:\.[A-Za-z][A-Za-z0-9]*)*\.[A-Za-z0-9]+)$").ok());

struct Parts<'a> {
    name: &'a str,
    late: bool,
    user: &'a str,
    /// Later ones are newer.
    attachment: u128,
    /// `None` for a text or a link.
    file: Option<&'a str>,
}

fn parts(item: &Item) -> Option<Parts<'_>> {
    if item.folder {
        return None;
    }
    let found = NAME.as_ref()?.captures(&item.name)?;
    let group = |index| found.get(index).map(|group| group.as_str());
    Some(Parts {
        name: group(1).unwrap_or_default(),
        late: group(2).is_some(),
        user: group(3)?,
        attachment: group(4).and_then(|number| number.parse().ok()).unwrap_or(0),
        file: group(5),
    })
}

pub(super) fn is_submission(item: &Item) -> bool {
    parts(item).is_some()
}

/// A file of a student.
struct Uploaded {
    attachment: u128,
    file: String,
    item: Item,
}

/// What is there of one user.
#[derive(Default)]
struct Found {
    name: String,
    late: bool,
    files: Vec<Uploaded>,
    texts: Vec<Item>,
}

pub(super) fn read(listing: Listing) -> Reading {
    let mut reading = Reading { ignored: listing.ignored, ..Reading::default() };
    let mut users: BTreeMap<String, Found> = BTreeMap::new();
    for item in listing.items {
        let Some(Parts { name, late, user, attachment, file }) = parts(&item) else {
            reading.ignored.push(Ignored::new(&item.name, "its name is not like Canvas's, name_12345_678901_file"));
            continue;
        };
        let file = file.map(str::to_owned);
        let found = users.entry(user.to_owned()).or_default();
        name.clone_into(&mut found.name);
        found.late |= late;
        match file {
            Some(file) => found.files.push(Uploaded { attachment, file, item }),
            None => found.texts.push(item),
        }
    }
    for (user, found) in users {
        let draft = draft(user, found, &mut reading);
        reading.drafts.push(draft);
    }
    reading
}

fn draft(user: String, found: Found, reading: &mut Reading) -> Draft {
    let Found { name, late, files, texts } = found;
    let mut pieces = Vec::new();
    if files.is_empty() {
        pieces.extend(texts.into_iter().map(|item| piece(item, "submission.html")));
    } else {
        let reason = "a text or a link, and the student has handed in files";
        reading.ignored.extend(texts.iter().map(|item| Ignored::new(&item.name, reason)));
        let (kept, older) = newest(files);
        let reason = "an older upload of a file of the same name";
        reading.ignored.extend(older.iter().map(|old| Ignored::new(&old.item.name, reason)));
        pieces.extend(kept.into_iter().map(|(name, new)| piece(new.item, name)));
    }
    let number = (!user.starts_with("anon_")).then(|| user.clone());
    let name = (!name.is_empty()).then_some(name);
    let student = Student { id: user.clone(), name, number, late, ..Student::default() };
    Draft { key: user, student, members: Vec::new(), pieces }
}

/// The files under the names that students gave them, and those that a newer upload has replaced.
///
/// `TCPServer-1.py` is Canvas's name for a second `TCPServer.py`; Java needs the first name. Where there are
/// `part-1.py` and `part-2.py` and no `part.py`, the numbers may be the student's, and stay.
fn newest(files: Vec<Uploaded>) -> (Vec<(String, Uploaded)>, Vec<Uploaded>) {
    let mut groups: BTreeMap<String, Vec<Uploaded>> = BTreeMap::new();
    for file in files {
        groups.entry(without_number(&file.file)).or_default().push(file);
    }
    let (mut kept, mut older) = (Vec::new(), Vec::new());
    for (original, mut group) in groups {
        let numbered = group.iter().filter(|file| file.file != original).count();
        if numbered > 1 && numbered == group.len() {
            kept.extend(group.into_iter().map(|file| (file.file.clone(), file)));
            continue;
        }
        group.sort_by(|a, b| (a.attachment, &a.file).cmp(&(b.attachment, &b.file)));
        kept.extend(group.pop().map(|file| (original, file)));
        older.extend(group);
    }
    (kept, older)
}

fn without_number(file: &str) -> String {
    let numbered = NUMBERED.as_ref().and_then(|numbered| numbered.captures(file));
    numbered.map_or_else(|| file.to_owned(), |found| format!("{}{}", &found[1], &found[3]))
}
