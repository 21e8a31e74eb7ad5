//! What the bytes themselves show.

use super::{Case, Explained};
use crate::event::Fact;
use crate::judge::check::contains;
use crate::plan::model::{Framing, Many, Predicate, TextIs};
use crate::text::{capital, count, quote};

const QUOTE: usize = 60;

/// Who says these bytes: the reply of a server, what a client sent, what it printed.
fn what(case: &Case<'_>) -> &'static str {
    match case.failure.predicate {
        Predicate::Printed(_) => "the output",
        _ if case.is_server() => "the reply",
        _ => "what your client sent",
    }
}

/// Whether the failure is about a reply's length.
fn about_length(case: &Case<'_>) -> bool {
    matches!(
        case.failure.predicate,
        Predicate::Received { is: TextIs::AsLongAs(_), .. } | Predicate::First { is: TextIs::AsLongAs(_), .. }
    )
}

/// The text that the peer in question sent, without the delimiter.
fn asked(case: &Case<'_>) -> Option<Vec<u8>> {
    let peer = case.failure.peer.as_ref()?;
    let sent = case.view.sent_bytes(peer);
    let end = case.plan.dialect.end().as_bytes();
    Some(sent.strip_suffix(end).map(<[u8]>::to_vec).unwrap_or(sent))
}

/// How Python shows bytes, without the quotes: `cr\\xc3\\xa8me`.
fn repr(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|byte| match byte {
            b'\\' => b"\\\\".to_vec(),
            b'\n' => b"\\n".to_vec(),
            b' '..=b'~' => vec![*byte],
            byte => format!("\\x{byte:02x}").into_bytes(),
        })
        .collect()
}

pub(super) fn bytes_repr(case: &Case<'_>) -> Option<Explained> {
    let (wanted, got) = case.texts()?;
    let shown = repr(wanted);
    let got_capitals = got.to_ascii_uppercase();
    // What was printed must be there whole: else it was cut as well, and that is the greater defect.
    let enough = match case.failure.predicate {
        Predicate::Printed(TextIs::Lacks(_)) | Predicate::Received { is: TextIs::Lacks(_), .. } => return None,
        Predicate::Printed(_) => shown.len(),
        _ => shown.len().min(8),
    };
    // A reply may be the capitals of what Python shows. The beginning is enough to tell.
    let found = ["b'", "b\""].iter().any(|quote| {
        let opening = [quote.as_bytes(), &shown[..enough]].concat();
        !wanted.is_empty() && contains(&got_capitals, &opening.to_ascii_uppercase())
    });
    if !found {
        return None;
    }
    let (cause, text) = match case.failure.predicate {
        Predicate::Printed(_) => (
            "bytes-repr",
            format!(
                "Your client printed {}: this is how Python shows bytes. decode() is missing before print().",
                quote(got, QUOTE)
            ),
        ),
        _ => (
            if case.is_server() { "bytes-repr" } else { "sent-repr" },
            format!(
                "{} is {}: this is how Python shows bytes. str() was called on bytes where decode() is meant.",
                capital(what(case)),
                quote(got, QUOTE)
            ),
        ),
    };
    Explained::new(cause, text)
}

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

pub(super) fn computed_locally(case: &Case<'_>) -> Option<Explained> {
    let Predicate::Printed(TextIs::Contains(_)) = case.failure.predicate else { return None };
    let got = case.failure.got.as_deref()?;
    let typed = case.record.values.get("sentence")?;
    if !contains(got, typed.to_uppercase().as_bytes()) {
        return None;
    }
    let replied = case.failure.wanted.as_deref().unwrap_or_default();
    Explained::new(
        "computed-locally",
        format!(
            "Your client printed the sentence in upper case, but the server's reply was {}. It prints what it worked out itself, not what it received.",
            quote(replied, QUOTE)
        ),
    )
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

/// Whether the capitals of what the peer sent are the answer.
fn wants_capitals(case: &Case<'_>) -> bool {
    let Some((wanted, asked)) = case.failure.wanted.as_deref().zip(asked(case)) else { return false };
    let (lower_wanted, lower_asked) = (wanted.to_ascii_lowercase(), asked.to_ascii_lowercase());
    // All that was sent is in one answer, or the answer is to one of several things that were sent.
    !contains(wanted, &asked) && contains(&lower_wanted, &lower_asked)
        || !wanted.is_empty() && !contains(&asked, wanted) && contains(&lower_asked, &lower_wanted)
}

pub(super) fn not_uppercased(case: &Case<'_>) -> Option<Explained> {
    let (_, got) = case.texts().filter(|_| wants_capitals(case))?;
    let asked = asked(case)?;
    let same = (contains(got, &asked) || contains(&asked, got)) && got.iter().any(u8::is_ascii_lowercase);
    (case.is_server() && same).then(|| Explained {
        cause: "not-uppercased",
        text: "The reply is the sentence as it was sent, in lower case. upper() returns a new text and leaves the old one as it was: \
               send what it returned."
            .to_owned(),
    })
}

pub(super) fn only_ascii(case: &Case<'_>) -> Option<Explained> {
    let (wanted, got) = case.texts()?;
    if wanted.is_ascii() {
        return None;
    }
    if case.is_server() && contains(got, &asked(case)?.to_ascii_uppercase()) {
        return Explained::new(
            "not-utf8",
            "Only the letters a-z were changed. upper() on bytes knows no others: decode() first, then upper().",
        );
    }
    Explained::new(
        "not-utf8",
        format!("{} does not hold the text as UTF-8: {}.", capital(what(case)), quote(got, 2 * QUOTE)),
    )
}

pub(super) fn one_letter(case: &Case<'_>) -> Option<Explained> {
    let (wanted, got) = case.texts()?;
    let lower = asked(case).is_some_and(|asked| asked.iter().any(u8::is_ascii_lowercase));
    let same = wanted.len() == got.len() && wanted.eq_ignore_ascii_case(got);
    if !case.is_server() || !lower || !same || !wants_capitals(case) {
        return None;
    }
    let wrong: Vec<usize> = (0..wanted.len()).filter(|index| wanted[*index] != got[*index]).collect();
    let explained = |text: String| Explained::new("last-byte", text);
    match wrong.as_slice() {
        [index] if index + 1 == wanted.len() => {
            explained("The last letter of the reply is still in lower case: a loop ends one too early.".to_owned())
        }
        [0] => {
            explained("The first letter of the reply is still in lower case: a loop begins one too late.".to_owned())
        }
        [] => None,
        several => Explained::new(
            "not-uppercased",
            format!(
                "{} of the reply still have the wrong case: {}.",
                count(several.len(), "letter"),
                quote(got, QUOTE)
            ),
        ),
    }
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

/// Answers of the right number, but with the text of other requests.
pub(super) fn mixed_up(case: &Case<'_>) -> Option<Explained> {
    let Predicate::Received { is: TextIs::ContainsAnyCase(_), .. } = case.failure.predicate else { return None };
    let peer = case.failure.peer.as_ref().filter(|_| case.is_server())?;
    let (came, sent) = (case.view.received(peer).count(), case.view.sent(peer).count());
    let (wanted, _) = case.texts()?;
    (sent > 1 && came >= sent).then(|| Explained {
        cause: "mixed-up-answers",
        text: format!(
            "{} had as many answers as requests, but none to {}: the text of another request was sent in its place. \
             Answer each datagram with what that datagram holds.",
            capital(&peer.to_string()),
            quote(wanted, QUOTE)
        ),
    })
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

pub(super) fn carriage_return(case: &Case<'_>) -> Option<Explained> {
    let (wanted, got) = case.texts()?;
    let without: Vec<u8> = String::from_utf8_lossy(got).replace("\r\n", "\n").into_bytes();
    if without == got || without != wanted {
        return None;
    }
    Explained::new(
        "carriage-return",
        format!(
            "Your {} ended the line with \\r\\n. Here a line ends with \\n alone: the \\r becomes a part of the text.",
            case.program()
        ),
    )
}

/// A client that has a sentence of its own in its source, or reads it from elsewhere.
pub(super) fn own_sentence(case: &Case<'_>) -> Option<Explained> {
    let (wanted, got) = case.texts()?;
    let about = matches!(case.failure.predicate, Predicate::Received { .. } | Predicate::First { .. });
    let words = |bytes: &[u8]| -> Vec<String> {
        String::from_utf8_lossy(bytes).split_whitespace().map(str::to_lowercase).collect()
    };
    let (typed, sent) = (words(wanted), words(got));
    if case.is_server() || !about || sent.is_empty() || sent.iter().any(|word| typed.contains(word)) {
        return None;
    }
    Explained::new(
        "own-sentence",
        format!(
            "Your client sent {}, which nobody had typed. The sentence is what its user types: read it from standard input.",
            quote(got, QUOTE)
        ),
    )
}

pub(super) fn changed_characters(case: &Case<'_>) -> Option<Explained> {
    let (wanted, got) = case.texts()?;
    if wanted.is_empty() || got.is_empty() || matches!(case.failure.predicate, Predicate::Printed(_)) {
        return None;
    }
    let exact = matches!(
        case.failure.predicate,
        Predicate::Received { is: TextIs::Contains(_) | TextIs::Equals(_), .. }
            | Predicate::First { is: TextIs::Contains(_) | TextIs::Equals(_), .. }
    );
    if !exact {
        return None;
    }
    let text = if wanted.trim_ascii() == got.trim_ascii() {
        "Spaces at the beginning or the end were lost: strip() (trim()) does that.".to_owned()
    } else if got == wanted.to_ascii_uppercase() {
        "All letters became capitals, but the text was to stay as it is.".to_owned()
    } else if wanted.eq_ignore_ascii_case(got) {
        "The case of letters was changed that should have stayed: swapcase() and lower() do that, upper() does not."
            .to_owned()
    } else {
        format!("Characters were changed, lost or added: {} became {}.", quote(wanted, QUOTE), quote(got, QUOTE))
    };
    Explained::new("changed-characters", text)
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

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    (!needle.is_empty()).then(|| haystack.windows(needle.len()).position(|window| window == needle)).flatten()
}
