//! A gradebook for whoever computes with it: a row a student, a column a requirement.
//!
//! It is the teacher's, and names hidden requirements too. `status` is `graded`, `partly graded` or
//! `not graded`; what has not been graded at all has an empty score, never zero, and `note` says why. A
//! role's column has its points, or `missing`; a requirement's its verdict.

use std::collections::BTreeMap;

use super::document::{Document, Who};
use super::{Graded, ReportError, cells, told};
use crate::ids::{RequirementId, Role};
use crate::judge::verdict::{Judged, ProgramVerdict, SubmissionVerdict, Verdict};

/// What stands before the columns of roles and requirements.
const HEADINGS: [&str; 9] = ["id", "name", "number", "login", "email", "late", "status", "score", "max_score"];

struct Row {
    start: Vec<String>,
    roles: BTreeMap<Role, String>,
    verdicts: BTreeMap<(Role, RequirementId), &'static str>,
    note: String,
}

/// The report while it is made.
#[derive(Default)]
pub(super) struct Gradebook {
    rows: Vec<Row>,
    /// The requirements of each role, in the suite's order.
    columns: BTreeMap<Role, Vec<RequirementId>>,
}

impl Gradebook {
    fn learn(&mut self, program: &ProgramVerdict) {
        let columns = self.columns.entry(program.role).or_default();
        for judged in &program.requirements {
            if !columns.contains(&judged.id) {
                columns.push(judged.id.clone());
            }
        }
    }

    fn headings(&self) -> Vec<String> {
        let mut headings: Vec<String> = HEADINGS.map(str::to_owned).to_vec();
        for (role, ids) in &self.columns {
            headings.push(role.name().to_owned());
            headings.extend(ids.iter().map(|id| {
                let elsewhere = self.columns.iter().any(|(other, ids)| other != role && ids.contains(id));
                cells::heading(&if elsewhere { format!("{}/{id}", role.name()) } else { id.to_string() })
            }));
        }
        headings.push("note".to_owned());
        headings
    }

    fn cells(&self, row: Row) -> Vec<String> {
        let mut cells = row.start;
        for (role, ids) in &self.columns {
            let points = row.roles.get(role);
            cells.push(points.cloned().unwrap_or_default());
            cells.extend(ids.iter().map(|id| {
                let verdict = row.verdicts.get(&(*role, id.clone())).copied();
                let missing = points.is_some_and(|points| points == "missing");
                verdict.unwrap_or(if missing { "missing" } else { "" }).to_owned()
            }));
        }
        cells.push(row.note);
        cells
    }
}

impl Document for Gradebook {
    fn submission(&mut self, who: &Who<'_>, graded: &Graded) -> Result<(), ReportError> {
        let verdict = &graded.verdict;
        let mut row = Row {
            start: identity(who),
            roles: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            note: cells::text(&note(verdict)),
        };
        let status = Status::of(verdict);
        row.start.push(status.name().to_owned());
        let scored = status != Status::Not;
        row.start.push(if scored { verdict.score().to_string() } else { String::new() });
        row.start.push(if scored { verdict.max_score().to_string() } else { String::new() });
        for program in &verdict.programs {
            self.learn(program);
            let scored = program.requirements.iter().any(|judged| !is_ungraded(judged));
            row.roles.insert(program.role, if scored { program.score().to_string() } else { String::new() });
            let verdicts = program.requirements.iter();
            row.verdicts.extend(verdicts.map(|judged| ((program.role, judged.id.clone()), judged.verdict.name())));
        }
        for missing in &verdict.missing {
            self.columns.entry(missing.role).or_default();
            row.roles.insert(missing.role, "missing".to_owned());
        }
        self.rows.push(row);
        Ok(())
    }

    fn unread(&mut self, who: &Who<'_>, reason: &str) {
        let mut start = identity(who);
        start.extend([Status::Not.name().to_owned(), String::new(), String::new()]);
        let note = cells::text(reason);
        self.rows.push(Row { start, roles: BTreeMap::new(), verdicts: BTreeMap::new(), note });
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>, ReportError> {
        let rows = std::mem::take(&mut self.rows);
        cells::table([self.headings()].into_iter().chain(rows.into_iter().map(|row| self.cells(row))))
    }
}

fn identity(who: &Who<'_>) -> Vec<String> {
    let student = who.student;
    let exact = |text: &Option<String>| text.as_deref().map(cells::exact).unwrap_or_default();
    let late = if student.late { "late" } else { "" };
    vec![
        cells::exact(&student.id),
        exact(&student.name),
        exact(&student.number),
        exact(&student.login),
        exact(&student.email),
        late.to_owned(),
    ]
}

/// How much of a submission has a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// All that is worth points.
    Whole,
    /// Some of what is worth points could not be graded.
    Partly,
    /// Nothing could be.
    Not,
}

impl Status {
    pub(super) fn of(verdict: &SubmissionVerdict) -> Self {
        let ungraded = || verdict.requirements().filter(|judged| is_ungraded(judged));
        let graded = verdict.requirements().any(|judged| !is_ungraded(judged)) || !verdict.missing.is_empty();
        if !graded && ungraded().count() > 0 {
            Self::Not
        } else if ungraded().any(|judged| judged.points.0 > 0) {
            Self::Partly
        } else {
            Self::Whole
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Whole => "graded",
            Self::Partly => "partly graded",
            Self::Not => "not graded",
        }
    }
}

fn is_ungraded(judged: &Judged) -> bool {
    matches!(judged.verdict, Verdict::Ungraded { .. })
}

/// What a grade does not say: what is missing, and what could not be graded and why.
pub(super) fn note(verdict: &SubmissionVerdict) -> String {
    let mut parts: Vec<String> = verdict.missing.iter().map(told::missing).collect();
    let reasons = told::reasons(verdict.requirements());
    parts.extend(reasons.iter().map(|(reason, ids)| format!("not graded: {}: {reason}", ids.join(", "))));
    parts.join(" | ")
}
