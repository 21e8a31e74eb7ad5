//! Programs that ended, crashed, or never stop working.

use super::{Case, Explained};
use crate::event::{Exit, Fact, Rest};
use crate::ids::Role;
use crate::judge::check::exit_words;
use crate::plan::model::Predicate;
use crate::program::language::{Crash, Language, crash};
use crate::text::tame;

/// The words of a crash in what the program printed.
fn words(case: &Case<'_>) -> Option<(&'static Language, Crash)> {
    let printed = case.view.printed(None);
    crash::find(&tame(&String::from_utf8_lossy(&printed)))
}

/// The same without the language.
pub(super) fn crash_of(case: &Case<'_>) -> Option<Crash> {
    words(case).map(|(_, crash)| crash)
}

/// Whether an exception can be the cause: the program has ended, or a thread of it has.
fn crashed(case: &Case<'_>) -> Option<(&'static Language, Crash)> {
    let found = words(case)?;
    let by_itself = matches!(case.view.exit(), None | Some((_, Exit::Status(1..) | Exit::Signal(_))));
    by_itself.then_some(found)
}

/// The place in the student's file, in brackets or after a comma, where it is known.
fn located(before: &str, crash: &Crash, after: &str) -> String {
    if crash.place.is_empty() { String::new() } else { format!("{before}{}{after}", crash.place) }
}

pub(super) fn strict_decode(case: &Case<'_>) -> Option<Explained> {
    let (_, crash) = crashed(case)?;
    if !crash.error.contains("UnicodeDecodeError") && !crash.error.contains("UnicodeEncodeError") {
        return None;
    }
    Explained::new(
        "strict-decode",
        format!(
            "Your {} stopped with {}{}. decode() raises an exception for bytes that are not UTF-8, and nothing caught it.",
            case.program(),
            crash.error,
            located(" (", &crash, ")")
        ),
    )
}

pub(super) fn exception(case: &Case<'_>) -> Option<Explained> {
    let (language, crash) = crashed(case)?;
    let verb = if case.view.exit().is_some() { "stopped" } else { "lost a thread" };
    let mut advice = language.advice(&crash.error).map(|advice| format!(" {advice}")).unwrap_or_default();
    if !case.is_server()
        && ["ConnectionRefused", "ConnectException", "ECONNREFUSED"].iter().any(|sign| crash.error.contains(sign))
    {
        let transport = case.plan.role.transport();
        advice.push_str(&format!(" The server is to be found at {transport} port {} of localhost.", case.plan.port));
    }
    Explained::new(
        "exception",
        format!("Your {} {verb} with {}{}.{advice}", case.program(), crash.error, located(", in ", &crash, "")),
    )
}

pub(super) fn build_failed(case: &Case<'_>) -> Option<Explained> {
    let (command, output) = case.record.events.iter().find_map(|event| match &event.fact {
        Fact::NotBuilt { command, output } => Some((command, output)),
        _ => None,
    })?;
    let tool = command.split(' ').next().unwrap_or_default();
    let tool = tool.rsplit('/').next().unwrap_or(tool);
    Explained::new(
        "build-failed",
        format!("Your {} could not be built by {tool}, so nothing of it was run.\n\n{output}", case.program()),
    )
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
