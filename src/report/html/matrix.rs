//! Submissions by requirements: a letter a verdict, so that two thousand submissions are a small page.
//!
//! With a script, the rows in view are drawn from data; without, the same is a plain table.

use std::collections::HashMap;

use maud::{Markup, html};
use serde::Serialize;

use super::text::{Said, file_name};
use super::verdicts::{MISSING, SIGNS, Sign, UNASKED, UNGRADED, place};
use crate::ids::{RequirementId, Role};
use crate::judge::verdict::{Judged, SubmissionVerdict};
use crate::plan::model::{Level, Visibility};
use crate::plan::points::Points;
use crate::roster::Student;

/// A requirement that some submission was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    role: Role,
    id: RequirementId,
    title: String,
    /// Nowhere does it cost points.
    extra: bool,
    hidden: bool,
}

/// A submission, as far as the index shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    student: Student,
    /// Earned, of what could be graded; nothing where there are no verdicts.
    points: Option<(Points, Points)>,
    /// A letter a column, in the order in which columns were first seen.
    cells: Vec<u8>,
    missing: Vec<Role>,
}

/// The table, as it grows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    columns: Vec<Column>,
    known: HashMap<(Role, RequirementId), usize>,
    /// The columns of each role as they stand in its suite.
    order: [Vec<usize>; 4],
    rows: Vec<Row>,
}

/// What the script needs.
#[derive(Serialize)]
pub(super) struct Data<'a, F: Serialize> {
    signs: Vec<(char, &'static str, &'static str)>,
    roles: Vec<(&'static str, &'static str)>,
    columns: Vec<DataColumn>,
    rows: Vec<DataRow>,
    causes: &'a [F],
}

#[derive(Serialize)]
struct DataColumn {
    role: &'static str,
    id: String,
    title: String,
    anchor: String,
    extra: bool,
    hidden: bool,
}

/// Name, file, whether it was late, points as shown, their share for sorting, verdicts, and what else can be
/// searched for.
#[derive(Serialize)]
struct DataRow(String, String, u8, String, Option<f64>, String, String);

impl Rows {
    /// How many submissions there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Points, of those with verdicts.
    pub(super) fn points(&self) -> impl Iterator<Item = (Points, Points)> {
        self.rows.iter().filter_map(|row| row.points)
    }

    /// Takes in a submission; gives its row.
    pub(super) fn take(&mut self, student: &Student, verdict: Option<&SubmissionVerdict>) -> usize {
        let mut cells = Vec::new();
        for program in verdict.iter().flat_map(|verdict| &verdict.programs) {
            let mut before = None;
            for judged in &program.requirements {
                let column = self.column(program.role, judged, before);
                before = Some(column);
                if cells.len() <= column {
                    cells.resize(column + 1, UNASKED.letter as u8);
                }
                cells[column] = Sign::of(&judged.verdict).letter as u8;
            }
        }
        let points = verdict.map(|verdict| (verdict.score(), verdict.max_score()));
        let missing = verdict.iter().flat_map(|verdict| &verdict.missing).map(|missing| missing.role).collect();
        self.rows.push(Row { student: student.clone(), points, cells, missing });
        self.rows.len() - 1
    }

    /// The column of a requirement. A new one goes behind the one before it in its suite.
    fn column(&mut self, role: Role, judged: &Judged, before: Option<usize>) -> usize {
        let key = (role, judged.id.clone());
        if let Some(known) = self.known.get(&key).copied() {
            self.columns[known].extra &= judged.level == Level::Extra;
            return known;
        }
        let new = self.columns.len();
        self.columns.push(Column {
            role,
            id: judged.id.clone(),
            title: judged.title.clone(),
            extra: judged.level == Level::Extra,
            hidden: judged.visibility != Visibility::Visible,
        });
        self.known.insert(key, new);
        let order = &mut self.order[role as usize];
        let at = order.iter().position(|column| Some(*column) == before).map_or(0, |at| at + 1);
        order.insert(if before.is_none() { 0 } else { at }, new);
        new
    }

    fn in_order(&self) -> Vec<usize> {
        self.order.iter().flatten().copied().collect()
    }

    /// The sign of a row in a column.
    fn sign(&self, row: &Row, column: usize) -> Sign {
        if row.points.is_none() {
            return UNGRADED;
        }
        let letter = row.cells.get(column).map_or(UNASKED.letter, |letter| char::from(*letter));
        let sign = SIGNS.into_iter().find(|sign| sign.letter == letter).unwrap_or(UNASKED);
        let missing = self.columns.get(column).is_some_and(|column| row.missing.contains(&column.role));
        if sign == UNASKED && missing { MISSING } else { sign }
    }

    /// A link to the page of a submission.
    pub(super) fn link(&self, row: usize) -> Markup {
        let Some(Row { student, .. }) = self.rows.get(row) else { return html! {} };
        html! { a href={ (super::SUBMISSIONS) "/" (file_name(&student.id)) } { bdi { (Said(student.shown())) } } }
    }

    /// All of it, for the script.
    pub(super) fn data<'a, F: Serialize>(&self, causes: &'a [F]) -> Data<'a, F> {
        let order = self.in_order();
        let column = |column: &Column| DataColumn {
            role: column.role.name(),
            id: Said(&column.id.0).read(),
            title: Said(&column.title).read(),
            anchor: place(column.role.name(), &column.id.0),
            extra: column.extra,
            hidden: column.hidden,
        };
        Data {
            signs: SIGNS.map(|sign| (sign.letter, sign.drawn, sign.word)).into(),
            roles: Role::ALL.map(|role| (role.name(), role.words())).into(),
            columns: order.iter().map(|index| column(&self.columns[*index])).collect(),
            rows: self.rows.iter().map(|row| self.data_row(row, &order)).collect(),
            causes,
        }
    }

    fn data_row(&self, row: &Row, order: &[usize]) -> DataRow {
        let Student { id, login, number, late, .. } = &row.student;
        let known = [Some(id), login.as_ref(), number.as_ref()];
        DataRow(
            Said(row.student.shown()).read(),
            file_name(id),
            u8::from(*late),
            row.points.map(|(earned, _)| earned.to_string()).unwrap_or_default(),
            row.points.map(|(earned, of)| if of.0 == 0 { 0.0 } else { f64::from(earned.0) / f64::from(of.0) }),
            order.iter().map(|column| self.sign(row, *column).letter).collect(),
            known.into_iter().flatten().map(|text| Said(text).read()).collect::<Vec<_>>().join(" "),
        )
    }

    /// The table for who has no script.
    pub(super) fn plain(&self) -> Markup {
        let order = self.in_order();
        html! {
            div .region tabindex="0" role="region" aria-label="Submissions by requirements" {
                table .matrix .plain {
                    (self.heading(&order))
                    tbody { @for (number, row) in self.rows.iter().enumerate() {
                        tr {
                            th scope="row" { (self.link(number)) @if row.student.late { " " span .tag .late { "late" } } }
                            td .number { @if let Some((earned, _)) = row.points { (earned.to_string()) } @else { "–" } }
                            @for column in &order {
                                @let sign = self.sign(row, *column);
                                td class=(sign.letter) { (sign.drawn) }
                            }
                        }
                    } }
                }
            }
        }
    }

    fn heading(&self, order: &[usize]) -> Markup {
        html! {
            thead { tr {
                th scope="col" { "Submission" }
                th .number scope="col" { "Points" }
                @for column in order.iter().map(|index| &self.columns[*index]) {
                    th .column scope="col" title=(Said(&column.title)) { span { (Said(&column.id.0)) } }
                }
            } }
        }
    }
}

/// What the signs mean.
pub(super) fn legend() -> Markup {
    html! {
        p .legend {
            @for sign in SIGNS { span { span class={ "mark " (sign.letter) } aria-hidden="true" { (sign.drawn) } " " (sign.word) } " " }
        }
    }
}
