//! Markdown (<https://spec.commonmark.org/0.31.2/>, with the tables of GitHub's): feedback for a student.
//!
//! A student's page holds only what a student may see. Everything that a program can have a word in
//! stands in code, where no markup, link, image or mention is one.

mod escape;

use std::fmt::Write as _;

use super::document::{Document, Who};
use super::group::{Group, failures};
use super::told::{self, NoPoints};
use super::{Graded, ReportError};
use crate::judge::verdict::{Judged, Missing, ProgramVerdict, Verdict};
use crate::plan::model::{Level, Show};
use crate::plan::points::Points;
use crate::text::capital;

pub(super) use escape::{block, cell, code, prose};

/// The most characters that are shown of what a program printed.
const PRINTED: usize = 4000;

/// The report while it is made.
#[derive(Default)]
pub(super) struct Markdown {
    out: String,
}

impl Document for Markdown {
    fn submission(&mut self, who: &Who<'_>, graded: &Graded) -> Result<(), ReportError> {
        let verdict = &graded.verdict;
        let assignment = verdict.assignment.iter().map(|name| format!("{}: ", prose(name))).collect::<String>();
        let _ = writeln!(self.out, "# {assignment}{}\n\n{}\n", prose(who.student.shown()), points(graded));
        for part in parts(graded, 2) {
            self.out.push_str(&part);
        }
        if let Some(again) = who.again {
            let _ = writeln!(self.out, "## How to see it yourself\n\n{}", block(again));
        }
        Ok(())
    }

    fn unread(&mut self, who: &Who<'_>, reason: &str) {
        let _ = writeln!(self.out, "# {}\n\n**Not graded.** {}", prose(who.student.shown()), prose(reason));
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, ReportError> {
        Ok(format!("{}\n", self.out.trim_end()).into_bytes())
    }
}

/// The score in a sentence; of what is shown, and it says so.
pub(super) fn points(graded: &Graded) -> String {
    let verdict = &graded.verdict;
    let (score, of) = told::total(verdict);
    let shown = if told::hides(verdict) { " for what is shown here" } else { "" };
    match told::no_points(verdict) {
        None => format!("**{score} of {of} points**{shown}."),
        Some(NoPoints::Unseen) => "**No points are shown here.**".to_owned(),
        Some(NoPoints::Ungraded) => format!("**Not graded.** No points are lost by that{shown}."),
        Some(NoPoints::Worthless) => format!("**No points** are given{shown}."),
    }
}

/// A submission in parts, each of which stands by itself; headings begin at a level.
pub(super) fn parts(graded: &Graded, level: usize) -> Vec<String> {
    let mut parts = Vec::new();
    for program in &graded.verdict.programs {
        parts.push(table(program, level));
        parts.extend(failures(program).iter().map(|group| failure(graded, program, group, level + 1)));
        parts.extend(ungraded(program));
    }
    parts.extend(graded.verdict.missing.iter().map(|missing| absent(missing, level)));
    parts
}

fn table(program: &ProgramVerdict, level: usize) -> String {
    let (score, of) = told::score(program);
    let points = NoPoints::of(told::shown(program), of)
        .map_or_else(|| format!("{score} of {of} points"), |none| capital(none.words()));
    let mut out = format!(
        "{} {} {}\n\n{points}. {}, dialect {}.\n\n",
        "#".repeat(level),
        capital(program.role.words()),
        code(&program.path),
        prose(&program.language),
        prose(&program.dialect)
    );
    for note in program.told.iter().chain(&program.notes) {
        let _ = writeln!(out, "{}.\n", prose(&capital(note)));
    }
    out.push_str("| | requirement | verdict | points |\n|---|---|---|---:|\n");
    for judged in told::shown(program) {
        let _ = writeln!(
            out,
            "| {} | {} {} | {} | {} |",
            mark(judged),
            cell(&prose(&judged.id.0)),
            cell(&prose(&judged.title)),
            cell(&prose(&word(program, judged))),
            worth(judged)
        );
    }
    out.push('\n');
    out
}

fn mark(judged: &Judged) -> &'static str {
    match (&judged.verdict, judged.level) {
        (Verdict::Passed, _) => "✓",
        (Verdict::Failed, _) => "✗",
        (Verdict::Blocked { .. }, _) => "–",
        (Verdict::Ungraded { .. }, _) => "?",
    }
}

fn word(program: &ProgramVerdict, judged: &Judged) -> String {
    match &judged.verdict {
        Verdict::Passed => "passed".to_owned(),
        Verdict::Failed if judged.level == Level::Required => "failed".to_owned(),
        Verdict::Failed => "failed (extra, not required)".to_owned(),
        Verdict::Blocked { by } => told::blocked(program, by),
        Verdict::Ungraded { .. } => "not graded".to_owned(),
    }
}

fn worth(judged: &Judged) -> String {
    match (&judged.verdict, judged.points) {
        (Verdict::Ungraded { .. }, _) => String::new(),
        (_, Points(0)) => "extra".to_owned(),
        (_, points) => format!("{} / {points}", judged.earned),
    }
}

/// A failure, and what has the same cause.
fn failure(graded: &Graded, program: &ProgramVerdict, group: &Group<'_>, level: usize) -> String {
    let judged = group.first;
    let mut out = format!("{} ✗ {} {}\n\n", "#".repeat(level), prose(&judged.id.0), prose(&judged.title));
    if !group.others.is_empty() {
        let others: Vec<String> = group.others.iter().map(|judged| prose(&judged.id.0)).collect();
        let _ = writeln!(out, "Same cause: {}.\n", others.join(", "));
    }
    let Some(finding) = judged.finding.as_ref().filter(|_| program.show != Show::None) else { return out };
    if program.show == Show::Full {
        // What stands behind an empty line was written by another program, a compiler.
        let (own, quoted) = finding.explanation.split_once("\n\n").unwrap_or((&finding.explanation, ""));
        let _ = writeln!(out, "{}\n", prose(own));
        if !quoted.is_empty() {
            out.push_str(&block(quoted));
        }
        let _ = writeln!(out, "- expected: {}", prose(&finding.expected));
    }
    let _ = writeln!(out, "- seen: {}", prose(&finding.actual));
    if program.show == Show::Full {
        let _ = writeln!(out, "- hint: {}\n- why: {}", prose(&judged.hint), prose(&judged.why));
        out.extend(judged.source.iter().map(|source| format!("- see: {}\n", prose(source))));
    }
    out.push('\n');
    if let Some(drawn) = told::drawn(graded, program, judged) {
        out.push_str(&block(&drawn));
    }
    if let Some(printed) = told::printed(graded, program, judged) {
        let shown: String = printed.chars().take(PRINTED).collect();
        let cut = if shown.len() < printed.len() { "The program printed, at first" } else { "The program printed" };
        let _ = writeln!(out, "{cut}:\n\n{}", block(&shown));
    }
    out
}

fn ungraded(program: &ProgramVerdict) -> Vec<String> {
    let told = |(reason, ids): &(&str, Vec<&str>)| {
        let ids: Vec<String> = ids.iter().map(|id| prose(id)).collect();
        format!("**Not graded: {}.** No points are lost by that. {}\n\n", ids.join(", "), prose(&capital(reason)))
    };
    told::reasons(told::shown(program)).iter().map(told).collect()
}

fn absent(missing: &Missing, level: usize) -> String {
    let heading = format!("{} {}: missing", "#".repeat(level), capital(missing.role.words()));
    format!("{heading}\n\n{}.\n\n", prose(&capital(&told::missing(missing))))
}
