//! What stops the reading of one part, in words for who wrote the file.

use std::fmt;

use serde::de;

use crate::span::{Mistake, Span, suggest};

/// What stops the reading of one part: the mistake, and whether its place is known.
#[derive(Debug)]
pub(super) struct Problem(pub(super) Mistake, pub(super) bool);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Problem {}

impl de::Error for Problem {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Mistake::new(Span::default(), message.to_string()), false)
    }
    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match unexpected {
            de::Unexpected::Bool(_) => "a truth value",
            de::Unexpected::Unsigned(_) | de::Unexpected::Signed(_) | de::Unexpected::Float(_) => "a number",
            de::Unexpected::Str(_) => "text",
            de::Unexpected::Seq => "a list",
            de::Unexpected::Map => "a mapping",
            _ => "nothing",
        };
        Self(Mistake::new(Span::default(), format!("{expected} is wanted here, not {found}")), false)
    }
    fn invalid_length(length: usize, expected: &dyn de::Expected) -> Self {
        Self(Mistake::new(Span::default(), format!("{expected} is wanted here, not {length} items")), false)
    }
    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let mut mistake = Mistake::new(Span::default(), format!("`{variant}` is not known here"));
        mistake.help = suggest(variant, expected);
        Self(mistake, false)
    }
    fn missing_field(field: &'static str) -> Self {
        Self(Mistake::new(Span::default(), format!("`{field}` is missing here")), false)
    }
}

impl Problem {
    /// The same problem, at a place if it had none.
    pub(super) fn at(mut self, span: Span) -> Self {
        if !self.1 {
            self.0.span = span;
            self.1 = true;
        }
        self
    }
}
