//! The rungs of a ladder: what went to and fro, and what each side did beside the wire, before it is
//! known how it will be drawn.

use super::facts::Facts;
use super::wire;
use crate::event::Record;
use crate::ids::{Peer, Role, Side};
use crate::judge::facts::View;
use crate::report::layout::{fit, width};
use crate::text::{count, quote};

/// More rungs than this are shortened.
const LONGEST: usize = 18;
/// Rungs that are kept at the beginning of a long ladder, before the marked one, and behind it.
const KEPT: (usize, usize, usize) = (3, 6, 4);

/// What is drawn of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Rungs {
    /// From first to last.
    pub all: Vec<Rung>,
    /// The event that shows the failure: a packet's, where packets are drawn.
    marked: Option<usize>,
    role: Role,
}

impl Rungs {
    /// All rungs of a record; `marked` is the index of the event that shows the failure.
    #[must_use]
    pub fn of(record: &Record, role: Role, marked: Option<usize>) -> Self {
        let facts = Facts::of(record, role);
        let on_the_wire = facts.has_packets().then(|| View::whole(record).packet_of(marked?)).flatten();
        Self { all: facts.rungs(), marked: on_the_wire.or(marked), role }
    }

    /// The same, with what matters less left out where they are many.
    #[must_use]
    pub fn shortened(self) -> Self {
        Self { all: shortened(condensed(self.all), self.marked), ..self }
    }

    /// Whether a rung shows the failure.
    #[must_use]
    pub fn is_marked(&self, rung: &Rung) -> bool {
        rung.holds(self.marked)
    }

    /// Whose the two sides are: ours, the program's.
    #[must_use]
    pub fn sides(&self) -> (&'static str, &'static str) {
        match self.role.side() {
            Side::Server => ("grader (client)", "your server"),
            Side::Client => ("grader (server)", "your client"),
        }
    }
}

/// The peer that a rung is about, where it is about one.
pub(super) type Who<'a> = Option<&'a Peer>;

/// What stands on a rung, before it is known how much room there is.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// From us to the program.
    Out(Label),
    /// From the program to us.
    In(Label),
    /// To the program's keyboard, so to speak.
    Typed(Label),
    /// From us, and it did not arrive.
    Lost(Label),
    /// What we do beside the wire.
    Ours(String),
    /// What the program does beside the wire.
    Theirs(Label),
    /// So many rungs are left out.
    Gap(usize),
}

impl Shape {
    /// What stands on it, on a line of so many columns.
    #[must_use]
    pub fn text(&self, room: usize) -> String {
        match self {
            Self::Out(label) | Self::In(label) | Self::Typed(label) | Self::Lost(label) | Self::Theirs(label) => {
                label.text(room)
            }
            Self::Ours(text) => fit(text, room),
            Self::Gap(left_out) => format!("{} left out", count(*left_out, "event")),
        }
    }
}

/// Words with bytes in them, which are cut to the room that there is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Label {
    /// What stands before the bytes.
    pub before: String,
    /// The bytes, where there are some.
    pub bytes: Option<Vec<u8>>,
    /// Bytes that the record itself has left out.
    pub cut: u64,
    /// What stands behind the bytes.
    pub after: String,
}

impl Label {
    /// Words alone.
    pub fn words(text: impl Into<String>) -> Self {
        Self { before: text.into(), ..Self::default() }
    }

    /// Bytes alone.
    pub fn bytes(bytes: &[u8]) -> Self {
        Self { bytes: Some(bytes.to_vec()), ..Self::default() }
    }

    /// Whether it carries no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.as_ref().is_none_or(Vec::is_empty) && self.cut == 0
    }

    /// On a line of so many columns.
    #[must_use]
    pub fn text(&self, room: usize) -> String {
        let Some(bytes) = &self.bytes else { return fit(&format!("{}{}", self.before, self.after), room) };
        let whole = format!("{}{}{}", self.before, quote(bytes, usize::MAX), self.after);
        if self.cut == 0 && width(&whole) <= room {
            return whole;
        }
        if let Some(last) = self.last_line(bytes) {
            let before = format!("{}… ", self.before);
            return fit(&format!("{before}{}", quote(last, room.saturating_sub(width(&before) + 2))), room);
        }
        let total = bytes.len() as u64 + self.cut;
        let size = format!(" ({})", count(usize::try_from(total).unwrap_or(usize::MAX), "byte"));
        let left = room.saturating_sub(width(&self.before) + width(&self.after) + width(&size) + 2);
        fit(&format!("{}{}{size}{}", self.before, quote(bytes, left.max(8)), self.after), room)
    }

    /// Of a traceback, or of much other output, the last line says most.
    fn last_line<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        if !self.before.starts_with("prints") {
            return None;
        }
        let full = |line: &&[u8]| !line.trim_ascii().is_empty();
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(full).collect();
        if lines.len() > 2 { lines.last().map(|line| line.trim_ascii()) } else { None }
    }
}

/// One line of a ladder, not yet drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Rung {
    /// The first and last event that it stands for.
    pub events: (usize, usize),
    /// Microseconds since the scenario began.
    pub at: u64,
    /// The peer that it is about; empty where it is about none.
    pub who: String,
    /// What is on it.
    pub shape: Shape,
}

impl Rung {
    /// Milliseconds since the scenario began; empty where rungs are left out.
    #[must_use]
    pub fn time(&self) -> String {
        let micros = self.at;
        match self.shape {
            Shape::Gap(_) => String::new(),
            _ if micros < 99_950 => format!("{}.{}", micros / 1000, micros % 1000 / 100),
            _ => (micros / 1000).to_string(),
        }
    }

    fn holds(&self, event: Option<usize>) -> bool {
        event.is_some_and(|event| (self.events.0..=self.events.1).contains(&event))
    }

    /// What stands on an arrow, where that is words alone.
    fn words(&self) -> Option<&str> {
        match &self.shape {
            Shape::Out(label) | Shape::In(label) if label.bytes.is_none() => Some(&label.before),
            _ => None,
        }
    }
}

/// In a long ladder the three segments that make a connection are one rung.
fn condensed(rungs: Vec<Rung>) -> Vec<Rung> {
    if rungs.len() <= LONGEST {
        return rungs;
    }
    let mut out: Vec<Rung> = Vec::new();
    for rung in rungs {
        if let ([.., first, second], Some(wire::ACK)) = (out.as_mut_slice(), rung.words())
            && (first.words(), second.words()) == (Some(wire::SYN), Some(wire::SYN_ACK))
            && first.who == rung.who
            && second.who == rung.who
        {
            first.events.1 = rung.events.1;
            if let Shape::Out(label) | Shape::In(label) = &mut first.shape {
                *label = Label::words("connects (SYN; SYN, ACK; ACK)");
            }
            out.pop();
        } else {
            out.push(rung);
        }
    }
    out
}

/// The middle of a long ladder is left out, but not what stands around the marked rung.
fn shortened(rungs: Vec<Rung>, marked: Option<usize>) -> Vec<Rung> {
    if rungs.len() <= LONGEST {
        return rungs;
    }
    let (first, before, after) = KEPT;
    let last = rungs.len() - 1;
    let at = rungs.iter().position(|rung| rung.holds(marked)).unwrap_or(last);
    let kept =
        |index: usize| index < first || index + 2 >= rungs.len() || (index + before >= at && index <= at + after);
    let mut out: Vec<Rung> = Vec::new();
    for (index, rung) in rungs.iter().enumerate() {
        match out.last_mut() {
            _ if kept(index) => out.push(rung.clone()),
            Some(Rung { shape: Shape::Gap(number), .. }) => *number += 1,
            _ => out.push(Rung { shape: Shape::Gap(1), who: String::new(), ..rung.clone() }),
        }
    }
    out
}
