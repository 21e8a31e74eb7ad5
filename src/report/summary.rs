//! GitHub Actions: the summary of a step, for the file that `GITHUB_STEP_SUMMARY` names.
//!
//! It is the feedback of [`markdown`](super::markdown), cut before the 1 MiB beyond which GitHub shows
//! nothing at all: <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits>.

use super::document::{Document, Who};
use super::sanitize::attribute;
use super::{Graded, ReportError, markdown};
use crate::text::count;

/// The most bytes of the table and of the details: 1 MiB together, less what others may add.
const MOST: (usize, usize) = (300_000, 700_000);

/// The report while it is made: what everybody asks first on top, then the details.
pub(super) struct Summary {
    several: bool,
    rows: Vec<String>,
    parts: Vec<String>,
    room: (usize, usize),
    left_out: usize,
}

impl Summary {
    pub(super) fn new(several: bool) -> Self {
        Self { several, rows: Vec::new(), parts: Vec::new(), room: MOST, left_out: 0 }
    }

    fn part(&mut self, part: String) {
        if self.left_out == 0 && part.len() <= self.room.1 {
            self.room.1 -= part.len();
            self.parts.push(part);
        } else {
            self.left_out += 1;
        }
    }

    /// A line of the table of several submissions.
    fn row(&mut self, name: &str, result: &str) {
        let row = format!("| {} | {} |\n", markdown::cell(name), markdown::cell(result));
        if row.len() <= self.room.0 {
            self.room.0 -= row.len();
            self.rows.push(row);
        } else {
            self.left_out += 1;
        }
    }
}

/// Whose it is, in a line that is not too long.
fn name(who: &Who<'_>) -> String {
    markdown::prose(&attribute(who.student.shown()))
}

impl Document for Summary {
    fn submission(&mut self, who: &Who<'_>, graded: &Graded) -> Result<(), ReportError> {
        let level = if self.several {
            self.row(&name(who), &markdown::points(graded));
            self.part(format!("## {}\n\n{}\n\n", name(who), markdown::points(graded)));
            3
        } else {
            self.part(format!("{}\n\n", markdown::points(graded)));
            2
        };
        markdown::parts(graded, level).into_iter().for_each(|part| self.part(part));
        Ok(())
    }

    fn unread(&mut self, who: &Who<'_>, reason: &str) {
        self.row(&name(who), &format!("**Not graded.** {}", markdown::prose(&attribute(reason))));
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, ReportError> {
        let mut out = String::new();
        if !self.rows.is_empty() {
            out.push_str("| submission | result |\n|---|---|\n");
            out.extend(self.rows);
            out.push('\n');
        }
        out.extend(self.parts);
        if self.left_out > 0 {
            out.push_str(&format!("{} left out here: the log of the step has all.\n", count(self.left_out, "part")));
        }
        Ok(format!("{}\n", out.trim_end()).into_bytes())
    }
}
