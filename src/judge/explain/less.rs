//! What is missing of what was wanted, or all of it.

use super::bytes::what;
use super::{Case, Explained};
use crate::event::Fact;
use crate::judge::check::contains;
use crate::plan::model::{Framing, Predicate};
use crate::text::{capital, count};

pub(super) fn no_newline(case: &Case<'_>) -> Option<Explained> {
    let (wanted, got) = case.texts()?;
    let without = wanted.strip_suffix(b"\n")?;
    if case.plan.dialect.framing != Framing::Line || got.len() != without.len() || !got.eq_ignore_ascii_case(without) {
        return None;
    }
    Explained::new(
        "no-newline",
        format!(
            "{} has no newline at its end. In this dialect a newline is what says that a line is whole.",
            capital(what(case))
        ),
    )
}

pub(super) fn cut(case: &Case<'_>) -> Option<Explained> {
    let (wanted, got) = case.texts()?;
    let printed = matches!(case.failure.predicate, Predicate::Printed(_));
    let end = case.plan.dialect.end().as_bytes();
    let got = got.strip_suffix(end).unwrap_or(got);
    // The longest beginning of what was wanted that is there: anywhere in an output, else at the
    // beginning, where nothing may follow but another line.
    let mut common = wanted.len().min(got.len());
    while common > 0 && !(if printed { contains(got, &wanted[..common]) } else { got.starts_with(&wanted[..common]) }) {
        common -= 1;
    }
    let rest = got.get(common..).filter(|_| !printed).unwrap_or_default();
    let enough = common > 0 && (!printed || common >= 8);
    if !enough || common == wanted.len() || !(rest.is_empty() || rest.starts_with(b"\n")) {
        return None;
    }
    if wanted[common..].trim_ascii().is_empty() {
        return None; // spaces at the end: that is no buffer's doing
    }
    if let Some(answered) = first_only(case, common) {
        return Some(answered);
    }
    let subject = if printed {
        "Your client printed"
    } else if case.is_server() {
        "The reply holds"
    } else {
        "Your client sent"
    };
    Explained::new(
        "cut",
        format!(
            "{subject} only the first {} of {}. {}",
            count(common, "byte"),
            wanted.len(),
            cut_advice(case, printed, common)
        ),
    )
}

/// Of a stream on which a peer spoke several times: that a reply is whole, but the last of them.
fn first_only(case: &Case<'_>, common: usize) -> Option<Explained> {
    let peer = case.failure.peer.as_ref().filter(|_| case.is_server())?;
    let sent: Vec<&[u8]> = case.view.sent(peer).map(|(_, _, bytes)| bytes).collect();
    // A piece of a line is nothing that could be answered.
    let end = case.plan.dialect.end().as_bytes();
    let whole = (1..sent.len()).find(|number| {
        let answered = sent[..*number].concat();
        answered.len() - end.len().min(answered.len()) <= common && common <= answered.len() && answered.ends_with(end)
    })?;
    Explained::new(
        "first-only",
        format!(
            "{} spoke {} times on this connection, and your server answered {} and no more after that: recv() and \
             send() belong in a loop that ends when the client does.",
            capital(&peer.to_string()),
            sent.len(),
            if whole == 1 { "the first time".to_owned() } else { format!("the first {whole} times") },
        ),
    )
}

fn cut_advice(case: &Case<'_>, printed: bool, common: usize) -> String {
    let round = common.is_power_of_two() || common.is_multiple_of(100) || common.is_multiple_of(1024);
    if !round && printed {
        return "recv() returns what has come so far, not all that will come: call it in a loop.".to_owned();
    }
    match (printed || case.is_server(), case.plan.role.transport()) {
        (true, crate::ids::Transport::Udp) => {
            format!("A buffer of {common} bytes is too small: recvfrom() throws away what is beyond it.")
        }
        (true, crate::ids::Transport::Tcp) => {
            format!("One recv({common}) gives no more than that; the rest waits for another recv().")
        }
        (false, _) => "Something cut the sentence before it was sent.".to_owned(),
    }
}

pub(super) fn waits_for_newline(case: &Case<'_>) -> Option<Explained> {
    if case.plan.role != crate::ids::Role::TcpServer || case.plan.dialect.framing == Framing::Line {
        return None;
    }
    let (_, _, threads) = case.view.last_rest()?;
    let peer = case.failure.peer.as_ref()?;
    let got_nothing = case.view.received(peer).next().is_none();
    let own = case.record.events.iter().find_map(|event| match &event.fact {
        Fact::Opened { peer: other, local, .. } if other == peer => Some(local.port()),
        _ => None,
    })?;
    let reading = threads
        .iter()
        .any(|thread| thread.call.starts_with("recv") || thread.call == "read" && thread.socket.is_some());
    let connected = threads.iter().any(|thread| {
        thread
            .socket
            .as_ref()
            .is_some_and(|socket| socket.unread == 0 && socket.remote.is_some_and(|remote| remote.port() == own))
    });
    (got_nothing && reading && connected).then(|| Explained {
        cause: "waits-for-newline",
        text: "Your server has read the sentence and waits for more: it is blocked in recv() on the connection of a client that has \
               already said everything. Either it reads until a newline (it speaks the `line` framing: readline(), makefile()), or until \
               the client closes. One recv() is one sentence here."
            .to_owned(),
    })
}

pub(super) fn no_reply(case: &Case<'_>) -> Option<Explained> {
    if !case.is_server() {
        return None;
    }
    let peer = case.failure.peer.as_ref()?;
    if case.view.received(peer).next().is_some() {
        return None;
    }
    let doing = super::socket::doing(case).map(|words| format!(" It {words}.")).unwrap_or_default();
    Explained::new("no-reply", format!("{} asked, and your server did not answer.{doing}", capital(&peer.to_string())))
}
