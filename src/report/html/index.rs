//! The site's first page: what could not be graded, scores, causes, and the matrix.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::cluster::{Clusters, filters, section};
use super::histogram;
use super::matrix::{Rows, legend};
use super::shell::{self, Shell};
use super::text::Said;
use crate::judge::verdict::{SubmissionVerdict, Verdict};
use crate::report::ReportError;
use crate::report::cohort::{Entry, Outcome};
use crate::text::count;

/// What the index keeps of each submission.
#[derive(Debug, Default)]
pub(super) struct Index {
    rows: Rows,
    clusters: Clusters,
    /// Why something could not be graded: wholly or in part, and which rows.
    ungraded: Vec<Problem>,
    assignments: BTreeSet<Option<String>>,
}

#[derive(Debug)]
struct Problem {
    reason: String,
    whole: bool,
    rows: Vec<usize>,
}

impl Index {
    /// Takes in a submission.
    pub(super) fn take(&mut self, entry: &Entry) {
        match &entry.outcome {
            Outcome::Unread { reason } => {
                let row = self.rows.take(&entry.student, None);
                self.problem(row, reason, true);
            }
            Outcome::Graded(graded) => self.graded(entry, &graded.verdict),
        }
    }

    fn graded(&mut self, entry: &Entry, verdict: &SubmissionVerdict) {
        let row = self.rows.take(&entry.student, Some(verdict));
        self.assignments.insert(verdict.assignment.clone());
        for program in &verdict.programs {
            self.clusters.take(row, program);
        }
        for judged in verdict.requirements() {
            if let Verdict::Ungraded { reason } = &judged.verdict {
                self.problem(row, reason, false);
            }
        }
    }

    fn problem(&mut self, row: usize, reason: &str, whole: bool) {
        match self.ungraded.iter_mut().find(|known| known.whole == whole && known.reason == reason) {
            Some(known) if known.rows.last() == Some(&row) => {}
            Some(known) => known.rows.push(row),
            None => self.ungraded.push(Problem { reason: reason.to_owned(), whole, rows: vec![row] }),
        }
    }

    /// The page.
    ///
    /// # Errors
    /// `serde_json` refuses; it has no reason to.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, ReportError> {
        let title = match self.assignments.iter().collect::<Vec<_>>().as_slice() {
            [Some(name)] => name.as_str(),
            _ => "Results",
        };
        let clusters = self.clusters.sorted();
        let main = html! {
            h1 { bdi { (Said(title)) } }
            (self.summary())
            (self.problems())
            section #scores { h2 { "Scores" } (histogram::draw(self.rows.points())) }
            (section(&clusters, &self.rows))
            section #submissions aria-labelledby="submissions-h" {
                h2 #submissions-h tabindex="-1" { "Submissions by requirements" }
                (legend())
                (controls())
                noscript { (self.rows.plain()) }
            }
        };
        let top = html! {
            nav aria-label="On this page" {
                a href="#scores" { "Scores" }
                a href="#causes" { "Causes" }
                a href="#submissions" { "Submissions" }
            }
            span .brand { "sockspec" }
        };
        let data = shell::data(&self.rows.data(&filters(&clusters)))?;
        Ok(Shell { title, top, main, data: Some(data) }.bytes())
    }

    fn summary(&self) -> Markup {
        let graded = self.rows.points().count();
        html! {
            p .meta .figures {
                span { b { (self.rows.len()) } " submissions" }
                span { b { (graded) } " graded" }
                @if graded < self.rows.len() { span { b { (self.rows.len() - graded) } " not graded" } }
                @if let Some(median) = histogram::median(self.rows.points()) { span { "median " b { (median) " %" } } }
            }
        }
    }

    fn problems(&self) -> Markup {
        let mut all: Vec<&Problem> = self.ungraded.iter().collect();
        all.sort_by_key(|problem| (!problem.whole, std::cmp::Reverse(problem.rows.len())));
        let (open, rest) = all.split_at(all.len().min(12));
        html! {
            @if !all.is_empty() {
                section .notice .ungraded {
                    h2 { "What could not be graded" }
                    p { "It cost nobody a point. It needs somebody to look." }
                    ul .problems { @for problem in open { (self.one(problem)) } }
                    @if !rest.is_empty() {
                        details { summary { (count(rest.len(), "more reason")) } ul .problems { @for problem in rest { (self.one(problem)) } } }
                    }
                }
            }
        }
    }

    fn one(&self, problem: &Problem) -> Markup {
        let names = html! { ul .names { @for row in &problem.rows { li { (self.rows.link(*row)) } } } };
        html! {
            li {
                b { (count(problem.rows.len(), "submission")) @if !problem.whole { ", in part" } ": " }
                (Said(&problem.reason))
                @if problem.rows.len() <= 6 { (names) } @else { details { summary { "Which" } (names) } }
            }
        }
    }
}

/// What the script fills: filters, and the matrix. Without one it stays away.
fn controls() -> Markup {
    html! {
        form #filters .js role="search" aria-label="Filter submissions" {
            label { span { "Text" } input #text type="search" autocomplete="off" spellcheck="false" placeholder="Name, ID, login"; }
            label { span { "Role" } select #role { option value="" { "all" } } }
            label { span { "Requirement" } select #requirement { option value="" { "all" } } }
            label { span { "Verdict" } select #verdict {
                option value="" { "all" }
                @for sign in super::verdicts::SIGNS { option value=(sign.letter) { (sign.drawn) " " (sign.word) } }
            } }
            button #clear type="reset" { "Clear" }
        }
        p .js .status { span #status role="status" {} " " button #uncause type="button" hidden {} }
        div #region .region .js tabindex="0" role="region" aria-labelledby="submissions-h" aria-describedby="keys" {
            table #matrix .matrix { colgroup {} thead {} tbody {} }
        }
        p #keys .js .note {
            "With the keyboard, in the table: " kbd { "↓" } " " kbd { "↑" } " from row to row, " kbd { "Enter" } " opens the page, "
            kbd { "/" } " goes to the filter."
        }
    }
}
