//! The report for people with a browser: a site about a cohort, and a page about a submission.
//!
//! Every page is one file that needs no other: no network, no script but the index's own, and a
//! Content-Security-Policy that allows nothing else. `index.html` and `submissions/ID.html` are the
//! teacher's and hold all; `students/ID.html` is what may be handed to the student (of a group, to each
//! member, under their own ID), and leads nowhere else. What is hidden from students is not in it, nor in a number of it.

mod cluster;
mod diagram;
mod failure;
mod histogram;
mod index;
mod matrix;
mod page;
mod shell;
#[cfg(test)]
mod tests;
mod text;
mod verdicts;
mod who;

use camino::Utf8PathBuf;
use maud::html;

use super::cohort::{Cohort, Entry, File, Outcome};
use super::document::{Document, Who};
use super::{Graded, ReportError};
use crate::roster::Student;
use index::Index;
use page::Page;
use shell::Shell;
use text::file_name;
use verdicts::Reader;

/// The folder of the teacher's pages.
const SUBMISSIONS: &str = "submissions";
/// The folder of the students' pages.
const STUDENTS: &str = "students";

/// The site about a cohort.
#[derive(Debug, Default)]
pub struct Site {
    index: Index,
}

impl Site {
    /// A site without any submission yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Cohort for Site {
    fn entry(&mut self, entry: &Entry) -> Result<Vec<File>, ReportError> {
        self.index.take(entry);
        let page = |student: &Student, reader: Reader, folder: &str| File {
            path: Utf8PathBuf::from(folder).join(file_name(&student.id)),
            bytes: of_cohort(entry, student, reader),
        };
        let mut files = vec![page(&entry.student, Reader::Staff, SUBMISSIONS)];
        let students = std::iter::once(&entry.student).chain(&entry.members);
        files.extend(students.map(|student| page(student, Reader::Student, STUDENTS)));
        Ok(files)
    }

    fn end(&mut self) -> Result<Vec<File>, ReportError> {
        Ok(vec![File { path: "index.html".into(), bytes: self.index.bytes()? }])
    }
}

/// A page of the site, about whoever handed in or a member of that group.
fn of_cohort(entry: &Entry, student: &Student, reader: Reader) -> Vec<u8> {
    let name = student.shown();
    let file = file_name(&student.id);
    let main = match &entry.outcome {
        Outcome::Graded(graded) => {
            // The teacher's command line names the teacher's files.
            let again = if reader == Reader::Staff { entry.again.as_deref() } else { None };
            Page { graded, reader, again, prefix: "" }.whole(Some(student))
        }
        Outcome::Unread { reason } => who::unread(student, reason),
    };
    let top = html! {
        @if reader == Reader::Staff {
            nav aria-label="Site" {
                a href="../index.html" { "All submissions" }
                a href={ "../" (STUDENTS) "/" (file) } { "The student's page" }
            }
        }
        span .brand { "sockspec" }
    };
    Shell { title: name, top, main, data: None }.bytes()
}

/// A page about submissions, for whoever handed them in.
#[derive(Debug, Default)]
pub struct OnePage {
    graded: Vec<(Graded, Option<String>)>,
    unread: Vec<(Student, String)>,
}

impl Document for OnePage {
    fn submission(&mut self, who: &Who<'_>, graded: &Graded) -> Result<(), ReportError> {
        self.graded.push((graded.clone(), who.again.map(str::to_owned)));
        Ok(())
    }

    fn unread(&mut self, who: &Who<'_>, reason: &str) {
        self.unread.push((who.student.clone(), reason.to_owned()));
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, ReportError> {
        let title = match self.graded.as_slice() {
            [(one, _)] => one.verdict.id.as_str(),
            _ => "Results",
        };
        let several = self.graded.len() > 1;
        let main = html! {
            @for (student, reason) in &self.unread {
                (who::unread(student, reason))
            }
            @for (number, (graded, again)) in self.graded.iter().enumerate() {
                @let prefix = if several { format!("s{}-", number + 1) } else { String::new() };
                (Page { graded, reader: Reader::Student, again: again.as_deref(), prefix: &prefix }.whole(None))
            }
        };
        Ok(Shell { title, top: html! { span .brand { "sockspec" } }, main, data: None }.bytes())
    }
}
