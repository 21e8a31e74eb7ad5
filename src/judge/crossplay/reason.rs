//! From what was observed of a client and a server to an outcome, and its cause in words.

use super::exchange::Exchange;
use super::{Cause, Outcome};
use crate::event::{Blocked, Exit, Flag, Meeting, Rest};
use crate::ids::{Side, Transport};
use crate::judge::check::contains;
use crate::judge::facts::View;
use crate::program::language::crash;
use crate::text::{count, quote, tame};

/// What is quoted of what a program wrote.
const QUOTE: usize = 40;

/// So many bytes of an answer are enough to know it again.
const ENOUGH: usize = 4;

/// All that is known of a client and a server.
struct Case<'a> {
    meeting: &'a Meeting,
    exchange: Exchange,
    client: View<'a>,
    server: View<'a>,
    /// What the client printed.
    printed: Vec<u8>,
    /// What it was to print: what it had asked for, in capitals.
    wanted: Vec<u8>,
}

/// What came of a client and a server.
#[must_use]
pub fn outcome(meeting: &Meeting) -> Outcome {
    let exchange = Exchange::of(meeting);
    let (client, server) = (View::whole(&meeting.client), View::whole(&meeting.server));
    if let Some(reason) = client.trouble().or(server.trouble()) {
        return Outcome::Untried(reason.to_owned());
    }
    let printed = client.printed(None);
    let wanted = wanted(&exchange.asked(), &meeting.sentence);
    let case = Case { meeting, exchange, client, server, printed, wanted };
    case.no_server()
        .or_else(|| case.nothing_asked())
        .or_else(|| case.no_reply())
        .or_else(|| case.wrong_reply())
        .or_else(|| case.wrong_output())
        .map_or(Outcome::Speaks, Outcome::Fails)
}

/// What a client is to print that asked so: clients that hold a sentence of their own ask for that.
fn wanted(asked: &[u8], sentence: &str) -> Vec<u8> {
    let end = |byte: &u8| !byte.is_ascii_whitespace() && *byte != 0;
    let text = &asked[..asked.iter().rposition(end).map_or(0, |last| last + 1)];
    let text = if text.is_empty() || contains(text, sentence.as_bytes()) { sentence.as_bytes() } else { text };
    match std::str::from_utf8(text) {
        Ok(text) => text.to_uppercase().into_bytes(),
        Err(_) => text.to_ascii_uppercase(),
    }
}

impl Case<'_> {
    /// There is nobody to speak to.
    fn no_server(&self) -> Option<Cause> {
        if self.exchange.server.is_some() {
            return None;
        }
        let transport = self.meeting.transport;
        if let Some(other) = self.exchange.mixed_up {
            let words =
                format!("the server waits by {}, on port {}, and not by {transport}", transport.other(), other.port());
            return Some(Cause::new("server-transport", words));
        }
        if let Some(ended) = ended(&self.server) {
            return Some(Cause::new("server-ended", format!("the server {ended} before it waited for clients")));
        }
        let blocked = waits_in(&self.server, |_| true).map(|call| format!(": it is blocked in {call}()"));
        let words = format!("the server never waits for clients{}", blocked.unwrap_or_default());
        Some(Cause::new("server-not-ready", words))
    }

    /// The server heard nothing.
    fn nothing_asked(&self) -> Option<Cause> {
        if !self.exchange.asked.is_empty() || !self.exchange.replied.is_empty() {
            return None;
        }
        let transport = self.meeting.transport;
        if let (Some(client), Some(server)) = (self.exchange.elsewhere, self.exchange.server) {
            let words = format!("the client speaks to port {}, the server waits on {}", client.port(), server.port());
            return Some(Cause::new("ports-differ", words));
        }
        if let Some(other) = self.exchange.other_transport {
            let words =
                format!("the client speaks {}, to port {}, and not {transport}", transport.other(), other.port());
            return Some(Cause::new("client-transport", words));
        }
        if let (Some(to), Some(server)) = (self.exchange.refused, self.exchange.server) {
            let words = format!("the client speaks to the address {}, the server waits on {}", to.ip(), server.ip());
            return Some(Cause::new("addresses-differ", words));
        }
        if let Some(ended) = ended(&self.client) {
            return Some(Cause::new("client-ended", format!("the client {ended} before it had sent anything")));
        }
        if waits_in(&self.client, |thread| thread.socket.is_some()).is_some() {
            let words = "the client sends nothing before the server does, which waits for it";
            return Some(Cause::new("client-waits-first", words));
        }
        let blocked = waits_in(&self.client, |_| true).map(|call| format!(": it is blocked in {call}()"));
        Some(Cause::new("client-silent", format!("the client sends nothing{}", blocked.unwrap_or_default())))
    }

    /// The server heard something, and replied nothing.
    fn no_reply(&self) -> Option<Cause> {
        if !self.exchange.replied.is_empty() {
            return None;
        }
        let asked = self.exchange.asked();
        if let Some(ended) = ended(&self.server) {
            let words = format!("the server {ended} when it had got {}", quote(&asked, QUOTE));
            return Some(Cause::new("server-ended", words));
        }
        if let Some(from) = self.exchange.strange {
            let words = format!("the server replies from another port ({}) than the client spoke to", from.port());
            return Some(Cause::new("reply-from-elsewhere", words));
        }
        if let Some(to) = self.exchange.astray {
            let words = format!("the server replies to port {}, from which the client did not ask", to.port());
            return Some(Cause::new("reply-astray", words));
        }
        if let Some(flag) = self.exchange.ended.filter(|_| !self.exchange.left_first) {
            let how = if flag == Flag::Rst { "resets" } else { "closes" };
            return Some(Cause::new("closed", format!("the server {how} the connection without a reply")));
        }
        if let Some(ended) = ended(&self.client).filter(|_| self.exchange.left_first) {
            let words = format!("the client {ended} and closed the connection before there was a reply");
            return Some(Cause::new("client-left", words));
        }
        if self.is_busy(&self.server) {
            return Some(Cause::new("server-busy", "the server was still at work, without a reply, at the deadline"));
        }
        let on_connection = |thread: &Blocked| thread.socket.as_ref().is_some_and(|socket| socket.remote.is_some());
        let reads = self.meeting.transport == Transport::Tcp && waits_in(&self.server, on_connection).is_some();
        Some(match reads {
            true if !asked.contains(&b'\n') => Cause::new(
                "waits-for-newline",
                "the server waits for more, a newline or the end of the stream; the client sends its sentence without one",
            ),
            true => Cause::new(
                "waits-for-end",
                "the server waits until the client closes; the client waits for its reply first",
            ),
            false => Cause::new("no-reply", "the server does not reply"),
        })
    }

    /// The server replied something else than it should.
    fn wrong_reply(&self) -> Option<Cause> {
        let (asked, replied) = (self.exchange.asked(), self.exchange.replied());
        if contains(&replied, &self.wanted) && !is_repr(&replied, &self.wanted) {
            return None;
        }
        let shown = quote(&replied, QUOTE);
        if is_repr(&replied, &self.wanted) {
            let who = if is_repr(&asked, &self.wanted) { Side::Client } else { Side::Server };
            let (code, name) = match who {
                Side::Client => ("client-sends-repr", "client sends"),
                Side::Server => ("server-sends-repr", "server replies"),
            };
            return Some(Cause::new(code, format!("the {name} bytes as Python shows them: {shown}")));
        }
        // How many pieces came with the first is a matter of time: the words are the same for all.
        let whole = self.exchange.asked.len() == 1;
        let begins = asked.to_ascii_uppercase().starts_with(replied.trim_ascii_end());
        if !whole && begins && replied.trim_ascii_end().len() < asked.trim_ascii_end().len() {
            let words = "the client sends its sentence in several pieces; the server replies to what came first, and reads \
                         no more";
            return Some(Cause::new("reads-once", words));
        }
        if is_beginning(&replied, &self.wanted) {
            let gone = count(self.wanted.len() - replied.trim_ascii_end().len(), "byte");
            return Some(Cause::new("reply-cut", format!("the server leaves out the last {gone}: {shown}")));
        }
        let same = contains(&asked, replied.trim_ascii()) && !replied.trim_ascii().is_empty();
        let words = match same {
            true => "the server sends back what it got, and not in capitals".to_owned(),
            false => format!("the server's reply is not the sentence in capitals: {shown}"),
        };
        Some(Cause::new("not-capitals", words))
    }

    /// The server replied well, and the client did not print it so.
    fn wrong_output(&self) -> Option<Cause> {
        if contains(&self.printed, &self.wanted) {
            return self.decorated().or_else(|| self.sent_less());
        }
        let reply = self.exchange.replied();
        if self.exchange.ended == Some(Flag::Rst) {
            return Some(Cause::new(
                "reset",
                "the server resets the connection behind its reply, which is lost with it",
            ));
        }
        if let Some(ended) = ended(&self.client).filter(|ended| !ended.starts_with("ends")) {
            return Some(Cause::new(
                "client-ended",
                format!("the client {ended} on the reply {}", quote(&reply, QUOTE)),
            ));
        }
        let on_socket = |thread: &Blocked| thread.socket.is_some();
        if waits_in(&self.client, on_socket).is_some() && self.exchange.ended.is_none() {
            let (code, words) = match (self.meeting.transport, reply.ends_with(b"\n")) {
                (Transport::Udp, _) => ("client-waits", "the client waits for more datagrams than the server sends"),
                (_, true) => (
                    "client-waits-for-end",
                    "the client reads until the server closes; the server waits for the client to close",
                ),
                (_, false) => (
                    "client-waits-for-newline",
                    "the client waits for more, a newline or the end of the stream; the server sends its reply without one",
                ),
            };
            return Some(Cause::new(code, words));
        }
        // Where it was cut is told by the letters that are there.
        let most = (ENOUGH..self.wanted.len()).rev().find(|length| contains(&self.printed, &self.wanted[..*length]));
        if let Some(most) = most {
            let gone = count(self.wanted.len() - most, "byte");
            return Some(Cause::new("client-cuts", format!("the client prints the reply without its last {gone}")));
        }
        if self.is_busy(&self.client) {
            return Some(Cause::new("client-busy", "the client was still at work, without a result, at the deadline"));
        }
        Some(Cause::new("client-prints-otherwise", "the client gets the reply and does not print it"))
    }

    /// What is wrong with an output that has the answer in it.
    fn decorated(&self) -> Option<Cause> {
        if is_repr(&self.printed, &self.wanted) {
            let words = "the client prints the reply as Python shows bytes: b'…'";
            return Some(Cause::new("client-prints-repr", words));
        }
        let at = self.printed.windows(self.wanted.len()).position(|window| window == self.wanted)?;
        let padding = nuls(&self.printed[at + self.wanted.len()..]);
        if padding == 0 {
            return None;
        }
        let reply = self.exchange.replied();
        let after = |bytes: &[u8], text: &[u8]| {
            bytes
                .windows(text.len())
                .position(|window| window.eq_ignore_ascii_case(text))
                .map_or(0, |at| nuls(&bytes[at + text.len()..]))
        };
        let in_reply = after(&reply, &self.wanted);
        let in_asked = after(&self.exchange.asked(), &self.wanted);
        let (code, words) = match (in_asked, in_reply) {
            (1.., _) => {
                ("client-pads", "the client sends NUL bytes behind its sentence, and prints those that come back")
            }
            (0, 1..) => ("server-pads", "the server sends NUL bytes behind its reply, and the client prints them"),
            (0, 0) => ("client-prints-buffer", "the client prints its whole buffer, with NUL bytes behind the reply"),
        };
        Some(Cause::new(code, words))
    }

    /// The client left a part of its sentence out.
    fn sent_less(&self) -> Option<Cause> {
        let asked = self.exchange.asked();
        if !is_beginning(&asked, self.meeting.sentence.as_bytes()) {
            return None;
        }
        let gone = count(self.meeting.sentence.len() - asked.trim_ascii_end().len(), "byte");
        Some(Cause::new("client-sends-less", format!("the client sends its sentence without the last {gone}")))
    }

    fn is_busy(&self, view: &View<'_>) -> bool {
        matches!(view.last_rest(), Some((_, Rest::Deadline, _)))
    }
}

/// The NUL bytes at the beginning.
fn nuls(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| **byte == 0).count()
}

/// Whether a text is in these bytes as Python shows it: `b'…` before it, in whatever case.
fn is_repr(bytes: &[u8], wanted: &[u8]) -> bool {
    let shown = bytes.to_ascii_uppercase();
    let enough = &wanted[..wanted.len().min(2 * ENOUGH)];
    [b"B'", b"B\""].iter().any(|opening| contains(&shown, &[opening.as_slice(), enough].concat()))
}

/// Whether a reply is a beginning of what it should be.
fn is_beginning(reply: &[u8], wanted: &[u8]) -> bool {
    let reply = reply.trim_ascii_end();
    reply.len() >= ENOUGH && reply.len() < wanted.len() && wanted.starts_with(reply)
}

/// How a program ended, in words that follow its name.
fn ended(view: &View<'_>) -> Option<String> {
    let (_, exit) = view.exit()?;
    let printed = view.printed(None);
    let crash = crash::find(&tame(&String::from_utf8_lossy(&printed)));
    Some(match (crash, exit) {
        (Some((_, crash)), Exit::Status(1..)) => {
            let place = if crash.place.is_empty() { String::new() } else { format!(" ({})", crash.place) };
            format!("stops with {}{place}", short(&crash.error))
        }
        (_, Exit::Status(0)) => "ends".to_owned(),
        (_, Exit::Status(status)) => {
            let text = String::from_utf8_lossy(&printed).into_owned();
            let last = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
            let words = last.map(|line| format!(", having printed {}", quote(line.as_bytes(), 2 * QUOTE)));
            format!("stops with status {status}{}", words.unwrap_or_default())
        }
        (_, Exit::Signal(signal)) => format!("was ended by signal {signal}"),
    })
}

/// The first line, cut where it is long.
fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let shown: String = line.chars().take(2 * QUOTE).collect();
    if shown.len() < line.len() { format!("{shown}…") } else { shown }
}

/// The call in which a thread of a program sleeps at its last rest, of those for which something holds.
fn waits_in<'a>(view: &View<'a>, holds: impl Fn(&Blocked) -> bool) -> Option<&'a str> {
    let (_, _, threads) = view.last_rest()?;
    threads.iter().find(|thread| holds(thread)).map(|thread| thread.call.as_str())
}
