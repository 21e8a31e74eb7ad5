//! Failures of a whole cohort, by cause: what one hint would help many with.

use std::collections::HashMap;

use maud::{Markup, html};
use serde::Serialize;

use super::matrix::Rows;
use super::text::Said;
use crate::ids::Role;
use crate::judge::verdict::{Judged, ProgramVerdict, Verdict};
use crate::plan::model::Level;
use crate::report::group;
use crate::text::{capital, count};

/// How many causes are shown at once.
const COMMON: usize = 6;

/// One cause, and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cluster {
    role: Role,
    /// The cause in words.
    pub name: String,
    /// What was said of the first.
    example: String,
    hint: String,
    /// Whether it costs points.
    required: bool,
    requirements: Vec<String>,
    /// The submissions, by their rows.
    pub rows: Vec<usize>,
}

/// What of a cluster the script needs.
#[derive(Serialize)]
pub(super) struct Filter<'a> {
    name: String,
    rows: &'a [usize],
}

/// All causes that were seen.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    all: Vec<Cluster>,
    known: HashMap<(Role, String), usize>,
}

impl Clusters {
    /// Takes in the failures of a program of the submission in this row.
    pub(super) fn take(&mut self, row: usize, program: &ProgramVerdict) {
        for judged in program.requirements.iter().filter(|judged| judged.verdict == Verdict::Failed) {
            self.failure(row, program.role, judged);
        }
    }

    fn failure(&mut self, row: usize, role: Role, judged: &Judged) {
        let Some(finding) = &judged.finding else { return };
        let (cause, gist) = group::cause(finding);
        let key = (role, format!("{cause} {}", gist.as_deref().unwrap_or_default()));
        let number = *self.known.entry(key).or_insert_with(|| {
            self.all.push(Cluster {
                role,
                name: name(cause, gist.is_some(), &finding.explanation),
                example: finding.explanation.clone(),
                hint: judged.hint.clone(),
                required: false,
                requirements: Vec::new(),
                rows: Vec::new(),
            });
            self.all.len() - 1
        });
        let Some(cluster) = self.all.get_mut(number) else { return };
        cluster.required |= judged.level == Level::Required;
        if !cluster.requirements.contains(&judged.id.0) {
            cluster.requirements.push(judged.id.0.clone());
        }
        if cluster.rows.last() != Some(&row) {
            cluster.rows.push(row);
        }
    }

    /// The commonest first; of equally common ones what costs points.
    pub(super) fn sorted(&self) -> Vec<&Cluster> {
        let mut all: Vec<&Cluster> = self.all.iter().collect();
        all.sort_by_key(|cluster| (std::cmp::Reverse(cluster.rows.len()), !cluster.required));
        all
    }
}

/// A cause's name in words. A family's says too little: there it is the first sentence that was said.
fn name(cause: &str, family: bool, explanation: &str) -> String {
    let words = cause.replace('-', " ");
    if !family {
        return words;
    }
    let sentence = explanation.lines().next().unwrap_or_default();
    let sentence = sentence.split_once(". ").map_or(sentence, |(first, _)| first);
    sentence.trim_end_matches('.').to_owned()
}

/// What the script filters by.
pub(super) fn filters<'a>(clusters: &[&'a Cluster]) -> Vec<Filter<'a>> {
    clusters.iter().map(|cluster| Filter { name: Said(&cluster.name).read(), rows: &cluster.rows }).collect()
}

/// The commonest one by one; the others behind one line.
pub(super) fn section(clusters: &[&Cluster], rows: &Rows) -> Markup {
    let numbered = || clusters.iter().enumerate();
    let rest = clusters.len().saturating_sub(COMMON);
    html! {
        @if !clusters.is_empty() {
            section #causes {
                h2 { "Why submissions fail" }
                ol .clusters { @for (number, cluster) in numbered().take(COMMON) { (card(number, cluster, rows)) } }
                @if rest > 0 {
                    details {
                        summary { (count(rest, "more cause")) }
                        ol .clusters { @for (number, cluster) in numbered().skip(COMMON) { (card(number, cluster, rows)) } }
                    }
                }
            }
        }
    }
}

fn card(number: usize, cluster: &Cluster, rows: &Rows) -> Markup {
    let many = cluster.rows.len();
    html! {
        li .cluster {
            h3 { span .many { (count(many, "submission")) ": " } (Said(&cluster.name)) }
            p .meta {
                span { (capital(cluster.role.words())) }
                span .ids { @for id in &cluster.requirements { (Said(id)) " " } }
                @if !cluster.required { span .tag { "extra" } }
                a .js href={ "#cause=" (number) } { "Show in the matrix" }
            }
            blockquote .example { p { (Said(cluster.example.split("\n\n").next().unwrap_or_default())) } }
            p .hint { b { "Hint " } (Said(&cluster.hint)) }
            details {
                summary { "Who" }
                ul .names { @for row in &cluster.rows { li { (rows.link(*row)) } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_named_in_words_and_a_family_by_what_was_said() {
        assert_eq!(name("reset-instead-of-close", false, "x"), "reset instead of close");
        assert_eq!(
            name("exception", true, "Your server stopped with KeyError. It is\nold."),
            "Your server stopped with KeyError"
        );
    }
}
