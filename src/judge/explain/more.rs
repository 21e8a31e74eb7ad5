//! What came beside what was wanted, or too often.

use super::bytes::{QUOTE, about_length, asked, what};
use super::{Case, Explained};
use crate::judge::check::contains;
use crate::plan::model::{Many, Predicate, TextIs};
use crate::text::{capital, count, quote};

pub(super) fn quotes_or_prefix(case: &Case<'_>) -> Option<Explained> {
    if !about_length(case) {
        return None;
    }
    let asked = asked(case)?.to_ascii_uppercase();
    let got = case.failure.got.as_deref()?;
    let at = position(&got.to_ascii_uppercase(), &asked)?;
    if at == 0 {
        return None;
    }
    Explained::new(
        "prefix",
        format!("The reply has {} before the answer. Nothing else belongs into it.", quote(&got[..at], QUOTE)),
    )
}

pub(super) fn sent_more(case: &Case<'_>) -> Option<Explained> {
    if case.is_server() || matches!(case.failure.predicate, Predicate::Printed(_)) {
        return None;
    }
    let (wanted, got) = case.texts()?;
    let rest = got.strip_prefix(wanted)?;
    if rest.is_empty() {
        return None;
    }
    let (cause, advice) = match rest {
        b"\n" | b"\r\n" | b"\r" => ("sent-newline", "The line's end is not part of the sentence."),
        rest if rest.iter().all(|byte| *byte == 0) => {
            ("trailing-nul", "A NUL ends a string in C, and is not part of the sentence.")
        }
        _ => ("sent-more", "Send the sentence and nothing else."),
    };
    Explained::new(cause, format!("Your client sent the sentence with {} behind it. {advice}", quote(rest, QUOTE)))
}

pub(super) fn padding(case: &Case<'_>) -> Option<Explained> {
    let (wanted, got) = case.texts().filter(|_| about_length(case))?;
    let head = wanted.len().min(got.len());
    if case.is_server() && !got[..head].eq_ignore_ascii_case(&wanted[..head]) {
        return None;
    }
    let rest = got.get(wanted.len()..)?;
    if rest.is_empty() {
        return None;
    }
    if rest.iter().all(|byte| *byte == 0) {
        return Explained::new(
            "trailing-nul",
            format!(
                "The reply was followed by {}: your server sends its whole buffer instead of the {} that it received.",
                count(rest.len(), "NUL byte"),
                count(wanted.len(), "byte")
            ),
        );
    }
    if matches!(rest, b"\n" | b"\r\n" | b"\r") {
        return Explained::new(
            "trailing-newline",
            format!("The reply was followed by a newline ({}).", quote(rest, QUOTE)),
        );
    }
    None
}

pub(super) fn stale_tail(case: &Case<'_>) -> Option<Explained> {
    let Predicate::Received { is: TextIs::Lacks(_), .. } = case.failure.predicate else { return None };
    let (tail, got) = case.texts()?;
    // What this very peer had sent before its last request; another's would be an answer gone astray.
    let peer = case.failure.peer.as_ref()?;
    let sent: Vec<Vec<u8>> = case.view.sent(peer).map(|(_, _, bytes)| bytes.to_ascii_lowercase()).collect();
    let (last, earlier) = sent.split_last()?;
    let holds = |bytes: &Vec<u8>| contains(bytes, &tail.to_ascii_lowercase());
    if !case.is_server() || holds(last) || !earlier.iter().any(holds) {
        return None;
    }
    Explained::new(
        "stale-tail",
        format!(
            "The reply {} ends in the tail of an earlier, longer request: the buffer is used again, and sent beyond the \
             length of this request.",
            quote(got, QUOTE)
        ),
    )
}

pub(super) fn double_reply(case: &Case<'_>) -> Option<Explained> {
    if !case.is_server() {
        return None;
    }
    let peer = case.failure.peer.as_ref()?;
    let got = case.view.received_bytes(peer).to_ascii_lowercase();
    let sent = case.view.sent_bytes(peer).to_ascii_lowercase();
    let twice = sent.len() * 2;
    let doubled = got.len() == twice && got[..sent.len()] == sent && got[sent.len()..] == sent;
    let (came, asked) = (case.view.received(peer).count(), case.view.sent(peer).count());
    let many = match case.failure.predicate {
        Predicate::Datagrams { many: Many::Exactly(wanted), .. } => {
            u32::try_from(came).is_ok_and(|came| came > *wanted)
        }
        Predicate::Datagrams { many: Many::AsSent, .. } => came > asked,
        _ => false,
    };
    (doubled && !sent.is_empty() || many).then(|| Explained {
        cause: "double-reply",
        text: "Your server sent its reply more than once. One request, one reply.".to_owned(),
    })
}

pub(super) fn unwanted(case: &Case<'_>) -> Option<Explained> {
    let (Predicate::Received { is: TextIs::Lacks(_), .. }
    | Predicate::First { is: TextIs::Lacks(_), .. }
    | Predicate::Printed(TextIs::Lacks(_))) = case.failure.predicate
    else {
        return None;
    };
    let (unwanted, _) = case.texts()?;
    Explained::new(
        "unwanted-text",
        format!("{} has {} in it, which does not belong there.", capital(what(case)), quote(unwanted, QUOTE)),
    )
}

pub(super) fn greeting(case: &Case<'_>) -> Option<Explained> {
    let Predicate::Received { is: TextIs::Nothing, .. } = case.failure.predicate else { return None };
    let got = case.failure.got.as_deref()?;
    Explained::new(
        "greeting",
        format!(
            "Your server said {} before the client had said anything. In this protocol the client speaks first.",
            quote(got, QUOTE)
        ),
    )
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    (!needle.is_empty()).then(|| haystack.windows(needle.len()).position(|window| window == needle)).flatten()
}
