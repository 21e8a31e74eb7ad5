//! From [`Node`]s to types: a `Deserializer` that notes mistakes and goes on.
//!
//! - A key that a struct does not know is noted, with the nearest one that it knows.
//! - A value of the wrong kind is noted and replaced by an empty one, since the result is thrown
//!   away anyhow once there is a mistake.
//! - What else goes wrong inside a [`Part`](super::placed::Part) is noted there, and the other parts are read.
//! - A struct that is named in [`SHORT`] may be written as the value of its first field alone:
//!   `connect: alice` for `connect: { peer: alice }`.

mod access;
mod problem;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use access::{Attempt, Entries, Items, PlacedParts, Tagged};
use problem::Problem;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::span::Mistake;
use crate::spec::node::{Kind, Node};
use crate::spec::placed::{PART, PLACED};

/// Structs that may be written as their first field alone.
pub const SHORT: &[&str] = &["Open", "Bind", "Connect", "Listen", "Accept"];

/// Variants that may be written alone, though something can stand behind them.
pub const BARE: &[&str] = &["start"];

/// Reads a type from a node, and all mistakes on the way.
///
/// # Errors
/// All mistakes that were found, in the order of the file.
pub fn read<'de, T: Deserialize<'de> + JsonSchema>(node: &'de Node) -> Result<T, Vec<Mistake>> {
    match read_partly(node) {
        (Some(value), mistakes) if mistakes.is_empty() => Ok(value),
        (_, mistakes) => Err(mistakes),
    }
}

/// Reads what can be read of a type, and all mistakes on the way, in the order of the file. So that
/// what is right in a file with a mistake can be looked at as well.
pub fn read_partly<'de, T: Deserialize<'de> + JsonSchema>(node: &'de Node) -> (Option<T>, Vec<Mistake>) {
    let notes = Rc::new(RefCell::new(Vec::new()));
    let result = T::deserialize(Reader { node, notes: Rc::clone(&notes), required: required::<T> });
    let mut mistakes: Vec<Mistake> = notes.take();
    let value = result.map_err(|problem| mistakes.push(problem.0)).ok();
    mistakes.sort_by_key(|mistake| mistake.span.start);
    (value, mistakes)
}

/// The keys that each struct must have, by the struct's name.
type Required = BTreeMap<String, Vec<String>>;

/// What a type's schema says is required. Only serde's own code knows it otherwise, and that stops at
/// the first key that is missing.
fn required<T: JsonSchema>() -> Required {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    let keys = |schema: &serde_json::Value| -> Vec<String> {
        let list = schema.get("required").and_then(serde_json::Value::as_array);
        list.into_iter().flatten().filter_map(|key| key.as_str().map(str::to_owned)).collect()
    };
    let definitions = schema.get("$defs").and_then(serde_json::Value::as_object);
    let mut all: Required =
        definitions.into_iter().flatten().map(|(name, schema)| (name.clone(), keys(schema))).collect();
    all.insert(T::schema_name().into_owned(), keys(schema.as_value()));
    all
}

type Notes = Rc<RefCell<Vec<Mistake>>>;

#[derive(Clone)]
struct Reader<'a> {
    node: &'a Node,
    notes: Notes,
    required: fn() -> Required,
}

impl<'a> Reader<'a> {
    fn child(&self, node: &'a Node) -> Self {
        Self { node, notes: Rc::clone(&self.notes), required: self.required }
    }

    /// What kept a struct from being read; with all keys that are missing in this mapping.
    fn incomplete(&self, name: &str, problem: Problem) -> Problem {
        let Kind::Map(entries) = &self.node.kind else { return problem };
        let has = |wanted: &str| entries.iter().any(|(key, _)| matches!(&key.kind, Kind::Str(key) if key == wanted));
        let required = (self.required)().remove(name).unwrap_or_default();
        let missing: Vec<String> = required.iter().filter(|key| !has(key)).map(|key| format!("`{key}`")).collect();
        let [first, .., last] = missing.as_slice() else { return problem };
        let others = missing[1..missing.len() - 1].iter().map(|key| format!(", {key}")).collect::<String>();
        let mistake = Mistake::new(self.node.span, format!("{first}{others} and {last} are missing here"));
        if problem.1 {
            // It is something else, deeper within.
            self.notes.borrow_mut().push(mistake);
            return problem;
        }
        Problem(mistake, true)
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
            Kind::Map(_) => visitor
                .visit_map(Entries::new(self.clone(), Some(fields)))
                .map_err(|problem| self.incomplete(name, problem)),
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
