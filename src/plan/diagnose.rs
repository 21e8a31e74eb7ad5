//! Mistakes as a person reads them: the file, the line, the column, a caret, and what to do.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::plan::source::Source;
use crate::span::{Mistake, Span};
use crate::text::tame;

/// Mistakes that are shown of one file. Who made more has made the same one again and again.
const SHOWN: usize = 200;

/// Characters of a message that are shown: it can quote what stands in the file.
const LONGEST_MESSAGE: usize = 400;

/// A line longer than this is not drawn: its caret would stand nowhere near it.
const LONGEST_LINE: usize = 1000;

/// The mistakes of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The file. Without a text where it could not be read; without a name where it is none.
    pub source: Source,
    /// What is wrong in it, in the order of the file.
    pub mistakes: Vec<Mistake>,
}

impl Report {
    /// The mistakes of a file, in order, each once.
    #[must_use]
    pub fn new(source: Source, mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by(|a, b| (a.span.start, a.span.end, &a.message).cmp(&(b.span.start, b.span.end, &b.message)));
        mistakes.dedup();
        Self { source, mistakes }
    }

    /// A file that could not be read.
    #[must_use]
    pub fn unread(name: &str, mistake: Mistake) -> Self {
        Self { source: Source::new(name, ""), mistakes: vec![mistake] }
    }

    /// Something wrong that stands in no file (a flag of the command line).
    #[must_use]
    pub fn plain(message: impl Into<String>, help: Option<String>) -> Self {
        let mistake = Mistake { help, ..Mistake::new(Span::default(), message) };
        Self { source: Source::default(), mistakes: vec![mistake] }
    }

    /// All mistakes, rendered.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let mut out: Vec<String> =
            self.mistakes.iter().take(SHOWN).map(|mistake| one(&self.source, mistake, colour)).collect();
        if self.mistakes.len() > SHOWN {
            out.push(format!("… and {} more mistakes in {}\n", self.mistakes.len() - SHOWN, self.source.name));
        }
        out.join("\n")
    }
}

/// All reports, rendered.
#[must_use]
pub fn render(reports: &[Report], colour: bool) -> String {
    reports.iter().map(|report| report.render(colour)).collect::<Vec<_>>().join("\n")
}

fn one(source: &Source, mistake: &Mistake, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut message = tame(&mistake.message).into_owned();
    if let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
    let help = mistake.help.as_deref().map(|help| Level::HELP.message(tame(help).into_owned()));
    let line = Line::of(source, mistake.span);
    let group: Group<'_> = match &line {
        Line::Drawn { text, number, from, to } => Level::ERROR.primary_title(message).element(
            Snippet::source(*text)
                .path(source.name.as_str())
                .line_start(*number)
                .annotation(AnnotationKind::Primary.span(*from..*to)),
        ),
        Line::Said(place) => Group::with_title(Level::ERROR.primary_title(format!("{place}{message}"))),
    };
    let mut text = renderer.render(&[group.elements(help)]);
    text.push('\n');
    text
}

/// The line that a mistake is in.
enum Line<'a> {
    /// To be drawn, with the bytes that are meant.
    Drawn { text: &'a str, number: usize, from: usize, to: usize },
    /// To be named only.
    Said(String),
}

impl<'a> Line<'a> {
    fn of(source: &'a Source, span: Span) -> Self {
        let text = source.text.as_str();
        let name = tame(&source.name);
        if text.is_empty() {
            return Self::Said(if name.is_empty() { String::new() } else { format!("{name}: ") });
        }
        let at = floor(text, span.start);
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
        let number = text[..start].matches('\n').count() + 1;
        if end - start > LONGEST_LINE {
            let column = text[start..at].chars().count() + 1;
            return Self::Said(format!("{name}:{number}:{column}: "));
        }
        let to = floor(text, span.end).clamp(at, end.max(at));
        Self::Drawn { text: &text[start..end], number, from: at - start, to: to - start }
    }
}

/// The beginning of the character that a byte is part of.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
