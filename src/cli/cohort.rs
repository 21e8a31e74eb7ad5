//! What the commands about a cohort have in common: its store, its reports, a summary.

use std::collections::BTreeSet;
use std::str::FromStr;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};

use super::args::Shelf;
use super::members::Names;
use super::output::{self, Screen};
use super::terms::Flags;
use super::{Stop, reports};
use crate::batch::cohort::without_limit;
use crate::batch::store::{Came, Store, StoreError, Stored};
use crate::plan::points::Points;
use crate::report::cohort::{self, CohortOptions, Entry, File, Outcome, Shape};
use crate::report::{Format, Graded, ReportError, layout};
use crate::text::{count, shell_word, tame};

/// The `--report` help.
pub const HELP: &str = "Write a report: html=FOLDER/, csv, csv-moodle, csv-canvas, junit, json, github, \
                        github-summary, ctrf, tap (=FILE, or =FOLDER/ for a file a student), gradescope, \
                        classroom50, markdown (=FOLDER/)";

/// Names of facts about a whole cohort.
const VERSION: &str = "version";
const ASSIGNMENT: &str = "assignment";
const TERMS: &str = "terms";
const FLAGS: &str = "flags";
const RUNNING: &str = "running";
const DIALECT: &str = "dialect";

/// A report on a cohort that is asked for, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Out {
    format: Format,
    path: Utf8PathBuf,
    shape: Shape,
}

impl FromStr for Out {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, path) = text.split_once('=').unwrap_or((text, ""));
        let format: Format = format.parse().map_err(|error: ReportError| error.to_string())?;
        if path.is_empty() || path == "-" {
            return Err(format!("`{text}` names no file; write {format}=FILE, or {format}=FOLDER/"));
        }
        let alone = format == Format::Html || !format.shapes().all;
        let folder = alone || path.ends_with('/') || Utf8Path::new(path).is_dir();
        let shape = if folder { Shape::Folder } else { Shape::File };
        let out = Self { format, path: Utf8PathBuf::from(path), shape };
        cohort::cohort(format, &out.options(None)).map_err(|error| error.to_string())?;
        Ok(out)
    }
}

impl Out {
    /// Where it goes.
    #[must_use]
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// The same at another place, as it is given on a command line.
    #[must_use]
    pub fn at(&self, path: &Utf8Path) -> String {
        let end = if self.shape == Shape::Folder && !path.as_str().ends_with('/') { "/" } else { "" };
        format!("{}={path}{end}", self.format)
    }

    fn options(&self, column: Option<String>) -> CohortOptions {
        let mut formats = reports::surroundings(None);
        formats.column = column;
        CohortOptions { shape: self.shape, formats }
    }
}

/// What a store's error is to the caller.
pub fn stop(error: StoreError) -> Stop {
    match error {
        StoreError::Missing(_) | StoreError::Locked(_) | StoreError::Version { .. } => Stop::Usage(error.to_string()),
        _ => Stop::Trouble(error.into()),
    }
}

/// Whether all reports can be written where they are wanted, asked before there is something to lose.
///
/// # Errors
/// One cannot.
pub fn can_write(reports: &[Out]) -> Result<(), Stop> {
    for out in reports {
        match out.shape {
            Shape::File => output::can_write(&out.path)?,
            Shape::Folder if out.path.is_file() => {
                return Err(Stop::Usage(format!("`{}` cannot be a folder for reports: it is a file", out.path)));
            }
            Shape::Folder => {}
        }
    }
    Ok(())
}

/// Notes under what a cohort is graded.
///
/// # Errors
/// The store's.
pub fn note_terms(store: &Store, shelf: &Shelf, flags: &Flags, terms: &str) -> Result<(), Stop> {
    let flags = serde_json::to_string(flags).map_err(anyhow::Error::from)?;
    let facts = [
        (VERSION, env!("CARGO_PKG_VERSION")),
        (ASSIGNMENT, &shelf.name().unwrap_or_default()),
        (TERMS, terms),
        (FLAGS, &flags),
        (RUNNING, &super::terms::of_running(shelf)?),
        (DIALECT, shelf.asked_dialect().unwrap_or_default()),
    ];
    facts.iter().try_for_each(|(name, value)| store.keep_fact(name, value)).map_err(stop)
}

/// Refuses an assignment that starts or limits programs in another way than they were when the cohort was
/// graded: the records say nothing of that.
///
/// # Errors
/// It does; or the store's.
pub fn runs_alike(store: &Store, shelf: &Shelf) -> Result<(), Stop> {
    let now = super::terms::of_running(shelf)?;
    match store.fact(RUNNING).map_err(stop)? {
        Some(then) if then != now => Err(Stop::Usage(
            "this assignment has other `programs`, `limits` or `hosts` than the one that the cohort was graded under, \
             so its records say nothing of it; grade the cohort under it: sockspec batch"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

/// What was asked for when a cohort was graded.
///
/// # Errors
/// The store's.
pub fn flags(store: &Store) -> Result<Flags, Stop> {
    let text = store.fact(FLAGS).map_err(stop)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Whether two stores were made under the same terms; else what differs. What was noted of a whole store says
/// what was asked for last; the rows say what was done.
///
/// # Errors
/// A store's.
pub fn differs(one: &Store, other: &Store) -> Result<Option<String>, Stop> {
    for (name, words) in [(VERSION, "version of sockspec"), (ASSIGNMENT, "assignment")] {
        let (ours, theirs) = (one.fact(name).map_err(stop)?, other.fact(name).map_err(stop)?);
        if let (Some(ours), Some(theirs)) = (ours, theirs)
            && ours != theirs
        {
            return Ok(Some(format!("another {words} ({theirs}, not {ours})")));
        }
    }
    let (ours, theirs) = (one.terms().map_err(stop)?, other.terms().map_err(stop)?);
    let all: BTreeSet<&str> = ours.iter().chain(&theirs).map(|terms| without_limit(terms)).collect();
    Ok((all.len() > 1).then(|| "other suites, points or flags".to_owned()))
}

/// Takes over what is noted of another store, where nothing is noted yet.
///
/// # Errors
/// A store's.
pub fn inherit(store: &Store, other: &Store) -> Result<(), Stop> {
    for name in [VERSION, ASSIGNMENT, TERMS, FLAGS, RUNNING, DIALECT] {
        if let (None, Some(value)) = (store.fact(name).map_err(stop)?, other.fact(name).map_err(stop)?) {
            store.keep_fact(name, &value).map_err(stop)?;
        }
    }
    Ok(())
}

/// The entry of a report; `dialect` where one was asked for by name.
fn entry(stored: Stored, dialect: Option<&str>) -> (Entry, Vec<crate::roster::Student>) {
    let (outcome, again) = match stored.outcome {
        Came::Unread { reason, .. } => (Outcome::Unread { reason }, None),
        Came::Graded(kept) => {
            let seed = kept.verdict.seed;
            let assignment = kept.verdict.assignment.as_ref().map_or("", |_| " --assignment sockspec.yaml");
            let only = kept.record.only.iter().map(|one| format!(" --only {}", shell_word(one))).collect::<String>();
            let dialect = dialect.map(|name| format!(" --dialect {}", shell_word(name))).unwrap_or_default();
            let again = format!("sockspec check .{assignment}{dialect}{only} --seed {seed}");
            let records = kept.record.programs.into_iter().map(|recorded| recorded.record).collect();
            (Outcome::Graded(Box::new(Graded { verdict: kept.verdict, records })), Some(again))
        }
    };
    (Entry { student: stored.student, members: Vec::new(), outcome, again }, stored.members)
}

/// Writes reports, one submission after the other: no more than one is in memory.
///
/// # Errors
/// The store's, or a file cannot be written.
pub fn write(store: &Store, wanted: &[Out]) -> Result<(), Stop> {
    if wanted.is_empty() {
        return Ok(());
    }
    let said = |name: &str| Ok::<_, Stop>(store.fact(name).map_err(stop)?.filter(|value| !value.is_empty()));
    let (column, dialect) = (said(ASSIGNMENT)?, said(DIALECT)?);
    let mut reports = Vec::new();
    for out in wanted {
        reports.push((out, cohort::cohort(out.format, &out.options(column.clone()))?));
    }
    let ids = store.ids().map_err(stop)?;
    let mut names = Names::beside(&ids);
    for id in &ids {
        let Some(stored) = store.get(id).map_err(stop)? else { continue };
        let (mut entry, members) = entry(stored, dialect.as_deref());
        let (group, named) = (entry.student.clone(), names.of(&entry.student, &members));
        for (out, report) in &mut reports {
            let rows = out.format.is_gradebook() && !members.is_empty();
            entry.members = if rows { Vec::new() } else { named.clone() };
            for student in if rows { members.as_slice() } else { std::slice::from_ref(&group) } {
                entry.student.clone_from(student);
                put(out, report.entry(&entry)?)?;
            }
        }
    }
    for (out, mut report) in reports {
        put(out, report.end()?)?;
    }
    Ok(())
}

fn put(out: &Out, files: Vec<File>) -> Result<(), Stop> {
    for file in files {
        let path = match out.shape {
            Shape::File => out.path.clone(),
            Shape::Folder => out.path.join(&file.path),
        };
        if let (Shape::Folder, Some(folder)) = (out.shape, path.parent()) {
            std::fs::create_dir_all(folder).with_context(|| format!("`{folder}` cannot be made"))?;
        }
        match out.shape {
            Shape::File if reports::is_added(out.format, &path) => output::add(&path, &file.bytes)?,
            Shape::File => output::write(&path, &file.bytes)?,
            Shape::Folder => output::write_one_of_many(&path, &file.bytes)?,
        }
    }
    Ok(())
}

/// A cohort in a few numbers.
#[derive(Debug, Default)]
pub struct Summary {
    /// The worst exit status of all.
    pub status: u8,
    /// How many have 0, 1, 3.
    by_status: [usize; 3],
    unread: Vec<(String, String)>,
    scores: Vec<(Points, Points)>,
}

/// So many that could not be read are named.
const NAMED: usize = 10;
/// Before what is said of one, and how many columns that has at least.
const INDENT: &str = "        ";
const NARROWEST: usize = 32;

impl Summary {
    /// Of all that is in a store.
    ///
    /// # Errors
    /// The store's.
    pub fn of(store: &Store) -> Result<Self, Stop> {
        let mut summary = Self::default();
        store
            .lines(|line| {
                summary.status = summary.status.max(line.status);
                match (line.reason, line.score) {
                    (Some(reason), _) => summary.unread.push((line.student.id, reason)),
                    (None, score) => {
                        summary.scores.extend(score);
                        summary.by_status[usize::from(line.status.min(2))] += 1;
                    }
                }
            })
            .map_err(stop)?;
        Ok(summary)
    }

    /// In words.
    #[must_use]
    pub fn told(&self, screen: &Screen) -> String {
        let [full, failing, ungraded] = self.by_status;
        let all = full + failing + ungraded + self.unread.len();
        let mut text = format!("\n{}\n", count(all, "submission"));
        let mut line = |number: usize, words: &str| {
            if number > 0 {
                text.push_str(&format!("{number:>6}  {words}\n"));
            }
        };
        line(full, "have all that is required");
        line(failing, "fail something that is required, or lack a program");
        line(ungraded, "could not be graded whole");
        line(self.unread.len(), "could not be read:");
        for (id, reason) in self.unread.iter().take(NAMED) {
            let told = format!("{}: {}", tame(id), tame(reason));
            for line in layout::wrap(&told, screen.width.saturating_sub(INDENT.len()).max(NARROWEST)) {
                text.push_str(&format!("{INDENT}{line}\n"));
            }
        }
        if self.unread.len() > NAMED {
            text.push_str(&format!("{INDENT}…\n"));
        }
        text + &self.scores_told()
    }

    fn scores_told(&self) -> String {
        let mut earned: Vec<Points> = self.scores.iter().map(|(score, _)| *score).collect();
        earned.sort_unstable();
        let Some(most) = self.scores.iter().map(|(_, most)| *most).max() else { return String::new() };
        let sum: f64 = earned.iter().map(|points| points.as_f64()).sum();
        #[expect(clippy::cast_precision_loss, reason = "a cohort has few students")]
        let mean = Points::from_f64(sum / earned.len() as f64);
        let [lowest, median, highest] = [0, earned.len() / 2, earned.len() - 1].map(|at| earned[at]);
        format!("Points of {most}: mean {mean}, median {median}, from {lowest} to {highest}.\n")
    }
}
