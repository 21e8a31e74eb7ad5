//! From [`Node`]s to types: a `Deserializer` that notes mistakes and goes on.
//!
//! - A key that a struct does not know is noted, with the nearest one that it knows.
//! - A value of the wrong kind is noted and replaced by an empty one, since the result is thrown
//!   away anyhow once there is a mistake.
//! - What else goes wrong inside a [`Part`] is noted there, and the other parts are read.
//! - A struct that is named in [`SHORT`] may be written as the value of its first field alone:
//!   `connect: alice` for `connect: { peer: alice }`.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::span::{Mistake, Span, suggest};
use crate::spec::node::{Kind, Node};

/// Structs that may be written as their first field alone.
pub const SHORT: &[&str] = &["Open", "Bind", "Connect", "Listen", "Accept"];

/// Variants that may be written alone, though something can stand behind them.
pub const BARE: &[&str] = &["start"];

const PART: &str = "$sockspec::Part";
const PLACED: &str = "$sockspec::Placed";

/// Something that can be wrong by itself: `None` where it was (the mistake is noted).
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Part<T>(pub Option<T>);

impl<T: JsonSchema> JsonSchema for Part<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
    fn inline_schema() -> bool {
        T::inline_schema()
    }
}

/// A value with its place in the file. Two are equal if their values are, so that it can be a key.
#[derive(Debug, Clone, Default)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T: PartialEq> PartialEq for Placed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Placed<T> {}

impl<T: Ord> PartialOrd for Placed<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> Ord for Placed<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.value.cmp(&other.value)
    }
}

impl std::borrow::Borrow<str> for Placed<String> {
    fn borrow(&self) -> &str {
        &self.value
    }
}

impl<T> std::ops::Deref for Placed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: JsonSchema> JsonSchema for Placed<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
    fn inline_schema() -> bool {
        T::inline_schema()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Part<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PartVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for PartVisitor<T> {
            type Value = Option<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a part")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut attempt: A) -> Result<Option<T>, A::Error> {
                attempt.next_element()
            }
        }
        deserializer.deserialize_tuple_struct(PART, 1, PartVisitor(std::marker::PhantomData)).map(Part)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Placed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PlacedVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for PlacedVisitor<T> {
            type Value = Placed<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Placed<T>, A::Error> {
                let missing = || de::Error::custom("no place");
                let start = parts.next_element()?.ok_or_else(missing)?;
                let end = parts.next_element()?.ok_or_else(missing)?;
                let value = parts.next_element()?.ok_or_else(missing)?;
                Ok(Placed { value, span: Span { start, end } })
            }
        }
        deserializer.deserialize_tuple_struct(PLACED, 3, PlacedVisitor(std::marker::PhantomData))
    }
}

/// Reads a type from a node, and all mistakes on the way.
///
/// # Errors
/// All mistakes that were found, in the order of the file.
pub fn read<'de, T: Deserialize<'de>>(node: &'de Node) -> Result<T, Vec<Mistake>> {
    match read_partly(node) {
        (Some(value), mistakes) if mistakes.is_empty() => Ok(value),
        (_, mistakes) => Err(mistakes),
    }
}

/// Reads what can be read of a type, and all mistakes on the way, in the order of the file. So that
/// what is right in a file with a mistake can be looked at as well.
pub fn read_partly<'de, T: Deserialize<'de>>(node: &'de Node) -> (Option<T>, Vec<Mistake>) {
    let notes = Rc::new(RefCell::new(Vec::new()));
    let result = T::deserialize(Reader { node, notes: Rc::clone(&notes) });
    let mut mistakes: Vec<Mistake> = notes.take();
    let value = result.map_err(|problem| mistakes.push(problem.0)).ok();
    mistakes.sort_by_key(|mistake| mistake.span.start);
    (value, mistakes)
}

/// What stops the reading of one part.
#[derive(Debug)]
struct Problem(Mistake, bool);

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
    fn at(mut self, span: Span) -> Self {
        if !self.1 {
            self.0.span = span;
            self.1 = true;
        }
        self
    }
}

type Notes = Rc<RefCell<Vec<Mistake>>>;

#[derive(Clone)]
struct Reader<'a> {
    node: &'a Node,
    notes: Notes,
}

impl<'a> Reader<'a> {
    fn child(&self, node: &'a Node) -> Self {
        Self { node, notes: Rc::clone(&self.notes) }
    }

    fn wrong(&self, wanted: &str) {
        let mut mistake =
            Mistake::new(self.node.span, format!("{wanted} is wanted here, not {}", self.node.kind.words()));
        if wanted == "text" && matches!(self.node.kind, Kind::Int(_) | Kind::Float(_) | Kind::Bool(_)) {
            mistake = mistake.help("write it in quotes");
        }
        self.notes.borrow_mut().push(mistake);
    }

    fn place<T>(&self, result: Result<T, Problem>) -> Result<T, Problem> {
        result.map_err(|problem| problem.at(self.node.span))
    }

    /// Notes a name that an enum does not have, and goes on with its first where that stands alone.
    fn unknown_variant<V: Visitor<'a>>(
        &self,
        tag: &'a Node,
        name: &str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let problem = <Problem as de::Error>::unknown_variant(name, variants).at(tag.span);
        let Some(first) = variants.first() else { return Err(problem) };
        match visitor.visit_enum(de::value::StrDeserializer::<Problem>::new(first)) {
            Ok(value) => {
                self.notes.borrow_mut().push(problem.0);
                Ok(value)
            }
            Err(_) => Err(problem),
        }
    }
}

macro_rules! number {
    ($($method:ident => $visit:ident($type:ty)),*) => {$(
        #[allow(irrefutable_let_patterns, reason = "each number is an i64")]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            if let Kind::Int(number) = self.node.kind {
                if let Ok(number) = <$type>::try_from(number) {
                    return self.place(visitor.$visit(number));
                }
                self.notes.borrow_mut().push(
                    Mistake::new(self.node.span, format!("{number} is out of range here"))
                        .help(format!("from {} to {}", <$type>::MIN, <$type>::MAX)));
            } else {
                self.wrong("a whole number");
            }
            self.place(visitor.$visit(0))
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let result = match &self.node.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(*value),
            Kind::Int(value) => visitor.visit_i64(*value),
            Kind::Float(value) => visitor.visit_f64(*value),
            Kind::Str(value) => visitor.visit_str(value),
            Kind::Seq(items) => visitor.visit_seq(Items { reader: self.clone(), items: items.iter() }),
            Kind::Map(_) => visitor.visit_map(Entries::new(self.clone(), None)),
        };
        self.place(result)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if let Kind::Bool(value) = self.node.kind {
            return self.place(visitor.visit_bool(value));
        }
        self.wrong("`true` or `false`");
        self.place(visitor.visit_bool(false))
    }

    number!(deserialize_u8 => visit_u8(u8), deserialize_u16 => visit_u16(u16), deserialize_u32 => visit_u32(u32),
        deserialize_u64 => visit_u64(u64), deserialize_i8 => visit_i8(i8), deserialize_i16 => visit_i16(i16),
        deserialize_i32 => visit_i32(i32), deserialize_i64 => visit_i64(i64));

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.node.kind {
            Kind::Float(value) => self.place(visitor.visit_f64(value)),
            #[expect(clippy::cast_precision_loss, reason = "points are small numbers")]
            Kind::Int(value) => self.place(visitor.visit_f64(value as f64)),
            _ => {
                self.wrong("a number");
                self.place(visitor.visit_f64(0.0))
            }
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if let Kind::Str(value) = &self.node.kind {
            return self.place(visitor.visit_str(value));
        }
        self.wrong("text");
        // Some texts have a form (a duration, hexadecimal digits): an empty one would be wrong
        // again, and one mistake is not to be noted twice.
        visitor.visit_str("").map_err(|problem| {
            let last = self.notes.borrow_mut().pop();
            last.map_or(problem, |mistake| Problem(mistake, true))
        })
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if matches!(self.node.kind, Kind::Null) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        if name == PLACED {
            return visitor.visit_seq(PlacedParts { reader: self, next: 0 });
        }
        if name == PART {
            return visitor.visit_seq(Attempt { reader: Some(self) });
        }
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let items: &'de [Node] = match &self.node.kind {
            Kind::Seq(items) => items,
            _ => {
                self.wrong("a list");
                &[]
            }
        };
        let result = visitor.visit_seq(Items { reader: self.clone(), items: items.iter() });
        self.place(result)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if !matches!(self.node.kind, Kind::Map(_)) {
            self.wrong("a mapping");
        }
        let result = visitor.visit_map(Entries::new(self.clone(), None));
        self.place(result)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let result = match &self.node.kind {
            Kind::Map(_) => visitor.visit_map(Entries::new(self.clone(), Some(fields))),
            Kind::Str(_) if SHORT.contains(&name) => {
                let entry = serde::de::value::MapDeserializer::new(std::iter::once((fields[0], self.clone())));
                visitor.visit_map(entry)
            }
            _ => {
                let wanted = format!("a mapping (with {})", fields.join(", "));
                return Err(Problem(
                    Mistake::new(self.node.span, format!("{wanted} is wanted here, not {}", self.node.kind.words())),
                    true,
                ));
            }
        };
        self.place(result)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let (tag, value) = match &self.node.kind {
            Kind::Str(_) => (self.node, None),
            Kind::Map(entries) if entries.len() == 1 => (&entries[0].0, Some(&entries[0].1)),
            Kind::Map(entries) if entries.len() > 1 => {
                let message = "one key is wanted here, there are several".to_owned();
                let help = "begin a new item with `- ` for each".to_owned();
                return Err(Problem(Mistake::new(entries[1].0.span, message).help(help), true));
            }
            kind => {
                let message = format!("one of these is wanted here, not {}", kind.words());
                return Err(Problem(Mistake::new(self.node.span, message).help(variants.join(", ")), true));
            }
        };
        if let Kind::Str(name) = &tag.kind
            && value.is_none()
            && !variants.contains(&name.as_str())
        {
            return self.unknown_variant(tag, name, variants, visitor);
        }
        let result = visitor.visit_enum(Tagged { tag: self.child(tag), value: value.map(|value| self.child(value)) });
        self.place(result)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { i128 u128 char bytes byte_buf unit unit_struct }
}

impl<'de> de::IntoDeserializer<'de, Problem> for Reader<'de> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

/// The three members of a [`Placed`]: where it starts, where it ends, what it is.
struct PlacedParts<'a> {
    reader: Reader<'a>,
    next: usize,
}

impl<'de> SeqAccess<'de> for PlacedParts<'de> {
    type Error = Problem;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        self.next += 1;
        let place = |number: usize| de::value::UsizeDeserializer::<Problem>::new(number);
        match self.next {
            1 => seed.deserialize(place(self.reader.node.span.start)).map(Some),
            2 => seed.deserialize(place(self.reader.node.span.end)).map(Some),
            _ => seed.deserialize(self.reader.clone()).map(Some),
        }
    }
}

struct Items<'a> {
    reader: Reader<'a>,
    items: std::slice::Iter<'a, Node>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Problem;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        self.items.next().map(|item| seed.deserialize(self.reader.child(item))).transpose()
    }
}

/// The one member of a [`Part`]: there where it can be read, else noted and missing.
struct Attempt<'a> {
    reader: Option<Reader<'a>>,
}

impl<'de> SeqAccess<'de> for Attempt<'de> {
    type Error = Problem;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        let Some(reader) = self.reader.take() else { return Ok(None) };
        match seed.deserialize(reader.clone()) {
            Ok(value) => Ok(Some(value)),
            Err(problem) => {
                reader.notes.borrow_mut().push(problem.at(reader.node.span).0);
                Ok(None)
            }
        }
    }
}

/// The entries of a mapping; of a struct's, those that it knows.
struct Entries<'a> {
    reader: Reader<'a>,
    entries: std::slice::Iter<'a, (Node, Node)>,
    fields: Option<&'static [&'static str]>,
    value: Option<&'a Node>,
}

impl<'a> Entries<'a> {
    fn new(reader: Reader<'a>, fields: Option<&'static [&'static str]>) -> Self {
        let entries = match &reader.node.kind {
            Kind::Map(entries) => entries.iter(),
            _ => [].iter(),
        };
        Self { reader, entries, fields, value: None }
    }

    fn unknown(&self, key: &Node, fields: &[&str]) {
        let name = if let Kind::Str(name) = &key.kind { name.as_str() } else { "" };
        let mut mistake = Mistake::new(key.span, format!("`{name}` is not known here"));
        mistake.help = suggest(name, fields);
        self.reader.notes.borrow_mut().push(mistake);
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        while let Some((key, value)) = self.entries.next() {
            if let Some(fields) = self.fields
                && !matches!(&key.kind, Kind::Str(name) if fields.contains(&name.as_str()))
            {
                self.unknown(key, fields);
                continue;
            }
            self.value = Some(value);
            return seed.deserialize(self.reader.child(key)).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Problem> {
        let node = self.value.take().unwrap_or(self.reader.node);
        seed.deserialize(self.reader.child(node))
    }
}

/// An enum's variant: its name alone, or its name and what belongs to it.
struct Tagged<'a> {
    tag: Reader<'a>,
    value: Option<Reader<'a>>,
}

impl<'de> EnumAccess<'de> for Tagged<'de> {
    type Error = Problem;
    type Variant = Content<'de>;
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'de>), Problem> {
        let tag = self.tag.clone();
        let variant = seed.deserialize(self.tag).map_err(|problem| problem.at(tag.node.span))?;
        Ok((variant, Content { tag, value: self.value }))
    }
}

/// What a variant of [`BARE`] has behind it where nothing stands there.
static EMPTY: Node = Node { span: Span { start: 0, end: 0 }, kind: Kind::Map(Vec::new()) };

struct Content<'a> {
    tag: Reader<'a>,
    value: Option<Reader<'a>>,
}

impl<'a> Content<'a> {
    fn value(self) -> Result<Reader<'a>, Problem> {
        let tag = self.tag.node;
        let name = if let Kind::Str(name) = &tag.kind { name } else { "name" };
        self.value.ok_or_else(|| {
            let mistake = Mistake::new(tag.span, "this wants something behind it");
            Problem(mistake.help(format!("write `{name}: …`")), true)
        })
    }
}

impl<'de> VariantAccess<'de> for Content<'de> {
    type Error = Problem;
    fn unit_variant(self) -> Result<(), Problem> {
        match self.value {
            Some(value) if !matches!(value.node.kind, Kind::Null) => {
                Err(Problem(Mistake::new(value.node.span, "this takes nothing behind it"), true))
            }
            _ => Ok(()),
        }
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Problem> {
        if let (None, Kind::Str(name)) = (&self.value, &self.tag.node.kind)
            && BARE.contains(&name.as_str())
        {
            return seed.deserialize(self.tag.child(&EMPTY));
        }
        seed.deserialize(self.value()?)
    }
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Problem> {
        self.value()?.deserialize_tuple(len, visitor)
    }
    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Problem> {
        self.value()?.deserialize_struct("", fields, visitor)
    }
}
