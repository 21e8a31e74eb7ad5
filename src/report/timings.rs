//! Where the time of a grading went, as a table for a terminal.

use std::collections::BTreeMap;
use std::time::Duration;

use super::layout::{pad, width};
use crate::event::{ProgramRecord, Spent};
use crate::ids::Role;

/// The headings of what is counted.
const HEADINGS: [&str; 5] = ["starts", "programs", "sandbox", "grader", "waiting"];

/// How often programs were started, and where the time went, for each role.
#[derive(Debug, Default)]
pub struct Timings(BTreeMap<Role, (u32, Spent)>);

impl Timings {
    /// Counts a program.
    pub fn add(&mut self, program: &ProgramRecord) {
        let (starts, spent) = self.0.entry(program.role).or_default();
        *starts += program.starts;
        *spent += program.spent;
    }

    /// How long processors were busy with programs, with what starts them in their sandbox, and with the grader;
    /// what is left of the workers' time was waited, for a program's own time limits or for a processor. `own` is
    /// the processor time of this process, `whole` what a clock shows.
    #[must_use]
    pub fn render(&self, own: Duration, whole: Duration) -> String {
        let mut together =
            (0, Spent { grader: u64::try_from(own.as_micros()).unwrap_or(u64::MAX), ..Spent::default() });
        for (starts, spent) in self.0.values() {
            together.0 += starts;
            together.1 += *spent;
        }
        let rows = self.0.iter().map(|(role, (starts, spent))| (role.words().to_owned(), cells(*starts, *spent)));
        let last = (format!("Together, in {:.2} s", whole.as_secs_f64()), cells(together.0, together.1));
        let rows: Vec<_> = rows.chain([last]).collect();
        let first = rows.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
        let columns: Vec<usize> = HEADINGS
            .iter()
            .enumerate()
            .map(|(place, heading)| rows.iter().map(|(_, cells)| width(&cells[place])).max().max(Some(width(heading))))
            .map(Option::unwrap_or_default)
            .collect();
        let line = |name: &str, cells: [&str; 5]| {
            let cells = cells.iter().zip(&columns).map(|(cell, columns)| format!("  {cell:>columns$}"));
            format!("{}{}\n", pad(name, first), cells.collect::<String>())
        };
        let body = rows.iter().map(|(name, cells)| line(name, cells.each_ref().map(String::as_str)));
        line("", HEADINGS) + &body.collect::<String>()
    }
}

fn cells(starts: u32, spent: Spent) -> [String; 5] {
    let seconds = |micros: u64| format!("{:.2} s", Duration::from_micros(micros).as_secs_f64());
    let waited = spent.wall.saturating_sub(spent.programs + spent.sandbox + spent.grader);
    [starts.to_string(), seconds(spent.programs), seconds(spent.sandbox), seconds(spent.grader), seconds(waited)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_the_programs_time_nor_the_graders_was_waited() {
        let spent = Spent { programs: 1_200_000, sandbox: 100_000, grader: 300_000, wall: 4_000_000 };
        assert_eq!(cells(7, spent), ["7", "1.20 s", "0.10 s", "0.30 s", "2.40 s"]);
        // Two of its threads may use two processors.
        assert_eq!(cells(7, Spent { wall: 1, ..spent })[4], "0.00 s");
    }
}
