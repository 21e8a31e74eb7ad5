//! What students' programs want that nobody told the grader: another framing, arguments, an address at
//! the first prompt. Each is tried on the first scenario alone, and only where that came to nothing.

use crate::event::{Exit, Fact, ProgramRecord, Record, Rest};
use crate::ids::{Side, Transport};
use crate::judge::check::contains;
use crate::judge::facts::View;
use crate::plan::model::{Framing, Plan};

/// A way to start and feed a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Way {
    /// Arguments behind its command line.
    pub(super) arguments: Vec<String>,
    /// What is written to its standard input first.
    pub(super) input: Option<String>,
}

impl Way {
    /// What a report says of it.
    pub(super) fn words(&self) -> String {
        match &self.input {
            Some(input) => {
                let lines: Vec<String> = input.lines().map(|line| format!("`{line}`")).collect();
                format!("it was given {} at its first prompts", lines.join(" and "))
            }
            None => format!("it was started with the arguments `{}`", self.arguments.join(" ")),
        }
    }
}

/// The host that programs are told, where they want one.
const HOST: &str = "127.0.0.1";

/// What to try with a program whose first record this is: nothing, where it lacks nothing of that kind.
pub(super) fn ways(plan: &Plan, record: &Record) -> Vec<Way> {
    let view = View::whole(record);
    let printed = String::from_utf8_lossy(&view.printed(None)).to_lowercase();
    let came = came(record) || matches!(view.last_rest(), Some((_, Rest::Deadline, _)));
    let bound = !view.sockets().is_empty() && plan.role.side() == Side::Server && view.starved().is_none();
    if came || bound {
        return Vec::new();
    }
    let ended = matches!(view.exit(), Some((_, Exit::Status(_))));
    if ended && wants_arguments(&printed) {
        return arguments(plan);
    }
    inputs(plan, &printed)
}

/// Whether anything of the program reached a peer.
fn came(record: &Record) -> bool {
    record.events.iter().any(|event| matches!(event.fact, Fact::Received { .. } | Fact::Arrived { .. }))
}

fn wants_arguments(printed: &str) -> bool {
    const SIGNS: [&str; 11] = [
        "usage",
        "argument",
        "argv",
        "indexerror",
        "index out of range",
        "index out of bounds",
        "arrayindexoutofbounds",
        "syntax:",
        "<port",
        "[port",
        "called `option::unwrap()` on a `none`",
    ];
    SIGNS.iter().any(|sign| printed.contains(sign))
}

/// The usual orders, the likeliest first.
fn arguments(plan: &Plan) -> Vec<Way> {
    let port = plan.port.to_string();
    let port = port.as_str();
    let server: &[&[&str]] = &[&[port], &[HOST, port], &[port, HOST], &["--port", port], &["-p", port]];
    let client: &[&[&str]] = &[
        &[HOST, port],
        &[port, HOST],
        &[HOST],
        &[port],
        &["--server", HOST, "--port", port],
        &["--host", HOST, "--port", port],
        &["-h", HOST, "-p", port],
        &["-s", HOST, "-p", port],
        &["--port", port],
        &["-p", port],
    ];
    let lists = if plan.role.side() == Side::Server { server } else { client };
    let way = |list: &&[&str]| Way { arguments: list.iter().map(|word| (*word).to_owned()).collect(), input: None };
    lists.iter().map(way).collect()
}

/// What the first prompts ask for.
fn inputs(plan: &Plan, printed: &str) -> Vec<Way> {
    let at = |words: &[&str]| words.iter().filter_map(|word| printed.find(word)).min();
    let hosts: &[&str] = match plan.role.side() {
        Side::Server => &["host", "address", " ip", "ip "],
        Side::Client => &["host", "address", "server", " ip", "ip "],
    };
    let (host, port) = (at(hosts), at(&["port"]));
    let number = plan.port.to_string();
    let lists: &[&[&str]] = match (host, port) {
        (None, None) => &[],
        (Some(_), None) => &[&[HOST], &[HOST, &number]],
        (None, Some(_)) => &[&[&number], &[&number, HOST], &[HOST, &number]],
        (Some(host), Some(port)) if host <= port => &[&[HOST], &[HOST, &number], &[&number]],
        (Some(_), Some(_)) => &[&[&number], &[&number, HOST], &[HOST, &number]],
    };
    let way = |list: &&[&str]| Way { arguments: Vec::new(), input: Some(list.join("\n") + "\n") };
    lists.iter().map(way).collect()
}

/// Whether what was tried is what the program wants: its socket is there, or something of it came.
pub(super) fn succeeds(plan: &Plan, record: &Record) -> bool {
    let view = View::whole(record);
    match plan.role.side() {
        Side::Server => view
            .sockets()
            .iter()
            .any(|socket| socket.transport == plan.role.transport() && socket.local.port() == plan.port),
        Side::Client => has_sent_what_was_typed(record),
    }
}

/// What came of a program, a piece each, without empty ones.
fn received(record: &Record) -> impl DoubleEndedIterator<Item = &[u8]> {
    record.events.iter().filter_map(|event| match &event.fact {
        Fact::Received { bytes, .. } if !bytes.0.is_empty() => Some(bytes.0.as_slice()),
        _ => None,
    })
}

/// Whether the last line that was typed has come: else it was taken for something else.
fn has_sent_what_was_typed(record: &Record) -> bool {
    let typed = record.events.iter().rev().find_map(|event| match &event.fact {
        Fact::Fed { bytes } => Some(bytes.0.trim_ascii().to_vec()),
        _ => None,
    });
    let all = received(record).collect::<Vec<_>>().concat();
    typed.is_some_and(|typed| !typed.is_empty() && contains(&all, &typed))
}

/// Whether a program's first record looks as if it spoke another framing than its plan's, and not as if
/// it were merely wrong.
pub(super) fn speaks_otherwise(plan: &Plan, record: &Record) -> bool {
    let view = View::whole(record);
    if plan.role.transport() == Transport::Udp {
        // A datagram has its own end.
        return false;
    }
    match (plan.role.side(), plan.dialect.framing) {
        // It has got a sentence without a newline, and waits.
        (Side::Server, Framing::Message) => {
            let sent = record.events.iter().any(|event| matches!(event.fact, Fact::Sent { .. }));
            sent && received(record).next().is_none() && view.exit().is_none()
        }
        // It has sent a sentence without one.
        (Side::Client, Framing::Line) => {
            received(record).next().is_some() && received(record).all(|bytes| !bytes.contains(&b'\n'))
        }
        _ => false,
    }
}

/// Whether a client sends something, and no newline behind it.
pub(super) fn sends_without_newline(record: &ProgramRecord) -> bool {
    let first = record.records.first();
    first.is_some_and(has_sent_what_was_typed) && !sends_lines(record)
}

/// Whether a client ends what it sends with a newline.
pub(super) fn sends_lines(record: &ProgramRecord) -> bool {
    let last = record.records.first().and_then(|record| received(record).next_back());
    last.is_some_and(|bytes| bytes.ends_with(b"\n"))
}

/// Whether it speaks as this plan has it.
pub(super) fn speaks(plan: &Plan, record: &Record) -> bool {
    let answered = record.events.iter().any(|event| matches!(event.fact, Fact::Received { .. }));
    answered && !speaks_otherwise(plan, record)
}

/// How a dialect was told by the program's behaviour.
pub(super) fn told(plan: &Plan) -> &'static str {
    match plan.dialect.framing {
        Framing::Line => "told by its behaviour: it waits for a newline",
        Framing::Message => "told by its behaviour: it sends no newline",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_an_error_say_that_arguments_are_wanted() {
        for printed in ["usage: client.py host port", "indexerror: list index out of range", "need <port>"] {
            assert!(wants_arguments(printed), "{printed}");
        }
        assert!(!wants_arguments("input lowercase sentence:"));
    }
}
