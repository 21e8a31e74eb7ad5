//! `sockspec check`: test the programs of a submission.

use std::sync::Arc;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use super::grade::{self, CheckRequest};
use super::output::{self, Screen};
use super::progress::Bars;
use super::{FAILED, Outcome, Stop, Suites, reports};
use crate::batch::places::Places;
use crate::batch::room::Room;
use crate::ids::Role;
use crate::judge::submission::SubmissionRecord;
use crate::report::timings::Timings;
use crate::report::{self, Graded, Options, Wanted, terminal};
use crate::sandbox::Level;
use crate::text::shell_word;
use crate::text::tame;

/// Arguments of `sockspec check`.
#[derive(Debug, Args)]
#[command(after_help = "PATH is a folder, in which the programs are found by their names, or one file.
They run in a copy of it: nothing in PATH is changed.

What the assignment hides from students does not count for the exit status,
unless a report is written that has it: json, gradescope, csv.

Examples:
  sockspec check .
  sockspec check lab2/UDPServer.py
  sockspec check . --only 'TCPS-*'
  sockspec check . --dialect java --report junit=junit.xml
  sockspec check server.py --role tcp-server
  sockspec check . --role tcp-client -- python3 -u client.py 127.0.0.1 12000")]
pub struct Check {
    /// A folder or a file
    #[arg(default_value = ".", value_name = "PATH", hide_default_value = true)]
    path: Utf8PathBuf,

    /// Test one program: udp-server, udp-client, tcp-server, tcp-client
    #[arg(long, value_name = "ROLE")]
    role: Option<Role>,

    #[command(flatten)]
    suites: Suites,

    /// Test only these requirements, and what they need: TCPS-5, 'UDPS-*'
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    only: Vec<String>,

    /// Draw the same texts as the run that named this seed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    #[arg(long = "report", value_name = "FORMAT[=FILE]", help = reports::HELP)]
    reports: Vec<Wanted>,

    /// End with status 0 though something required does not hold, for platforms that take 1 for a breakdown
    #[arg(long)]
    exit_zero: bool,

    /// Keep what was observed, for `sockspec judge`
    #[arg(long, value_name = "FILE")]
    record: Option<Utf8PathBuf>,

    /// Isolate programs so, or not at all: private-network, confined, plain [default: the best there is]
    #[arg(long, value_name = "LEVEL")]
    isolation: Option<Level>,

    /// Keep the packets for Wireshark: DIR/ROLE/SCENARIO.pcapng (Linux)
    #[arg(long, value_name = "DIR")]
    evidence: Option<Utf8PathBuf>,

    /// Run so many programs at the same time [default: two a processor, more while all wait]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,

    /// Say how often programs were started, and where the time went
    #[arg(long)]
    timings: bool,

    /// How to start the program, in a copy of PATH (needs --role)
    #[arg(last = true, value_name = "COMMAND", requires = "role")]
    command: Vec<String>,
}

impl Check {
    /// Runs the command.
    pub fn run(self, screen: &Screen) -> Outcome {
        let begun = Instant::now();
        for file in self.reports.iter().filter_map(|wanted| wanted.file.as_ref()).chain(&self.record) {
            output::can_write(file)?;
        }
        reports::fit(&self.reports, 1)?;
        let bars = Arc::new(Bars::new());
        let shown = Arc::clone(&bars);
        let record = grade::grade(&self.request(), Arc::new(move |progress| shown.show(progress)));
        bars.clear();
        let record = record?;
        let kept = self.keep(&record);
        if let Some(folder) = self.evidence.as_ref().filter(|folder| !grade::has_evidence(&record, folder)) {
            screen.note(&format!(
                "No packets are in `{folder}`: they can be captured only in a private network of the program's own, \
                 on Linux, where that is allowed.\n"
            ));
        }
        let graded = [grade::judged(&record)];
        let again = Some(self.again(record.seed));
        let options = Options { again, ..reports::surroundings(self.folder()) };
        let status = publish(screen, &graded, &self.reports, &options);
        if self.timings {
            screen.note(&format!("\n{}", timings_of(&record, begun.elapsed())));
        }
        // What was found out is shown all the same.
        let status = kept.and(status)?;
        Ok(if self.exit_zero && status == FAILED { 0 } else { status })
    }

    /// Writes what was observed, where that is wanted.
    fn keep(&self, record: &SubmissionRecord) -> Result<(), Stop> {
        let Some(file) = &self.record else { return Ok(()) };
        let bytes = serde_json::to_vec(record).map_err(anyhow::Error::from)?;
        output::write(file, &bytes).map_err(Stop::from)
    }

    /// The folder that programs' paths are relative to; none where a command line stands for the path.
    fn folder(&self) -> Option<&Utf8Path> {
        let folder = if self.path.is_dir() { Some(self.path.as_path()) } else { self.path.parent() };
        folder.filter(|_| self.command.is_empty())
    }

    fn request(&self) -> CheckRequest {
        CheckRequest {
            path: self.path.clone(),
            role: self.role,
            suites: self.suites.clone(),
            only: self.only.clone(),
            seed: self.seed,
            isolation: self.isolation,
            places: self.jobs.map(|jobs| Places::alone(Room::fixed(usize::from(jobs)))),
            lenient: false,
            command: self.command.clone(),
            evidence: self.evidence.clone(),
        }
    }

    /// The command line that does the same again.
    fn again(&self, seed: u64) -> String {
        let mut words = vec!["sockspec".to_owned(), "check".to_owned(), shell_word(self.path.as_str())];
        let mut flag = |name: &str, value: &str| words.extend([name.to_owned(), shell_word(value)]);
        self.role.iter().for_each(|role| flag("--role", role.name()));
        self.suites.assignment.iter().for_each(|file| flag("--assignment", file.as_str()));
        self.suites.dialect.iter().for_each(|name| flag("--dialect", name));
        self.only.iter().for_each(|pattern| flag("--only", pattern));
        self.isolation.iter().for_each(|level| flag("--isolation", level.name()));
        flag("--seed", &seed.to_string());
        if !self.command.is_empty() {
            words.push("--".to_owned());
            words.extend(self.command.iter().map(|word| shell_word(word)));
        }
        words.join(" ")
    }
}

/// Where the time of a grading went.
fn timings_of(record: &SubmissionRecord, whole: Duration) -> String {
    let mut timings = Timings::default();
    record.programs.iter().for_each(|recorded| timings.add(&recorded.record));
    timings.render(Duration::from_micros(crate::sys::used()), whole)
}

/// Writes all reports, and the one for people where it is in nobody's way. The status is that of what they have:
/// where none has what is hidden from students, that does not count.
pub fn publish(screen: &Screen, graded: &[Graded], wanted: &[Wanted], options: &Options) -> Outcome {
    let piped = wanted.iter().any(|wanted| wanted.file.is_none());
    let text = for_people(screen, graded, piped, options.again.as_deref());
    let printed = if piped {
        screen.note(&text);
        Ok(())
    } else {
        screen.print(text.as_bytes())
    };
    // Files are written even if the terminal could not be.
    for wanted in wanted {
        let bytes = report::render(wanted.format, graded, options)?;
        match &wanted.file {
            Some(file) if reports::is_added(wanted.format, file) => output::add(file, &bytes)?,
            Some(file) => output::write(file, &bytes)?,
            None => screen.print(&bytes)?,
        }
    }
    printed?;
    let has_all = wanted.iter().any(|wanted| wanted.format.has_all());
    let status = |one: &Graded| if has_all { one.verdict.status() } else { one.verdict.shown_status() };
    Ok(graded.iter().map(status).max().unwrap_or(0))
}

fn for_people(screen: &Screen, graded: &[Graded], piped: bool, again: Option<&str>) -> String {
    let paint = if piped { screen.note_paint() } else { screen.paint };
    let options = terminal::Options { colour: paint.colour, width: screen.width, again: again.map(str::to_owned) };
    let one = |one: &Graded| {
        let text = terminal::render(one, &options);
        if graded.len() == 1 { text } else { format!("Submission {}\n\n{text}", tame(&one.verdict.id)) }
    };
    graded.iter().map(one).collect::<Vec<_>>().join("\n")
}
