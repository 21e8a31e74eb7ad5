//! Looking through one file, whichever of the three kinds it is.

use camino::{Utf8Path, Utf8PathBuf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::assignment::{self, Loaded};
use crate::plan::convert;
use crate::plan::diagnose::Report;
use crate::plan::library::{Choice, Known, Library};
use crate::plan::settings;
use crate::plan::source::Source;
use crate::span::{Mistake, nearest};
use crate::spec::dialect::Dialect;
use crate::spec::node::{self, Kind, Node};
use crate::spec::reader;
use crate::spec::suite::Suite;

/// The three kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// The requirements and scenarios for one role.
    Suite,
    /// What editions and courses do differently.
    Dialect,
    /// What one teacher asks of one class.
    Assignment,
}

impl FileKind {
    /// The key that only files of this kind have, which is also its name.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Suite => "suite",
            Self::Dialect => "dialect",
            Self::Assignment => "assignment",
        }
    }
}

/// Looks through a file, and the suites that it names.
///
/// # Errors
/// Every mistake in them.
pub fn file(path: &Utf8Path) -> Result<FileKind, Vec<Report>> {
    let source = Source::load(path).map_err(|report| vec![report])?;
    text(path.to_owned(), source)
}

/// Looks through a text; `path` is where it would be.
///
/// # Errors
/// Every mistake in it.
pub fn text(path: Utf8PathBuf, source: Source) -> Result<FileKind, Vec<Report>> {
    let (tree, repeated) = match node::parse(&source.text) {
        Ok(parsed) => parsed,
        Err(mistake) => return Err(vec![Report::new(source, vec![mistake])]),
    };
    let kind = match kind(&tree) {
        Ok(kind) => kind,
        Err(mistake) => return Err(vec![Report::new(source, vec![mistake])]),
    };
    let library = Library::builtin()?;
    match kind {
        FileKind::Suite => drop(suite(source, library.known_dialects()).map_err(|report| vec![report])?),
        FileKind::Dialect => dialect(&library, source, &tree, repeated)?,
        FileKind::Assignment => {
            let (loaded, faults) = assignment::read_partly(path, source);
            assignment(library, loaded.as_ref(), faults)?;
        }
    }
    Ok(kind)
}

/// Looks through an assignment's file.
///
/// # Errors
/// Every mistake in it and in its suites; that it is something else.
pub fn assignment_file(path: &Utf8Path) -> Result<(), Vec<Report>> {
    match file(path)? {
        FileKind::Assignment => Ok(()),
        kind => {
            let message = format!("`{path}` is a {}, not an assignment", kind.key());
            let help = "an assignment begins with `assignment: name`, and can name it in `suites`".to_owned();
            Err(vec![Report::plain(message, Some(help))])
        }
    }
}

/// Which kind a file is, told by its keys.
fn kind(tree: &Node) -> Result<FileKind, Mistake> {
    // An assignment names a dialect as well, so its own key is looked for first.
    let kinds = [FileKind::Assignment, FileKind::Suite, FileKind::Dialect];
    if let Some(kind) = kinds.into_iter().find(|kind| tree.get(kind.key()).is_some()) {
        return Ok(kind);
    }
    let keys: &[(Node, Node)] = if let Kind::Map(entries) = &tree.kind { entries } else { &[] };
    for (key, _) in keys {
        if let Kind::Str(name) = &key.kind
            && let Some(near) = nearest(name, kinds.map(FileKind::key))
        {
            let mistake = Mistake::new(key.span, format!("`{name}` is not known here"));
            return Err(mistake.help(format!("did you mean `{near}`?")));
        }
    }
    let message = "this is neither a suite nor a dialect nor an assignment";
    Err(Mistake::new(tree.span, message).help("begin with `suite: name`, `dialect: name` or `assignment: name`"))
}

/// Reads a suite and looks through it under each dialect.
pub(crate) fn suite(source: Source, dialects: &[Known<Dialect>]) -> Result<Known<Suite>, Report> {
    let (tree, mut mistakes) = match node::parse(&source.text) {
        Ok(parsed) => parsed,
        Err(mistake) => return Err(Report::new(source, vec![mistake])),
    };
    let (written, more) = reader::read_partly::<Suite>(&tree);
    mistakes.extend(more);
    let faults = mistakes.clone();
    if let Some(suite) = &written {
        for dialect in dialects {
            let settings = settings::settings(&dialect.written, suite.role, &Choice::default());
            let more = convert::partly(suite, &source.text, &settings, &faults).1;
            mistakes.extend(more.into_iter().filter(|mistake| !follows(mistake, &faults)));
        }
    }
    match written {
        Some(written) if mistakes.is_empty() => Ok(Known { source, written }),
        _ => Err(Report::new(source, mistakes)),
    }
}

/// Whether a mistake is only about what could not be read, and so has another value now.
fn follows(mistake: &Mistake, faults: &[Mistake]) -> bool {
    faults.iter().any(|fault| fault.span.start == mistake.span.start)
}

/// Looks through what could be read of an assignment, and through its suites.
fn assignment(library: Library, loaded: Option<&Loaded>, mut faults: Report) -> Result<(), Vec<Report>> {
    let choice = Choice { assignment: loaded, ..Choice::default() };
    let found = loaded.map(|loaded| library.with(loaded).and_then(|library| library.plans(&choice)));
    let mut reports = match found {
        Some(Err(reports)) => reports,
        _ => Vec::new(),
    };
    if let Some(own) = reports.iter().position(|report| report.source == faults.source) {
        let more = reports.remove(own).mistakes;
        let more: Vec<_> = more.into_iter().filter(|one| !follows(one, &faults.mistakes)).collect();
        faults.mistakes.extend(more);
    }
    if !faults.mistakes.is_empty() {
        reports.insert(0, Report::new(faults.source, faults.mistakes));
    }
    if reports.is_empty() { Ok(()) } else { Err(reports) }
}

fn dialect(library: &Library, source: Source, tree: &Node, mut mistakes: Vec<Mistake>) -> Result<(), Vec<Report>> {
    let (written, more) = reader::read_partly::<Dialect>(tree);
    mistakes.extend(more);
    if let Some(dialect) = &written {
        mistakes.extend(settings::dialect_mistakes(library, dialect, tree));
    }
    if mistakes.is_empty() { Ok(()) } else { Err(vec![Report::new(source, mistakes)]) }
}
