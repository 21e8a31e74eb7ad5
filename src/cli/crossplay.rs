//! `sockspec crossplay`: every client against every server.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::grade::{self, CheckRequest};
use super::output::{self, Screen};
use super::{Outcome, Stop, Suites, TROUBLE};
use crate::batch;
use crate::batch::crossplay::{CrossplayRequest, crossplay};
use crate::judge::crossplay::LeftOut;
use crate::plan::Choice;
use crate::program::find::name_fits;
use crate::program::reference::{REFERENCES, Reference};
use crate::report::Wanted;
use crate::report::crossplay as report;
use crate::text::io_words;

/// Arguments of `sockspec crossplay`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each PATH is a submission: its programs are found as `check` finds them. Every
client is started with every server of its transport, and with references in
both of the textbook's dialects, each pair in a private network of its own.

Exit status:
  0  all clients of submissions speak with all of their servers
  1  some do not
  2  wrong usage, or a mistake in a suite or assignment
  3  something could not be tried

Examples:
  sockspec crossplay alice bob
  sockspec crossplay my-half/
  sockspec crossplay submissions/* --report html=who-speaks.html")]
pub struct Crossplay {
    /// Folders or files
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<Utf8PathBuf>,

    #[command(flatten)]
    suites: Suites,

    /// Leave the references out
    #[arg(long)]
    no_references: bool,

    /// Draw the same sentence as the run that named this seed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Write a report (json, html) to FILE or standard output
    #[arg(long = "report", value_name = "FORMAT[=FILE]")]
    reports: Vec<Wanted<report::Format>>,

    /// Let so many pairs meet at the same time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
}

/// A submission, and whether it is a reference.
type Entrant = (batch::Request, bool);

impl Crossplay {
    /// Runs the command.
    pub fn run(self, screen: &Screen) -> Outcome {
        for file in self.reports.iter().filter_map(|wanted| wanted.file.as_ref()) {
            output::can_write(file)?;
        }
        let (mut entrants, left_out) = self.entrants()?;
        // They last as long as what is read from them.
        let mut folders = Vec::new();
        if !self.no_references {
            for reference in &REFERENCES {
                let folder = tempfile::tempdir().context("no temporary folder can be made")?;
                entrants.push((self.reference(reference, folder.path())?, true));
                folders.push(folder);
            }
        }
        let request = CrossplayRequest {
            entrants,
            left_out,
            seed: self.seed,
            jobs: self.jobs.map_or_else(|| 2 * grade::processors(), usize::from),
            executable: std::env::current_exe().context("this program does not know its own file")?,
        };
        let played = play(request)?;
        let piped = self.reports.iter().any(|wanted| wanted.file.is_none());
        let paint = if piped { screen.note_paint() } else { screen.paint };
        let text = report::terminal::render(&played, paint, screen.width);
        if piped {
            screen.note(&text)
        } else {
            screen.print(text.as_bytes())?
        }
        for wanted in &self.reports {
            let bytes = report::render(wanted.format, &played)?;
            match &wanted.file {
                Some(file) => output::write(file, &bytes)?,
                None => screen.print(&bytes)?,
            }
        }
        Ok(match (played.lacks(), played.all_speak()) {
            (true, _) => TROUBLE,
            (false, all) => u8::from(!all),
        })
    }

    /// The submissions, and those in which something is unclear.
    fn entrants(&self) -> Result<(Vec<Entrant>, Vec<LeftOut>), Stop> {
        let (mut entrants, mut left_out) = (Vec::new(), Vec::new());
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        for path in &self.paths {
            std::fs::metadata(path)
                .map_err(|error| Stop::Usage(format!("`{path}` cannot be read: {}", io_words(&error))))?;
            let request = CheckRequest { path: path.clone(), suites: self.suites.clone(), ..CheckRequest::default() };
            match grade::prepare(&request) {
                Ok(found) if found.programs.is_empty() => {
                    let looked_for: Vec<&str> = found.missing.iter().map(|one| one.looked_for.as_str()).collect();
                    let reason = format!("there is no program in it: looked for {}", looked_for.join(", "));
                    left_out.push(LeftOut { name: path.to_string(), reason });
                }
                Ok(found) => {
                    *names.entry(found.id.clone()).or_default() += 1;
                    entrants.push((found, false));
                }
                // One unclear submission does not keep the others from meeting.
                Err(Stop::Usage(reason)) => left_out.push(LeftOut { name: path.to_string(), reason }),
                Err(stop) => return Err(stop),
            }
        }
        for (entrant, _) in &mut entrants {
            let is_reference = REFERENCES.iter().any(|reference| reference.name == entrant.id);
            if is_reference || names.get(&entrant.id).is_some_and(|times| *times > 1) {
                entrant.id = entrant.path.to_string();
            }
        }
        Ok((entrants, left_out))
    }

    /// A reference, on the ports that the assignment gives.
    fn reference(&self, reference: &Reference, folder: &std::path::Path) -> Result<batch::Request, Stop> {
        let folder = Utf8Path::from_path(folder).context("the temporary folder has a name that is not UTF-8")?;
        let shelf = self.suites.load(self.paths.first().map(Utf8PathBuf::as_path))?;
        let choice = Choice { dialect: Some(reference.dialect), ..shelf.choice() };
        let plans = shelf.library.plans(&choice)?;
        let port = |file: &str| {
            let stem = file.trim_end_matches(".py");
            plans.iter().find(|plan| name_fits(stem, plan.role)).map(|plan| plan.port)
        };
        reference.write(folder, port).context("a reference cannot be written")?;
        let suites = Suites { assignment: None, dialect: Some(reference.dialect.to_owned()) };
        let request = CheckRequest { path: folder.to_owned(), suites, ..CheckRequest::default() };
        let mut found = grade::prepare(&request)?;
        found.id = reference.name.to_owned();
        for program in &mut found.programs {
            let given = plans.iter().find(|plan| plan.role == program.plan.role).map(|plan| plan.port);
            program.plan.port = given.unwrap_or(program.plan.port);
        }
        Ok(found)
    }
}

fn play(request: CrossplayRequest) -> Result<crate::judge::crossplay::Crossplay, Stop> {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{msg:<12} {bar:32} {pos}/{len}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─"));
    bar.set_message("pairs");
    let shown = bar.clone();
    let progress = move |done: usize, of: usize| {
        shown.set_length(of as u64);
        shown.set_position(done as u64);
    };
    let played = super::runtime()?.block_on(crossplay(request, Arc::new(progress)));
    bar.finish_and_clear();
    played.map_err(|error| Stop::Usage(error.to_string()))
}
