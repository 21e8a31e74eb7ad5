//! Plans and facts in words, for whoever reads them without knowing the language of a suite.

use crate::event::{Blocked, Fact, Record, Rest, SocketState};
use crate::ids::{Role, Side};
use crate::plan::model::{Check, Ending, Exits, Many, Payload, Plan, Predicate, Step, TextIs, Window};
use crate::plan::template::{Filter, Piece, Reference, Template};
use crate::text::{count, quote};

/// How much of a text is quoted, in characters.
const QUOTE: usize = 60;

/// What the program does while it is at rest, from what its threads are blocked in. `None` where
/// there is nothing to say.
pub(super) fn at_rest(how: Rest, threads: &[Blocked], record: &Record, role: Role) -> Option<String> {
    let program = match role.side() {
        Side::Server => "your server",
        Side::Client => "your client",
    };
    let waiting = threads
        .iter()
        .find(|thread| thread.socket.as_ref().is_some_and(|socket| socket.remote.is_some()))
        .or_else(|| threads.iter().find(|thread| thread.socket.is_some()))
        .or_else(|| threads.iter().find(|thread| thread.descriptor == Some(0)))
        .or_else(|| threads.first())
        .map(|thread| blocked(thread, record));
    Some(match (how, waiting) {
        (Rest::Gone, _) => return None,
        (Rest::Deadline, _) => format!("{program} is still busy"),
        (Rest::Grace, None) => format!("{program} does nothing"),
        (Rest::Polling, Some(waiting)) => format!("{program} wakes now and then, and {waiting}"),
        (_, Some(waiting)) => format!("{program} {waiting}"),
        (_, None) => return None,
    })
}

/// What one thread is blocked in.
fn blocked(thread: &Blocked, record: &Record) -> String {
    let call = &thread.call;
    let Some(socket) = &thread.socket else {
        return match (call.as_str(), thread.descriptor) {
            ("sleep", _) => "sleeps".to_owned(),
            ("running", _) => "runs".to_owned(),
            ("read", Some(0)) => "waits for input from the keyboard".to_owned(),
            _ => format!("waits in {call}()"),
        };
    };
    match (socket.state, socket.remote) {
        (SocketState::Listening, _) => format!("waits in {call}() on port {}", socket.local.port()),
        (SocketState::Bound, _) => format!("waits in {call}() on port {}", socket.local.port()),
        (_, Some(remote)) => match peer_at(record, remote) {
            Some(peer) => format!("waits in {call}() for {peer}"),
            None => format!("waits in {call}() on its connection"),
        },
        (_, None) => format!("waits in {call}() on a socket"),
    }
}

/// The peer whose address this is.
fn peer_at(record: &Record, address: std::net::SocketAddr) -> Option<String> {
    record.events.iter().find_map(|event| match &event.fact {
        Fact::Opened { peer, local, .. } if local.port() == address.port() => Some(peer.to_string()),
        _ => None,
    })
}

/// Turns the parts of a plan into words.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    plan: &'a Plan,
}

impl<'a> Words<'a> {
    /// For the parts of this plan.
    #[must_use]
    pub fn of(plan: &'a Plan) -> Self {
        Self { plan }
    }

    fn program(self) -> &'static str {
        match self.plan.role.side() {
            Side::Server => "the server",
            Side::Client => "the client",
        }
    }

    /// A value of a scenario: `sentence is "all lower case ‹12 random letters›"`.
    #[must_use]
    pub fn value(self, name: &str, template: &Template) -> String {
        format!("{name} is {}", self.quoted(template))
    }

    /// A text with its values named: `"‹sentence›"`.
    #[must_use]
    pub fn quoted(self, template: &Template) -> String {
        let pieces: Vec<String> =
            template.0.iter().map(|piece| self.piece(piece)).filter(|piece| !piece.is_empty()).collect();
        match (template.0.as_slice(), pieces.as_slice()) {
            // A value alone needs no quotation marks.
            ([.., Piece::Value { .. }], [one]) if one.starts_with('‹') => one.clone(),
            _ => format!("\"{}\"", pieces.concat()),
        }
    }

    fn piece(self, piece: &Piece) -> String {
        match piece {
            Piece::Text(text) => escaped(text.as_bytes()),
            Piece::Letters(number) => format!("‹{} random letters›", number),
            Piece::Value { name: Reference::Value(name), filters } if filters.is_empty() && name == "end" => {
                escaped(self.plan.dialect.end().as_bytes())
            }
            Piece::Value { name: Reference::Value(name), filters } if filters.is_empty() => {
                self.plan.property(name).unwrap_or_else(|| format!("‹{name}›"))
            }
            Piece::Value { name, filters } => {
                let name = match name {
                    Reference::Value(name) => name.clone(),
                    Reference::Sent => "what it sent".to_owned(),
                    Reference::SentBy(peer) => format!("what {peer} sent"),
                };
                let filters: String = filters.iter().map(|filter| filter_words(*filter)).collect();
                format!("‹{name}{filters}›")
            }
        }
    }

    /// What the grader does in a step, each line indented by what it is part of.
    #[must_use]
    pub fn step(self, step: &Step) -> Vec<String> {
        match step {
            Step::Repeat { times, values, steps } => {
                let mut lines = vec![format!("{times} times:")];
                lines.extend(values.iter().map(|(name, template)| format!("  {}", self.value(name, template))));
                lines.extend(self.inside(steps));
                lines
            }
            Step::AtOnce(lists) => {
                let mut lines = vec!["at the same time:".to_owned()];
                for (number, steps) in lists.iter().enumerate() {
                    let inside = self.inside(steps);
                    let lead = if number == 0 { "" } else { "  while" };
                    lines.extend((number > 0).then(|| lead.to_owned()));
                    lines.extend(inside);
                }
                lines
            }
            simple => vec![self.simple(simple)],
        }
    }

    fn inside(self, steps: &[Step]) -> Vec<String> {
        steps.iter().flat_map(|step| self.step(step)).map(|line| format!("  {line}")).collect()
    }

    fn simple(self, step: &Step) -> String {
        let program = self.program();
        let elsewhere = |there: &bool| if *there { " at another address of the host than 127.0.0.1" } else { "" };
        match step {
            Step::Settle => format!("let {program} come to rest"),
            Step::Pause(millis) => format!("wait {millis} ms, or until {program} is at rest"),
            Step::Mark(name) => format!("call this moment \"{name}\""),
            Step::Look(name) => format!("count {program}'s open files and sockets (the look \"{name}\")"),
            Step::Open { peer, gone: true, .. } => {
                format!("open {peer}, a UDP client who is gone when the answer comes")
            }
            Step::Open { peer, elsewhere: there, .. } => {
                format!("open {peer}, a UDP client{}", elsewhere(there).replace(" at", " who asks at"))
            }
            Step::Bind { peer, anywhere: false } => format!("open {peer}, a UDP server on port {}", self.plan.port),
            Step::Bind { peer, anywhere: true } => format!("open {peer}, a UDP server on any other port"),
            Step::Connect { peer, elsewhere: there } => format!("{peer} connects{}", elsewhere(there)),
            Step::Listen { peer } => format!("{peer} listens on TCP port {}", self.plan.port),
            Step::Accept { on, peer } if on == peer => format!("{on} takes the next connection"),
            Step::Accept { on, peer } => format!("{on} takes the next connection, which is called {peer}"),
            Step::Await(peer) => format!("wait until {peer} has received something"),
            Step::Send { from, what, segments, pause, to } => self.send(from, what, (*segments, *pause), to.as_deref()),
            Step::Shutdown(peer) => format!("{peer} ends its sending side (FIN) and goes on listening"),
            Step::Close(peer) => format!("{peer} closes"),
            Step::Reset(peer) => format!("{peer} resets its connection (RST)"),
            Step::Start { input: None } => format!("start {program}"),
            Step::Start { input: Some(input) } => format!("start {program} and type {}", self.quoted(input)),
            Step::Input(input) => format!("type {}", self.quoted(input)),
            Step::EndInput => format!("end {program}'s standard input"),
            Step::Stop => format!("stop {program}"),
            Step::Restart => format!("stop {program} and start it again"),
            Step::Repeat { .. } | Step::AtOnce(_) => String::new(),
        }
    }

    fn send(self, from: &str, what: &Payload, (segments, pause): (u32, u64), to: Option<&str>) -> String {
        let what = match what {
            Payload::Text(template) => self.quoted(template),
            Payload::Bytes(bytes) if bytes.0.is_empty() => "nothing: an empty datagram".to_owned(),
            Payload::Bytes(bytes) => quote(&bytes.0, QUOTE),
        };
        let to = to.map(|peer| format!(" to the program that {peer} heard last")).unwrap_or_default();
        let pieces = if segments > 1 { format!(", in {segments} segments, {pause} ms apart") } else { String::new() };
        format!("{from} sends {what}{to}{pieces}")
    }

    /// What a check asks, without its requirement.
    #[must_use]
    pub fn check(self, check: &Check) -> String {
        let predicates: Vec<String> = check.predicates.iter().map(|predicate| self.predicate(predicate)).collect();
        format!("{}{}", window(&check.window), predicates.join(", and "))
    }

    fn predicate(self, predicate: &Predicate) -> String {
        let program = self.program();
        match predicate {
            Predicate::Received { peer, is } => self.text(is, &format!("{peer} receives")),
            Predicate::First { peer, is } => self.text(is, &format!("{peer} first receives")),
            Predicate::Datagrams { peer, many } => format!("{peer} receives {}", how_many(*many, "datagram")),
            Predicate::AnsweredFromThere { peer } => format!("{peer} is answered from where it asked"),
            Predicate::Ended { peer, how: Ending::InOrder } => format!("{program} ends {peer}'s connection by FIN"),
            Predicate::Ended { peer, how: Ending::AtAll } => format!("{program} ends {peer}'s connection"),
            Predicate::Ended { peer, how: Ending::Not } => format!("{program} keeps {peer}'s connection open"),
            Predicate::Connections { peer, many } => {
                format!("{program} makes {} to {peer}", how_many(*many, "connection"))
            }
            Predicate::OwnPorts { peer } => format!("{program}'s own port, as {peer} sees it, is another in each run"),
            Predicate::AssignedPort { peer } => format!("{program} speaks to {peer} at port {}", self.plan.port),
            Predicate::Bound { transport } => format!("{program} has opened {transport} port {}", self.plan.port),
            Predicate::Running(true) => format!("{program} is still running"),
            Predicate::Running(false) => format!("{program} has ended"),
            Predicate::Reads { first, second } => {
                format!("{program} has a socket at \"{first}\", and has read all by \"{second}\"")
            }
            Predicate::Exits(Exits::Successfully) => format!("{program} ends by itself, with exit status 0"),
            Predicate::Exits(Exits::ByItself) => format!("{program} ends by itself"),
            Predicate::Printed(is) => self.text(is, &format!("{program} prints")),
            Predicate::DescriptorsKept { first, second } => {
                format!("{program} holds no more open files at \"{second}\" than at \"{first}\"")
            }
            Predicate::SameListener { first, second } => {
                format!("{program} listens on the same socket at \"{first}\" and at \"{second}\"")
            }
        }
    }

    fn text(self, is: &TextIs, subject: &str) -> String {
        match is {
            TextIs::Nothing => format!("{subject} nothing"),
            TextIs::Something => format!("{subject} something"),
            TextIs::Equals(wanted) => format!("{subject} exactly {}", self.quoted(wanted)),
            TextIs::Contains(wanted) => format!("{subject} {}", self.quoted(wanted)),
            TextIs::ContainsAnyCase(wanted) => format!("{subject} {}, in whatever case", self.quoted(wanted)),
            TextIs::Lacks(wanted) => format!("{subject} nothing with {} in it", self.quoted(wanted)),
            TextIs::AsLongAs(wanted) => format!("{subject} as many bytes as {} has", self.quoted(wanted)),
            TextIs::Matches(pattern) => format!("{subject} something like /{pattern}/"),
        }
    }
}

/// Escapes as in [`quote`], without the quotation marks.
fn escaped(bytes: &[u8]) -> String {
    let quoted = quote(bytes, usize::MAX);
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&quoted).replace("\\\"", "\"")
}

fn filter_words(filter: Filter) -> &'static str {
    match filter {
        Filter::Upper | Filter::UpperUnicode => " in capitals",
        Filter::Lower => " in small letters",
        Filter::Trim => " without spaces at its ends",
    }
}

fn how_many(many: Many, noun: &str) -> String {
    let count = |number: u32| count(usize::try_from(number).unwrap_or(usize::MAX), noun);
    match many {
        Many::Exactly(0) => format!("no {noun}"),
        Many::Exactly(number) => format!("exactly {}", count(number)),
        Many::AtLeast(number) => format!("at least {}", count(number)),
        Many::AsSent => format!("as many {noun}s as it sent"),
    }
}

fn window(window: &Window) -> String {
    match (&window.after, &window.before) {
        (None, None) => String::new(),
        (Some(after), None) => format!("after \"{after}\", "),
        (None, Some(before)) => format!("before \"{before}\", "),
        (Some(after), Some(before)) => format!("between \"{after}\" and \"{before}\", "),
    }
}
