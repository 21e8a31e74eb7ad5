//! One failure explained: what went wrong, the exchange that shows it, and what to do.

use maud::{Markup, html};

use super::diagram::{self, way};
use super::page::Page;
use super::text::Said;
use super::verdicts::{Reader, Sign, points, source, visibility};
use crate::event::Record;
use crate::judge::facts::View;
use crate::judge::verdict::{Finding, ProgramVerdict};
use crate::plan::model::Show;
use crate::report::group::Group;
use crate::report::ladder;
use crate::report::ladder::rungs::{Rungs, Shape};
use crate::text::{capital, count};

/// Columns of the ladder as text.
const COLUMNS: usize = 78;
/// The most characters of one line of a transcript.
const LINE: usize = 2000;
/// The most lines of a transcript.
const LINES: usize = 400;

/// Failures with one cause, on a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure<'a> {
    /// The page.
    pub page: Page<'a>,
    /// Whose failures.
    pub program: &'a ProgramVerdict,
    /// The failures: the first is explained.
    pub group: &'a Group<'a>,
}

impl Failure<'_> {
    /// All that is to be said, as far as the reader may know.
    pub(super) fn article(self) -> Markup {
        let judged = self.group.first;
        let name = format!("why-{}", self.page.place(self.program, judged));
        let show = self.page.reader.show(self.program);
        html! {
            article .failure id=(name) aria-labelledby={ (name) "-h" } {
                h3 id={ (name) "-h" } {
                    (Sign::of(&judged.verdict).mark(judged.level)) " "
                    span .id { (Said(&judged.id.0)) } " " span { (Said(&judged.title)) } " "
                    @if judged.points.0 > 0 { (points(judged.earned, judged.points)) }
                }
                p .meta {
                    span { (capital(self.program.role.words())) }
                    @if self.page.reader == Reader::Staff {
                        @if let Some(finding) = &judged.finding {
                            span { "cause " code { (Said(&finding.cause)) } }
                        }
                        @if let Some(words) = visibility(judged) { span .tag .secret { (words) } }
                    }
                    @if !self.group.others.is_empty() { (self.others()) }
                }
                @match (&judged.finding, show) {
                    (Some(finding), Show::Full) => (self.full(finding, &name)),
                    (Some(finding), Show::Actual) => {
                        dl .pair { dt { "Seen" } dd { (Said(&finding.actual)) } }
                        (self.exchange(finding, &name))
                    },
                    _ => {},
                }
            }
        }
    }

    fn others(self) -> Markup {
        html! {
            span {
                "same cause:"
                @for other in &self.group.others {
                    " " a href={ "#" (self.page.place(self.program, other)) } { (Said(&other.id.0)) }
                }
            }
        }
    }

    fn full(self, finding: &Finding, name: &str) -> Markup {
        let judged = self.group.first;
        // What stands behind an empty line was written by another program (a compiler).
        let (own, quoted) = finding.explanation.split_once("\n\n").unwrap_or((&finding.explanation, ""));
        html! {
            p .explanation { (Said(own)) }
            @if !quoted.is_empty() { pre .output dir="ltr" { (Said(quoted)) } }
            dl .pair {
                dt { "Expected" } dd .wanted { (Said(&finding.expected)) }
                dt { "Seen" } dd .seen { (Said(&finding.actual)) }
            }
            (self.exchange(finding, name))
            (self.output())
            div .advice {
                p .hint { b { "Hint " } (Said(&judged.hint)) }
                p { b { "Why " } (Said(&judged.why)) }
                (source(judged))
            }
        }
    }

    fn record(&self) -> Option<&Record> {
        self.page.graded.evidence(self.program.role, self.group.first)
    }

    /// The exchange as a picture, as text, and in full.
    fn exchange(self, finding: &Finding, name: &str) -> Markup {
        let Some(record) = self.record() else { return html! {} };
        let role = self.program.role;
        let all = Rungs::of(record, role, finding.event);
        if all.all.is_empty() {
            return html! {};
        }
        let short = all.clone().shortened();
        let marked = short.all.iter().any(|rung| short.is_marked(rung));
        html! {
            figure .exchange {
                div .scroll tabindex="0" role="region" aria-label="Diagram of the exchange" {
                    (diagram::draw(&short, name))
                }
                figcaption {
                    "Scenario " code { (Said(&record.scenario.0)) } "."
                    @if marked { " " span .cross { "✗" } " marks the place where it went wrong." }
                }
            }
            details {
                summary { "The diagram as text" }
                pre .ladder dir="ltr" { (Said(&ladder::draw(record, role, finding.event, COLUMNS).plain())) }
            }
            (transcript(&all))
        }
    }

    /// What the program printed in the scenario.
    fn output(self) -> Markup {
        let Some(view) = self.record().map(View::whole) else { return html! {} };
        let (printed, unkept) = (view.printed(None), view.unkept());
        html! {
            @if !printed.is_empty() {
                details {
                    summary { "What the program printed" }
                    pre .output dir="ltr" { (Said(&String::from_utf8_lossy(&printed))) }
                    @if unkept > 0 { p .note { (unkept) " more bytes were not kept." } }
                }
            }
        }
    }
}

/// All rungs, in a table.
fn transcript(rungs: &Rungs) -> Markup {
    let left_out = rungs.all.len().saturating_sub(LINES);
    html! {
        details {
            summary { "The whole transcript: " (count(rungs.all.len(), "line")) }
            div .scroll tabindex="0" role="region" aria-label="Transcript" {
                table .transcript {
                    thead { tr { th .number scope="col" { "ms" } th scope="col" { "Who" } th scope="col" { "What" } } }
                    tbody {
                        @for rung in rungs.all.iter().take(LINES) {
                            @let marked = rungs.is_marked(rung);
                            tr class=[marked.then_some("hit")] {
                                td .number { (rung.time()) }
                                td { @if marked { span .cross aria-hidden="true" { "✗ " } span .vh { "Here it went wrong: " } } (Said(&way(rung))) }
                                td class=(if matches!(rung.shape, Shape::Ours(_)) { "quiet" } else { "what" }) { (Said(&rung.shape.text(LINE))) }
                            }
                        }
                    }
                }
            }
            @if left_out > 0 { p .note { (count(left_out, "more line")) " left out here." } }
        }
    }
}
