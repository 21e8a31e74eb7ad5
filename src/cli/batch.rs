//! `sockspec batch`: grade all submissions of a course's export.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use super::cluster::{self, Cluster, Ended};
use super::cohort::{self, Out};
use super::grade::{self, CheckRequest};
use super::output::Screen;
use super::parade::Parade;
use super::{Outcome, Stop, Suites, TROUBLE, hidden, terms};
use crate::batch::cluster::progress::{End, Teller};
use crate::batch::cohort::{Again, News, Orders, Tally, run};
use crate::batch::export::{self, Export, ExportError, Layout, Submission};
use crate::batch::room::Room;
use crate::batch::store::{Came, Store, Stored};
use crate::report::timings::Timings;
use crate::sandbox::Level;
use crate::text::tame;

/// Arguments of `sockspec batch`.
#[derive(Debug, Args)]
#[command(after_help = "\
EXPORT is what Moodle, Canvas or Gradescope give, clones of GitHub Classroom or
Classroom 50, or a folder with a folder for each student; a folder or a zip.

Each submission is stored in DIR/sockspec.db as soon as it is graded. The same
command goes on where it was stopped, and grades only what has changed.

Examples:
  sockspec batch export.zip --out lab2 --assignment sockspec.yaml
  sockspec batch export.zip --out lab2 --failed
  sockspec batch export.zip --out lab2 --only 4711,4712 --force
  sockspec batch export.zip --out lab2 --on slurm --shards 40
  sockspec report lab2 --report html=site/ --report csv-moodle=grades.csv")]
pub struct Batch {
    /// A folder or zip with all submissions
    #[arg(value_name = "EXPORT")]
    pub(super) export: Utf8PathBuf,

    /// The folder for the results; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub(super) out: Utf8PathBuf,

    /// How the export is laid out: moodle, canvas, gradescope, github-classroom, classroom50, plain
    /// [default: told from its names]
    #[arg(long, value_name = "LAYOUT")]
    pub(super) layout: Option<Layout>,

    #[command(flatten)]
    pub(super) suites: Suites,

    /// Grade only these submissions
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub(super) only: Vec<String>,

    /// Grade again what has not everything that is required
    #[arg(long, conflicts_with = "force")]
    pub(super) failed: bool,

    /// Grade again what has not changed
    #[arg(long)]
    pub(super) force: bool,

    /// Grade part K of N, always the same one, in a folder of its own; `sockspec merge` joins them
    #[arg(long, value_name = "K/N")]
    pub(super) shard: Option<Shard>,

    /// Isolate programs so, or not at all: private-network, confined, plain [default: the best there is]
    #[arg(long, value_name = "LEVEL")]
    pub(super) isolation: Option<Level>,

    /// Draw the same texts as the run that named this seed [default: by each submission's content]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,

    /// Run so many programs at the same time [default: two a processor, and more while processors idle]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,

    /// Give up on a submission after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    pub(super) each: u64,

    /// End after so many seconds, with what is done by then
    #[arg(long, value_name = "SECONDS")]
    pub(super) within: Option<u64>,

    /// Say how often programs were started, and where the time went
    #[arg(long)]
    pub(super) timings: bool,

    #[arg(long = "report", value_name = "FORMAT=PATH", help = cohort::HELP)]
    pub(super) reports: Vec<Out>,

    #[command(flatten)]
    pub(super) cluster: Cluster,
}

/// A part of a cohort: `2/5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 1.
    pub(super) part: u64,
    /// How many there are.
    pub(super) of: u64,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((part, of)) if (1..=of).contains(&part) => Ok(Self { part, of }),
            _ => Err("a part and the number of parts are wanted, from 1/1: `2/5`".to_owned()),
        }
    }
}

impl Shard {
    /// Whether a submission is in this part: the same on every machine, whoever else is in the export.
    pub(super) fn has(self, id: &str) -> bool {
        let hash = blake3::hash(id.as_bytes());
        let number = hash.as_bytes().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        number % self.of == self.part - 1
    }
}

impl Batch {
    /// Runs the command.
    pub fn run(self, screen: &Screen) -> Outcome {
        match &self.cluster.progress {
            _ if self.cluster.on.is_some() => cluster::run(&self, screen),
            None => self.work(screen, None).map(|ended| ended.status),
            Some(file) => cluster::as_task(file, |teller| self.work(screen, Some(teller))),
        }
    }

    fn work(&self, screen: &Screen, teller: Option<&mut Teller>) -> Result<Ended, Stop> {
        match self.cluster.join {
            Some(shards) => cluster::join(self, shards, screen, teller),
            None => self.grade(screen, teller),
        }
    }

    fn grade(&self, screen: &Screen, mut teller: Option<&mut Teller>) -> Result<Ended, Stop> {
        cohort::can_write(&self.reports)?;
        let begun = Instant::now();
        let export = self.opened()?;
        let shelf = Rc::new(self.suites.load(Some(&self.export))?);
        let terms = terms::of(&shelf, &self.flags())?;
        if let Some(teller) = &mut teller {
            teller.under(&terms);
        }
        let store = match &teller {
            Some(_) => cluster::own_store(&self.out, screen)?,
            None => Store::create(&self.out).map_err(cohort::stop)?,
        };
        cohort::note_terms(&store, &shelf, &self.flags(), &terms)?;
        screen.note(&head(&export));
        hidden::with_others(&shelf)?.iter().for_each(|words| screen.warning(words));
        let all: Vec<String> = export.submissions.iter().map(|one| one.student.id.clone()).collect();
        let submissions = self.wanted(export)?;
        let (parade, of, mut done) = (Parade::new(submissions.len(), screen), submissions.len(), 0);
        let mut timings = Timings::default();
        let mut tell = |news: News<'_>| {
            parade.show(&news);
            if let News::Done(Stored { outcome: Came::Graded(kept), .. }) = news {
                kept.record.programs.iter().for_each(|recorded| timings.add(&recorded.record));
            }
            done += 1;
            if let Some(teller) = &mut teller {
                teller.tell(done, of);
            }
        };
        let orders = self.orders(terms, shelf, begun);
        let tally = super::runtime()?.block_on(run(&store, submissions, &orders, &mut tell));
        parade.end();
        let tally = tally.map_err(cohort::stop)?;
        if self.only.is_empty() {
            note_gone(&store, &all, screen)?;
        }
        store.tidy().map_err(cohort::stop)?;
        let summary = cohort::Summary::of(&store)?;
        screen.print(self.told(&tally, &summary, begun.elapsed(), screen).as_bytes())?;
        if self.timings {
            screen.note(&timings.render(Duration::from_micros(crate::sys::used()), begun.elapsed()));
        }
        cohort::write(&store, &self.reports)?;
        Ok(ended(&tally, &summary))
    }

    /// The export; its results lie beside it.
    pub(super) fn opened(&self) -> Result<Export, Stop> {
        let export = export::open(&self.export, self.layout).map_err(|error| match error {
            // A file server that does not answer is no mistake of the caller's, and may answer the next time.
            ExportError::Io { .. } => Stop::Trouble(error.into()),
            _ => Stop::Usage(error.to_string()),
        })?;
        self.is_apart()?;
        Ok(export)
    }

    /// What decides a grading, of what is asked for here.
    pub(super) fn flags(&self) -> terms::Flags {
        terms::Flags { isolation: self.isolation, seed: self.seed }
    }

    fn orders(&self, terms: String, shelf: Rc<super::args::Shelf>, begun: Instant) -> Orders {
        Orders {
            terms,
            again: if self.force {
                Again::All
            } else if self.failed {
                Again::Failed
            } else {
                Again::Troubled
            },
            room: Arc::new(self.jobs.map_or_else(grade::room, |jobs| Room::fixed(usize::from(jobs)))),
            each: Duration::from_secs(self.each),
            end: self.within.map(|seconds| begun + Duration::from_secs(seconds)),
            prepare: prepare(shelf, self),
        }
    }

    /// The next time, results in the export would be taken for a submission.
    fn is_apart(&self) -> Result<(), Stop> {
        self.lies_apart("--out", &self.out)?;
        self.reports.iter().try_for_each(|report| self.lies_apart("--report", report.path()))
    }

    fn lies_apart(&self, flag: &str, path: &Utf8Path) -> Result<(), Stop> {
        let there = path.ancestors().find_map(|folder| {
            let folder = if folder.as_str().is_empty() { Utf8Path::new(".") } else { folder };
            folder.canonicalize_utf8().ok()
        });
        let export = self.export.canonicalize_utf8().ok();
        match there.zip(export) {
            Some((there, export)) if there.starts_with(&export) => Err(Stop::Usage(format!(
                "{flag} {path}: it lies in the export, and would be taken for a submission; name a place beside that"
            ))),
            _ => Ok(()),
        }
    }

    /// Those that are asked for.
    pub(super) fn wanted(&self, export: Export) -> Result<Vec<Submission>, Stop> {
        let mut submissions = export.submissions;
        if let Some(vain) = self.only.iter().find(|id| !submissions.iter().any(|one| one.student.id == **id)) {
            let ids: Vec<&str> = submissions.iter().map(|one| one.student.id.as_str()).collect();
            let advice = crate::span::nearest(vain, ids.clone()).map_or_else(
                || format!("the first here is {}", ids.first().unwrap_or(&"")),
                |near| format!("did you mean {near}?"),
            );
            return Err(Stop::Usage(format!("--only {vain}: there is no such submission; {advice}")));
        }
        submissions.retain(|one| self.only.is_empty() || self.only.contains(&one.student.id));
        submissions.retain(|one| self.shard.is_none_or(|shard| shard.has(&one.student.id)));
        Ok(submissions)
    }

    fn told(&self, tally: &Tally, summary: &cohort::Summary, took: Duration, screen: &Screen) -> String {
        let mut text = summary.told(screen);
        let known = if tally.known > 0 { format!(", {} known from before", tally.known) } else { String::new() };
        text.push_str(&format!("Graded {} in {} s{known}. Stored in {}.\n", tally.graded, took.as_secs(), self.out));
        if tally.left > 0 {
            text.push_str(&format!("{} were left for want of time: the same command goes on with them.\n", tally.left));
        }
        if self.reports.is_empty() {
            text.push_str(&format!("For reports: sockspec report {} --report html=site/\n", self.out));
        }
        text
    }
}

/// Makes what is to be graded of each submission. An assignment in a submission's own folder says nothing:
/// whoever is graded does not say for what.
fn prepare(shelf: Rc<super::args::Shelf>, batch: &Batch) -> Rc<crate::batch::cohort::Prepare> {
    let (seed, isolation) = (batch.seed, batch.isolation);
    Rc::new(move |path, student, places| {
        let request = CheckRequest {
            path: path.to_owned(),
            seed,
            isolation,
            places: Some(places),
            lenient: true,
            ..CheckRequest::default()
        };
        let prepared = grade::prepare_on(&shelf, &request).map_err(|stop| stop.to_string())?;
        Ok(crate::batch::Request { id: student.id.clone(), ..prepared })
    })
}

/// Leaves out of the reports what is no longer in the export.
pub(super) fn note_gone(store: &Store, all: &[String], screen: &Screen) -> Result<(), Stop> {
    let gone = store.only_these_are_left(all).map_err(cohort::stop)?;
    if gone > 0 {
        screen.note(&format!(
            "{} in the store and no longer in the export: kept, and left out of all reports\n",
            crate::text::count(gone, "submission")
        ));
    }
    Ok(())
}

/// What it comes to. That a submission cannot be graded is a result too; that its turn did not come is none.
fn ended(tally: &Tally, summary: &cohort::Summary) -> Ended {
    match tally.left {
        0 => Ended { status: summary.status, end: End::Done },
        left => {
            let why = format!("{} left for want of time", crate::text::count(left, "submission"));
            Ended { status: TROUBLE, end: End::Failed(why) }
        }
    }
}

/// What is said of the export.
fn head(export: &Export) -> String {
    let mut text =
        format!("{} submissions, laid out as {} ({})\n", export.submissions.len(), export.layout, export.why);
    for note in &export.notes {
        text.push_str(&format!("  {note}\n"));
    }
    for ignored in &export.ignored {
        text.push_str(&format!("  left out: {}: {}\n", ignored.name, ignored.reason));
    }
    text.lines().map(|line| format!("{}\n", tame(line))).collect()
}
