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
        Self::parse_with(text, &|_| None)
    }

    /// Parses a text in which a number of letters may be named: `{letters:udp-buffer}`.
    ///
    /// # Errors
    /// An unclosed brace, an unknown filter, a draw that is no number.
    pub fn parse_with(text: &str, number: &dyn Fn(&str) -> Option<u32>) -> Result<Self, TemplateError> {
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
            pieces.push(placeholder(&rest[open + 1..open + close], here + 1, number)?);
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
fn placeholder(inside: &str, at: usize, number: &dyn Fn(&str) -> Option<u32>) -> Result<Piece, TemplateError> {
    let (name, filters) = match inside.split_once('|') {
        Some((name, rest)) => (name.trim(), parse_filters(rest, at + name.len() + 1)?),
        None => (inside.trim(), Vec::new()),
    };
    if let Some(draw) = draw(name, at, number)? {
        if let (Some(_), Some(bar)) = (filters.first(), inside.find('|')) {
            let help = "give the draw a name under `let`, and write `{name|filter}` where it is used";
            return Err(error(at + bar, at + inside.len(), "a draw takes no filter", help));
        }
        return Ok(draw);
    }
    let name = match name.strip_suffix(".sent") {
        Some(peer) => Reference::SentBy(peer.to_owned()),
        None if name == "sent" => Reference::Sent,
        None if name.is_empty() => {
            return Err(error(at - 1, at + inside.len() + 1, "a name is wanted here", "write `{{` for a brace"));
        }
        None => Reference::Value(name.to_owned()),
    };
    Ok(Piece::Value { name, filters })
}

/// The filters behind a name, which begin at byte `at` of the whole text.
fn parse_filters(text: &str, mut at: usize) -> Result<Vec<Filter>, TemplateError> {
    let mut filters = Vec::new();
    for part in text.split('|') {
        let wanted = part.trim();
        let Some((_, filter)) = FILTERS.iter().find(|(known, _)| *known == wanted) else {
            let known: Vec<&str> = FILTERS.iter().map(|(known, _)| *known).collect();
            let help = crate::span::suggest(wanted, &known);
            return Err(TemplateError { at, end: at + part.len(), message: format!("`{wanted}` is no filter"), help });
        };
        filters.push(*filter);
        at += part.len() + 1;
    }
    Ok(filters)
}

/// `{nonce}` or `{letters:1000}`, where it is one.
fn draw(name: &str, at: usize, number: &dyn Fn(&str) -> Option<u32>) -> Result<Option<Piece>, TemplateError> {
    if name == "nonce" {
        return Ok(Some(Piece::Letters(NONCE)));
    }
    let Some(count) = name.strip_prefix("letters:") else { return Ok(None) };
    let count = count.trim();
    match count.parse().ok().or_else(|| number(count)) {
        Some(count) if (1..=65_507).contains(&count) => Ok(Some(Piece::Letters(count))),
        _ => {
            let help = "from 1 to 65507, or the name of a property: {letters:1000}, {letters:udp-buffer}";
            Err(error(at, at + name.len(), "a number of letters is wanted here", help))
        }
    }
}
