//! How far a grading is, on a terminal's standard error; nothing anywhere else.

use std::collections::BTreeMap;
use std::sync::Mutex;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::batch::Progress;
use crate::ids::Role;

/// A bar a program.
#[derive(Debug)]
pub struct Bars {
    all: MultiProgress,
    bars: Mutex<BTreeMap<Role, ProgressBar>>,
}

impl Bars {
    /// Bars on standard error, if that is a terminal.
    #[must_use]
    pub fn new() -> Self {
        Self { all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()), bars: Mutex::default() }
    }

    /// Moves a program's bar.
    pub fn show(&self, progress: Progress) {
        let Ok(mut bars) = self.bars.lock() else { return };
        let bar = bars.entry(progress.role).or_insert_with(|| self.bar(progress));
        bar.set_position(progress.scenario as u64);
    }

    fn bar(&self, progress: Progress) -> ProgressBar {
        let bar = ProgressBar::new(progress.of as u64).with_message(progress.role.words());
        let style = ProgressStyle::with_template("{msg:<12} {bar:32} {pos}/{len}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─"));
        self.all.add(bar)
    }

    /// Takes all bars away again.
    pub fn clear(&self) {
        let _ = self.all.clear();
    }
}
