//! What goes wrong in clients.

use super::socket::doing;
use super::{Case, Explained};
use crate::event::{Exit, Fact};
use crate::judge::check::exit_words;
use crate::plan::model::{Exits, Many, Predicate, TextIs};
use crate::text::quote;

pub(super) fn printed_nothing(case: &Case<'_>) -> Option<Explained> {
    let Predicate::Printed(TextIs::Contains(_) | TextIs::Equals(_)) = case.failure.predicate else { return None };
    let wanted = case.failure.wanted.as_deref()?;
    let got = case.failure.got.as_deref()?;
    let part = &wanted[..wanted.len().min(8)];
    if crate::judge::check::contains(got, part) {
        return None;
    }
    if crate::judge::check::contains(got, b"<built-in method") {
        return Explained::new(
            "printed-nothing",
            format!(
                "Your client printed {}: parentheses are missing. decode names a function, decode() calls it.",
                quote(got, 80)
            ),
        );
    }
    let seen = if got.is_empty() { "It printed nothing".to_owned() } else { format!("It printed {}", quote(got, 80)) };
    Explained::new(
        "printed-nothing",
        format!("The server's reply {} is not in what your client printed. {seen}.", quote(wanted, 60)),
    )
}

pub(super) fn fixed_port(case: &Case<'_>) -> Option<Explained> {
    let Predicate::OwnPorts { .. } = case.failure.predicate else { return None };
    case.failure.event?;
    Explained::new(
        "fixed-port",
        format!(
            "Your client's own port is fixed: {}. A bind() in the client does that; leave it out.",
            case.failure.actual
        ),
    )
}

pub(super) fn several(case: &Case<'_>) -> Option<Explained> {
    match case.failure.predicate {
        Predicate::Datagrams { many: Many::Exactly(wanted), .. } if !case.is_server() => Explained::new(
            "several-datagrams",
            format!(
                "{}, and {wanted} {} meant: your client calls sendto() again, for a part of the text, for a second try, \
                 or too early for the next.",
                crate::text::capital(&case.failure.actual),
                if *wanted == 1 { "was" } else { "were" },
            ),
        ),
        Predicate::Connections { many: Many::Exactly(1..), .. } if case.failure.event.is_some() => Explained::new(
            "several-connections",
            format!(
                "Your client opened several connections ({}). One connect() serves for the sentence and the reply.",
                case.failure.actual
            ),
        ),
        _ => None,
    }
}

pub(super) fn decoy_accepted(case: &Case<'_>) -> Option<Explained> {
    let Predicate::Printed(TextIs::Lacks(_)) = case.failure.predicate else { return None };
    Explained::new(
        "decoy-accepted",
        "Your client took a datagram from a stranger's port for the server's reply. It takes any datagram that reaches its port.",
    )
}

pub(super) fn no_timeout(case: &Case<'_>) -> Option<Explained> {
    let asks_for_end = matches!(case.failure.predicate, Predicate::Exits(Exits::ByItself));
    let unanswered = !case.record.events.iter().any(|event| matches!(event.fact, Fact::Sent { .. }));
    let heard = case.record.events.iter().any(|event| matches!(event.fact, Fact::Received { .. }));
    let udp = case.plan.role == crate::ids::Role::UdpClient;
    if udp && asks_for_end && unanswered && heard {
        return Explained::new(
            "no-timeout",
            format!("No reply came, and your client {}, for ever.", doing(case).unwrap_or_else(|| "waits".to_owned())),
        );
    }
    let says = matches!(case.failure.predicate, Predicate::Printed(TextIs::Something));
    (udp && says && unanswered && heard).then(|| Explained {
        cause: "printed-nothing",
        text: "No reply came, and your client ended without a word about that.".to_owned(),
    })
}

pub(super) fn gave_up(case: &Case<'_>) -> Option<Explained> {
    if case.is_server() {
        // Who is turned away at the door has not been waited for.
        const WAITED: u64 = 80_000;
        let peer = case.failure.peer.as_ref()?;
        let at = |wanted: &dyn Fn(&Fact) -> bool| {
            case.record.events.iter().find(|event| wanted(&event.fact)).map(|event| event.at)
        };
        let opened = at(&|fact| matches!(fact, Fact::Opened { peer: other, .. } if other == peer))?;
        let closed = at(&|fact| matches!(fact, Fact::Ended { peer: other, .. } if other == peer))?;
        let spoke = at(&|fact| matches!(fact, Fact::Sent { peer: other, .. } if other == peer));
        let early = spoke.is_some_and(|spoke| closed < spoke) && closed.saturating_sub(opened) >= WAITED;
        return early.then(|| Explained {
            cause: "gave-up",
            text: "Your server closed the connection before the client had said anything: it did not wait long enough."
                .to_owned(),
        });
    }
    if let Predicate::Reads { .. } = case.failure.predicate {
        return Explained::new(
            "gave-up",
            format!("The reply was late, and your client did not wait for it: {}.", case.failure.actual),
        );
    }
    let Predicate::Running(true) = case.failure.predicate else { return None };
    let (_, how) = case.view.exit()?;
    Explained::new("gave-up", format!("The reply was late, and your client did not wait for it: {}.", exit_words(how)))
}

pub(super) fn nonzero_exit(case: &Case<'_>) -> Option<Explained> {
    let Predicate::Exits(Exits::Successfully) = case.failure.predicate else { return None };
    let (_, Exit::Status(status)) = case.view.exit()? else { return None };
    Explained::new(
        "nonzero-exit",
        format!(
            "Your client had its reply, but ended with exit status {status}. 0 says that all went well, anything else that it did not."
        ),
    )
}

pub(super) fn nothing_sent(case: &Case<'_>) -> Option<Explained> {
    if case.is_server() || case.view.starved().is_none() {
        return None;
    }
    let state = match (case.view.exit(), doing(case)) {
        (Some((_, how)), _) => format!("It ended without: {}.", exit_words(how)),
        (None, Some(doing)) => format!("It {doing}."),
        (None, None) => String::new(),
    };
    Explained::new(
        "nothing-sent",
        format!(
            "Nothing of your client reached the server at {} port {}. {}{state} Look at the host, the port and the kind of socket.",
            case.plan.role.transport(),
            case.plan.port,
            looked_up(case),
        ),
    )
}

/// The host that the client looked for last, in a sentence.
fn looked_up(case: &Case<'_>) -> String {
    let name = case.record.events.iter().rev().find_map(|event| match &event.fact {
        Fact::LookedUp { name } => Some(name),
        _ => None,
    });
    name.map_or_else(String::new, |name| format!("It looked for the host {}. ", quote(name.as_bytes(), 60)))
}

pub(super) fn never_ends(case: &Case<'_>) -> Option<Explained> {
    let Predicate::Exits(_) = case.failure.predicate else { return None };
    if case.is_server() || case.view.exit().is_some() {
        return None;
    }
    Explained::new(
        "never-ends",
        format!("Your client does not end: it {}.", doing(case).unwrap_or_else(|| "goes on running".to_owned())),
    )
}
