//! Canvas's gradebook, as its importer takes it
//! (<https://community.canvaslms.com/t5/Instructor-Guide/How-do-I-import-grades-in-the-Gradebook/ta-p/807>).
//!
//! A student is found by `ID`, the number that an export names files by, else by `SIS Login ID`, else by
//! name. There is no column for a comment, since Canvas takes one that it does not know for another
//! assignment: who has no grade has an empty cell here, and `csv` says why. `Points Possible` counts what
//! could not be graded too: that is the assignment's scale.

use super::csv_moodle::{grade, worth};
use super::document::{Document, Who};
use super::{Graded, ReportError, cells};
use crate::plan::points::Points;

/// The report while it is made.
pub(super) struct Canvas {
    column: Option<String>,
    rows: Vec<Vec<String>>,
    most: Points,
}

impl Canvas {
    pub(super) fn new(column: Option<String>) -> Self {
        Self { column, rows: Vec::new(), most: Points(0) }
    }

    fn row(&mut self, who: &Who<'_>, grade: Option<Points>) {
        let student = who.student;
        let exact = |text: &Option<String>| text.as_deref().map(cells::exact).unwrap_or_default();
        self.rows.push(vec![
            cells::exact(student.shown()),
            exact(&student.number),
            String::new(),
            exact(&student.login),
            String::new(),
            grade.map(|grade| grade.to_string()).unwrap_or_default(),
        ]);
    }
}

impl Document for Canvas {
    fn submission(&mut self, who: &Who<'_>, graded: &Graded) -> Result<(), ReportError> {
        self.most = self.most.max(worth(graded));
        if self.column.is_none() {
            self.column.clone_from(&graded.verdict.assignment);
        }
        self.row(who, grade(graded));
        Ok(())
    }

    fn unread(&mut self, who: &Who<'_>, _reason: &str) {
        self.row(who, None);
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, ReportError> {
        let column = cells::heading(self.column.as_deref().unwrap_or("sockspec"));
        let headings = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"].map(str::to_owned);
        let headings = headings.into_iter().chain([column]).collect();
        let mut possible = vec!["    Points Possible".to_owned()];
        possible.extend(std::iter::repeat_n(String::new(), 4));
        possible.push(self.most.to_string());
        cells::table([headings, possible].into_iter().chain(self.rows))
    }
}
