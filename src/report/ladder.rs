//! The exchange between our side and the program, drawn as a ladder of arrows.
//!
//! Facts become rungs, a long ladder is shortened around the rung that matters, and what is left
//! is drawn: here as text, in [`super::html`] as a picture. Bytes on an arrow are those on the wire,
//! escaped.

mod facts;
pub(super) mod rungs;
mod wire;

use anstyle::{AnsiColor, Style};

use rungs::{Rung, Rungs, Shape};

use super::layout::{Paint, fit, pad, width};
use crate::event::Record;
use crate::ids::Role;

/// Columns of the time, with the space behind it.
const TIME: usize = 7;

/// A ladder, drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    /// The line above: which side is whose.
    pub heading: String,
    /// The lines.
    pub rows: Vec<Row>,
}

/// A line of a ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Whether it shows the failure.
    pub marked: bool,
    /// Time and name, to the left of the ladder.
    pub margin: String,
    /// From lifeline to lifeline.
    pub body: String,
    /// Whether something went over the wire.
    pub wire: bool,
}

impl Ladder {
    /// The ladder as plain text.
    #[must_use]
    pub fn plain(&self) -> String {
        self.lines(Paint { colour: false }).iter().map(|line| format!("{line}\n")).collect()
    }

    /// Its lines, each with the mark's two columns in front.
    #[must_use]
    pub fn lines(&self, paint: Paint) -> Vec<String> {
        let dim = Style::new().dimmed();
        let mut lines = vec![paint.on(dim, &format!("  {}", self.heading))];
        for row in &self.rows {
            let body_style = match (row.marked, row.wire) {
                (true, _) => AnsiColor::Red.on_default().bold(),
                (false, true) => Style::new(),
                (false, false) => dim,
            };
            let mark = if row.marked { paint.on(body_style, "✗ ") } else { "  ".to_owned() };
            let line = format!("{mark}{}{}", paint.on(dim, &row.margin), paint.on(body_style, row.body.trim_end()));
            lines.push(line.trim_end().to_owned());
        }
        lines
    }
}

/// Draws the exchange of a record in so many columns; `marked` is the index of the event that
/// shows the failure.
#[must_use]
pub fn draw(record: &Record, role: Role, marked: Option<usize>, columns: usize) -> Ladder {
    let rungs = Rungs::of(record, role, marked).shortened();
    let names = rungs.all.iter().map(|rung| width(&rung.who)).max().unwrap_or(0).min(12);
    let margin = TIME + if names == 0 { 0 } else { names + 1 };
    let inside = columns.saturating_sub(margin + 4).max(24);
    let (ours, theirs) = rungs.sides();
    let gap = " ".repeat((inside + 2).saturating_sub(ours.len() + theirs.len()));
    let heading = format!("{}{}{ours}{gap}{theirs}", pad("    ms", TIME), " ".repeat(margin - TIME));
    let rows = rungs.all.iter().map(|rung| row(rung, rungs.is_marked(rung), margin - TIME, inside)).collect();
    Ladder { heading, rows }
}

fn row(rung: &Rung, marked: bool, names: usize, inside: usize) -> Row {
    let name = if names == 0 { String::new() } else { pad(&fit(&rung.who, names - 1), names) };
    let margin = format!("{:>width$} {name}", rung.time(), width = TIME - 1);
    let wire = matches!(rung.shape, Shape::Out(_) | Shape::In(_) | Shape::Lost(_));
    Row { marked, margin, body: body(&rung.shape, inside), wire }
}

fn body(shape: &Shape, inside: usize) -> String {
    let text = shape.text(inside.saturating_sub(7));
    let rest = |line: &str, taken: usize| line.repeat(inside.saturating_sub(width(&text) + taken));
    match shape {
        Shape::Out(_) => format!("│── {text} {}▶│", rest("─", 5)),
        Shape::In(_) => format!("│◀{} {text} ──│", rest("─", 5)),
        Shape::Typed(_) => format!("│┄┄ {text} {}▷│", rest("┄", 5)),
        Shape::Lost(_) => format!("│── {text} {}✗│", rest("─", 5)),
        Shape::Ours(_) => format!("├ {text}{}│", rest(" ", 1)),
        Shape::Theirs(_) => format!("│{}{text} ┤", rest(" ", 1)),
        Shape::Gap(_) => format!("⋮ {text}{}⋮", rest(" ", 1)),
    }
}
