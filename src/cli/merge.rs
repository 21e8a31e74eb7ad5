//! `sockspec merge`: join the stores of a cohort's parts.

use camino::Utf8PathBuf;
use clap::Args;

use super::output::Screen;
use super::{Outcome, Stop, cohort};
use crate::batch::store::{NAME, Store};

/// Arguments of `sockspec merge`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sockspec batch export.zip --out part1 --shard 1/2     (on one machine)
  sockspec batch export.zip --out part2 --shard 2/2     (on another)
  sockspec merge lab2 part1 part2

To do it twice changes nothing. What is in DIR already stays, unless a part has
something else of the same submission.")]
pub struct Merge {
    /// The folder for all of them; made if it is not there
    #[arg(value_name = "OUT")]
    out: Utf8PathBuf,

    /// Folders that `sockspec batch --out` named
    #[arg(required = true, value_name = "DIR")]
    parts: Vec<Utf8PathBuf>,

    /// Join what was graded by another version or under another assignment
    #[arg(long)]
    mixed: bool,
}

impl Merge {
    /// Runs the command.
    pub fn run(self, screen: &Screen) -> Outcome {
        for part in &self.parts {
            if part
                .canonicalize_utf8()
                .ok()
                .is_some_and(|part| self.out.canonicalize_utf8().is_ok_and(|out| out == part))
            {
                return Err(Stop::Usage(format!("`{part}` cannot be joined to itself")));
            }
        }
        let parts = self.parts.iter().map(|part| Store::read(part)).collect::<Result<Vec<_>, _>>();
        let parts = parts.map_err(cohort::stop)?;
        // All are looked at before one is taken, and before there is anything new.
        let before = Store::is_in(&self.out).then(|| Store::read(&self.out)).transpose().map_err(cohort::stop)?;
        let all: Vec<(&Store, &Utf8PathBuf)> =
            before.iter().map(|store| (store, &self.out)).chain(parts.iter().zip(&self.parts)).collect();
        self.are_alike(&all)?;
        drop(before);
        let mut store = Store::create(&self.out).map_err(cohort::stop)?;
        for (other, part) in parts.iter().zip(&self.parts) {
            other.tidy().map_err(cohort::stop)?;
            let merged = store.take_in(other).map_err(cohort::stop)?;
            cohort::inherit(&store, other)?;
            screen.print(format!("{part}: {} taken, {} known\n", merged.taken, merged.known).as_bytes())?;
        }
        store.tidy().map_err(cohort::stop)?;
        screen.print(cohort::Summary::of(&store)?.told(screen).as_bytes())?;
        screen.print(format!("Stored in {}.\n", self.out.join(NAME)).as_bytes())?;
        Ok(0)
    }

    /// Refuses what was graded under other terms than the first, unless it may be so.
    fn are_alike(&self, all: &[(&Store, &Utf8PathBuf)]) -> Result<(), Stop> {
        let Some((first, name)) = all.first().filter(|_| !self.mixed) else { return Ok(()) };
        for (other, part) in all {
            if let Some(what) = cohort::differs(first, other)? {
                let than = if part == name { "in part".to_owned() } else { format!("than `{name}`") };
                return Err(Stop::Usage(format!(
                    "`{part}` was graded under {what} {than}; grade it again, or say --mixed"
                )));
            }
        }
        Ok(())
    }
}
