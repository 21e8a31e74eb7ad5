//! Texts with values in them: `{sentence}`, `{sentence|upper}`, and draws: `{nonce}`, `{letters:1000}`.
//!
//! A brace is written twice to stand for itself.

use serde::{Deserialize, Serialize};

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(pub Vec<Piece>);

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Piece {
    /// Text as it stands.
    Text(String),
    /// A value, changed by filters in order.
    Value {
        /// Whose it is.
        name: Reference,
        /// What is done to it.
        filters: Vec<Filter>,
    },
    /// So many lower-case letters, drawn from the seed.
    Letters(u32),
}

/// What a template can name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reference {
    /// A `let` value, or a property of the dialect (`port`, `end`, `udp-buffer`).
    Value(String),
    /// In a check: all that the peer in question sent, without the dialect's delimiter at its end.
    Sent,
    /// In a check: all that the named peer sent.
    SentBy(String),
}

/// What is done to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// Letters a-z in capitals (ASCII).
    Upper,
    /// All letters in capitals (Unicode).
    UpperUnicode,
    /// Letters A-Z in lower case (ASCII).
    Lower,
    /// White space at both ends left out.
    Trim,
}

/// The names of the filters, as they are written.
pub const FILTERS: &[(&str, Filter)] = &[
    ("upper", Filter::Upper),
    ("upper-unicode", Filter::UpperUnicode),
    ("lower", Filter::Lower),
    ("trim", Filter::Trim),
];

/// A mistake in a template: where in the text (bytes), and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// The first byte of what is wrong.
    pub at: usize,
    /// The byte after.
    pub end: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// How long a `{nonce}` is, in letters: 26^12 values, so that no program guesses one.
pub const NONCE: u32 = 12;

impl Template {
    /// Parses a text.
    ///
    /// # Errors
    /// An unclosed brace, an unknown filter, a draw that is no number.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        let at = |rest: &str| text.len() - rest.len();
        while let Some(open) = rest.find(['{', '}']) {
            plain.push_str(&rest[..open]);
            let here = at(rest) + open;
            let brace = &rest[open..=open];
            if rest[open + 1..].starts_with(brace) {
                plain.push_str(brace);
                rest = &rest[open + 2..];
                continue;
            }
            if brace == "}" {
                return Err(error(here, here + 1, "this brace closes nothing", "write `}}` for a brace"));
            }
            let Some(close) = rest[open..].find('}') else {
                return Err(error(here, text.len(), "this brace is not closed", "write `{{` for a brace"));
            };
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(placeholder(&rest[open + 1..open + close], here + 1)?);
            rest = &rest[open + close + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }

    /// Fills in the values.
    pub fn render(&self, mut value: impl FnMut(&Reference) -> Vec<u8>, random: &mut fastrand::Rng) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Letters(count) => out.extend((0..*count).map(|_| random.u8(b'a'..=b'z'))),
                Piece::Value { name, filters } => {
                    out.extend(filters.iter().fold(value(name), |bytes, filter| filter.apply(bytes)));
                }
            }
        }
        out
    }

    /// The references in it.
    pub fn references(&self) -> impl Iterator<Item = (&Reference, &[Filter])> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Value { name, filters } => Some((name, filters.as_slice())),
            _ => None,
        })
    }

    /// Whether it draws from the seed.
    #[must_use]
    pub fn draws(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Letters(_)))
    }
}

impl Filter {
    /// The value with the filter applied.
    #[must_use]
    pub fn apply(self, bytes: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Upper => bytes.to_ascii_uppercase(),
            Self::Lower => bytes.to_ascii_lowercase(),
            Self::Trim => bytes.trim_ascii().to_vec(),
            Self::UpperUnicode => match String::from_utf8(bytes) {
                Ok(text) => text.to_uppercase().into_bytes(),
                Err(bytes) => bytes.into_bytes().to_ascii_uppercase(),
            },
        }
    }
}

fn error(at: usize, end: usize, message: &str, help: &str) -> TemplateError {
    TemplateError { at, end, message: message.to_owned(), help: Some(help.to_owned()) }
}

/// What stands between braces, which begins at byte `at` of the whole text.
fn placeholder(inside: &str, at: usize) -> Result<Piece, TemplateError> {
    let mut parts = inside.split('|');
    let name = parts.next().unwrap_or_default().trim();
    let mut filters = Vec::new();
    let mut offset = at + inside.find('|').map_or(inside.len(), |bar| bar + 1);
    for part in parts {
        let wanted = part.trim();
        match FILTERS.iter().find(|(known, _)| *known == wanted) {
            Some((_, filter)) => filters.push(*filter),
            None => {
                let known: Vec<&str> = FILTERS.iter().map(|(known, _)| *known).collect();
                return Err(TemplateError {
                    at: offset,
                    end: offset + part.len(),
                    message: format!("`{wanted}` is no filter"),
                    help: crate::span::suggest(wanted, &known),
                });
            }
        }
        offset += part.len() + 1;
    }
    if name == "nonce" {
        return Ok(Piece::Letters(NONCE));
    }
    if let Some(count) = name.strip_prefix("letters:") {
        return match count.trim().parse() {
            Ok(count) if count <= 65_507 => Ok(Piece::Letters(count)),
            _ => Err(error(at, at + inside.len(), "a number of letters is wanted here", "at most 65507: {letters:1000}")),
        };
    }
    let name = match name.strip_suffix(".sent") {
        Some(peer) => Reference::SentBy(peer.to_owned()),
        None if name == "sent" => Reference::Sent,
        None if name.is_empty() => return Err(error(at, at + 1, "a name is wanted here", "write `{{` for a brace")),
        None => Reference::Value(name.to_owned()),
    };
    Ok(Piece::Value { name, filters })
}
