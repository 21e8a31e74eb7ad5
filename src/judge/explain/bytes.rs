//! What the bytes themselves show.

use super::{Case, Explained};
use crate::judge::check::contains;
use crate::plan::model::{Predicate, TextIs};
use crate::text::{capital, count, quote};

/// So many characters are quoted of bytes.
pub(super) const QUOTE: usize = 60;

/// Who says these bytes: the reply of a server, what a client sent, what it printed.
pub(super) fn what(case: &Case<'_>) -> &'static str {
    match case.failure.predicate {
        Predicate::Printed(_) => "the output",
        _ if case.is_server() => "the reply",
        _ => "what your client sent",
    }
}

/// Whether the failure is about a reply's length.
pub(super) fn about_length(case: &Case<'_>) -> bool {
    matches!(
        case.failure.predicate,
        Predicate::Received { is: TextIs::AsLongAs(_), .. } | Predicate::First { is: TextIs::AsLongAs(_), .. }
    )
}

/// The text that the peer in question sent, without the delimiter.
pub(super) fn asked(case: &Case<'_>) -> Option<Vec<u8>> {
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
