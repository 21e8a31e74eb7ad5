//! The exchange as a picture: the same rungs that [`crate::report::ladder`] draws as text.
//!
//! Lengths are in the picture's own units, one of which is a CSS pixel where there is room. Colours come from
//! the page's style, by class.

use maud::{Markup, html};

use super::text::Said;
use crate::report::ladder::rungs::{Rung, Rungs, Shape};
use crate::report::layout::{fit, width};
use crate::text::count;

/// The picture's width.
const WIDTH: usize = 780;
/// The height of a rung.
const ROW: usize = 34;
/// The height of the heading.
const HEAD: usize = 34;
/// The width of a character of the style's `.exchange text`, a monospaced face of 13.
const CHARACTER: usize = 8;
/// Where the time ends, and names begin.
const TIME: usize = 66;
/// The most characters of a peer's name.
const NAME: usize = 12;

/// Where the two lifelines are.
#[derive(Debug, Clone, Copy)]
struct Lines {
    ours: usize,
    theirs: usize,
}

impl Lines {
    fn of(rungs: &Rungs) -> Self {
        let names = rungs.all.iter().map(|rung| width(&rung.who)).max().unwrap_or(0).min(NAME);
        Self { ours: TIME + 14 + names * CHARACTER + if names == 0 { 0 } else { 12 }, theirs: WIDTH - 20 }
    }

    /// How many characters there is room for between them.
    fn room(self) -> usize {
        (self.theirs - self.ours - 36) / CHARACTER
    }
}

/// Draws rungs. `name` tells the picture from others on the page.
pub(super) fn draw(rungs: &Rungs, name: &str) -> Markup {
    let lines = Lines::of(rungs);
    let height = HEAD + rungs.all.len() * ROW + 12;
    let (ours, theirs) = rungs.sides();
    html! {
        svg role="img" viewBox={ "0 0 " (WIDTH) " " (height) } width=(WIDTH) height=(height)
            aria-labelledby={ (name) "-title " (name) "-desc" } {
            title id={ (name) "-title" } { "The exchange between " (ours) " and " (theirs) }
            desc id={ (name) "-desc" } { (Said(&description(rungs))) }
            text .head x=(TIME) y="20" text-anchor="end" { "ms" }
            text .head x=(lines.ours) y="20" { (ours) }
            text .head x=(lines.theirs) y="20" text-anchor="end" { (theirs) }
            @for x in [lines.ours, lines.theirs] {
                line .life x1=(x) x2=(x) y1=(HEAD - 4) y2=(height - 4) {}
            }
            @for (number, rung) in rungs.all.iter().enumerate() {
                (row(rung, rungs.is_marked(rung), lines, HEAD + number * ROW))
            }
        }
    }
}

/// The picture in words: how long it is, and what is marked.
fn description(rungs: &Rungs) -> String {
    let length = count(rungs.all.len(), "line");
    match rungs.all.iter().find(|rung| rungs.is_marked(rung)) {
        Some(rung) => format!(
            "{length}, from the first to the last. Where it went wrong: at {} ms, {}: {}.",
            rung.time(),
            way(rung),
            rung.shape.text(200)
        ),
        None => format!("{length}, from the first to the last."),
    }
}

/// Between whom something went.
pub(super) fn way(rung: &Rung) -> String {
    let peer = if rung.who.is_empty() { "grader" } else { &rung.who };
    match rung.shape {
        Shape::Out(_) => format!("{peer} to program"),
        Shape::In(_) => format!("program to {peer}"),
        Shape::Lost(_) => format!("{peer} to program, in vain"),
        Shape::Typed(_) => "keyboard to program".to_owned(),
        Shape::Ours(_) => "grader".to_owned(),
        Shape::Theirs(_) => "program".to_owned(),
        Shape::Gap(_) => String::new(),
    }
}

fn row(rung: &Rung, marked: bool, lines: Lines, top: usize) -> Markup {
    html! {
        g class=(if marked { "rung hit" } else { "rung" }) {
            @if marked {
                rect .band x="0" y=(top + 1) width=(WIDTH) height=(ROW - 1) rx="4" {}
                text .cross x="8" y=(top + 22) { "✗" }
            }
            text .time x=(TIME) y=(top + 22) text-anchor="end" { (rung.time()) }
            text .who x=(TIME + 14) y=(top + 22) { (Said(&fit(&rung.who, NAME))) }
            (body(&rung.shape, lines, top))
        }
    }
}

fn body(shape: &Shape, lines: Lines, top: usize) -> Markup {
    let text = shape.text(lines.room());
    match shape {
        Shape::Out(_) => arrow(&text, lines, top, ("wire", true)),
        Shape::Typed(_) => arrow(&text, lines, top, ("typed", true)),
        Shape::In(_) => arrow(&text, lines, top, ("wire", false)),
        Shape::Lost(_) => lost(&text, lines, top),
        Shape::Ours(_) => html! {
            circle .dot cx=(lines.ours) cy=(top + 18) r="4" {}
            text .aside x=(lines.ours + 14) y=(top + 22) { (Said(&text)) }
        },
        Shape::Theirs(_) => html! {
            circle .dot cx=(lines.theirs) cy=(top + 18) r="4" {}
            text .aside x=(lines.theirs - 14) y=(top + 22) text-anchor="end" { (Said(&text)) }
        },
        Shape::Gap(_) => html! {
            text .aside x=((lines.ours + lines.theirs) / 2) y=(top + 22) text-anchor="middle" { "⋮ " (text) " ⋮" }
        },
    }
}

/// An arrow from lifeline to lifeline, with its text above: at its tail, where it is read first.
fn arrow(text: &str, lines: Lines, top: usize, (class, out): (&str, bool)) -> Markup {
    let y = top + 27;
    let (from, to) = if out { (lines.ours, lines.theirs - 9) } else { (lines.theirs, lines.ours + 9) };
    let (tip, x, anchor) =
        if out { (lines.theirs - 1, lines.ours + 12, "start") } else { (lines.ours + 1, lines.theirs - 12, "end") };
    html! {
        text x=(x) y=(top + 19) text-anchor=(anchor) { (Said(text)) }
        line class=(class) x1=(from) x2=(to) y1=(y) y2=(y) {}
        path .tip d={ "M" (tip) " " (y) " L" (to) " " (y - 5) " L" (to) " " (y + 5) " Z" } {}
    }
}

/// An arrow that does not arrive.
fn lost(text: &str, lines: Lines, top: usize) -> Markup {
    let (y, end) = (top + 27, lines.theirs - 40);
    html! {
        text x=(lines.ours + 12) y=(top + 19) { (Said(text)) }
        line .wire x1=(lines.ours) x2=(end) y1=(y) y2=(y) {}
        path .end d={ "M" (end - 5) " " (y - 5) " l10 10 m0 -10 l-10 10" } {}
    }
}
