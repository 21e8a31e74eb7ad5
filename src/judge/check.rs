//! One check against one record.

use crate::event::{Exit, Fact, Output, Record, SocketState, StreamEnd};
use crate::ids::{Peer, Transport};
use crate::judge::facts::View;
use crate::plan::model::{Check, Ending, Exits, Many, Plan, Predicate, TextIs};
use crate::plan::template::{Reference, Template};
use crate::text::{count, quote};

/// What a check says about a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome<'a> {
    /// It is true.
    Holds,
    /// It is not.
    Fails(Failure<'a>),
    /// It is not, since what it looks at never came to be: no reply, no connection, no socket.
    Absent(Failure<'a>),
    /// The record says nothing, by our fault or the machine's.
    Trouble(String),
}

/// Why a check does not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure<'a> {
    /// The predicate.
    pub predicate: &'a Predicate,
    /// The peer that it is about, where it is about one.
    pub peer: Option<Peer>,
    /// What should have been, in words.
    pub expected: String,
    /// What was, in words.
    pub actual: String,
    /// The bytes that should have been, where it is about bytes.
    pub wanted: Option<Vec<u8>>,
    /// The bytes that were.
    pub got: Option<Vec<u8>>,
    /// The fact that shows it.
    pub event: Option<usize>,
}

/// How much of a text is quoted, in characters.
const QUOTE: usize = 120;

/// Evaluates a check.
#[must_use]
pub fn evaluate<'a>(plan: &Plan, check: &'a Check, record: &Record) -> Outcome<'a> {
    let whole = View::whole(record);
    if let Some(what) = whole.trouble() {
        return Outcome::Trouble(what.to_owned());
    }
    // A mark that was never reached lies beyond the end of what was played.
    let view = View::window(record, &check.window).unwrap_or(whole);
    let mut result = Outcome::Holds;
    for predicate in &check.predicates {
        let evaluation = Evaluation { plan, view, predicate, peer: None };
        match evaluation.run() {
            Outcome::Holds => {}
            failed @ Outcome::Fails(_) => return failed,
            absent if result == Outcome::Holds => result = absent,
            _ => {}
        }
    }
    result
}

struct Evaluation<'a, 'r> {
    plan: &'r Plan,
    view: View<'r>,
    predicate: &'a Predicate,
    peer: Option<&'r Peer>,
}

impl<'a> Evaluation<'a, '_> {
    fn failure(&self, expected: impl Into<String>, actual: impl Into<String>) -> Failure<'a> {
        Failure {
            predicate: self.predicate,
            peer: self.peer.cloned(),
            expected: expected.into(),
            actual: actual.into(),
            wanted: None,
            got: None,
            event: None,
        }
    }

    fn fails(&self, expected: impl Into<String>, actual: impl Into<String>, event: Option<usize>) -> Outcome<'a> {
        Outcome::Fails(Failure { event, ..self.failure(expected, actual) })
    }

    fn absent(&self, expected: impl Into<String>, actual: impl Into<String>) -> Outcome<'a> {
        Outcome::Absent(self.failure(expected, actual))
    }

    fn run(&self) -> Outcome<'a> {
        match self.predicate {
            Predicate::Received { peer, is } => self.each(peer, |this, who| this.received(who, is, false)),
            Predicate::First { peer, is } => self.each(peer, |this, who| this.received(who, is, true)),
            Predicate::Datagrams { peer, many } => self.each(peer, |this, who| this.datagrams(who, *many)),
            Predicate::AnsweredFromThere { peer } => self.each(peer, Self::answered_from_there),
            Predicate::Ended { peer, how } => self.each(peer, |this, who| this.ended(who, *how)),
            Predicate::Connections { peer, many } => self.connections(peer, *many),
            Predicate::OwnPorts { peer } => self.own_ports(peer),
            Predicate::AssignedPort { peer } => self.each(peer, Self::assigned_port),
            Predicate::Bound { transport } => self.bound(*transport),
            Predicate::Running(running) => self.running(*running),
            Predicate::Reads { first, second } => self.reads(first, second),
            Predicate::Exits(how) => self.exits(*how),
            Predicate::Printed(is) => self.printed(is),
            Predicate::DescriptorsKept { first, second } => self.descriptors(first, second),
            Predicate::SameListener { first, second } => self.listener(first, second),
        }
    }

    /// Each endpoint of a name; one that fails outweighs one for which nothing came.
    fn each(&self, name: &str, one: impl Fn(&Self, &Peer) -> Outcome<'a>) -> Outcome<'a> {
        let peers = self.view.peers(name);
        if peers.is_empty() {
            let waited_for = self.view.starved().map_or_else(|| format!("{name} meets the program"), str::to_owned);
            return self.absent(waited_for, "it never came to that");
        }
        let mut result = Outcome::Holds;
        for who in peers {
            let this = Evaluation { peer: Some(who), ..*self };
            match one(&this, who) {
                Outcome::Holds => {}
                failed @ Outcome::Fails(_) => return failed,
                other if result == Outcome::Holds => result = other,
                _ => {}
            }
        }
        result
    }

    fn fill(&self, template: &Template) -> Vec<u8> {
        let end = self.plan.dialect.end().as_bytes();
        let without_end = |bytes: Vec<u8>| bytes.strip_suffix(end).map(<[u8]>::to_vec).unwrap_or(bytes);
        let look_up = |reference: &Reference| match reference {
            Reference::Sent => self.peer.map(|who| without_end(self.view.sent_bytes(who))).unwrap_or_default(),
            Reference::SentBy(name) => {
                let senders = self.view.peers(name);
                without_end(senders.iter().flat_map(|who| self.view.sent_bytes(who)).collect())
            }
            Reference::Value(name) => self
                .view
                .record
                .values
                .get(name)
                .map(|value| value.clone().into_bytes())
                .or_else(|| self.plan.property(name).map(String::into_bytes))
                .unwrap_or_default(),
        };
        template.render(look_up, &mut fastrand::Rng::with_seed(0))
    }

    fn received(&self, who: &Peer, is: &TextIs, first: bool) -> Outcome<'a> {
        let pieces: Vec<_> = self.view.received(who).collect();
        let event = if first { pieces.first() } else { pieces.last() }.map(|(index, ..)| *index);
        let got: Vec<u8> = if first {
            pieces.first().map(|(_, _, bytes)| bytes.to_vec()).unwrap_or_default()
        } else {
            pieces.iter().flat_map(|(_, _, bytes)| bytes.iter().copied()).collect()
        };
        if pieces.is_empty() && !matches!(is, TextIs::Nothing | TextIs::Lacks(_)) {
            return self.absent(self.wish(is, &format!("{who} receives")), format!("{who} received nothing"));
        }
        self.text(is, &got, event, &format!("{who} receives"), &format!("{who} received"))
    }

    /// What a text should be, in words that follow on `subject`.
    fn wish(&self, is: &TextIs, subject: &str) -> String {
        let quoted = |template: &Template| quote(&self.fill(template), QUOTE);
        match is {
            TextIs::Nothing => format!("{subject} nothing"),
            TextIs::Something => format!("{subject} something"),
            TextIs::Equals(wanted) => format!("{subject} {}", quoted(wanted)),
            TextIs::Contains(wanted) => format!("{subject} a text with {} in it", quoted(wanted)),
            TextIs::ContainsAnyCase(wanted) => {
                format!("{subject} a text with {} in it, in whatever case", quoted(wanted))
            }
            TextIs::Lacks(wanted) => format!("{subject} no {}", quoted(wanted)),
            TextIs::AsLongAs(wanted) => format!("{subject} {}", count(self.fill(wanted).len(), "byte")),
            TextIs::Matches(pattern) => format!("{subject} a text that matches `{pattern}`"),
        }
    }

    fn text(&self, is: &TextIs, got: &[u8], event: Option<usize>, subject: &str, past: &str) -> Outcome<'a> {
        let (holds, wanted) = match is {
            TextIs::Nothing => (got.is_empty(), None),
            TextIs::Something => (!got.is_empty(), None),
            TextIs::Equals(wanted) => (self.fill(wanted) == got, Some(self.fill(wanted))),
            TextIs::Contains(wanted) => (contains(got, &self.fill(wanted)), Some(self.fill(wanted))),
            TextIs::Lacks(wanted) => (!contains(got, &self.fill(wanted)), Some(self.fill(wanted))),
            TextIs::AsLongAs(wanted) => (self.fill(wanted).len() == got.len(), Some(self.fill(wanted))),
            TextIs::ContainsAnyCase(wanted) => {
                let wanted = self.fill(wanted);
                (contains(&got.to_ascii_lowercase(), &wanted.to_ascii_lowercase()), Some(wanted))
            }
            // A pattern that does not compile was refused by `plan`.
            TextIs::Matches(pattern) => {
                (regex::bytes::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(got)), None)
            }
        };
        if holds {
            return Outcome::Holds;
        }
        let actual = match is {
            TextIs::AsLongAs(_) => format!("{past} {}: {}", count(got.len(), "byte"), quote(got, QUOTE)),
            _ if got.is_empty() => format!("{past} nothing"),
            _ => format!("{past} {}", quote(got, QUOTE)),
        };
        Outcome::Fails(Failure {
            wanted,
            got: Some(got.to_vec()),
            event,
            ..self.failure(self.wish(is, subject), actual)
        })
    }

    fn datagrams(&self, who: &Peer, many: Many) -> Outcome<'a> {
        let got: Vec<_> = self.view.received(who).collect();
        let sent = self.view.sent(who).count();
        let (holds, wanted) = enough(many, got.len(), sent);
        if holds {
            return Outcome::Holds;
        }
        let expected = format!("{who} receives {wanted}");
        let actual = format!("{who} received {}", count(got.len(), "datagram"));
        match got.get(if got.len() > 1 { 1 } else { 0 }) {
            None => self.absent(expected, format!("{who} received nothing")),
            Some((index, ..)) => self.fails(expected, actual, Some(*index)),
        }
    }

    fn answered_from_there(&self, who: &Peer) -> Outcome<'a> {
        let asked: Vec<_> = self.view.sent(who).map(|(_, to, _)| to).collect();
        let answers: Vec<_> = self.view.received(who).collect();
        let there = asked.last().map_or_else(|| "where it asked".to_owned(), ToString::to_string);
        let expected = format!("{who} receives the reply from {there}");
        if answers.is_empty() {
            return self.absent(expected, format!("{who} received nothing"));
        }
        match answers.iter().find(|(_, from, _)| !asked.contains(from)) {
            None => Outcome::Holds,
            Some((index, from, _)) => self.fails(expected, format!("it came from {from}"), Some(*index)),
        }
    }

    fn ended(&self, who: &Peer, wanted: Ending) -> Outcome<'a> {
        let ended = self.view.ended(who);
        let expected = match wanted {
            Ending::InOrder => format!("the program ends its half of {who}'s connection in order (FIN)"),
            Ending::AtAll => format!("the program ends its half of {who}'s connection"),
            Ending::Not => format!("the program keeps {who}'s connection open"),
        };
        match (ended, wanted) {
            (Some((_, StreamEnd::Fin)), Ending::InOrder | Ending::AtAll)
            | (Some((_, StreamEnd::Rst)), Ending::AtAll)
            | (None, Ending::Not) => Outcome::Holds,
            (Some((index, StreamEnd::Rst)), Ending::InOrder | Ending::Not) => {
                self.fails(expected, "it reset the connection (RST)", Some(index))
            }
            (Some((index, StreamEnd::Fin)), Ending::Not) => self.fails(expected, "it ended it (FIN)", Some(index)),
            (None, _) => self.absent(expected, "the connection stayed open"),
        }
    }

    fn connections(&self, peer: &str, many: Many) -> Outcome<'a> {
        let arrivals = self.view.arrivals(peer);
        let (holds, wanted) = enough(many, arrivals.len(), 0);
        let wanted = wanted.replace("datagram", "TCP connection");
        if holds {
            return Outcome::Holds;
        }
        let expected = format!("the program makes {wanted}");
        match arrivals.last() {
            None => self.absent(expected, "it made none"),
            Some(index) => self.fails(expected, format!("it made {}", arrivals.len()), Some(*index)),
        }
    }

    fn own_ports(&self, peer: &str) -> Outcome<'a> {
        let clients = self.view.clients(peer);
        let expected = "the program's port is another one in each run, and not the server's";
        let Some((last, first_port)) = clients.last().map(|(index, _)| *index).zip(clients.first().map(|c| c.1.port()))
        else {
            return self.absent(expected, "the program was not heard of");
        };
        let servers = self.view.peers(peer);
        let server = servers.first().and_then(|who| self.view.listening_at(who)).map_or(self.plan.port, |at| at.port());
        if clients.iter().any(|(_, from)| from.port() == server) {
            return self.fails(expected, format!("it was {server}, the server's own"), Some(last));
        }
        if clients.len() < 2 {
            return self.absent(expected, "the program was heard of only once");
        }
        if clients.iter().all(|(_, from)| from.port() == first_port) {
            let actual = format!("it was {first_port} in each of {} runs", clients.len());
            return self.fails(expected, actual, Some(last));
        }
        Outcome::Holds
    }

    /// Our side listens on another port only where the program was found to speak to that.
    fn assigned_port(&self, who: &Peer) -> Outcome<'a> {
        let port = self.plan.port;
        match self.view.listening_at(who) {
            Some(local) if local.port() != port => {
                let heard = self.view.clients(&who.name).first().map(|(index, _)| *index);
                let actual = format!("it speaks to port {}, not {port}", local.port());
                self.fails(format!("the program speaks to port {port}"), actual, heard)
            }
            _ => Outcome::Holds,
        }
    }

    fn bound(&self, transport: Transport) -> Outcome<'a> {
        let port = self.plan.port;
        let expected = match transport {
            Transport::Udp => format!("a UDP socket is bound to port {port}"),
            Transport::Tcp => format!("a TCP socket listens on port {port}"),
        };
        let waiting: Vec<_> = self.view.sockets().iter().filter(|socket| waits(socket.state)).collect();
        if waiting.iter().any(|socket| socket.transport == transport && socket.local.port() == port) {
            return Outcome::Holds;
        }
        match waiting.iter().find(|socket| socket.transport == transport) {
            Some(socket) => self.fails(expected, format!("it is port {}", socket.local.port()), None),
            None => match waiting.first() {
                Some(socket) => {
                    self.absent(expected, format!("a {} socket is, on port {}", socket.transport, socket.local.port()))
                }
                None => self.absent(expected, "the program opened no such socket"),
            },
        }
    }

    fn running(&self, wanted: bool) -> Outcome<'a> {
        if let Some(waited_for) = self.view.starved() {
            return self.absent(waited_for, "it did not");
        }
        match (self.view.exit(), wanted) {
            (None, true) | (Some(_), false) => Outcome::Holds,
            (Some((index, how)), true) => self.fails("the program goes on running", exit_words(how), Some(index)),
            (None, false) => self.fails("the program has ended", "it goes on running", None),
        }
    }

    fn reads(&self, first: &str, second: &str) -> Outcome<'a> {
        let look = |name| match self.view.look(name) {
            Some((index, Fact::Looked { sockets, blind, .. })) => Some((index, sockets, *blind)),
            _ => None,
        };
        let expected = "the program waits for what is sent to it, and reads it";
        let (Some((_, before, blind)), Some((index, after, _))) = (look(first), look(second)) else {
            return self.absent(expected, "it never came to that");
        };
        let transport = self.plan.role.transport();
        // A connection that the other side has closed still holds what it brought.
        let unread: u64 = after.iter().filter(|socket| socket.transport == transport).map(|one| one.unread).sum();
        if blind || before.iter().any(|socket| socket.transport == transport) && unread == 0 {
            return Outcome::Holds;
        }
        if unread > 0 {
            return self.fails(expected, "it still runs, and has left it unread", Some(index));
        }
        self.fails(expected, "it had no socket any more when that was sent", Some(index))
    }

    fn exits(&self, wanted: Exits) -> Outcome<'a> {
        if let Some(waited_for) = self.view.starved() {
            return self.absent(waited_for, "it did not");
        }
        let expected = match wanted {
            Exits::Successfully => "the program ends by itself, with exit status 0",
            Exits::ByItself => "the program ends by itself",
        };
        match (self.view.exit(), wanted) {
            (Some(_), Exits::ByItself) | (Some((_, Exit::Status(0))), Exits::Successfully) => Outcome::Holds,
            (Some((index, how)), Exits::Successfully) => self.fails(expected, exit_words(how), Some(index)),
            (None, _) => self.fails(expected, "it did not end", None),
        }
    }

    fn printed(&self, is: &TextIs) -> Outcome<'a> {
        if let Some(waited_for) = self.view.starved() {
            return self.absent(waited_for, "it did not");
        }
        // Two terminals have no common order: the text may be whole on one of them alone.
        let streams = [None, Some(Output::Stdout), Some(Output::Stderr)];
        let mut outcomes =
            streams.map(|only| self.text(is, &self.view.printed(only), None, "the program prints", "it printed"));
        let absence = matches!(is, TextIs::Nothing | TextIs::Lacks(_));
        let decides = |outcome: &Outcome<'a>| (*outcome == Outcome::Holds) != absence;
        let index = outcomes.iter().position(decides).unwrap_or(0);
        let outcome = std::mem::replace(&mut outcomes[index], Outcome::Holds);
        match (outcome, self.view.unkept()) {
            (Outcome::Fails(_), 1..) if !absence => Outcome::Trouble(
                "it prints more than is kept of its output, and what is looked for may be in the rest; \
                 let it print less, or raise `limits: { output_bytes: … }` in the assignment"
                    .to_owned(),
            ),
            (outcome, _) => outcome,
        }
    }

    fn descriptors(&self, first: &str, second: &str) -> Outcome<'a> {
        let number = |name| match self.view.look(name) {
            Some((index, Fact::Looked { descriptors, .. })) => Some((index, *descriptors)),
            _ => None,
        };
        let expected = "the program holds as many descriptors as before";
        match (number(first), number(second)) {
            (Some((_, before)), Some((index, after))) if after > before => {
                self.fails(expected, format!("it held {before} before and {after} after"), Some(index))
            }
            (Some(_), Some(_)) => Outcome::Holds,
            _ => self.absent(expected, "they could not be counted twice"),
        }
    }

    fn listener(&self, first: &str, second: &str) -> Outcome<'a> {
        let inodes = |name| match self.view.look(name) {
            Some((_, Fact::Looked { sockets, .. })) => {
                let listening = sockets.iter().filter(|socket| socket.state == SocketState::Listening);
                Some(listening.map(|socket| socket.inode).collect::<Vec<_>>())
            }
            _ => None,
        };
        let expected = "the program listens on the same socket all the time";
        if matches!(self.view.look(first), Some((_, Fact::Looked { blind: true, .. }))) {
            return Outcome::Holds;
        }
        match (inodes(first), inodes(second)) {
            (Some(before), Some(after)) if before.iter().any(|inode| after.contains(inode)) => Outcome::Holds,
            (Some(_), Some(after)) if after.is_empty() => self.absent(expected, "it listens no more"),
            (Some(_), Some(_)) => self.fails(expected, "it listens on another socket now", None),
            _ => self.absent(expected, "it could not be looked at twice"),
        }
    }
}

/// Whether a number is as wanted, and what is wanted in words.
fn enough(many: Many, got: usize, sent: usize) -> (bool, String) {
    let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    match many {
        Many::Exactly(0) => (got == 0, "no datagram".to_owned()),
        Many::Exactly(wanted) => (got == number(wanted), format!("exactly {}", count(number(wanted), "datagram"))),
        Many::AtLeast(wanted) => (got >= number(wanted), format!("at least {}", count(number(wanted), "datagram"))),
        Many::AsSent => (got == sent, format!("{}, as many as were sent", count(sent, "datagram"))),
    }
}

/// Whether a socket waits for clients.
#[must_use]
pub fn waits(state: SocketState) -> bool {
    matches!(state, SocketState::Bound | SocketState::Listening)
}

/// How a program ended, in words.
#[must_use]
pub fn exit_words(how: &Exit) -> String {
    match how {
        Exit::Status(status) => format!("it ended with exit status {status}"),
        Exit::Signal(signal) => format!("it was ended by signal {signal}{}", signal_name(*signal)),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV: it used memory that is not its own)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        24 => " (SIGXCPU: it used more processor time than it may)",
        25 => " (SIGXFSZ: it wrote a larger file than it may)",
        _ => "",
    }
}

/// Whether bytes stand somewhere in others.
#[must_use]
pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || haystack.windows(needle.len()).any(|window| window == needle)
}
