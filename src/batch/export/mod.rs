//! A course's export: the submissions of all students, as Moodle, Canvas, Gradescope, clones of GitHub Classroom or
//! Classroom 50, or a plain folder have them.
//!
//! [`open`] reads the list, and no file of a student's. [`Submission::unpack`] lays one submission's files in a folder
//! of ours, archives within unpacked. Both take everything that a student could have written for hostile: names, sizes,
//! links and counts. What is merely damaged or unknown is left out where there is something else to grade; what could
//! do harm refuses the whole submission, with the reason, and leaves nothing behind.

mod archive;
mod ids;
mod layout;
mod listing;
mod name;
mod refused;
mod sink;
mod source;
mod stamp;

use camino::Utf8Path;

use listing::{Listing, Tree};

use crate::roster::Student;

pub use layout::{Layout, UnknownLayout};
pub use refused::{ExportError, Refused};
pub use sink::UnpackLimits;
pub use source::{Source, Unpacked};

/// A course's export.
#[derive(Debug)]
pub struct Export {
    /// How it is laid out.
    pub layout: Layout,
    /// How that was told, in words.
    pub why: String,
    /// The submissions, sorted by their students' IDs, each ID once.
    pub submissions: Vec<Submission>,
    /// What is nobody's.
    pub ignored: Vec<Ignored>,
    /// What a person should know beside that. Names are quoted.
    pub notes: Vec<String>,
}

/// A submission in an export.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Who handed it in. Of a group: the group, with an ID made of its members'.
    pub student: Student,
    /// The members of a group, each of whom wants a row in a gradebook; empty for a single student.
    pub members: Vec<Student>,
    /// Where its files lie.
    pub source: Source,
}

/// A file or folder of an export that is nobody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Its name, quoted.
    pub name: String,
    /// Why it is nobody's.
    pub reason: String,
}

/// How many folders within each other may be around the submissions.
const WRAPPINGS: usize = 3;

/// Reads the list of an export, in a folder or a zip. Its layout is told from the names, if it is not given.
///
/// # Errors
/// If there is no export, it cannot be read, or there is no submission in it.
pub fn open(path: &Utf8Path, layout: Option<Layout>) -> Result<Export, ExportError> {
    let (tree, listing) = unwrap(path, layout)?;
    let (guessed, why) = layout::guess(&listing);
    if layout.is_none() {
        not_an_export_alone(path, &tree, &listing)?;
    }
    let (layout, why) = match layout {
        Some(layout) => (layout, format!("--layout {layout} says so")),
        None => (guessed, why),
    };
    let mut reading = layout::read(layout, listing);
    if reading.drafts.is_empty() {
        let first = reading.ignored.first();
        let ignored = first.map_or_else(String::new, |one| format!("; {}, for one, is none: {}", one.name, one.reason));
        return Err(ExportError::Empty { path: path.to_owned(), why: format!("read as {layout}: {why}"), ignored });
    }
    reading.drafts.sort_by(|a, b| a.key.cmp(&b.key));
    reading.notes.extend(ids::settle(&mut reading.drafts));
    let mut submissions: Vec<Submission> = reading
        .drafts
        .into_iter()
        .map(|draft| Submission {
            student: draft.student,
            members: draft.members,
            source: Source { pieces: draft.pieces },
        })
        .collect();
    submissions.sort_by(|a, b| a.student.id.cmp(&b.student.id));
    Ok(Export { layout, why, submissions, ignored: reading.ignored, notes: reading.notes })
}

/// Goes through folders that hold nothing but one folder, down to the submissions.
fn unwrap(path: &Utf8Path, layout: Option<Layout>) -> Result<(Tree, Listing), ExportError> {
    let mut tree = Tree::at(path)?;
    let mut listing = tree.list()?;
    for _ in 0..WRAPPINGS {
        let [only] = listing.items.as_slice() else { break };
        let Some(below) = tree.below(only).filter(|_| only.folder) else { break };
        if layout::guess(&listing).0 != Layout::Plain {
            break;
        }
        // More than any course has is one student's.
        let Ok(inner) = below.list() else { break };
        let guessed = layout::guess(&inner).0;
        // One folder in a folder is a student; one in a zip, with nothing but folders in it, is a wrapping.
        let students = tree.is_zip() && inner.items.len() > 1 && inner.items.iter().all(layout::is_whole);
        let nested = inner.items.len() == 1 && inner.items.iter().all(|item| item.folder);
        let wanted = layout.is_none_or(|layout| layout == Layout::Plain || layout.is_like(guessed));
        if !(guessed != Layout::Plain && wanted || students || nested && tree.is_zip()) {
            break;
        }
        (tree, listing) = (below, inner);
    }
    Ok((tree, listing))
}

/// A folder that holds an export's zip alone is a mistake: its students would be graded as one.
fn not_an_export_alone(path: &Utf8Path, tree: &Tree, listing: &Listing) -> Result<(), ExportError> {
    let ([only], false) = (listing.items.as_slice(), tree.is_zip()) else { return Ok(()) };
    let source::Place::Disk(file) = &only.place else { return Ok(()) };
    let Some(file) = Utf8Path::from_path(file).filter(|_| !only.folder) else { return Ok(()) };
    let inner = Tree::at(file).and_then(|tree| tree.list());
    if inner.is_ok_and(|inner| layout::guess(&inner).0 != Layout::Plain || inner_is_cohort(&inner)) {
        return Err(ExportError::ZipAlone { folder: path.to_owned(), zip: refused::shown(&only.name) });
    }
    Ok(())
}

/// Several folders or archives and nothing else.
fn inner_is_cohort(inner: &Listing) -> bool {
    inner.items.len() > 3 && inner.items.iter().all(layout::is_whole)
}

impl Submission {
    /// Lays its files in an empty folder, which is made if it is not there. Archives are unpacked: into a folder of
    /// their name, or, where one is all that was handed in, in its place. Litter of systems and tools is left out.
    ///
    /// # Errors
    /// If it cannot be read or could do harm. The folder is then as empty as before.
    pub fn unpack(&self, into: &Utf8Path, limits: &UnpackLimits) -> Result<Unpacked, Refused> {
        self.source.unpack(into, limits)
    }

    /// A hash of what was handed in: names, which files may be run, and bytes; not of dates, places or order. Archives
    /// count as they are, so that nothing need be unpacked to see whether something has changed.
    ///
    /// # Errors
    /// If it cannot be read, or is more than [`UnpackLimits::default`] lets pass.
    pub fn digest(&self) -> Result<String, Refused> {
        self.source.digest(&UnpackLimits::default())
    }
}
