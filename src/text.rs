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
    let mut atoms: Vec<(String, usize)> = Vec::new();
    for atom in atoms_of(bytes) {
        match atoms.last_mut() {
            Some((last, count)) if *last == atom => *count += 1,
            _ => atoms.push((atom, 1)),
        }
    }
    let pieces: Vec<String> = atoms
        .into_iter()
        .map(|(atom, count)| if count > 8 { format!("{atom}⟨×{count}⟩") } else { atom.repeat(count) })
        .collect();
    let length = |piece: &String| piece.chars().count();
    let total: usize = pieces.iter().map(length).sum();
    if total <= limit {
        return format!("\"{}\"", pieces.concat());
    }
    let (mut head, mut tail) = (String::new(), Vec::new());
    let room = limit.saturating_sub(1);
    let mut from = 0;
    while from < pieces.len() && head.chars().count() + length(&pieces[from]) <= room * 2 / 3 {
        head.push_str(&pieces[from]);
        from += 1;
    }
    let mut to = pieces.len();
    let mut kept = 0;
    while to > from && kept + length(&pieces[to - 1]) <= room / 3 {
        to -= 1;
        kept += length(&pieces[to]);
        tail.push(pieces[to].as_str());
    }
    tail.reverse();
    format!("\"{head}…{}\"", tail.concat())
}

/// One printable atom a character, or an escape a byte that is none.
fn atoms_of(bytes: &[u8]) -> Vec<String> {
    let mut atoms = Vec::new();
    for chunk in bytes.utf8_chunks() {
        atoms.extend(chunk.valid().chars().map(|c| match c {
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            '\0' => "\\0".to_owned(),
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            c if is_plain(c) => c.to_string(),
            c => format!("\\u{{{:x}}}", u32::from(c)),
        }));
        atoms.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    atoms
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
