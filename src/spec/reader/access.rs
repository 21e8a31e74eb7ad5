//! What stands inside of something: the items of a list, the entries of a mapping, a variant's content.

use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::problem::Problem;
use super::{BARE, Reader};
use crate::span::{Mistake, Span, suggest};
use crate::spec::node::{Kind, Node};

/// The three members of a [`Placed`]: where it starts, where it ends, what it is.
pub(super) struct PlacedParts<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) next: usize,
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

pub(super) struct Items<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) items: std::slice::Iter<'a, Node>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Problem;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        self.items.next().map(|item| seed.deserialize(self.reader.child(item))).transpose()
    }
}

/// The one member of a [`Part`]: there where it can be read, else noted and missing.
pub(super) struct Attempt<'a> {
    pub(super) reader: Option<Reader<'a>>,
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
pub(super) struct Entries<'a> {
    pub(super) reader: Reader<'a>,
    entries: std::slice::Iter<'a, (Node, Node)>,
    fields: Option<&'static [&'static str]>,
    value: Option<&'a Node>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(reader: Reader<'a>, fields: Option<&'static [&'static str]>) -> Self {
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
pub(super) struct Tagged<'a> {
    pub(super) tag: Reader<'a>,
    pub(super) value: Option<Reader<'a>>,
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

pub(super) struct Content<'a> {
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
