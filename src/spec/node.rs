//! YAML as a tree that knows where each value stands.
//!
//! serde's derived code stops at the first mistake. A suite is read in two stages instead: text to
//! [`Node`]s, then nodes to types through [`reader`](super::reader), a `Deserializer` that notes a mistake and
//! goes on, so that one run reports all of them.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{Location, Spanned};

use crate::span::{Mistake, Span};

/// The largest file that is read, in bytes.
pub const MAX_FILE: u64 = 1024 * 1024;

/// How deep lists and mappings may stand in each other: a suite needs about half of it.
const DEEPEST: usize = 40;

/// The most values in a file, those that an alias repeats counted each time.
const MOST_NODES: usize = 30_000;

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

/// A value and where it stands, as the YAML reader says it.
struct Raw {
    value: RawKind,
    at: Location,
}

enum RawKind {
    Leaf(Kind),
    Seq(Vec<Raw>),
    Map(Vec<(Raw, Raw)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<RawKind>::deserialize(deserializer)?;
        Ok(Self { value: spanned.value, at: spanned.referenced })
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

/// The bytes that the YAML reader means. It knows offsets, so that no line is counted through.
#[allow(clippy::useless_conversion, reason = "the width of these numbers is the reader's affair")]
fn place(source: &str, at: Location) -> Span {
    let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).min(source.len());
    let start = match at.span().byte_offset() {
        Some(offset) => index(u64::from(offset)),
        None => {
            let line = line_start(source, u64::from(at.line()));
            let column = index(u64::from(at.column())).saturating_sub(1);
            source[line..].char_indices().nth(column).map_or(source.len(), |(offset, _)| line + offset)
        }
    };
    let length = at.span().byte_len().map_or(1, |length| index(u64::from(length)));
    let start = boundary(source, start);
    let end = boundary(source, start.saturating_add(length.max(1)).min(source.len()));
    // A block scalar goes on to the next token: the white space behind it is not meant.
    let end = start + source[start..end].trim_end().len();
    Span { start, end }
}

/// The first byte of a line, counted from 1.
fn line_start(source: &str, line: u64) -> usize {
    let before = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    source.split_inclusive('\n').take(before).map(str::len).sum()
}

/// The end of the character that this byte is part of.
fn boundary(source: &str, mut at: usize) -> usize {
    while !source.is_char_boundary(at) {
        at += 1;
    }
    at
}

fn node(source: &str, raw: Raw, notes: &mut Vec<Mistake>) -> Node {
    let span = place(source, raw.at);
    let kind = match raw.value {
        RawKind::Leaf(kind) => kind,
        RawKind::Seq(items) => Kind::Seq(items.into_iter().map(|item| node(source, item, notes)).collect()),
        RawKind::Map(entries) => {
            let mut seen = HashSet::new();
            let mut list = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                let key = node(source, key, notes);
                let repeated = matches!(&key.kind, Kind::Str(name) if !seen.insert(name.clone()));
                if repeated && let Kind::Str(name) = &key.kind {
                    let message = format!("`{name}` stands here a second time");
                    notes.push(Mistake::new(key.span, message).help("keep one of the two"));
                } else {
                    list.push((key, node(source, value, notes)));
                }
            }
            Kind::Map(list)
        }
    };
    Node { span, kind }
}

impl Node {
    /// The value of a key, where this is a mapping that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.entry(name).map(|(_, value)| value)
    }

    /// A key and its value, where this is a mapping that has it.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<(&Self, &Self)> {
        let Kind::Map(entries) = &self.kind else { return None };
        entries
            .iter()
            .find(|(key, _)| matches!(&key.kind, Kind::Str(known) if known == name))
            .map(|(key, value)| (key, value))
    }

    /// The items, where this is a list.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        if let Kind::Seq(items) = &self.kind { items } else { &[] }
    }
}

/// Reads YAML, and notes each key that stands twice in a mapping (the first holds).
///
/// # Errors
/// The one place where the text stops being YAML (or wants more than a budget allows).
pub fn parse(source: &str) -> Result<(Node, Vec<Mistake>), Mistake> {
    // `off` is a level, not a truth value: YAML 1.2, as editors read it.
    let options = serde_yaml::options! {
        strict_booleans: true,
        with_snippet: false,
        duplicate_keys: serde_yaml::DuplicateKeyPolicy::PassThrough,
        budget: serde_yaml::budget! { max_depth: DEEPEST, max_nodes: MOST_NODES },
    };
    let raw = serde_yaml::from_str_with_options::<Raw>(source, options).map_err(|error| {
        let span = error.location().map_or(Span::default(), |at| place(source, at));
        Mistake::new(span, plain_message(&error.to_string()))
    })?;
    let mut notes = Vec::new();
    let tree = node(source, raw, &mut notes);
    Ok((tree, notes))
}

/// The reader's first line, without its own rendering of the place and its advice to programmers.
fn plain_message(rendered: &str) -> String {
    let line = rendered.lines().next().unwrap_or("this is not YAML");
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let line = match line.strip_prefix("line ").and_then(|rest| rest.split_once(": ")) {
        Some((_, message)) => message,
        None => line,
    };
    let line = match line.rsplit_once(" at line ") {
        Some((message, place)) if place.starts_with(|c: char| c.is_ascii_digit()) => message,
        _ => line,
    };
    if line.starts_with("budget breached: Nodes") {
        return format!(
            "these are more than {MOST_NODES} values, with those that aliases repeat: too many for a suite"
        );
    }
    if line.starts_with("budget breached: Depth") || line.starts_with("recursion limit") {
        return format!("lists and mappings stand more than {DEEPEST} deep in each other here");
    }
    if line.starts_with("multiple YAML documents") {
        return "a second document begins here (`---`): one file is one suite, dialect or assignment".to_owned();
    }
    line.strip_suffix(':').unwrap_or(line).to_owned()
}
