//! YAML as a tree that knows where each value stands.
//!
//! serde's derived code stops at the first mistake. A suite is read in two stages instead: text to
//! [`Node`]s, then nodes to types through [`Reader`], a `Deserializer` that notes a mistake and
//! goes on, so that one run reports all of them.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;

use crate::span::{Mistake, Span};

/// The largest file that is read, in bytes.
pub const MAX_FILE: u64 = 1024 * 1024;

/// A value and its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it stands (of a list or mapping: where it begins).
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Nothing, or `~`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// Text.
    Str(String),
    /// A list.
    Seq(Vec<Node>),
    /// A mapping; keys are text.
    Map(Vec<(Node, Node)>),
}

impl Kind {
    /// What it is, in words.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a truth value",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Str(_) => "text",
            Self::Seq(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// Where a value stands, as the YAML reader counts: line, column and length in characters.
struct Raw {
    value: RawKind,
    line: u64,
    column: u64,
    length: u64,
}

enum RawKind {
    Leaf(Kind),
    Seq(Vec<Raw>),
    Map(Vec<(Raw, Raw)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<RawKind>::deserialize(deserializer)?;
        let at = spanned.referenced;
        #[allow(clippy::useless_conversion, reason = "the width of these numbers is the reader's affair")]
        Ok(Self {
            value: spanned.value,
            line: u64::from(at.line()),
            column: u64::from(at.column()),
            length: u64::from(at.span().len()),
        })
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawKind;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a YAML value")
    }
    fn visit_unit<E>(self) -> Result<RawKind, E> {
        Ok(RawKind::Leaf(Kind::Null))
    }
    fn visit_none<E>(self) -> Result<RawKind, E> {
        Ok(RawKind::Leaf(Kind::Null))
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawKind, D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_bool<E>(self, value: bool) -> Result<RawKind, E> {
        Ok(RawKind::Leaf(Kind::Bool(value)))
    }
    fn visit_i64<E>(self, value: i64) -> Result<RawKind, E> {
        Ok(RawKind::Leaf(Kind::Int(value)))
    }
    fn visit_u64<E>(self, value: u64) -> Result<RawKind, E> {
        Ok(RawKind::Leaf(Kind::Int(i64::try_from(value).unwrap_or(i64::MAX))))
    }
    fn visit_f64<E>(self, value: f64) -> Result<RawKind, E> {
        Ok(RawKind::Leaf(Kind::Float(value)))
    }
    fn visit_str<E>(self, value: &str) -> Result<RawKind, E> {
        Ok(RawKind::Leaf(Kind::Str(value.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<RawKind, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(RawKind::Seq(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<RawKind, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            list.push(entry);
        }
        Ok(RawKind::Map(list))
    }
}

impl<'de> Deserialize<'de> for RawKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

/// Turns lines and columns into bytes.
struct Lines<'a> {
    source: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(source: &'a str) -> Self {
        let starts = std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { source, starts }
    }

    fn span(&self, line: u64, column: u64, length: u64) -> Span {
        let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let start = self.starts.get(index(line.saturating_sub(1))).copied().unwrap_or(self.source.len());
        let mut bytes = self.source[start..].char_indices().map(|(at, _)| start + at);
        let first = bytes.nth(index(column.saturating_sub(1))).unwrap_or(self.source.len());
        let mut rest = self.source[first..].char_indices().map(|(at, _)| first + at);
        let last = rest.nth(index(length.max(1))).unwrap_or(self.source.len());
        Span { start: first, end: last.max(first) }
    }

    fn node(&self, raw: Raw) -> Node {
        let span = self.span(raw.line, raw.column, raw.length);
        let kind = match raw.value {
            RawKind::Leaf(kind) => kind,
            RawKind::Seq(items) => Kind::Seq(items.into_iter().map(|item| self.node(item)).collect()),
            RawKind::Map(entries) => {
                Kind::Map(entries.into_iter().map(|(key, value)| (self.node(key), self.node(value))).collect())
            }
        };
        Node { span, kind }
    }
}

/// Reads YAML.
///
/// # Errors
/// The one place where the text stops being YAML (or wants more than a budget allows).
pub fn parse(source: &str) -> Result<Node, Mistake> {
    let lines = Lines::new(source);
    serde_yaml::from_str::<Raw>(source).map(|raw| lines.node(raw)).map_err(|error| {
        let span = error.location().map_or(Span::default(), |at| {
            #[allow(clippy::useless_conversion, reason = "the width of these numbers is the reader's affair")]
            lines.span(u64::from(at.line()), u64::from(at.column()), 1)
        });
        Mistake::new(span, plain_message(&error.to_string()))
    })
}

/// The reader's first line, without its own rendering of the place.
fn plain_message(rendered: &str) -> String {
    let line = rendered.lines().next().unwrap_or("this is not YAML");
    let line = line.strip_prefix("error: ").unwrap_or(line);
    match line.strip_prefix("line ").and_then(|rest| rest.split_once(": ")) {
        Some((_, message)) => message.to_owned(),
        None => line.to_owned(),
    }
}
