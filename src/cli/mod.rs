//! The command line: arguments, wiring, exit codes; one file a command.
//!
//! Exit status: 0 all that is required holds, 1 some of it does not, 2 wrong usage or a wrong
//! suite, 3 something could not be graded.

use std::fmt;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::plan::{Report, diagnose};
use crate::program::find::FindError;
use crate::report::ReportError;

mod args;
mod batch;
mod check;
mod cluster;
mod cohort;
mod crossplay;
mod doctor;
mod explain;
mod grade;
mod hidden;
mod judge;
mod lint;
mod list;
mod members;
mod merge;
mod output;
mod parade;
mod progress;
mod rejudge;
mod report;
mod reports;
mod terms;
mod told;
mod worker;

pub use args::{Colour, Suites};
use output::Screen;

/// Something that is required does not hold.
const FAILED: u8 = 1;
/// What is wrong is the caller's: arguments, a file, a suite.
const USAGE: u8 = 2;
/// What is wrong is ours or the machine's.
const TROUBLE: u8 = 3;

/// Tests socket programs against a protocol, and says what is wrong with them.
#[derive(Debug, Parser)]
#[command(
    name = "sockspec",
    version,
    max_term_width = 80,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Exit status:
  0  all that is required holds
  1  some of it does not
  2  wrong usage, or a mistake in a suite or assignment
  3  something could not be graded

Begin with `sockspec check .` in the folder of your programs."
)]
pub struct Cli {
    /// When to use colours: auto, always, never
    #[arg(
        long,
        value_enum,
        default_value_t = Colour::Auto,
        global = true,
        value_name = "WHEN",
        display_order = 100,
        hide_possible_values = true,
        hide_default_value = true
    )]
    color: Colour,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Test the programs of a submission
    Check(check::Check),
    /// Let every client loose on every server: who speaks with whom, and why not
    Crossplay(crossplay::Crossplay),
    /// Grade all submissions of a course's export
    Batch(batch::Batch),
    /// Write reports on a cohort that `batch` graded
    Report(report::Report),
    /// Join the stores of a cohort's parts
    Merge(merge::Merge),
    /// Judge records again that `check --record` kept
    Judge(judge::Judge),
    /// List requirements and scenarios
    List(list::List),
    /// Explain a requirement: what, why, how to fix it, how it is tested
    Explain(explain::Explain),
    /// Look for mistakes in suites, dialects and assignments
    Lint(lint::Lint),
    /// Say how well programs can be isolated here, and what can be run
    Doctor(doctor::Doctor),
    /// Run one program for `check` (a process of its own)
    #[command(hide = true)]
    Worker(worker::Worker),
}

/// Why a command ended without a result.
#[derive(Debug)]
pub enum Stop {
    /// The caller's mistake, with what to do.
    Usage(String),
    /// Mistakes in files, with their places.
    Mistakes(Vec<Report>),
    /// Our fault or the machine's.
    Trouble(anyhow::Error),
}

impl fmt::Display for Stop {
    /// In one line, where it is about one submission of many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) => f.write_str(message),
            Self::Mistakes(reports) => write!(f, "{}", diagnose::render(reports, false).trim_end()),
            Self::Trouble(error) => write!(f, "{error:#}"),
        }
    }
}

impl From<Vec<Report>> for Stop {
    fn from(reports: Vec<Report>) -> Self {
        Self::Mistakes(reports)
    }
}

impl From<Report> for Stop {
    fn from(report: Report) -> Self {
        Self::Mistakes(vec![report])
    }
}

impl From<FindError> for Stop {
    fn from(error: FindError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<ReportError> for Stop {
    fn from(error: ReportError) -> Self {
        Self::Trouble(error.into())
    }
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Trouble(error)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Trouble(error.into())
    }
}

/// What a command ends with: an exit status, or why there is none.
type Outcome = Result<u8, Stop>;

/// Runs the program that the arguments of this process ask for.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => ExitCode::from(run(cli)),
        Err(error) => {
            // Help goes to standard output with status 0, a mistake to standard error with 2. That
            // nobody reads it any more is no failure.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE))
        }
    }
}

/// What runs what is waited for: one thread, for the work is done by other processes.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime could be made")
}

fn run(cli: Cli) -> u8 {
    let screen = Screen::new(cli.color);
    // Workers inherit what is allowed here.
    let may_grade = || crate::sandbox::allow_many_files().map_err(|error| Stop::Trouble(error.into()));
    let outcome = match cli.command {
        Command::Check(command) => may_grade().and_then(|()| command.run(&screen)),
        Command::Crossplay(command) => may_grade().and_then(|()| command.run(&screen)),
        Command::Batch(command) => may_grade().and_then(|()| command.run(&screen)),
        Command::Report(command) => command.run(&screen),
        Command::Merge(command) => command.run(&screen),
        Command::Judge(command) => command.run(&screen),
        Command::List(command) => command.run(&screen),
        Command::Explain(command) => command.run(&screen),
        Command::Lint(command) => command.run(&screen),
        Command::Doctor(command) => command.run(&screen),
        Command::Worker(command) => command.run(&screen),
    };
    match outcome {
        Ok(status) => status,
        Err(Stop::Usage(message)) => {
            screen.error(&message);
            USAGE
        }
        Err(Stop::Mistakes(reports)) => {
            screen.mistakes(&reports);
            USAGE
        }
        Err(Stop::Trouble(error)) => {
            screen.error(&format!("{error:#}"));
            TROUBLE
        }
    }
}
