//! `sockspec report`: write reports from the store of a cohort, at any time.

use camino::Utf8PathBuf;
use clap::Args;

use super::Outcome;
use super::cohort::{self, Out};
use super::output::Screen;
use crate::batch::store::Store;

/// Arguments of `sockspec report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sockspec report lab2 --report html=site/
  sockspec report lab2 --report csv-moodle=grades.csv --report csv=all.csv
  sockspec report lab2 --report markdown=feedback/ --report junit=junit/

Without --report it says how the cohort did. The status is 0 when that was
written, whatever the verdicts are.")]
pub struct Report {
    /// The folder that `sockspec batch --out` named
    #[arg(value_name = "DIR")]
    folder: Utf8PathBuf,

    #[arg(long = "report", value_name = "FORMAT=PATH", help = cohort::HELP)]
    reports: Vec<Out>,
}

impl Report {
    /// Runs the command.
    pub fn run(self, screen: &Screen) -> Outcome {
        cohort::can_write(&self.reports)?;
        let store = Store::read(&self.folder).map_err(cohort::stop)?;
        cohort::write(&store, &self.reports)?;
        if self.reports.is_empty() {
            screen.print(cohort::Summary::of(&store)?.told(screen).as_bytes())?;
        }
        Ok(0)
    }
}
