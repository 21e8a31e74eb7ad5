//! What letters a text will have, before anything is drawn.
//!
//! A check that compares with a text in capitals can tell right from wrong only if there was a
//! lower-case letter in that text: an echo would pass it otherwise.

use crate::plan::template::{Filter, Piece, Reference, Template};

/// What is known of a text whatever is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Letters {
    /// It has a letter from a to z.
    pub lower: bool,
    /// It has a letter from A to Z.
    pub upper: bool,
    /// It has a letter beyond ASCII whose capital is another one.
    pub beyond: bool,
    /// Its length in bytes (about, where a filter changes it).
    pub bytes: u64,
}

impl Letters {
    /// Those of a text.
    pub fn of(text: &str) -> Self {
        Self {
            lower: text.bytes().any(|byte| byte.is_ascii_lowercase()),
            upper: text.bytes().any(|byte| byte.is_ascii_uppercase()),
            beyond: text.chars().any(|c| !c.is_ascii() && !c.to_uppercase().eq(std::iter::once(c))),
            bytes: text.len() as u64,
        }
    }

    /// Those of bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, ..Self::of(&String::from_utf8_lossy(bytes)) }
    }

    /// Those of two texts together.
    pub fn and(self, other: Self) -> Self {
        Self {
            lower: self.lower || other.lower,
            upper: self.upper || other.upper,
            beyond: self.beyond || other.beyond,
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    /// Those of a template, by those of what it names.
    pub fn of_template(template: &Template, value: impl Fn(&Reference) -> Self) -> Self {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => Self::of(text),
            Piece::Letters(count) => Self { lower: *count > 0, bytes: u64::from(*count), ..Self::default() },
            Piece::Value { name, filters } => filters.iter().fold(value(name), |text, filter| text.filtered(*filter)),
        };
        template.0.iter().map(piece).fold(Self::default(), Self::and)
    }

    /// Those of the filtered text.
    pub fn filtered(self, filter: Filter) -> Self {
        match filter {
            Filter::Upper => Self { lower: false, upper: self.upper || self.lower, ..self },
            Filter::UpperUnicode => {
                Self { lower: false, upper: self.upper || self.lower, beyond: false, bytes: self.bytes }
            }
            Filter::Lower => Self { lower: self.lower || self.upper, upper: false, ..self },
            Filter::Trim => self,
        }
    }

    /// Whether this filter changes the text.
    pub fn changed_by(self, filter: Filter) -> bool {
        match filter {
            Filter::Upper => self.lower,
            Filter::UpperUnicode => self.lower || self.beyond,
            Filter::Lower | Filter::Trim => true,
        }
    }
}
