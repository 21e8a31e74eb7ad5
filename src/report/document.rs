//! A report while it is made: submissions go in one by one, bytes come out.

use super::{Format, Graded, ReportError};
use super::{
    classroom50, csv, csv_canvas, csv_moodle, ctrf, github, gradescope, html, json, junit, markdown, summary, tap,
};
use crate::roster::Student;

/// What reports ask of their caller. The defaults are right where nobody knows better.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The command line that grades a submission again with the same seed (`check`; a cohort's entries
    /// have each their own).
    pub again: Option<String>,
    /// Where a submission lives in the repository of a GitHub job.
    pub github: github::Place,
    /// What Classroom 50's runner says.
    pub classroom50: classroom50::Environment,
    /// The heading of the gradebook's column in Canvas, which may end with the assignment's ID there:
    /// `Lab 2 (12345)`. The assignment's name if nothing is said.
    pub column: Option<String>,
}

/// Whose submission it is.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    /// The student; of a submission that nobody has a list for, only the ID is known: its folder's name.
    pub student: &'a Student,
    /// The command line that grades it again, where there is one.
    pub again: Option<&'a str>,
    /// Whether the student comes from a course's list.
    pub known: bool,
}

/// A report that is being made.
pub trait Document {
    /// Takes in a submission with its verdicts. Of the records it keeps no more than it will write.
    ///
    /// # Errors
    /// The format's library refuses; never because of what a program wrote.
    fn submission(&mut self, who: &Who<'_>, graded: &Graded) -> Result<(), ReportError>;

    /// Takes in a submission without verdicts, and why there are none.
    fn unread(&mut self, who: &Who<'_>, reason: &str);

    /// The whole report.
    ///
    /// # Errors
    /// As for a submission.
    fn finish(self: Box<Self>) -> Result<Vec<u8>, ReportError>;
}

/// An empty report. `several`: more than one submission will go in, so each is named.
#[must_use]
pub fn new(format: Format, options: &Options, several: bool) -> Box<dyn Document> {
    match format {
        Format::Junit => Box::new(junit::Junit::new(several)),
        Format::Json => Box::new(json::Json::default()),
        Format::Gradescope => Box::new(gradescope::Gradescope::default()),
        Format::Classroom50 => Box::new(classroom50::Classroom50::new(options.classroom50.clone())),
        Format::Html => Box::new(html::OnePage::default()),
        Format::Github => Box::new(github::Github::new(options.github.clone(), several)),
        Format::GithubSummary => Box::new(summary::Summary::new(several)),
        Format::Ctrf => Box::new(ctrf::Ctrf::new(several)),
        Format::Tap => Box::new(tap::Tap::new(several)),
        Format::Markdown => Box::new(markdown::Markdown::default()),
        Format::Csv => Box::new(csv::Gradebook::default()),
        Format::CsvMoodle => Box::new(csv_moodle::Worksheet::default()),
        Format::CsvCanvas => Box::new(csv_canvas::Canvas::new(options.column.clone())),
    }
}
