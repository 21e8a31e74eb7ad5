//! How far a cohort is: a bar with the last failures on a terminal, else a line for each submission.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::Screen;
use crate::batch::cohort::News;
use crate::batch::store::{Came, Stored};
use crate::judge::verdict::{Judged, Verdict};
use crate::plan::model::Level;
use crate::report::layout::fit;
use crate::text::{count, tame};

/// So many of the last failures are shown.
const LAST: usize = 3;
/// Columns of a line about one.
const WIDTH: usize = 78;

/// The submissions as they go by.
pub struct Parade<'a> {
    screen: &'a Screen,
    of: usize,
    done: Cell<usize>,
    last: RefCell<VecDeque<String>>,
    bar: Option<ProgressBar>,
}

impl<'a> Parade<'a> {
    /// Of so many.
    #[must_use]
    pub fn new(of: usize, screen: &'a Screen) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(of as u64), ProgressDrawTarget::stderr());
            let template = "{msg}{bar:32} {pos}/{len}  {per_sec}  {elapsed} gone, {eta} left";
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style.progress_chars("━╸─"));
            bar
        });
        Self { screen, of, done: Cell::new(0), last: RefCell::default(), bar }
    }

    /// Shows what is new.
    pub fn show(&self, news: &News<'_>) {
        self.done.set(self.done.get() + 1);
        let line = match news {
            News::Known => None,
            News::Done(stored) => Some(told(stored)),
        };
        match (&self.bar, line) {
            (Some(bar), line) => {
                if let Some((line, true)) = line {
                    self.remember(bar, line);
                }
                bar.set_position(self.done.get() as u64);
            }
            (None, Some((line, _))) => self.screen.note(&format!("{}/{} {line}\n", self.done.get(), self.of)),
            (None, None) => {}
        }
    }

    fn remember(&self, bar: &ProgressBar, line: String) {
        let mut last = self.last.borrow_mut();
        last.push_back(fit(&line, WIDTH));
        if last.len() > LAST {
            last.pop_front();
        }
        bar.set_message(last.iter().map(|line| format!("{line}\n")).collect::<String>());
    }

    /// Takes the bar away again.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A submission in a line, and whether it is one to look at.
fn told(stored: &Stored) -> (String, bool) {
    let who = tame(&stored.student.id);
    match &stored.outcome {
        Came::Unread { reason, .. } => (format!("{who}: not graded: {}", tame(reason)), true),
        Came::Graded(kept) => {
            let verdict = &kept.verdict;
            let required = |judged: &&Judged| judged.level == Level::Required && judged.verdict == Verdict::Failed;
            let failed = verdict.requirements().filter(required);
            let first = failed.map(|judged| judged.id.to_string()).take(4).collect::<Vec<_>>().join(", ");
            let first = if first.is_empty() { first } else { format!("  fails {first}") };
            let lacks = match verdict.missing.len() {
                0 => String::new(),
                number => format!("  lacks {}", count(number, "program")),
            };
            let ungraded = if verdict.status() == 3 { "  some of it ungraded" } else { "" };
            (
                format!("{who}: {}/{}{first}{lacks}{ungraded}", verdict.score(), verdict.max_score()),
                verdict.status() != 0,
            )
        }
    }
}
