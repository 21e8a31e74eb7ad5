//! The steps of a scenario, in order, with what is known before and after each.

use std::collections::BTreeMap;

use crate::ids::{Side, Transport};
use crate::plan::convert::letters::Letters;
use crate::plan::convert::peers::{Act, Kind};
use crate::plan::convert::scenario::Scene;
use crate::plan::convert::scope::Place;
use crate::plan::model::{self, Payload};
use crate::plan::template::{Reference, Template};
use crate::span::{Mistake, Span};
use crate::spec::dialect::Closer;
use crate::spec::placed::{Part, Placed};
use crate::spec::suite::{Accept, Name, Repeat, Send, Step, Template as Written};
use crate::text;

/// How deep `repeat` and `at-once` may stand in each other.
const DEEPEST: usize = 4;

/// How often a `repeat` may be done.
const MOST_TIMES: u32 = 10_000;

/// The most segments of one `send`.
const MOST_SEGMENTS: u32 = 10_000;

/// The most that a UDP datagram can carry (over IPv4).
const DATAGRAM: u64 = 65_507;

/// How far the program is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Program {
    runs: bool,
    input_open: bool,
    starts: u32,
}

impl Program {
    /// At the beginning of a scenario: a server runs already.
    pub fn new(server: bool) -> Self {
        Self { runs: server, input_open: true, starts: u32::from(server) }
    }

    /// Whether it was ever started.
    pub fn started(self) -> bool {
        self.starts > 0
    }

    fn start(&mut self) {
        *self = Self { runs: true, input_open: true, starts: self.starts + 1 };
    }
}

/// How many steps these are, each repetition counted.
pub(super) fn total(steps: &[Part<Placed<Step>>]) -> u64 {
    steps.iter().filter_map(|part| part.0.as_ref()).fold(0, |sum: u64, step| {
        let these = match &step.value {
            Step::Repeat(repeat) => total(&repeat.steps).saturating_mul(u64::from(repeat.times.value)),
            Step::AtOnce(lists) => lists.iter().fold(0, |sum: u64, list| sum.saturating_add(total(list))),
            _ => 0,
        };
        sum.saturating_add(these).saturating_add(1)
    })
}

impl Scene<'_> {
    /// Takes in the values of a `let`.
    pub fn enter(&mut self, values: &BTreeMap<Name, Written>) -> Vec<(String, Template)> {
        self.scope.enter(values, &mut self.notes)
    }

    /// Converts steps.
    pub fn steps(&mut self, steps: &[Part<Placed<Step>>]) -> Vec<model::Step> {
        steps.iter().filter_map(|part| part.0.as_ref()).filter_map(|step| self.step(&step.value, step.span)).collect()
    }

    fn step(&mut self, step: &Step, span: Span) -> Option<model::Step> {
        Some(match step {
            Step::Settle => model::Step::Settle,
            Step::Pause(time) => model::Step::Pause(time.0),
            Step::Mark(name) => {
                self.moment(name, false);
                model::Step::Mark(name.value.clone())
            }
            Step::Look(name) => {
                self.running(name.span, "look at");
                self.moment(name, true);
                model::Step::Look(name.value.clone())
            }
            Step::Open(_) | Step::Bind(_) | Step::Connect(_) | Step::Listen(_) | Step::Accept(_) => self.opening(step),
            Step::Send(send) => self.send(send),
            Step::Await(name) => {
                self.act(name, Act::Await);
                model::Step::Await(name.value.clone())
            }
            Step::HangUp(name) => {
                self.act(name, Act::Shutdown);
                if self.closer == Closer::Client {
                    return None;
                }
                // Ending the sending side is all that a close shows the other end, and this way the
                // rest of what the program does to the connection is seen as well.
                model::Step::Shutdown(name.value.clone())
            }
            Step::Shutdown(name) => {
                self.act(name, Act::Shutdown);
                model::Step::Shutdown(name.value.clone())
            }
            Step::Close(name) => {
                self.act(name, Act::Close);
                model::Step::Close(name.value.clone())
            }
            Step::Reset(name) => {
                self.act(name, Act::Reset);
                model::Step::Reset(name.value.clone())
            }
            Step::Repeat(repeat) => return self.repeat(repeat),
            Step::AtOnce(lists) => return self.at_once(lists, span),
            Step::Start(_) | Step::Input(_) | Step::EndInput | Step::Stop | Step::Restart => self.program(step, span),
        })
    }

    /// A step that opens a peer.
    fn opening(&mut self, step: &Step) -> model::Step {
        match step {
            Step::Open(open) => {
                self.side(&open.peer, Side::Server, "open");
                self.open(&open.peer, Kind::Asker, false, false);
                model::Step::Open { peer: open.peer.value.clone(), gone: open.gone, elsewhere: open.elsewhere }
            }
            Step::Bind(bind) => {
                self.side(&bind.peer, Side::Client, "bind");
                self.open(&bind.peer, Kind::Answerer, !bind.anywhere, false);
                if !bind.anywhere {
                    self.ports.push((Transport::Udp, self.port));
                }
                model::Step::Bind { peer: bind.peer.value.clone(), anywhere: bind.anywhere }
            }
            Step::Connect(connect) => {
                self.side(&connect.peer, Side::Server, "connect");
                self.open(&connect.peer, Kind::Stream, false, false);
                model::Step::Connect { peer: connect.peer.value.clone(), elsewhere: connect.elsewhere }
            }
            Step::Listen(listen) => {
                self.side(&listen.peer, Side::Client, "listen");
                self.open(&listen.peer, Kind::Listener, true, false);
                self.ports.push((Transport::Tcp, self.port));
                model::Step::Listen { peer: listen.peer.value.clone() }
            }
            Step::Accept(accept) => self.accept(accept),
            _ => model::Step::Settle,
        }
    }

    fn accept(&mut self, accept: &Accept) -> model::Step {
        self.side(&accept.peer, Side::Client, "accept");
        if let Err(mistake) = self.peers.listening(&accept.peer) {
            self.notes.push(mistake);
        }
        let name = accept.name.as_ref().unwrap_or(&accept.peer);
        self.open(name, Kind::Stream, false, name.value == accept.peer.value);
        model::Step::Accept { on: accept.peer.value.clone(), peer: name.value.clone() }
    }

    /// Notes a step that makes no sense with a program of the other side.
    fn side(&mut self, peer: &Name, side: Side, step: &str) {
        if self.suite.side() != side {
            let (program, help) = match side {
                Side::Server => ("client, which nobody can ask", "`bind` (UDP) or `listen` (TCP) waits for it"),
                Side::Client => ("server, which asks nobody", "`open` (UDP) or `connect` (TCP) asks it"),
            };
            self.notes.push(Mistake::new(peer.span, format!("`{step}` with a {program}")).help(help));
        }
    }

    fn open(&mut self, name: &Name, kind: Kind, port: bool, accepted: bool) {
        let mistakes = self.peers.open(name, kind, port, accepted);
        self.notes.extend(mistakes);
    }

    fn act(&mut self, name: &Name, act: Act) -> Option<Kind> {
        self.peers.act(name, act).map_err(|mistake| self.notes.push(mistake)).ok()
    }

    /// A moment that gets a name.
    fn moment(&mut self, name: &Name, look: bool) {
        if self.repeated {
            let message = format!("`{}` would stand for many moments", name.value);
            self.notes.push(Mistake::new(name.span, message).help("name one before or behind the `repeat`"));
        }
        let certain = !self.parallel;
        let moments = if look { &mut self.looks } else { &mut self.marks };
        moments.add(name, certain, &mut self.notes);
    }

    fn send(&mut self, send: &Send) -> model::Step {
        let kind = self.act(&send.from, Act::Send);
        let (what, letters) = self.payload(send, kind);
        let sent = self.sent.entry(send.from.value.clone()).or_default();
        *sent = sent.and(letters);
        if let Some(kind) = kind {
            self.segments(send, kind);
            self.receiver(send, kind);
        }
        model::Step::Send {
            from: send.from.value.clone(),
            what,
            segments: send.segments.unwrap_or(1),
            pause: send.pause.map_or(0, |pause| pause.0),
            to: send.to.as_ref().map(|name| name.value.clone()),
        }
    }

    fn payload(&mut self, send: &Send, kind: Option<Kind>) -> (Payload, Letters) {
        let span = send.from.span;
        let (payload, letters, span) = match (&send.text, &send.hex) {
            (Some(written), None) => {
                let template = self.scope.template(written, Place::Step, &mut self.notes);
                let letters = Letters::of_template(&template, |reference| match reference {
                    Reference::Value(name) => self.scope.letters(name),
                    _ => Letters::default(),
                });
                (Payload::Text(template), letters, written.span)
            }
            (None, Some(hex)) => {
                let bytes = text::unhex(&hex.value).unwrap_or_else(|error| {
                    self.notes.push(Mistake::new(hex.span, error).help("two digits a byte: `fffe 0a`"));
                    Vec::new()
                });
                let letters = Letters::of_bytes(&bytes);
                (Payload::Bytes(text::Bytes(bytes)), letters, hex.span)
            }
            (Some(_), Some(hex)) => {
                self.notes.push(Mistake::new(hex.span, "both `text` and `hex` say what is sent").help("leave one out"));
                (Payload::Bytes(text::Bytes::default()), Letters::any(), span)
            }
            (None, None) => {
                let help = "say `text: …` or `hex: …`";
                self.notes.push(Mistake::new(span, "nothing says what is sent").help(help));
                (Payload::Bytes(text::Bytes::default()), Letters::any(), span)
            }
        };
        if letters.bytes > DATAGRAM && kind.is_some_and(|kind| kind.transport() == Transport::Udp) {
            let message = format!("{} bytes do not fit in a UDP datagram", letters.bytes);
            self.notes.push(Mistake::new(span, message).help(format!("at most {DATAGRAM}")));
        }
        (payload, letters)
    }

    fn segments(&mut self, send: &Send, kind: Kind) {
        let span = send.from.span;
        let mut wrong = |message: &str, help: String| self.notes.push(Mistake::new(span, message).help(help));
        match send.segments {
            Some(0) => wrong("in 0 segments nothing is sent", "1 or more, or leave `segments` out".to_owned()),
            Some(many) if many > MOST_SEGMENTS => {
                wrong("these are too many segments", format!("at most {MOST_SEGMENTS}"));
            }
            Some(_) if kind != Kind::Stream => {
                let help = "send several datagrams in several steps".to_owned();
                wrong("a datagram has no segments", help);
            }
            None | Some(1) if send.pause.is_some() => {
                let help = "say `segments` as well, or write a step `pause`".to_owned();
                wrong("there are no segments to pause between", help);
            }
            _ => {}
        }
    }

    fn receiver(&mut self, send: &Send, kind: Kind) {
        let Some(to) = &send.to else { return };
        if kind != Kind::Answerer {
            let message = format!("`{}` is {} and can send to one only", send.from.value, kind.words());
            self.notes.push(Mistake::new(to.span, message).help("leave `to` out"));
        } else if self.peers.kinds(&to.value).is_empty() {
            self.notes.push(self.peers.unknown(to, " before this"));
        } else if !self.peers.answers(&to.value) {
            let help = "`to` names a peer of `bind`, whose last client is meant";
            let message = format!("`{}` is no open UDP server", to.value);
            self.notes.push(Mistake::new(to.span, message).help(help));
        }
    }

    /// A step that starts, feeds or stops the program.
    fn program(&mut self, step: &Step, span: Span) -> model::Step {
        match step {
            Step::Start(start) => {
                if self.suite.side() == Side::Server && self.program.runs {
                    let help = "it runs before the first step; `restart` stops it and starts it again";
                    self.notes.push(Mistake::new(span, "a server is started by itself").help(help));
                }
                self.program.start();
                let input = start.input.as_ref();
                model::Step::Start {
                    input: input.map(|input| self.scope.template(input, Place::Step, &mut self.notes)),
                }
            }
            Step::Input(written) => {
                self.feeding(written.span);
                model::Step::Input(self.scope.template(written, Place::Step, &mut self.notes))
            }
            Step::EndInput => {
                self.feeding(span);
                self.program.input_open = false;
                model::Step::EndInput
            }
            Step::Stop => {
                self.running(span, "stop");
                self.program.runs = false;
                model::Step::Stop
            }
            _ => {
                self.program.start();
                model::Step::Restart
            }
        }
    }

    fn running(&mut self, span: Span, what: &str) {
        if !self.program.runs {
            let when = if self.program.started() { "was stopped" } else { "has not been started" };
            let mistake = Mistake::new(span, format!("there is nothing to {what}: the program {when} here"));
            self.notes.push(mistake.help("`start: { input: … }` starts it"));
        }
    }

    fn feeding(&mut self, span: Span) {
        self.running(span, "feed");
        if self.program.runs && !self.program.input_open {
            self.notes.push(Mistake::new(span, "the program's standard input is closed here"));
        }
    }

    fn repeat(&mut self, repeat: &Repeat) -> Option<model::Step> {
        let times = repeat.times.value;
        if times == 0 || times > MOST_TIMES {
            let message = format!("steps cannot be done {times} times");
            self.notes.push(Mistake::new(repeat.times.span, message).help(format!("from 1 to {MOST_TIMES}")));
        }
        if repeat.steps.is_empty() {
            self.notes.push(Mistake::new(repeat.times.span, "there is nothing to repeat"));
        }
        if !self.deeper(repeat.times.span) {
            return None;
        }
        let outer = self.repeated;
        self.repeated = outer || times > 1;
        let depth = self.scope.depth();
        let values = self.enter(&repeat.values);
        let steps = self.steps(&repeat.steps);
        if times > 1 {
            self.once_more(&repeat.steps);
        }
        self.scope.leave(depth);
        self.repeated = outer;
        self.depth -= 1;
        Some(model::Step::Repeat { times, values, steps })
    }

    /// Goes through repeated steps again: what they leave behind is what they begin with then. Of
    /// this only what is wrong with peers and program is of interest.
    fn once_more(&mut self, steps: &[Part<Placed<Step>>]) {
        let (marks, looks) = (self.marks.clone(), self.looks.clone());
        (self.marks, self.looks) = Default::default();
        self.steps(steps);
        (self.marks, self.looks) = (marks, looks);
    }

    fn deeper(&mut self, span: Span) -> bool {
        if self.depth >= DEEPEST {
            let message = format!("more than {DEEPEST} of `repeat` and `at-once` in each other");
            self.notes.push(Mistake::new(span, message));
            return false;
        }
        self.depth += 1;
        true
    }

    fn at_once(&mut self, lists: &[Vec<Part<Placed<Step>>>], span: Span) -> Option<model::Step> {
        if lists.len() < 2 || lists.iter().any(Vec::is_empty) {
            let help = "each item is a list of steps: `- - send: …`";
            self.notes.push(Mistake::new(span, "at the same time are two lists of steps or more").help(help));
        }
        if !self.deeper(span) {
            return None;
        }
        let outer = std::mem::replace(&mut self.parallel, true);
        let before = self.peers.clone();
        let mut after = before.clone();
        let mut converted = Vec::new();
        for list in lists {
            self.peers = before.clone();
            converted.push(self.steps(list));
            for name in after.merge(&before, std::mem::take(&mut self.peers)) {
                let message = format!("`{name}` is opened in two lists at the same time");
                let help = "give each a name of its own, or open them before";
                self.notes.push(Mistake::new(span, message).help(help));
            }
        }
        self.peers = after;
        self.parallel = outer;
        self.depth -= 1;
        Some(model::Step::AtOnce(converted))
    }
}
