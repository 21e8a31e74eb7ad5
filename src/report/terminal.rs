//! The report that a student reads: one line a requirement, then each failure explained, with the
//! exchange that shows it, then a summary.
//!
//! A student runs this, so what the assignment hides from students is left out here as well, and
//! its points are not counted: a total would tell what is hidden.

use anstyle::{AnsiColor, Style};

use super::group::{Group, failures};
use super::layout::{Paint, fit, pad, width, wrap};
use super::sanitize::not_a_command;
use super::told::{self, NoPoints};
use super::{Graded, blocker_is_shown, is_shown, ladder};
use crate::judge::verdict::{Finding, Judged, Missing, ProgramVerdict, Verdict};
use crate::plan::model::{Level, Show, Visibility};
use crate::plan::points::Points;
use crate::text::{capital, count, tame};

/// The fewest and the most columns that are used: longer lines are hard to read.
const COLUMNS: (usize, usize) = (60, 100);

/// How the report is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Whether colours are used.
    pub colour: bool,
    /// The terminal's columns.
    pub width: usize,
    /// The command that does the same again, where there is one.
    pub again: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { colour: false, width: 80, again: None }
    }
}

/// Renders the report on one submission.
#[must_use]
pub fn render(graded: &Graded, options: &Options) -> String {
    let columns = options.width.clamp(COLUMNS.0, COLUMNS.1);
    let mut page = Page { graded, paint: Paint { colour: options.colour }, columns, out: String::new() };
    for program in &graded.verdict.programs {
        page.program(program);
    }
    for missing in &graded.verdict.missing {
        page.missing(missing);
    }
    page.failures();
    page.extras();
    page.ungraded();
    page.summary(options.again.as_deref());
    page.out.lines().map(|line| format!("{}\n", quiet(line, columns).trim_end())).collect()
}

/// A line that no CI system obeys, and that is no longer for it.
fn quiet(line: &str, columns: usize) -> String {
    let quiet = not_a_command(line);
    if quiet == line || line.contains('\u{1b}') { quiet } else { fit(&quiet, columns.max(width(line))) }
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const MAGENTA: Style = AnsiColor::Magenta.on_default();

struct Page<'a> {
    graded: &'a Graded,
    paint: Paint,
    columns: usize,
    out: String,
}

impl<'a> Page<'a> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn empty(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A line with something at its right end.
    fn spread(&mut self, (left, style): (&str, Style), (right, right_style): (&str, Style)) {
        let left = fit(left, self.columns.saturating_sub(width(right) + 2));
        let gap = " ".repeat(self.columns.saturating_sub(width(&left) + width(right)));
        let line = format!("{}{gap}{}", self.paint.on(style, &left), self.paint.on(right_style, right));
        self.line(&line);
    }

    fn section(&mut self, title: &str, style: Style) {
        self.empty();
        let rule = "─".repeat(self.columns.saturating_sub(width(title) + 4));
        let line = format!(
            "{} {} {}",
            self.paint.on(DIM, "──"),
            self.paint.on(style.bold(), title),
            self.paint.on(DIM, &rule)
        );
        self.line(&line);
        self.empty();
    }

    /// A paragraph, indented.
    fn paragraph(&mut self, text: &str, style: Style) {
        for line in wrap(&tame(text), self.columns - 2) {
            let line = format!("  {}", self.paint.on(style, &line));
            self.line(&line);
        }
    }

    /// An explanation. What stands behind an empty line was written by another program (a compiler), and
    /// stays in its lines and columns.
    fn explanation(&mut self, text: &str) {
        let (own, quoted) = text.split_once("\n\n").unwrap_or((text, ""));
        self.paragraph(own, Style::new());
        for (number, line) in quoted.lines().enumerate() {
            if number == 0 {
                self.empty();
            }
            let line = fit(&tame(line), self.columns - 4);
            self.line(&format!("    {line}"));
        }
    }

    /// A word at the left, and what belongs to it beside it.
    fn item(&mut self, word: &str, text: &str, style: Style) {
        const INDENT: usize = 12;
        for (number, line) in wrap(&tame(text), self.columns - INDENT).into_iter().enumerate() {
            let word = if number == 0 { word } else { "" };
            let line = format!("  {}{}", self.paint.on(DIM, &pad(word, INDENT - 2)), self.paint.on(style, &line));
            self.line(&line);
        }
    }

    fn program(&mut self, program: &ProgramVerdict) {
        self.empty();
        let path = tame(&program.path).replace('\n', " ");
        let heading =
            format!("{} · {path} · {} · dialect {}", capital(program.role.words()), program.language, program.dialect);
        self.spread((&heading, BOLD), (&seconds(program.micros), DIM));
        let told = program.told.as_ref().map(|how| format!("Dialect {}: {how}.", program.dialect));
        let notes = program.notes.iter().map(|note| format!("{}.", capital(note)));
        for words in told.into_iter().chain(notes) {
            self.paragraph(&tame(&words), DIM);
        }
        let ids = shown(program).map(|judged| judged.id.0.len()).max().unwrap_or(0);
        for judged in shown(program) {
            self.requirement(program, judged, ids);
        }
        for visibility in hidden(program) {
            self.paragraph(hidden_words(visibility), DIM);
        }
    }

    fn requirement(&mut self, program: &ProgramVerdict, judged: &Judged, ids: usize) {
        let (mark, style) = mark(judged);
        let (right, right_style) = right(program, judged);
        let id = pad(&judged.id.0, ids);
        let room = self.columns.saturating_sub(4 + ids + 2 + width(&right) + 2);
        let title = fit(&tame(&judged.title), room);
        let gap = " ".repeat(self.columns.saturating_sub(4 + ids + 2 + width(&title) + width(&right)));
        let title_style = match (&judged.verdict, judged.level) {
            (Verdict::Blocked { .. }, _) => DIM,
            (Verdict::Failed | Verdict::Ungraded { .. }, Level::Required) => BOLD,
            _ => Style::new(),
        };
        let line = format!(
            "  {} {}  {}{gap}{}",
            self.paint.on(style, mark),
            self.paint.on(DIM, &id),
            self.paint.on(title_style, &title),
            self.paint.on(right_style, &right),
        );
        self.line(&line);
    }

    fn missing(&mut self, missing: &Missing) {
        self.empty();
        self.spread(
            (&format!("{} · missing", capital(missing.role.words())), BOLD),
            (&format!("0/{}", missing.shown), RED),
        );
        self.item("wanted", &missing.looked_for, Style::new());
    }

    fn failures(&mut self) {
        let all = self.groups(true);
        if all.is_empty() {
            return;
        }
        self.section("What failed, and why", RED);
        for (program, group) in all {
            self.failure(program, &group);
            self.empty();
        }
    }

    fn extras(&mut self) {
        let all = self.groups(false);
        if all.is_empty() {
            return;
        }
        self.section("Extras: not required", YELLOW);
        for (program, group) in all {
            self.heading(&group, YELLOW);
            match &group.first.finding {
                Some(finding) if program.show == Show::Full => {
                    self.explanation(&finding.explanation);
                    self.item("hint", &group.first.hint, Style::new());
                }
                Some(finding) if program.show == Show::Actual => self.item("seen", &finding.actual, Style::new()),
                _ => {}
            }
            self.empty();
        }
    }

    fn groups(&self, required: bool) -> Vec<(&'a ProgramVerdict, Group<'a>)> {
        let programs = self.graded.verdict.programs.iter();
        let all = programs.flat_map(|program| failures(program).into_iter().map(move |group| (program, group)));
        all.filter(|(_, group)| group.is_required() == required).collect()
    }

    fn heading(&mut self, group: &Group<'_>, style: Style) {
        let Judged { id, title, .. } = group.first;
        for (number, line) in wrap(&tame(title), self.columns.saturating_sub(id.0.len() + 4)).into_iter().enumerate() {
            let line = if number == 0 {
                format!(
                    "{} {}  {}",
                    self.paint.on(style, "✗"),
                    self.paint.on(style.bold(), &id.0),
                    self.paint.on(BOLD, &line)
                )
            } else {
                format!("  {}  {}", " ".repeat(id.0.len()), self.paint.on(BOLD, &line))
            };
            self.line(&line);
        }
        if !group.others.is_empty() {
            let others: Vec<&str> = group.others.iter().map(|judged| judged.id.0.as_str()).collect();
            self.paragraph(&format!("same cause: {}", others.join(", ")), style);
        }
    }

    fn failure(&mut self, program: &'a ProgramVerdict, group: &Group<'a>) {
        self.heading(group, RED);
        let judged = group.first;
        let Some(finding) = judged.finding.as_ref().filter(|_| program.show != Show::None) else { return };
        self.empty();
        if program.show == Show::Actual {
            self.item("seen", &finding.actual, Style::new());
            self.exchange(program, judged, finding);
            return;
        }
        self.explanation(&finding.explanation);
        self.empty();
        self.item("expected", &finding.expected, GREEN);
        self.item("seen", &finding.actual, RED);
        self.exchange(program, judged, finding);
        self.item("hint", &judged.hint, BOLD);
        self.item("why", &judged.why, Style::new());
        if let Some(source) = &judged.source {
            self.item("see", source, DIM);
        }
    }

    fn exchange(&mut self, program: &ProgramVerdict, judged: &Judged, finding: &Finding) {
        self.empty();
        let Some(record) = self.graded.evidence(program.role, judged) else { return };
        let ladder = ladder::draw(record, program.role, finding.event, self.columns - 2);
        if ladder.rows.is_empty() {
            return;
        }
        for line in ladder.lines(self.paint) {
            self.line(&line);
        }
        self.empty();
    }

    fn ungraded(&mut self) {
        let reasons = told::reasons(self.graded.verdict.programs.iter().flat_map(shown));
        if reasons.is_empty() {
            return;
        }
        self.section("Not graded: not the program's fault, and no points are lost", MAGENTA);
        for (reason, ids) in reasons {
            let of_whom = if ids.len() > 3 { format!("{} … {}", ids[0], ids[ids.len() - 1]) } else { ids.join(", ") };
            self.paragraph(&format!("{of_whom}: {reason}"), Style::new());
        }
    }

    fn summary(&mut self, again: Option<&str>) {
        let verdict = &self.graded.verdict;
        self.section("Result", Style::new());
        let mut rows: Vec<[String; 4]> = verdict.programs.iter().map(row).collect();
        rows.extend(verdict.missing.iter().map(|missing| {
            [capital(missing.role.words()), format!("0 / {}", missing.shown), "missing".to_owned(), String::new()]
        }));
        if rows.len() > 1 {
            let (score, of) = told::total(&self.graded.verdict);
            let score =
                told::no_points(verdict).map_or_else(|| format!("{score} / {of}"), |none| none.words().to_owned());
            rows.push(["Together".to_owned(), score, String::new(), String::new()]);
        }
        let column = |index: usize| rows.iter().map(|row| width(&row[index])).max().unwrap_or(0);
        let columns = [column(0), column(1), column(2)];
        for [name, score, passed, extras] in &rows {
            let score = format!("{}{score}", " ".repeat(columns[1] - width(score)));
            let start = format!("  {}   {}   ", pad(name, columns[0]), self.paint.on(BOLD, &score));
            let narrow = 8 + columns.iter().sum::<usize>() + width(extras) + 3 > self.columns;
            let between = if narrow { ", ".to_owned() } else { " ".repeat(columns[2] - width(passed) + 3) };
            let between = if extras.is_empty() { "" } else { &between };
            self.line(format!("{start}{passed}{between}{}", self.paint.on(DIM, extras)).trim_end());
        }
        self.empty();
        let (text, style) = sentence(self.graded);
        self.paragraph(&text, style.bold());
        let seed = if again.is_some() { String::new() } else { format!(" Seed {}.", verdict.seed) };
        let reason = verdict.isolation_reason.as_ref().map(|reason| format!(" ({})", tame(reason))).unwrap_or_default();
        let assignment = verdict.assignment.as_ref().map(|name| format!("Assignment {name}. ")).unwrap_or_default();
        self.paragraph(
            &format!(
                "{assignment}Isolation: {}{reason}. Rest told by {}.{seed}",
                verdict.isolation, verdict.observation
            ),
            DIM,
        );
        if let Some(again) = again {
            // Not wrapped: a command that is copied from here must stay one line.
            let line = format!("  {}", self.paint.on(DIM, &format!("Again: {}", tame(again))));
            self.line(&line);
        }
    }
}

fn shown(program: &ProgramVerdict) -> impl Iterator<Item = &Judged> {
    program.requirements.iter().filter(|judged| is_shown(judged))
}

/// Whether requirements are hidden, and until when. How many is not said.
fn hidden(program: &ProgramVerdict) -> impl Iterator<Item = Visibility> {
    let has = |kind: &Visibility| program.requirements.iter().any(|judged| judged.visibility == *kind);
    [Visibility::Hidden, Visibility::AfterDueDate, Visibility::AfterPublished].into_iter().filter(has)
}

fn hidden_words(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::AfterDueDate => "more is tested than is shown until the assignment is due",
        Visibility::AfterPublished => "more is tested than is shown until grades are published",
        Visibility::Visible | Visibility::Hidden => "more is tested than is shown",
    }
}

fn mark(judged: &Judged) -> (&'static str, Style) {
    match (&judged.verdict, judged.level) {
        (Verdict::Passed, _) => ("✓", GREEN),
        (Verdict::Failed, Level::Required) => ("✗", RED),
        (Verdict::Failed, _) => ("✗", YELLOW),
        (Verdict::Blocked { .. }, _) => ("–", YELLOW),
        (Verdict::Ungraded { .. }, _) => ("?", MAGENTA),
    }
}

/// What stands at the end of a requirement's line.
fn right(program: &ProgramVerdict, judged: &Judged) -> (String, Style) {
    let points = |earned: Points| {
        if earned == judged.points { earned.to_string() } else { format!("{earned}/{}", judged.points) }
    };
    let points = match (judged.level, judged.points) {
        (Level::Extra, Points(0)) => "extra".to_owned(),
        (Level::Extra, _) => format!("extra {}", points(judged.earned)),
        _ => points(judged.earned),
    };
    match &judged.verdict {
        Verdict::Passed => (points, DIM),
        Verdict::Failed => (points, if judged.level == Level::Extra { DIM } else { RED }),
        Verdict::Blocked { by } if blocker_is_shown(program, by) => (format!("blocked by {by}  {points}"), DIM),
        Verdict::Blocked { .. } => (format!("blocked  {points}"), DIM),
        Verdict::Ungraded { .. } => ("not graded".to_owned(), MAGENTA),
    }
}

/// A program's row in the summary: name, score, what passed, extras.
fn row(program: &ProgramVerdict) -> [String; 4] {
    let required = || shown(program).filter(|judged| judged.level == Level::Required);
    let number = |name: &str| required().filter(|judged| judged.verdict.name() == name).count();
    let extras = || shown(program).filter(|judged| judged.level == Level::Extra);
    let passed = extras().filter(|judged| judged.verdict == Verdict::Passed).count();
    let parts = ["passed", "failed", "blocked", "ungraded"];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|name| *name == "passed" || number(name) > 0)
        .map(|name| format!("{} {name}", number(name)))
        .collect();
    let extras = if extras().count() == 0 { String::new() } else { format!("extras {passed}/{}", extras().count()) };
    let (score, of) = told::score(program);
    let score =
        NoPoints::of(shown(program), of).map_or_else(|| format!("{score} / {of}"), |none| none.words().to_owned());
    [capital(program.role.words()), score, parts.join(", "), extras]
}

/// The outcome in a sentence.
fn sentence(graded: &Graded) -> (String, Style) {
    let all = || graded.verdict.programs.iter().flat_map(shown);
    let required = |wanted: fn(&Verdict) -> bool| {
        all().filter(|judged| judged.level == Level::Required && wanted(&judged.verdict)).count()
    };
    let failed = required(|verdict| matches!(verdict, Verdict::Failed));
    let blocked = required(|verdict| matches!(verdict, Verdict::Blocked { .. }));
    let ungraded = all().filter(|judged| matches!(judged.verdict, Verdict::Ungraded { .. })).count();
    let mut parts = Vec::new();
    if failed > 0 {
        let verb = if failed == 1 { "does" } else { "do" };
        parts.push(format!("{} {verb} not hold", count(failed, "required requirement")));
    }
    if blocked > 0 {
        let what = if failed > 0 { blocked.to_string() } else { count(blocked, "requirement") };
        parts.push(format!("{what} could not be tested{}", if failed > 0 { " because of that" } else { "" }));
    }
    match graded.verdict.missing.len() {
        0 => {}
        1 => parts.push("1 program is missing".to_owned()),
        number => parts.push(format!("{number} programs are missing")),
    }
    let style = if parts.is_empty() { GREEN } else { RED };
    if ungraded > 0 {
        parts.push(format!("{ungraded} could not be graded"));
        return (format!("{}.", capital(&parts.join("; "))), MAGENTA);
    }
    if parts.is_empty() && all().next().is_none() {
        return ("Nothing of what was tested is shown.".to_owned(), Style::new());
    }
    if parts.is_empty() {
        let hidden = graded.verdict.requirements().any(|judged| judged.visibility != Visibility::Visible);
        let what = if hidden { "All that is shown here holds." } else { "All that is required holds." };
        return (what.to_owned(), style);
    }
    (format!("{}.", capital(&parts.join("; "))), style)
}

fn seconds(micros: u64) -> String {
    let hundredths = micros / 10_000;
    format!("{}.{:02} s", hundredths / 100, hundredths % 100)
}
