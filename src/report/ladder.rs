//! The exchange between our side and the program, drawn as a ladder of arrows.
//!
//! Facts become rungs, a long ladder is shortened around the rung that matters, and what is left
//! is drawn. Bytes on an arrow are those on the wire, escaped.

mod wire;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anstyle::{AnsiColor, Style};

use wire::Wire;

use super::layout::{Paint, fit, pad, width};
use super::words;
use crate::event::{Event, Exit, Fact, OurEnd, Output, Record, StreamEnd};
use crate::ids::{Peer, Role, Side, Transport};
use crate::judge::facts::View;
use crate::text::{count, quote, tame};

/// More rungs than this are shortened.
const LONGEST: usize = 18;
/// Rungs that are kept at the beginning of a long ladder, before the marked one, and behind it.
const KEPT: (usize, usize, usize) = (3, 6, 4);
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
    let facts = Facts::of(record, role);
    let on_the_wire = facts.wire.as_ref().and_then(|_| View::whole(record).packet_of(marked?));
    let marked = on_the_wire.or(marked);
    let rungs = shortened(condensed(facts.rungs()), marked);
    let names = rungs.iter().map(|rung| width(&rung.who)).max().unwrap_or(0).min(12);
    let margin = TIME + if names == 0 { 0 } else { names + 1 };
    let inside = columns.saturating_sub(margin + 4).max(24);
    let (ours, theirs) = match role.side() {
        Side::Server => ("grader (client)", "your server"),
        Side::Client => ("grader (server)", "your client"),
    };
    let gap = " ".repeat((inside + 2).saturating_sub(ours.len() + theirs.len()));
    let heading = format!("{}{}{ours}{gap}{theirs}", pad("    ms", TIME), " ".repeat(margin - TIME));
    let rows = rungs.iter().map(|rung| rung.row(marked, margin - TIME, inside)).collect();
    Ladder { heading, rows }
}

/// The peer that a rung is about, where it is about one.
type Who<'a> = Option<&'a Peer>;

/// What stands on a rung, before it is known how much room there is.
#[derive(Debug, Clone, PartialEq)]
enum Shape {
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

/// Words with bytes in them, which are cut to the room that there is.
#[derive(Debug, Clone, PartialEq, Default)]
struct Label {
    before: String,
    bytes: Option<Vec<u8>>,
    /// Bytes that the record itself has left out.
    cut: u64,
    after: String,
}

impl Label {
    fn words(text: impl Into<String>) -> Self {
        Self { before: text.into(), ..Self::default() }
    }

    fn bytes(bytes: &[u8]) -> Self {
        Self { bytes: Some(bytes.to_vec()), ..Self::default() }
    }

    fn is_empty(&self) -> bool {
        self.bytes.as_ref().is_none_or(Vec::is_empty) && self.cut == 0
    }

    fn text(&self, room: usize) -> String {
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
}

impl Label {
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

#[derive(Debug, Clone, PartialEq)]
struct Rung {
    /// The first and last event that it stands for.
    events: (usize, usize),
    at: u64,
    who: String,
    shape: Shape,
}

impl Rung {
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

    fn row(&self, marked: Option<usize>, names: usize, inside: usize) -> Row {
        let time = if matches!(self.shape, Shape::Gap(_)) { String::new() } else { millis(self.at) };
        let name = if names == 0 { String::new() } else { pad(&fit(&self.who, names - 1), names) };
        let margin = format!("{time:>width$} {name}", width = TIME - 1);
        let wire = matches!(self.shape, Shape::Out(_) | Shape::In(_) | Shape::Lost(_));
        Row { marked: self.holds(marked), margin, body: self.body(inside), wire }
    }

    fn body(&self, inside: usize) -> String {
        let room = inside.saturating_sub(7);
        let rest = |text: &str, line: &str, taken: usize| line.repeat(inside.saturating_sub(width(text) + taken));
        match &self.shape {
            Shape::Out(label) => {
                let text = label.text(room);
                format!("│── {text} {}▶│", rest(&text, "─", 5))
            }
            Shape::In(label) => {
                let text = label.text(room);
                format!("│◀{} {text} ──│", rest(&text, "─", 5))
            }
            Shape::Typed(label) => {
                let text = label.text(room);
                format!("│┄┄ {text} {}▷│", rest(&text, "┄", 5))
            }
            Shape::Lost(label) => {
                let text = label.text(room);
                format!("│── {text} {}✗│", rest(&text, "─", 5))
            }
            Shape::Ours(text) => {
                let text = fit(text, room);
                format!("├ {text}{}│", rest(&text, " ", 1))
            }
            Shape::Theirs(label) => {
                let text = label.text(room);
                format!("│{}{text} ┤", rest(&text, " ", 1))
            }
            Shape::Gap(left_out) => {
                let text = format!("{} left out", count(*left_out, "event"));
                format!("⋮ {text}{}⋮", rest(&text, " ", 1))
            }
        }
    }
}

fn millis(micros: u64) -> String {
    if micros < 99_950 { format!("{}.{}", micros / 1000, micros % 1000 / 100) } else { (micros / 1000).to_string() }
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

/// Turns facts into rungs, with what earlier facts said in mind.
struct Facts<'a> {
    record: &'a Record,
    role: Role,
    transports: BTreeMap<&'a Peer, Transport>,
    arrived: Vec<SocketAddr>,
    asked: BTreeMap<&'a Peer, SocketAddr>,
    wire: Option<Wire<'a>>,
    rungs: Vec<Rung>,
}

impl<'a> Facts<'a> {
    fn of(record: &'a Record, role: Role) -> Self {
        Self {
            record,
            role,
            transports: BTreeMap::new(),
            arrived: Vec::new(),
            asked: BTreeMap::new(),
            wire: Wire::of(record, role),
            rungs: Vec::new(),
        }
    }

    fn rungs(mut self) -> Vec<Rung> {
        let mut events: Vec<(usize, &Event)> = self.record.events.iter().enumerate().collect();
        if self.wire.is_some() {
            // Packets have the kernel's time, other facts that of the look at which they were seen.
            events.sort_by_key(|(_, event)| event.at);
        }
        for (index, event) in events {
            self.take_note(&event.fact);
            let Some((who, shape)) = self.shape(index, event) else { continue };
            let who = who.map(Peer::to_string).unwrap_or_default();
            self.push(Rung { events: (index, index), at: event.at, who, shape });
        }
        self.rungs
    }

    /// What one read gave is one fact; lines that were printed at once are one rung.
    fn push(&mut self, rung: Rung) {
        if let (Some(last), Shape::Theirs(new)) = (self.rungs.last_mut(), &rung.shape)
            && let Shape::Theirs(old) = &mut last.shape
            && old.bytes.is_some()
            && old.before == new.before
            && let Some(more) = &new.bytes
        {
            old.bytes.get_or_insert_default().extend_from_slice(more);
            old.cut += new.cut;
            last.events.1 = rung.events.1;
        } else if self
            .rungs
            .last()
            .is_none_or(|last| last.shape != rung.shape || !matches!(rung.shape, Shape::Theirs(_)))
        {
            self.rungs.push(rung);
        }
    }

    fn take_note(&mut self, fact: &'a Fact) {
        match fact {
            Fact::Opened { peer, transport, .. } | Fact::Listening { peer, transport, .. } => {
                self.transports.insert(peer, *transport);
            }
            Fact::Arrived { from, .. } => self.arrived.push(*from),
            Fact::Sent { peer, to, .. } => {
                self.asked.insert(peer, *to);
            }
            _ => {}
        }
    }

    fn shape(&self, index: usize, event: &'a Event) -> Option<(Who<'a>, Shape)> {
        if let Some(wire) = self.wire.as_ref().filter(|wire| wire.tells(&event.fact)) {
            return wire.shape(index, event);
        }
        let words = |text: &str| Label::words(tame(text).replace('\n', " "));
        Some(match &event.fact {
            Fact::Opened { peer, transport: Transport::Tcp, accepted: false, .. } => {
                (Some(peer), Shape::Out(Label::words("connects")))
            }
            Fact::Opened { peer, accepted: true, remote, .. }
                if !remote.is_some_and(|at| self.arrived.contains(&at)) =>
            {
                (Some(peer), Shape::In(Label::words("connects")))
            }
            Fact::Arrived { peer, .. } => (Some(peer), Shape::In(Label::words("connects"))),
            Fact::Refused { peer, error, .. } => (Some(peer), Shape::Lost(words(&format!("connects: {error}")))),
            Fact::Sent { peer, bytes, .. } => (Some(peer), Shape::Out(Label::bytes(&bytes.0))),
            Fact::SendFailed { peer, error } => (Some(peer), Shape::Lost(words(&format!("sends: {error}")))),
            Fact::Received { peer, from, bytes, cut, .. } => {
                let after = self.stray(peer, *from);
                (Some(peer), Shape::In(Label { cut: *cut, after, ..Label::bytes(&bytes.0) }))
            }
            Fact::Ended { peer, how } => (Some(peer), Shape::In(Label::words(ended(*how)))),
            Fact::Closed { peer, how } if self.transports.get(peer) == Some(&Transport::Tcp) => {
                (Some(peer), Shape::Out(Label::words(closed(*how))))
            }
            Fact::Step { words } => (None, Shape::Ours(self.step(index, words)?)),
            Fact::Fed { bytes } => {
                (None, Shape::Typed(Label { before: "types ".to_owned(), ..Label::bytes(&bytes.0) }))
            }
            Fact::Printed { stream, bytes, cut } => (None, Shape::Theirs(printed(*stream, &bytes.0, *cut))),
            Fact::Exited { how, stopped: false } => (None, Shape::Theirs(Label::words(exited(how)))),
            Fact::Looked { descriptors, .. } => {
                (None, Shape::Ours(format!("counts open files of the program: {descriptors}")))
            }
            Fact::Starved { waited_for } => (None, Shape::Ours(format!("waited in vain: {}", tame(waited_for)))),
            Fact::Trouble { what } => (None, Shape::Ours(tame(what).replace('\n', " "))),
            Fact::Rest { how, threads } if self.rest_matters(index) => {
                (None, Shape::Theirs(Label::words(words::at_rest(*how, threads, self.record, self.role)?)))
            }
            _ => return None,
        })
    }

    /// Where a reply comes from, if that is not where the request went.
    fn stray(&self, peer: &Peer, from: SocketAddr) -> String {
        match self.asked.get(peer) {
            Some(asked) if self.role.side() == Side::Server && *asked != from => elsewhere(*asked, from),
            _ => String::new(),
        }
    }

    /// A step in words. What is typed has a rung of its own.
    fn step(&self, index: usize, words: &str) -> Option<String> {
        let words = tame(words).replace('\n', " ");
        if words.starts_with("start the program and type") {
            return Some("starts the program".to_owned());
        }
        let cut_short = self.record.events[index..].iter().find_map(|event| match &event.fact {
            Fact::Paused { cut_short, .. } => Some(*cut_short),
            _ => None,
        });
        let of_three = words.split_once(' ').map(|(verb, rest)| format!("{verb}s {rest}"));
        let words =
            of_three.unwrap_or(words).replacen("stops the program and start", "stops the program and starts", 1);
        if words.starts_with("waits ") && cut_short == Some(true) {
            return Some(format!("{words}, or until the program is at rest"));
        }
        Some(words)
    }

    /// Rest says something where the program owes an answer, where we end a connection that it has
    /// not ended, and at the end.
    fn rest_matters(&self, index: usize) -> bool {
        let owes =
            matches!(self.rungs.last(), Some(Rung { shape: Shape::Out(_) | Shape::Typed(_) | Shape::Lost(_), .. }));
        let next = self.record.events[index + 1..].iter().find(|event| !silent(&event.fact));
        owes || match next.map(|event| &event.fact) {
            None => true,
            Some(Fact::Closed { peer, .. }) => {
                let before = &self.record.events[..index];
                !before.iter().any(|event| matches!(&event.fact, Fact::Ended { peer: other, .. } if other == peer))
                    && self.transports.get(peer) == Some(&Transport::Tcp)
            }
            Some(_) => false,
        }
    }
}

/// Whether a fact says nothing of what comes after it.
fn silent(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::Mark { .. }
            | Fact::Sockets { .. }
            | Fact::Rest { .. }
            | Fact::Packet { .. }
            | Fact::Unreachable { .. }
            | Fact::PacketsMissing { .. }
    )
}

/// Where a reply comes from that should come from where the request went.
fn elsewhere(asked: SocketAddr, from: SocketAddr) -> String {
    if asked.ip() == from.ip() { format!(" from port {}", from.port()) } else { format!(" from {from}") }
}

fn ended(how: StreamEnd) -> &'static str {
    match how {
        StreamEnd::Fin => "FIN: closes",
        StreamEnd::Rst => "RST: resets",
    }
}

fn closed(how: OurEnd) -> &'static str {
    match how {
        OurEnd::Close => "FIN: closes",
        OurEnd::Shutdown => "FIN: has said all, still listens",
        OurEnd::Reset => "RST: resets",
    }
}

fn exited(how: &Exit) -> String {
    match how {
        Exit::Status(status) => format!("ends with exit status {status}"),
        Exit::Signal(signal) => format!("is ended by signal {signal}"),
    }
}

fn printed(stream: Output, bytes: &[u8], cut: u64) -> Label {
    let before = match stream {
        Output::Stdout => "prints ",
        Output::Stderr => "prints (stderr) ",
    };
    Label { before: before.to_owned(), cut, ..Label::bytes(bytes) }
}
