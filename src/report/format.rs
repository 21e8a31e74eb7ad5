//! The formats by name, what each of them can be about, and how one is asked for.

use std::fmt;
use std::str::FromStr;

use camino::Utf8PathBuf;

use super::ReportError;
use crate::span::suggest;

/// A format that a report can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JUnit XML, for CI.
    Junit,
    /// `sockspec/1`, for programs.
    Json,
    /// Gradescope's `results.json`.
    Gradescope,
    /// Classroom 50's `result.json`.
    Classroom50,
    /// A page in one file; of a cohort, a site.
    Html,
    /// GitHub Actions: annotations, and a log in groups.
    Github,
    /// GitHub Actions: the summary of a step.
    GithubSummary,
    /// Common Test Report Format.
    Ctrf,
    /// Test Anything Protocol.
    Tap,
    /// Feedback for a student.
    Markdown,
    /// A row a student, a column a requirement.
    Csv,
    /// Moodle's offline grading worksheet.
    CsvMoodle,
    /// Canvas's gradebook.
    CsvCanvas,
}

/// What a report of some format can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shapes {
    /// One submission, or each of a cohort a file of its own.
    pub one: bool,
    /// Several submissions in one file.
    pub all: bool,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 13] = [
        Self::Junit,
        Self::Json,
        Self::Html,
        Self::Gradescope,
        Self::Classroom50,
        Self::Github,
        Self::GithubSummary,
        Self::Ctrf,
        Self::Tap,
        Self::Markdown,
        Self::Csv,
        Self::CsvMoodle,
        Self::CsvCanvas,
    ];

    /// Its name in flags.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Junit => "junit",
            Self::Json => "json",
            Self::Gradescope => "gradescope",
            Self::Classroom50 => "classroom50",
            Self::Html => "html",
            Self::Github => "github",
            Self::GithubSummary => "github-summary",
            Self::Ctrf => "ctrf",
            Self::Tap => "tap",
            Self::Markdown => "markdown",
            Self::Csv => "csv",
            Self::CsvMoodle => "csv-moodle",
            Self::CsvCanvas => "csv-canvas",
        }
    }

    /// What it can be about. A platform's own results, and feedback, are one student's; a gradebook is a
    /// cohort's.
    #[must_use]
    pub fn shapes(self) -> Shapes {
        match self {
            Self::Junit
            | Self::Json
            | Self::Html
            | Self::Github
            | Self::GithubSummary
            | Self::Ctrf
            | Self::Tap
            | Self::Csv => Shapes { one: true, all: true },
            Self::Gradescope | Self::Classroom50 | Self::Markdown => Shapes { one: true, all: false },
            Self::CsvMoodle | Self::CsvCanvas => Shapes { one: false, all: true },
        }
    }

    /// Whether it is a list for a gradebook, in which each member of a group has a line.
    #[must_use]
    pub fn is_gradebook(self) -> bool {
        matches!(self, Self::Csv | Self::CsvMoodle | Self::CsvCanvas)
    }

    /// Whether it is made to be handed to students, each their own. (Another format with a file a submission is read
    /// by a program, which would count the members of a group as so many submissions.)
    #[must_use]
    pub fn is_handed_out(self) -> bool {
        matches!(self, Self::Markdown | Self::Html)
    }

    /// Whether it has what is hidden from students, too: it is for who grades, or for a platform that hides by
    /// itself.
    #[must_use]
    pub fn has_all(self) -> bool {
        self.is_gradebook() || matches!(self, Self::Json | Self::Gradescope)
    }

    /// How the name of a file in it ends.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Junit => "xml",
            Self::Json | Self::Gradescope | Self::Classroom50 | Self::Ctrf => "json",
            Self::Html => "html",
            Self::Github => "txt",
            Self::Tap => "tap",
            Self::GithubSummary | Self::Markdown => "md",
            Self::Csv | Self::CsvMoodle | Self::CsvCanvas => "csv",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = ReportError;

    fn from_str(text: &str) -> Result<Self, ReportError> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let advice = suggest(text, &Self::ALL.map(Self::name)).unwrap_or_default();
            ReportError::UnknownFormat { name: text.to_owned(), advice }
        })
    }
}

/// A report that is asked for, and where it goes: `FORMAT[=FILE]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted<F = Format> {
    /// The format.
    pub format: F,
    /// The file; standard output if none is named, or `-`.
    pub file: Option<Utf8PathBuf>,
}

impl<F: FromStr<Err = ReportError>> FromStr for Wanted<F> {
    type Err = ReportError;

    fn from_str(text: &str) -> Result<Self, ReportError> {
        let (format, file) = match text.split_once('=') {
            Some((_, "")) => return Err(ReportError::NoFile { text: text.to_owned() }),
            Some((format, "-")) => (format, None),
            Some((format, file)) => (format, Some(Utf8PathBuf::from(file))),
            None => (text, None),
        };
        Ok(Self { format: format.parse()?, file })
    }
}
