//! Moodle's offline grading worksheet (<https://docs.moodle.org/en/Assignment_settings#Feedback_types>; its
//! importer asks for `Identifier`, `Grade` and `Last modified (grade)`, and takes `Feedback comments`).
//!
//! `Identifier` is `Participant N`, with the number that an export names folders by. A row without a grade
//! changes none. `Last modified (grade)` is empty: tick "Allow updating records that have been modified
//! more recently" to overwrite grades. Headings are those of an English Moodle.
//!
//! The grade counts hidden requirements too. The comment is the student's: only what is shown is in it. It
//! is HTML, as Moodle stores it, with all that is no letter or digit escaped.

use std::fmt::Write as _;

use super::csv::Status;
use super::document::{Document, Who};
use super::group::failures;
use super::{Graded, ReportError, cells, told};
use crate::judge::verdict::Verdict;
use crate::plan::points::Points;
use crate::text::tame;

const HEADINGS: [&str; 7] = [
    "Identifier",
    "Full name",
    "Email address",
    "Grade",
    "Maximum Grade",
    "Last modified (grade)",
    "Feedback comments",
];

/// The report while it is made.
#[derive(Default)]
pub(super) struct Worksheet {
    rows: Vec<(Vec<String>, Option<Points>, String)>,
    most: Points,
}

impl Document for Worksheet {
    fn submission(&mut self, who: &Who<'_>, graded: &Graded) -> Result<(), ReportError> {
        self.most = self.most.max(worth(graded));
        self.rows.push((identity(who), grade(graded), feedback(graded)));
        Ok(())
    }

    fn unread(&mut self, who: &Who<'_>, reason: &str) {
        let feedback = format!("<p>Not graded: {}</p>", html(reason));
        self.rows.push((identity(who), None, feedback));
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, ReportError> {
        let most = if self.most == Points(0) { String::new() } else { self.most.to_string() };
        let rows = self.rows.into_iter().map(|(mut row, grade, feedback)| {
            let grade = grade.map(|grade| grade.to_string()).unwrap_or_default();
            row.extend([grade, most.clone(), String::new(), feedback]);
            row
        });
        cells::table([HEADINGS.map(str::to_owned).to_vec()].into_iter().chain(rows))
    }
}

fn identity(who: &Who<'_>) -> Vec<String> {
    let student = who.student;
    let number = student.number.as_deref().map(|number| format!("Participant {number}")).unwrap_or_default();
    let email = student.email.as_deref().map(cells::exact).unwrap_or_default();
    vec![cells::exact(&number), cells::exact(student.shown()), email]
}

/// What a gradebook is given. Its scale is that of the whole assignment, so where something that is worth
/// points could not be graded there is no grade yet: another would cost points.
pub(super) fn grade(graded: &Graded) -> Option<Points> {
    (Status::of(&graded.verdict) == Status::Whole).then(|| graded.verdict.score())
}

/// The points of the whole assignment, whatever could be graded.
pub(super) fn worth(graded: &Graded) -> Points {
    let requirements: Points = graded.verdict.requirements().map(|judged| judged.points).sum();
    requirements + graded.verdict.missing.iter().map(|missing| missing.points).sum()
}

fn feedback(graded: &Graded) -> String {
    let mut items = String::new();
    for program in &graded.verdict.programs {
        for group in failures(program) {
            let judged = group.first;
            let also: String = group.others.iter().map(|other| format!(", {}", other.id)).collect();
            let told = told::failure(graded, program, judged).message;
            let extra = if group.is_required() { "" } else { " (extra, not required)" };
            let head = html(&format!("{}{also} {}{extra}", judged.id, judged.title));
            let _ = write!(items, "<li><strong>{head}</strong>: {}</li>", html(&told));
        }
        for judged in told::shown(program) {
            if let Verdict::Ungraded { reason } = &judged.verdict {
                let _ = write!(items, "<li>{}: {}</li>", html(&judged.id.0), html(&told::ungraded(reason)));
            }
        }
    }
    for missing in &graded.verdict.missing {
        let _ = write!(items, "<li>{}</li>", html(&told::missing(missing)));
    }
    if items.is_empty() { "<p>No failures.</p>".to_owned() } else { format!("<ul>{items}</ul>") }
}

/// Text in which neither a browser nor one of Moodle's filters (links, formulas, media) finds anything.
fn html(text: &str) -> String {
    let line = super::sanitize::attribute(&tame(text));
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        if c.is_alphanumeric() || " .,()'".contains(c) {
            out.push(c);
        } else {
            let _ = write!(out, "&#{};", u32::from(c));
        }
    }
    out
}
