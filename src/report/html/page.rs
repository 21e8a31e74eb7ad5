//! A page about one submission.

use maud::{Markup, html};

use super::failure::Failure;
use super::text::Said;
use super::verdicts::{Reader, Sign, anchor, points, source, visibility};
use super::who::{heading, moment};
use crate::judge::verdict::{Judged, Missing, ProgramVerdict, Verdict};
use crate::plan::model::{Level, Show};
use crate::plan::points::Points;
use crate::report::Graded;
use crate::report::group::{Group, failures_among};
use crate::report::told::{self, NoPoints};
use crate::roster::Student;
use crate::text::{capital, count};

/// A submission, and who reads about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page<'a> {
    /// The verdicts.
    pub graded: &'a Graded,
    /// Whom the page is for.
    pub reader: Reader,
    /// The command line that does the same again.
    pub again: Option<&'a str>,
    /// What tells the places on this page from those of other submissions on it.
    pub prefix: &'a str,
}

impl<'a> Page<'a> {
    /// All of it.
    pub(super) fn whole(self, student: Option<&Student>) -> Markup {
        let verdict = &self.graded.verdict;
        let required = self.groups(true);
        let extras = self.groups(false);
        html! {
            (heading(student, &verdict.id))
            p .meta {
                @if let Some(name) = &verdict.assignment { span { "Assignment " (Said(name)) } }
                span { "Graded " (moment(&verdict.at)) }
            }
            (self.score())
            (self.ungraded())
            @if !required.is_empty() {
                section .failures {
                    h2 { "What failed, and why" }
                    @for (program, group) in &required { (self.failure(program, group).article()) }
                }
            }
            @if !extras.is_empty() {
                section .failures .extras {
                    h2 { "Extras: not required" }
                    @for (program, group) in &extras { (self.failure(program, group).article()) }
                }
            }
            section {
                h2 { "All requirements" }
                @for program in &verdict.programs { (self.program(program)) }
                @for missing in &verdict.missing { (self.missing(missing)) }
            }
            (self.reproduce())
        }
    }

    fn failure(self, program: &'a ProgramVerdict, group: &'a Group<'a>) -> Failure<'a> {
        Failure { page: self, program, group }
    }

    fn groups(self, required: bool) -> Vec<(&'a ProgramVerdict, Group<'a>)> {
        let programs = self.graded.verdict.programs.iter();
        let all = programs.flat_map(|program| {
            failures_among(self.reader.requirements(program)).into_iter().map(move |group| (program, group))
        });
        all.filter(|(_, group)| group.is_required() == required).collect()
    }

    /// A place on this page.
    pub(super) fn place(self, program: &ProgramVerdict, judged: &Judged) -> String {
        format!("{}{}", self.prefix, anchor(program, &judged.id))
    }

    fn score(self) -> Markup {
        let verdict = &self.graded.verdict;
        let (earned, of) = self.reader.total(verdict);
        let seen = verdict.programs.iter().flat_map(|program| self.reader.requirements(program));
        let none = NoPoints::of(seen, of).map(|none| none.beside(&verdict.missing));
        let of_what = match self.reader {
            Reader::Staff => "points of all that could be graded",
            Reader::Student => "points of what is shown here",
        };
        html! {
            section .score aria-label="Score" {
                p .total {
                    @if let Some(none) = none {
                        span .earned { (capital(none.words())) }
                    } @else {
                        span .earned { (earned.to_string()) } span .of { " / " (of.to_string()) } " "
                        span .of-what { (of_what) }
                    }
                }
                (bar(earned, of))
                div .scroll tabindex="0" role="region" aria-label="Scores of the programs" {
                    table .programs {
                        thead { tr { th scope="col" { "Program" } th .number scope="col" { "Points" } th scope="col" { "Required" } th scope="col" { "Extras" } } }
                        tbody {
                            @for program in &verdict.programs { (self.row(program)) }
                            @for missing in &verdict.missing {
                                tr {
                                    th scope="row" { (capital(missing.role.words())) }
                                    td .number { "0 / " (self.reader.worth(missing).to_string()) }
                                    td { span .tag .bad { "missing" } }
                                    td {}
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The points of a program, or what holds where there are none.
    fn points(self, program: &ProgramVerdict, earned: Points, of: Points) -> Markup {
        match NoPoints::of(self.reader.requirements(program), of) {
            None => points(earned, of),
            Some(none) => html! { span .points { (none.words()) } },
        }
    }

    /// A program's line under the score.
    fn row(self, program: &ProgramVerdict) -> Markup {
        let (earned, of) = self.reader.points(program);
        let number = |level: Level, name: &str| {
            let all = self.reader.requirements(program);
            all.filter(|judged| judged.level == level && judged.verdict.name() == name).count()
        };
        let extras = self.reader.requirements(program).filter(|judged| judged.level == Level::Extra).count();
        html! {
            tr {
                th scope="row" {
                    a href={ "#" (self.prefix) (program.role.name()) } { (capital(program.role.words())) }
                }
                td .number { (self.points(program, earned, of)) }
                td {
                    @for (name, word) in [("passed", "passed"), ("failed", "failed"), ("blocked", "blocked"), ("ungraded", "not graded")] {
                        @let many = number(Level::Required, name);
                        @if many > 0 { span class={ "tally " (name) } { (many) " " (word) } " " }
                    }
                }
                td { @if extras > 0 { (number(Level::Extra, "passed")) " of " (extras) } }
            }
        }
    }

    /// What could not be graded, by reason.
    fn ungraded(self) -> Markup {
        let mut reasons: Vec<(&str, Vec<(String, &Judged)>)> = Vec::new();
        for program in &self.graded.verdict.programs {
            for judged in self.reader.requirements(program) {
                let Verdict::Ungraded { reason } = &judged.verdict else { continue };
                let one = (self.place(program, judged), judged);
                match reasons.iter_mut().find(|(known, _)| known == reason) {
                    Some((_, all)) => all.push(one),
                    None => reasons.push((reason, vec![one])),
                }
            }
        }
        html! {
            @if !reasons.is_empty() {
                section .notice .ungraded {
                    h2 { "Not graded" }
                    p { "This is not the program's fault, and no points are lost." }
                    @for (reason, all) in &reasons {
                        p { (Said(reason)) }
                        p .ids { @for (place, judged) in all { a href={ "#" (place) } { (Said(&judged.id.0)) } " " } }
                    }
                }
            }
        }
    }

    fn program(self, program: &ProgramVerdict) -> Markup {
        let (earned, of) = self.reader.points(program);
        html! {
            div .program id={ (self.prefix) (program.role.name()) } {
                h3 { (capital(program.role.words())) " " (self.points(program, earned, of)) }
                p .meta {
                    span { code { bdi { (Said(&program.path)) } } }
                    span { (Said(&program.language)) }
                    span { "dialect " (Said(&program.dialect)) }
                    @if self.reader == Reader::Staff {
                        span { (count(program.starts as usize, "start")) ", " (seconds(program.micros)) }
                    }
                }
                @if let Some(told) = &program.told { p .note { "Dialect " (Said(&program.dialect)) ": " (Said(told)) "." } }
                @for note in &program.notes { p .note { (Said(&capital(note))) "." } }
                @if self.reader.show(program) == Show::Full { (self.build(program)) }
                table .requirements {
                    caption .vh { "The requirements of the " (program.role.words()) " and their verdicts" }
                    thead { tr { th scope="col" { span .vh { "Verdict" } } th scope="col" { "ID" } th scope="col" { "Requirement" } th .number scope="col" { "Points" } } }
                    tbody {
                        @for judged in self.reader.requirements(program) { (self.requirement(program, judged)) }
                    }
                }
            }
        }
    }

    /// What the compiler said, and what was tried to find how the program is started.
    fn build(self, program: &ProgramVerdict) -> Markup {
        let record = self.graded.records_of(program.role);
        let built = record.and_then(|record| record.built.as_ref());
        let tried = record.map(|record| record.tried.as_slice()).unwrap_or_default();
        html! {
            @if let Some(built) = built {
                details { summary { "How it was built" }
                    pre { code { (Said(&built.command)) } }
                    @if !built.output.trim().is_empty() { pre .output dir="ltr" { (Said(&built.output)) } }
                }
            }
            @if !tried.is_empty() && self.reader == Reader::Staff {
                details { summary { "What was tried" } ul { @for one in tried { li { (Said(one)) } } } }
            }
        }
    }

    fn requirement(self, program: &ProgramVerdict, judged: &Judged) -> Markup {
        let sign = Sign::of(&judged.verdict);
        html! {
            tr class={ "is-" (sign.letter) @if judged.level == Level::Extra { " extra" } } id=(self.place(program, judged)) {
                td { (sign.mark(judged.level)) }
                th scope="row" { (Said(&judged.id.0)) }
                td {
                    (self.requirement_told(program, judged))
                }
                td .number {
                    @match (&judged.verdict, judged.points) {
                        (Verdict::Ungraded { .. }, _) => span .quiet { "not graded" },
                        (_, Points(0)) => span .quiet { "–" },
                        (_, of) => (points(judged.earned, of)),
                    }
                }
            }
        }
    }

    /// A requirement's title, which opens to all that is to be said of it.
    fn requirement_told(self, program: &ProgramVerdict, judged: &Judged) -> Markup {
        let show = self.reader.show(program);
        let title = html! {
            (Said(&judged.title))
            @if judged.level == Level::Extra { " " span .tag { "extra" } }
            @if let Some(words) = visibility(judged) { " " span .tag .secret { (words) } }
        };
        html! {
            @if show == Show::Full {
                details {
                    summary { (title) }
                    @if let Some(finding) = &judged.finding {
                        p { (Said(&finding.explanation)) }
                        p .hint { b { "Hint " } (Said(&judged.hint)) }
                    }
                    p { b { "Why " } (Said(&judged.why)) }
                    (source(judged))
                }
            } @else { (title) }
            @match &judged.verdict {
                Verdict::Blocked { by } if self.reader.sees_blocker(program, by) => p .because {
                    "Could not be tested, because " a href={ "#" (self.prefix) (anchor(program, by)) } { (Said(&by.0)) } " failed."
                },
                Verdict::Blocked { .. } => p .because { "Could not be tested, because " (told::UNNAMED) " failed." },
                Verdict::Failed => p .because { a href={ "#why-" (self.place(program, self.explained(program, judged))) } { "What went wrong" } },
                _ => {},
            }
        }
    }

    /// The failure under which this one is explained.
    fn explained(self, program: &'a ProgramVerdict, judged: &'a Judged) -> &'a Judged {
        let groups = failures_among(self.reader.requirements(program));
        let group = groups
            .iter()
            .find(|group| group.first.id == judged.id || group.others.iter().any(|other| other.id == judged.id));
        group.map_or(judged, |group| group.first)
    }

    fn missing(self, missing: &Missing) -> Markup {
        html! {
            div .program id={ (self.prefix) (missing.role.name()) } {
                h3 { (capital(missing.role.words())) " " span .tag .bad { "missing" } }
                p { "Looked for " (Said(&missing.looked_for)) "." }
            }
        }
    }

    fn reproduce(self) -> Markup {
        let verdict = &self.graded.verdict;
        let usual = format!("sockspec check . --seed {}", verdict.seed);
        html! {
            section {
                h2 { "The same again" }
                @if self.again.is_none() { p { "In the folder that was handed in:" } }
                pre .command { code { (Said(self.again.unwrap_or(&usual))) } }
                p .meta {
                    span { "Seed " (verdict.seed) }
                    span {
                        "Isolation " (Said(&verdict.isolation))
                        @if let Some(reason) = &verdict.isolation_reason { " (" (Said(reason)) ")" }
                    }
                    span { "Rest told by " (Said(&verdict.observation)) }
                }
            }
        }
    }
}

/// A bar as long as the share that was earned. What it shows stands beside it in figures.
fn bar(earned: Points, of: Points) -> Markup {
    let share = if of.0 == 0 { 0 } else { u64::from(earned.0) * 1000 / u64::from(of.0) };
    html! {
        svg .share viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
            rect .all width="1000" height="10" {}
            rect .part width=(share) height="10" {}
        }
    }
}

fn seconds(micros: u64) -> String {
    format!("{}.{:02} s", micros / 1_000_000, micros / 10_000 % 100)
}
