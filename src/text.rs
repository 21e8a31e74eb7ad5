//! How bytes are kept and shown.
//!
//! What a program sends or prints is hostile: it is shown escaped, and kept such that JSON can
//! carry it whatever it is.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Bytes that were sent, received or printed. In JSON: the text itself where it is UTF-8,
/// else `{"hex": "…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, PartialOrd, Ord, Hash)]
pub struct Bytes(pub Vec<u8>);

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Hex { hex: hex(&self.0) }.serialize(serializer),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Hex {
    hex: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrHex {
    Text(String),
    Hex(Hex),
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match TextOrHex::deserialize(deserializer)? {
            TextOrHex::Text(text) => Ok(Self(text.into_bytes())),
            TextOrHex::Hex(Hex { hex }) => unhex(&hex).map(Self).map_err(de::Error::custom),
        }
    }
}

/// Lower-case hexadecimal digits, two a byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The bytes that hexadecimal digits stand for; white space between them is skipped.
///
/// # Errors
/// Says what is wrong: an odd number of digits, or something that is no digit.
pub fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).ok_or_else(|| format!("`{c}` is not a hexadecimal digit")))
        .collect::<Result<_, _>>()?;
    if digits.len() % 2 == 1 {
        return Err("an odd number of hexadecimal digits: each byte is two".into());
    }
    #[expect(clippy::cast_possible_truncation, reason = "two hexadecimal digits are a byte")]
    Ok(digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect())
}

/// Bytes as a person reads them: `"HELLO\n"`, in quotes, with escapes for what is no plain text,
/// runs of the same byte counted (`\0 ×1013`), and the middle left out when longer than `limit`
/// characters.
#[must_use]
pub fn quote(bytes: &[u8], limit: usize) -> String {
    let runs = runs_of(bytes);
    let length = |piece: &String| piece.chars().count();
    // Of megabytes no more is written than is shown.
    let (mut whole, mut total) = (String::new(), 0);
    for piece in runs.iter().map(Run::piece) {
        total += length(&piece);
        if total > limit {
            break;
        }
        whole.push_str(&piece);
    }
    if total <= limit {
        return format!("\"{whole}\"");
    }
    let room = limit.saturating_sub(1);
    let (mut head, mut kept, mut from) = (String::new(), 0, 0);
    while let Some(piece) = runs.get(from).map(Run::piece).filter(|piece| kept + length(piece) <= room * 2 / 3) {
        kept += length(&piece);
        head.push_str(&piece);
        from += 1;
    }
    let mut tail = Vec::new();
    kept = 0;
    for piece in runs[from..].iter().rev().map(Run::piece) {
        kept += length(&piece);
        if kept > room / 3 {
            break;
        }
        tail.push(piece);
    }
    tail.reverse();
    format!("\"{head}…{}\"", tail.concat())
}

/// A character, or a byte that is part of none.
#[derive(Clone, Copy, PartialEq)]
enum Atom {
    Char(char),
    Byte(u8),
}

impl Atom {
    /// As it is shown: itself where it is plain text, else an escape.
    fn shown(self) -> String {
        match self {
            Self::Char('\n') => "\\n".to_owned(),
            Self::Char('\r') => "\\r".to_owned(),
            Self::Char('\t') => "\\t".to_owned(),
            Self::Char('\0') => "\\0".to_owned(),
            Self::Char('"') => "\\\"".to_owned(),
            Self::Char('\\') => "\\\\".to_owned(),
            Self::Char(c) if is_plain(c) => c.to_string(),
            Self::Char(c) => format!("\\u{{{:x}}}", u32::from(c)),
            Self::Byte(byte) => format!("\\x{byte:02x}"),
        }
    }
}

/// How often an atom stands in a row.
struct Run(Atom, usize);

impl Run {
    fn piece(&self) -> String {
        let (atom, count) = (self.0.shown(), self.1);
        if count > 8 { format!("{atom}⟨×{count}⟩") } else { atom.repeat(count) }
    }
}

fn runs_of(bytes: &[u8]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut take = |atom| match runs.last_mut() {
        Some(Run(last, count)) if *last == atom => *count += 1,
        _ => runs.push(Run(atom, 1)),
    };
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| take(Atom::Char(c)));
        chunk.invalid().iter().for_each(|byte| take(Atom::Byte(*byte)));
    }
    runs
}

/// Text of a program for a terminal or a report: lines kept, anything that could steer a terminal
/// or hide text shown as an escape.
#[must_use]
pub fn tame(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| is_plain(c) || c == '\n' || c == '\t') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' if rest.peek() == Some(&'\n') => {}
            '\n' | '\t' => out.push(c),
            '\0' => out.push_str("\\0"),
            '\r' => out.push_str("\\r"),
            c if is_plain(c) => out.push(c),
            c => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    Cow::Owned(out)
}

/// Not a control character, and none that reorders or hides what stands around it.
fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(u32::from(c),
            0x00ad | 0x061c | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff0..=0xffff
            | 0xe0000..=0xe0fff)
        && !matches!(u32::from(c) & 0xffff, 0xfffe | 0xffff)
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quote(&self.0, 200))
    }
}

/// `1 byte`, `2 bytes`: a number with its noun.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A word of a command line as a shell takes it.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A text with a capital at its beginning.
#[must_use]
pub fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// The system's error in words for a user.
#[must_use]
pub fn io_words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it does not exist".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use proptest::prelude::*;

    use super::*;

    /// Bytes as programs send them: text, rubbish, runs, what steers terminals and hides text.
    fn hostile() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            any::<Vec<u8>>(),
            any::<String>().prop_map(String::into_bytes),
            (any::<u8>(), 0..40usize).prop_map(|(byte, times)| vec![byte; times]),
            Just("\u{1b}[2J\u{9b}31m\u{202e}\u{feff}\u{200b}\r\0\r\n\t\"\\".as_bytes().to_vec()),
            Just("é⟨×9⟩😀\u{e0041}\u{fffe}".as_bytes().to_vec()),
        ];
        proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn bytes_come_back_from_json_as_they_were(bytes in hostile()) {
            let json = serde_json::to_string(&Bytes(bytes.clone())).unwrap();
            prop_assert_eq!(serde_json::from_str::<Bytes>(&json).unwrap().0, bytes);
        }

        #[test]
        fn hexadecimal_digits_stand_for_the_bytes_that_they_were_made_from(bytes: Vec<u8>) {
            prop_assert_eq!(unhex(&hex(&bytes)).unwrap(), bytes.clone());
            let spaced: String = hex(&bytes).to_uppercase().chars().flat_map(|digit| [digit, ' ', '\n']).collect();
            prop_assert_eq!(unhex(&spaced).unwrap(), bytes);
        }

        #[test]
        fn a_quotation_steers_nothing_and_is_no_longer_than_asked(bytes in hostile(), limit in 0..300usize) {
            let quotation = quote(&bytes, limit);
            prop_assert!(quotation.chars().all(is_plain), "{:?}", quotation);
            prop_assert!(quotation.starts_with('"') && quotation.ends_with('"') && quotation.len() >= 2);
            prop_assert!(quotation.chars().count() <= limit.max(1) + 2, "{} > {}", quotation.chars().count(), limit);
        }

        #[test]
        fn a_quotation_ends_at_its_own_quotes(bytes in hostile()) {
            let quotation = quote(&bytes, usize::MAX);
            let mut escaped = false;
            let open = quotation[1..quotation.len() - 1].chars().any(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            prop_assert!(!open && !escaped, "{}", quotation);
        }

        #[test]
        fn tame_text_steers_nothing_and_stays_as_it_is(bytes in hostile()) {
            let text = String::from_utf8_lossy(&bytes);
            let calm = tame(&text).into_owned();
            prop_assert!(calm.chars().all(|c| is_plain(c) || c == '\n' || c == '\t'), "{:?}", calm);
            prop_assert_eq!(calm.lines().count(), text.lines().count(), "lines are kept");
            prop_assert_eq!(tame(&calm).into_owned(), calm.clone());
        }

        #[test]
        fn plain_text_is_shown_as_it_is(text in "[a-zA-Z0-9 .,;:!?äöüßéñ漢字😀-]{0,60}") {
            prop_assert!(matches!(tame(&text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn text_in_json_is_text_and_rubbish_is_hexadecimal() {
        assert_eq!(serde_json::to_string(&Bytes::from(&b"HELLO\n"[..])).unwrap(), r#""HELLO\n""#);
        assert_eq!(serde_json::to_string(&Bytes::from(&[0xff, 0x00][..])).unwrap(), r#"{"hex":"ff00"}"#);
        assert_eq!(serde_json::from_str::<Bytes>(r#"{"hex":"FF 00"}"#).unwrap().0, [0xff, 0x00]);
        assert!(serde_json::from_str::<Bytes>(r#"{"hex":"ff0"}"#).is_err());
        assert!(serde_json::from_str::<Bytes>(r#"{"hex":"zz"}"#).is_err());
    }

    #[test]
    fn a_run_of_the_same_byte_is_counted() {
        assert_eq!(quote(&[b"HI".as_slice(), &[0; 1013]].concat(), 80), r#""HI\0⟨×1013⟩""#);
        assert_eq!(quote(b"oh, aaaaaaaa", 80), r#""oh, aaaaaaaa""#, "eight can be counted by eye");
    }

    #[test]
    fn what_is_no_plain_text_is_quoted_as_an_escape() {
        assert_eq!(quote(b"a\"b\\c\n\r\t\0", 80), r#""a\"b\\c\n\r\t\0""#);
        assert_eq!(quote("\u{1b}[31m".as_bytes(), 80), r#""\u{1b}[31m""#);
        assert_eq!(quote(b"caf\xe9", 80), r#""caf\xe9""#);
        assert_eq!(quote("café 😀".as_bytes(), 80), "\"café 😀\"");
        assert_eq!(quote(b"", 0), "\"\"");
    }

    #[test]
    fn a_long_quotation_keeps_its_beginning_and_its_end() {
        let text: String = ('a'..='z').cycle().take(200).collect();
        let quotation = quote(text.as_bytes(), 20);
        assert!(
            quotation.starts_with("\"abcdef") && quotation.contains('…') && quotation.ends_with("pqr\""),
            "{quotation}"
        );
    }

    #[test]
    fn a_newline_of_windows_is_a_newline_and_another_return_is_shown() {
        assert_eq!(tame("one\r\ntwo\rthree"), "one\ntwo\\rthree");
        assert_eq!(tame("a\0b\u{1b}]0;x\u{7}"), "a\\0b\\u{1b}]0;x\\u{7}");
        assert_eq!(tame("left\u{202e}right"), "left\\u{202e}right", "it would be read backwards");
    }

    #[test]
    fn a_number_has_its_noun() {
        assert_eq!([0, 1, 2].map(|number| count(number, "byte")), ["0 bytes", "1 byte", "2 bytes"]);
    }
}
