//! An assignment: where it is found, and what it says to the floors above.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::ids::{Role, Transport};
use crate::plan::diagnose::Report;
use crate::plan::library::AUTO;
use crate::plan::model::Show;
use crate::plan::source::Source;
use crate::spec::dialect::{Assignment, LimitsChange, ProgramChange};
use crate::spec::node::{self, Node};
use crate::spec::reader;

/// The name of an assignment's file, where none is given.
pub const FILE: &str = "sockspec.yaml";

/// An assignment's file, read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Where it is. Further suites are named relative to it.
    pub path: Utf8PathBuf,
    /// What stands in it.
    pub source: Source,
    /// What that says.
    pub written: Assignment,
    /// The same as a tree, for the places of what has none in `written`.
    pub(crate) tree: Node,
}

/// What an assignment asks of the floors above, once it is put over its dialect. (What it says of
/// requirements is in the plans already.)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resolved {
    /// The assignment's name, where there is one.
    pub name: Option<String>,
    /// What it is, in a line.
    pub title: Option<String>,
    /// The dialect.
    pub dialect: String,
    /// The roles that a submission must have, in the order in which they are graded.
    pub roles: Vec<Role>,
    /// How each role's program is found, started and fed.
    pub programs: BTreeMap<Role, ProgramChange>,
    /// Host names that the programs may use for the other side, beside the usual ones.
    pub hosts: Vec<String>,
    /// Limits for the programs.
    pub limits: LimitsChange,
    /// What a student is shown of a failure.
    pub show: Show,
}

/// Reads an assignment's file.
///
/// # Errors
/// All that is wrong in its form. What it says of requirements and suites is checked by
/// [`Library::for_assignment`](crate::plan::Library::for_assignment).
pub fn load(path: &Utf8Path) -> Result<Loaded, Report> {
    read(path.to_owned(), Source::load(path)?)
}

/// Reads an assignment's text; `path` is where it would be.
///
/// # Errors
/// All that is wrong in its form.
pub fn read(path: Utf8PathBuf, source: Source) -> Result<Loaded, Report> {
    match read_partly(path, source) {
        (Some(loaded), report) if report.mistakes.is_empty() => Ok(loaded),
        (_, report) => Err(report),
    }
}

/// Reads what can be read of an assignment's text, and all that is wrong in its form.
pub(crate) fn read_partly(path: Utf8PathBuf, source: Source) -> (Option<Loaded>, Report) {
    let (tree, mut mistakes) = match node::parse(&source.text) {
        Ok(parsed) => parsed,
        Err(mistake) => return (None, Report::new(source, vec![mistake])),
    };
    let (written, more) = reader::read_partly::<Assignment>(&tree);
    mistakes.extend(more);
    let report = Report::new(source.clone(), mistakes);
    (written.map(|written| Loaded { path, source, written, tree }), report)
}

/// The assignment of a folder or file: [`FILE`] there, or in the nearest folder above that has one.
#[must_use]
pub fn find_upwards(start: &Utf8Path) -> Option<Utf8PathBuf> {
    let whole = start.canonicalize_utf8().unwrap_or_else(|_| start.to_owned());
    whole.ancestors().map(|folder| folder.join(FILE)).find(|file| file.is_file())
}

impl Loaded {
    /// Whether each program's dialect is to be told from the program: the assignment says so, or says no
    /// dialect. One with suites of its own speaks of other labs, for which nothing is told.
    #[must_use]
    pub fn tells_dialect(&self) -> bool {
        match &self.written.dialect {
            Some(dialect) => dialect.value == AUTO,
            None => self.written.suites.is_empty(),
        }
    }

    /// Whether it says itself at which port programs speak.
    #[must_use]
    pub fn says_port(&self, transport: Transport) -> bool {
        match transport {
            Transport::Udp => self.written.properties.udp_port.is_some(),
            Transport::Tcp => self.written.properties.tcp_port.is_some(),
        }
    }

    /// The folder that its paths are relative to.
    #[must_use]
    pub fn folder(&self) -> &Utf8Path {
        self.path.parent().unwrap_or_else(|| Utf8Path::new(""))
    }
}
