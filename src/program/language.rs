//! The languages that programs are written in: one entry a language, in its table. An entry says how
//! the language is told, how a program is built and run, which threads its runtime keeps house with,
//! how a crash reads, and what the usual errors mean.

pub mod crash;
mod executable;
mod recipes;
mod source;
mod table;
mod tools;

use std::fs::File;
use std::io::Read as _;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

pub use crash::Crash;
pub use executable::EXECUTABLE;
pub use recipes::OUT;
pub use source::Source;
pub use table::LANGUAGES;
pub use tools::{NoTool, without_shim};

use crate::observe::Runtime;

/// So much of a file is read to tell its language.
const BEGINNING: u64 = 64 << 10;

/// A language.
#[derive(Debug)]
pub struct Language {
    /// Its name, in words.
    pub name: &'static str,
    /// What its files end in, without the dot.
    pub extensions: &'static [&'static str],
    /// Names that stand behind `#!`, without digits.
    interpreters: &'static [&'static str],
    /// Whether a text is in this language, where others have the same endings; those are asked later.
    told_by: Option<fn(&str) -> bool>,
    /// What is to be installed where something is missing, in words.
    install: &'static str,
    /// How a program is built and run.
    recipe: fn(&Source<'_>) -> Result<Recipe, NoTool>,
    /// Whose threads keep house.
    pub runtime: Option<Runtime>,
    /// Finds the words of a crash in what a program printed.
    crash: fn(&str) -> Option<Crash>,
    /// Signs in the words of a crash, and what they mean.
    errors: &'static [(&'static str, &'static str)],
}

impl PartialEq for Language {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Language {}

/// How a program is made ready and started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recipe {
    /// Ways to build it, best first: the next is tried where one fails. None where nothing is built.
    pub builds: Vec<Build>,
    /// Its command line, where nothing is built.
    pub run: Vec<String>,
}

/// One way to build a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// The folder in which that is done, relative to the submission.
    pub folder: String,
    /// Commands, one after the other.
    pub commands: Vec<Vec<String>>,
    /// What is added to the environment.
    pub env: Vec<(String, String)>,
    /// Files that are written first, relative to the submission, with their text.
    pub files: Vec<(String, String)>,
    /// How the program is started then.
    pub run: Run,
}

/// How a program is started that was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Run {
    /// By this command line.
    Command(Vec<String>),
    /// It is one of the executable files that have come.
    Executable {
        /// What it may be called.
        names: Vec<String>,
        /// The source's folder, relative to the submission: of several, the one there.
        beside: String,
    },
}

impl Build {
    /// The way that an assignment tells, in the submission's folder.
    #[must_use]
    pub fn told(commands: Vec<Vec<String>>, run: Run) -> Self {
        Self { folder: String::new(), commands, env: Vec::new(), files: Vec::new(), run }
    }
}

impl Language {
    /// The language of a file that can be read: by its ending, by its text where several have that, and
    /// else by its first line (`#!`) or bytes.
    #[must_use]
    pub fn of_file(path: &Utf8Path) -> Option<&'static Self> {
        let text = || beginning(path).unwrap_or_default();
        let known: Vec<&Self> = Self::by_ending(path.as_str()).collect();
        match known.as_slice() {
            [] => Self::of_script(&text()).or_else(|| executable::is_executable(path).then_some(&EXECUTABLE)),
            [one] => Some(one),
            several => {
                let text = text();
                several.iter().find(|language| language.told_by.is_none_or(|is| is(&text))).copied()
            }
        }
    }

    /// The language of a file by its ending alone.
    #[must_use]
    pub fn of(file: &str) -> Option<&'static Self> {
        Self::by_ending(file).last()
    }

    fn by_ending(file: &str) -> impl Iterator<Item = &'static Self> {
        let ending = file.rsplit_once('.').and_then(|(stem, ending)| {
            let named = !stem.is_empty() && !stem.ends_with(['/', '\\']);
            named.then(|| ending.to_owned())
        });
        LANGUAGES.iter().filter(move |language| {
            let has = |ending: &String| language.extensions.iter().any(|known| known.eq_ignore_ascii_case(ending));
            ending.as_ref().is_some_and(has)
        })
    }

    /// The language of a text whose first line names an interpreter (execve(2), "Interpreter scripts").
    fn of_script(text: &str) -> Option<&'static Self> {
        let line = text.strip_prefix("#!")?.lines().next()?;
        let named = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
        let name = named.into_iter().find(|word| *word != "env" && !word.starts_with('-'))?;
        let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let known = LANGUAGES.iter().filter(|language| language.interpreters.contains(&bare));
        let known: Vec<&Self> = known.collect();
        known.iter().find(|language| language.told_by.is_none_or(|is| is(text))).copied()
    }

    /// How a program in it is built and run.
    ///
    /// # Errors
    /// The machine lacks a tool for it.
    pub fn recipe(&self, source: &Source<'_>) -> Result<Recipe, NoTool> {
        (self.recipe)(source).map_err(|lacking| NoTool { install: self.install, language: self.name, ..lacking })
    }

    /// What an error that stopped a program of this language usually means.
    #[must_use]
    pub fn advice(&self, error: &str) -> Option<&'static str> {
        self.errors.iter().find(|(sign, _)| error.contains(sign)).map(|(_, advice)| *advice)
    }
}

/// The runtimes of all languages: which threads are not the student's own.
#[must_use]
pub fn runtimes() -> Vec<Runtime> {
    LANGUAGES.iter().filter_map(|language| language.runtime).collect()
}

/// The beginning of a file; `None` where it is no text.
fn beginning(path: &Utf8Path) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(BEGINNING).read_to_end(&mut bytes)).ok()?;
    (!bytes.iter().take(4096).any(|byte| *byte == 0)).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests;
