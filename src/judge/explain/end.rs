//! Programs that ended, crashed, or never stop working.

use super::{Case, Explained};
use crate::event::{Exit, Fact, Rest};
use crate::ids::Role;
use crate::judge::check::exit_words;
use crate::plan::model::Predicate;
use crate::text::tame;

/// A Python traceback's last word: the exception, and the student's line that it came from.
pub(super) struct Traceback {
    /// `ValueError: not enough values`.
    pub error: String,
    /// `line 7 of server.py: x, y = f()`.
    pub place: String,
}

pub(super) fn traceback(case: &Case<'_>) -> Option<Traceback> {
    let printed = case.view.printed(None);
    let text = tame(&String::from_utf8_lossy(&printed)).into_owned();
    let start = text.rfind("Traceback (most recent call last)").or_else(|| text.rfind("  File \""))?;
    let lines: Vec<&str> = text[start..].lines().collect();
    let error = lines.iter().rev().find(|line| is_exception(line))?;
    let mut place = String::new();
    for (index, line) in lines.iter().enumerate() {
        let Some((file, rest)) = line.trim_start().strip_prefix("File \"").and_then(|rest| rest.split_once('"')) else {
            continue;
        };
        // The library's own lines say nothing to a student, once there is a line of theirs.
        let library = file.contains("/lib/python") || file.starts_with('<');
        if library && !place.is_empty() {
            continue;
        }
        let number: String =
            rest.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        let name = file.rsplit('/').next().unwrap_or(file);
        let source = lines.get(index + 1).map_or("", |line| line.trim());
        place = format!("line {number} of {name}");
        if !source.is_empty() && !is_exception(source) {
            place.push_str(&format!(": `{source}`"));
        }
    }
    Some(Traceback { error: (*error).to_owned(), place })
}

fn is_exception(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default();
    !name.is_empty()
        && !line.starts_with(' ')
        && name.rsplit('.').next().is_some_and(|last| {
            last.ends_with("Error")
                || last.ends_with("Exception")
                || matches!(
                    last,
                    "KeyboardInterrupt" | "timeout" | "gaierror" | "herror" | "TimeoutExpired" | "StopIteration"
                )
        })
}

/// Whether an exception can be the cause: the program has ended, or a thread of it has.
fn crashed(case: &Case<'_>) -> Option<Traceback> {
    let traceback = traceback(case)?;
    let by_itself = matches!(case.view.exit(), None | Some((_, Exit::Status(1..) | Exit::Signal(_))));
    by_itself.then_some(traceback)
}

pub(super) fn strict_decode(case: &Case<'_>) -> Option<Explained> {
    let traceback = crashed(case)?;
    if !traceback.error.contains("UnicodeDecodeError") && !traceback.error.contains("UnicodeEncodeError") {
        return None;
    }
    Explained::new(
        "strict-decode",
        format!(
            "Your {} stopped with {} ({}). decode() raises an exception for bytes that are not UTF-8, and nothing caught it.",
            case.program(),
            traceback.error,
            traceback.place
        ),
    )
}

pub(super) fn exception(case: &Case<'_>) -> Option<Explained> {
    let traceback = crashed(case)?;
    let verb = if case.view.exit().is_some() { "stopped" } else { "lost a thread" };
    let mut advice = advice(&traceback.error).map(|advice| format!(" {advice}")).unwrap_or_default();
    if !case.is_server() && traceback.error.contains("ConnectionRefusedError") {
        let transport = case.plan.role.transport();
        advice.push_str(&format!(" The server is to be found at {transport} port {} of localhost.", case.plan.port));
    }
    Explained::new(
        "exception",
        format!("Your {} {verb} with {}, in {}.{advice}", case.program(), traceback.error, traceback.place),
    )
}

/// What the usual exceptions of this lab mean.
fn advice(error: &str) -> Option<&'static str> {
    let known = [
        ("a bytes-like object is required", "A socket sends bytes, not text: call encode() on what you send."),
        ("can only concatenate str", "You joined text and bytes: decode() what you received first."),
        ("must be str, not bytes", "You joined text and bytes: decode() what you received first."),
        ("ConnectionRefusedError", "Nobody listened at that address, port and transport."),
        ("ConnectionResetError", "The other side reset the connection; catch this and go on."),
        ("BrokenPipeError", "You sent on a connection that the other side had closed."),
        ("PermissionError", "Ports below 1024 are for the administrator."),
        ("EOFError", "input() met the end of the program's input: it asked for more lines than the lab has."),
        (
            "AF_INET address must be tuple",
            "An address is one argument, a pair: (host, port), with two pairs of parentheses.",
        ),
        (
            "takes exactly one argument",
            "An address is one argument, a pair: (host, port), with two pairs of parentheses.",
        ),
        (
            "'builtin_function_or_method' object has no attribute",
            "Parentheses are missing: upper and decode name functions, upper() and decode() call them.",
        ),
        ("can't start new thread", "It has as many processes and threads as it may have."),
        (
            "BlockingIOError: [Errno 11]",
            "A non-blocking socket had nothing yet, or there are as many processes as there may be.",
        ),
        ("Too many open files", "It has as many descriptors open as it may have; close() what is done with."),
        ("No space left on device", "It has written as much as it may write."),
        ("File too large", "It has written a larger file than it may write."),
        ("Bad file descriptor", "The socket was closed before this line used it."),
        ("[Errno 22] Invalid argument", "accept() needs a socket on which listen() was called before."),
        ("Network is unreachable", "That address is not this machine's: here the server runs at localhost."),
        ("No route to host", "That address is not this machine's: here the server runs at localhost."),
        ("gaierror", "The host name could not be resolved."),
        ("NameError", "A name is used that was never defined; look for a typo or a missing import."),
        ("SyntaxError", "Python could not read the file at all; `python3 -m py_compile FILE` shows where."),
        ("IndentationError", "Python could not read the file at all; look at the indentation."),
        (
            "Transport endpoint is not connected",
            "You used the listening socket where the connection socket that accept() returned is meant.",
        ),
        ("timed out", "The socket has a timeout, and nothing caught what it raises."),
        ("TimeoutError", "The socket has a timeout, and nothing caught what it raises."),
    ];
    known.iter().find(|(sign, _)| error.contains(sign)).map(|(_, advice)| *advice)
}

/// What the program wanted more of than it may have; `stopped` for that, or refused.
fn overstepped<'a>(case: &Case<'a>, stopped: bool) -> Option<&'a str> {
    case.record.events.iter().find_map(|event| match &event.fact {
        Fact::Overstepped { words, stopped: was } if *was == stopped => Some(words.as_str()),
        _ => None,
    })
}

pub(super) fn stopped_by_limit(case: &Case<'_>) -> Option<Explained> {
    let words = overstepped(case, true)?;
    Explained::new("over-limit", format!("Your {} was stopped: it wanted {words}.", case.program()))
}

pub(super) fn kept_by_limit(case: &Case<'_>) -> Option<Explained> {
    let words = overstepped(case, false)?;
    Explained::new("over-limit", format!("Your {} wanted {words}, and was refused them.", case.program()))
}

pub(super) fn killed_by_signal(case: &Case<'_>) -> Option<Explained> {
    let (_, how @ Exit::Signal(_)) = case.view.exit()? else { return None };
    Explained::new("killed-by-signal", format!("Your {} did not end by itself: {}.", case.program(), exit_words(how)))
}

pub(super) fn ended_early(case: &Case<'_>) -> Option<Explained> {
    let (_, how) = case.view.exit()?;
    if !case.is_server() {
        return None;
    }
    Explained::new(
        "ended-early",
        format!("Your server stopped: {}. A server goes on until somebody stops it.", exit_words(how)),
    )
}

pub(super) fn spinning(case: &Case<'_>) -> Option<Explained> {
    let (_, Rest::Deadline, threads) = case.view.last_rest()? else { return None };
    let busy = threads.iter().any(|thread| thread.call == "running");
    let about_end = matches!(case.failure.predicate, Predicate::Exits(_) | Predicate::Received { .. });
    if !busy || !about_end {
        return None;
    }
    let why = match case.plan.role {
        Role::UdpServer if floods(case) => {
            return Explained::new(
                "floods",
                "Your server goes on sending without waiting for the next request: recvfrom() belongs inside the loop, \
                 before every sendto().",
            );
        }
        Role::UdpServer | Role::UdpClient => "",
        Role::TcpServer | Role::TcpClient => {
            " Often recv() returned b'' (the other side has closed) and the loop goes on calling it."
        }
    };
    Explained::new(
        "spinning",
        format!(
            "Your {} uses the processor without a pause and gets nowhere: a loop whose condition never changes.{why}",
            case.program()
        ),
    )
}

/// Whether it sends far more than it is asked for.
fn floods(case: &Case<'_>) -> bool {
    let count = |wanted: fn(&Fact) -> bool| case.record.events.iter().filter(|event| wanted(&event.fact)).count();
    let (came, asked) =
        (count(|fact| matches!(fact, Fact::Received { .. })), count(|fact| matches!(fact, Fact::Sent { .. })));
    came > 10 * asked.max(1)
}
