//! How an export is laid out: told from its names, and read accordingly.

mod canvas;
mod clones;
mod gradescope;
mod moodle;
mod plain;

use std::fmt;
use std::str::FromStr;

use super::listing::{Item, Listing};
use super::source::Piece;
use super::{Ignored, archive};
use crate::roster::Student;
use crate::span::suggest;

/// The layouts of exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Moodle's "Download all submissions".
    Moodle,
    /// Canvas's "Download submissions".
    Canvas,
    /// Gradescope's "Export submissions".
    Gradescope,
    /// Clones of GitHub Classroom.
    GithubClassroom,
    /// Clones of Classroom 50.
    Classroom50,
    /// A folder, an archive or a file for each student.
    Plain,
}

impl Layout {
    /// All of them, in the order in which they are asked for.
    pub const ALL: [Self; 6] =
        [Self::Moodle, Self::Canvas, Self::Gradescope, Self::GithubClassroom, Self::Classroom50, Self::Plain];

    /// Whether its names are those of another: no name says whose clones they are.
    pub(super) fn is_like(self, other: Self) -> bool {
        let clones = [Self::GithubClassroom, Self::Classroom50];
        self == other || clones.contains(&self) && clones.contains(&other)
    }

    /// The word that `--layout` takes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Moodle => "moodle",
            Self::Canvas => "canvas",
            Self::Gradescope => "gradescope",
            Self::GithubClassroom => "github-classroom",
            Self::Classroom50 => "classroom50",
            Self::Plain => "plain",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// There is no layout of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no layout `{name}`; {advice}")]
pub struct UnknownLayout {
    name: String,
    advice: String,
}

impl FromStr for Layout {
    type Err = UnknownLayout;

    fn from_str(name: &str) -> Result<Self, UnknownLayout> {
        let all = Self::ALL.map(Self::as_str);
        Self::ALL
            .into_iter()
            .find(|layout| layout.as_str() == name)
            .ok_or_else(|| UnknownLayout { name: name.to_owned(), advice: suggest(name, &all).unwrap_or_default() })
    }
}

/// A submission as a layout has it, before its ID is settled.
pub(super) struct Draft {
    /// What the export calls it: tells apart what has the same ID.
    pub(super) key: String,
    /// The ID is what it would like to be.
    pub(super) student: Student,
    /// Those who handed it in together, if several.
    pub(super) members: Vec<Student>,
    pub(super) pieces: Vec<Piece>,
}

/// What a layout makes of a listing.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) drafts: Vec<Draft>,
    pub(super) ignored: Vec<Ignored>,
    pub(super) notes: Vec<String>,
}

/// The layout that the names speak for, and why; plain if none.
pub(super) fn guess(listing: &Listing) -> (Layout, String) {
    let all = listing.items.len();
    let metadata = listing.items.iter().any(gradescope::is_metadata);
    let folders = listing.items.iter().filter(|item| gradescope::is_submission(item)).count();
    if metadata || folders > 0 && folders == all {
        let why = if metadata { "there is a submission_metadata.yml" } else { "all folders are called submission_…" };
        return (Layout::Gradescope, why.to_owned());
    }
    let moodle = listing.items.iter().filter(|item| moodle::is_submission(item)).count();
    if moodle * 2 > all {
        return (Layout::Moodle, format!("{moodle} of {all} names have …_assignsubmission_…"));
    }
    let canvas = listing.items.iter().filter(|item| canvas::is_submission(item)).count();
    if canvas * 2 > all {
        return (Layout::Canvas, format!("{canvas} of {all} names are like Canvas's, name_12345_678901_…"));
    }
    let clones = listing.items.iter().filter(|item| item.clone).count();
    if clones * 2 > all {
        return (Layout::GithubClassroom, format!("{clones} of {all} folders are clones"));
    }
    (Layout::Plain, "no platform's names are seen".to_owned())
}

/// Reads a listing as a layout has it.
pub(super) fn read(layout: Layout, listing: Listing) -> Reading {
    match layout {
        Layout::Moodle => moodle::read(listing),
        Layout::Canvas => canvas::read(listing),
        Layout::Gradescope => gradescope::read(listing),
        Layout::GithubClassroom | Layout::Classroom50 => clones::read(listing),
        Layout::Plain => plain::read(listing),
    }
}

/// The item as one piece of a submission.
fn piece(item: Item, name: impl Into<String>) -> Piece {
    Piece { name: (!item.folder).then(|| name.into()), place: item.place }
}

/// Whether an item can be a whole submission by itself: a folder, or an archive.
pub(super) fn is_whole(item: &Item) -> bool {
    item.folder || archive::by_name(&item.name).is_some()
}
