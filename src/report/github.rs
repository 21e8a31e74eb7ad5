//! GitHub Actions: annotations, and the log of a step in groups
//! (<https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands>).
//!
//! A runner obeys a line of the log that begins with `::`, whoever wrote it. So text with a program's
//! words in it stands between `::stop-commands::TOKEN` and `::TOKEN::`. The token is made from a hash of
//! the very text that it fences: no text can hold its own, and a program cannot know what else is there.
//! Within a command what is quoted is escaped. Hidden requirements are left out.

use camino::{Utf8Path, Utf8PathBuf};

use super::document::{Document, Who};
use super::group::{Group, failures};
use super::sanitize::{attribute, json_text, not_a_command};
use super::{Graded, ReportError, told};
use crate::judge::verdict::ProgramVerdict;
use crate::text::{count, tame};

/// How many annotations of a level GitHub shows of a step.
const MOST: usize = 10;

/// Where a submission lives in the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The submission's folder, relative to the repository; an annotation names no file where it is not
    /// known.
    pub folder: Option<Utf8PathBuf>,
}

/// What an annotation is called, and how it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Error,
    Warning,
    Notice,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// The report while it is made.
pub(super) struct Github {
    place: Place,
    several: bool,
    annotations: Vec<(Level, String)>,
    log: String,
}

impl Github {
    pub(super) fn new(place: Place, several: bool) -> Self {
        Self { place, several, annotations: Vec::new(), log: String::new() }
    }

    fn annotate(&mut self, level: Level, file: Option<&Utf8Path>, title: &str, message: &str) {
        let file = file.map(|file| format!("file={},line=1,", property(&tame(file.as_str())))).unwrap_or_default();
        let title = property(&attribute(&tame(title)));
        let command = format!("::{} {file}title={title}::{}", level.name(), data(&tame(message)));
        self.annotations.push((level, command));
    }

    /// A group of the log, all of which may be a program's words.
    fn group(&mut self, title: &str, text: &str) {
        let text = tame(text);
        let token = token(&text);
        self.log.push_str(&format!(
            "::group::{}\n::stop-commands::{token}\n{}\n::{token}::\n::endgroup::\n",
            data(&attribute(&tame(title))),
            text.trim_end()
        ));
    }

    fn named(&self, who: &Who<'_>, title: &str) -> String {
        if self.several { format!("{}: {title}", who.student.id) } else { title.to_owned() }
    }

    /// What one defect led to is one annotation.
    fn failed(&mut self, who: &Who<'_>, graded: &Graded, program: &ProgramVerdict, group: &Group<'_>) {
        let judged = group.first;
        let told = told::failure(graded, program, judged);
        let others: Vec<&str> = group.others.iter().map(|judged| judged.id.0.as_str()).collect();
        let same = if others.is_empty() { String::new() } else { format!("\nSame cause: {}", others.join(", ")) };
        let title = self.named(who, &format!("{} {}", judged.id, judged.title));
        let level = if group.is_required() { Level::Error } else { Level::Notice };
        let file = self.place.folder.as_ref().map(|folder| folder.join(&program.path));
        self.annotate(level, file.as_deref(), &title, &format!("{}{same}", told.message));
        let printed = told::printed(graded, program, judged).filter(|_| !self.several);
        let printed = printed.map(|printed| format!("\nprinted:\n{}", json_text(&printed))).unwrap_or_default();
        self.group(&title, &format!("{}{printed}", told.text));
    }

    fn ungraded(&mut self, who: &Who<'_>, program: &ProgramVerdict) {
        for (reason, ids) in told::reasons(told::shown(program)) {
            let title = self.named(who, &format!("{} not graded", ids.join(", ")));
            self.annotate(Level::Warning, None, &title, &told::ungraded(reason));
        }
    }

    fn totals(&mut self, who: &Who<'_>, graded: &Graded) {
        let (score, of) = told::total(&graded.verdict);
        let points = told::no_points(&graded.verdict)
            .map_or_else(|| format!("{score} of {of} points"), |none| none.words().to_owned());
        let line = self.named(who, &points);
        self.log.push_str(&format!("{}\n", not_a_command(&attribute(&tame(&line)))));
    }
}

impl Document for Github {
    fn submission(&mut self, who: &Who<'_>, graded: &Graded) -> Result<(), ReportError> {
        for program in &graded.verdict.programs {
            for group in failures(program) {
                self.failed(who, graded, program, &group);
            }
            self.ungraded(who, program);
        }
        for missing in &graded.verdict.missing {
            let title = self.named(who, &format!("No {}", missing.role.words()));
            self.annotate(Level::Error, None, &title, &told::missing(missing));
        }
        self.totals(who, graded);
        Ok(())
    }

    fn unread(&mut self, who: &Who<'_>, reason: &str) {
        let title = self.named(who, "not graded");
        self.annotate(Level::Warning, None, &title, &told::ungraded(reason));
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, ReportError> {
        let mut out = String::new();
        for level in [Level::Error, Level::Warning, Level::Notice] {
            let all: Vec<&str> =
                self.annotations.iter().filter(|(of, _)| *of == level).map(|(_, line)| line.as_str()).collect();
            // The last place says how many there are beyond it.
            let shown = if all.len() > MOST { MOST - 1 } else { all.len() };
            for line in &all[..shown] {
                out.push_str(&format!("{line}\n"));
            }
            if shown < all.len() {
                let more = count(all.len() - shown, "more annotation");
                out.push_str(&format!("::{} title=And more::{more}: see the log of this step\n", level.name()));
            }
        }
        out.push_str(&self.log);
        Ok(out.into_bytes())
    }
}

/// A token that the text does not have.
fn token(text: &str) -> String {
    let mut hash = blake3::hash(text.as_bytes());
    while text.contains(&hash.to_hex()[..32]) {
        hash = blake3::hash(hash.as_bytes());
    }
    format!("sockspec-{}", &hash.to_hex()[..32])
}

/// A command's message. A runner looks for `##[` in any part of a line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A").replace("##[", "# #[")
}

/// A command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
