//! The JSON Schemas of the three kinds of files, for editors.
//!
//! They are generated from the types, and say what the reader does beyond them: no unknown keys,
//! and the short forms.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::plan::lint::FileKind;
use crate::spec::dialect::{Assignment, Dialect};
use crate::spec::reader::{BARE, SHORT};
use crate::spec::suite::Suite;

/// The name of a kind's schema, in the folder `specs`.
#[must_use]
pub fn file_name(kind: FileKind) -> String {
    format!("{}.schema.json", kind.key())
}

/// The schema of a kind of files, as it stands in `specs`.
#[must_use]
pub fn text(kind: FileKind) -> String {
    let schema = match kind {
        FileKind::Suite => of::<Suite>("A suite of sockspec"),
        FileKind::Dialect => of::<Dialect>("A dialect of sockspec"),
        FileKind::Assignment => of::<Assignment>("An assignment of sockspec"),
    };
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

fn of<T: JsonSchema>(title: &str) -> Schema {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    RecursiveTransform(closed).transform(&mut schema);
    RecursiveTransform(plain).transform(&mut schema);
    schema.insert("title".to_owned(), json!(title));
    if let Some(Value::Object(definitions)) = schema.get_mut("$defs") {
        short_forms(definitions);
    }
    schema
}

/// No keys beside those that are known.
fn closed(schema: &mut Schema) {
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".to_owned(), json!(false));
    }
}

/// What only Rust's types have: the formats of numbers, defaults that say nothing.
fn plain(schema: &mut Schema) {
    schema.remove("format");
    if schema.get("default").is_some_and(|default| matches!(default, Value::Object(_) | Value::Array(_))) {
        schema.remove("default");
    }
}

/// Structs that may be written as a text, and variants that may stand alone.
fn short_forms(definitions: &mut Map<String, Value>) {
    for name in SHORT {
        if let Some(definition) = definitions.get_mut(*name) {
            let long = definition.take();
            *definition = json!({ "description": long["description"], "anyOf": [{ "type": "string" }, long] });
        }
    }
    for definition in definitions.values_mut() {
        let Some(Value::Array(variants)) = definition.get_mut("oneOf") else { continue };
        for variant in variants {
            let bare = BARE.iter().find(|name| variant["properties"].get(**name).is_some());
            if let Some(name) = bare {
                let long = variant.take();
                *variant = json!({ "description": long["description"], "anyOf": [{ "const": name }, long] });
            }
        }
    }
}
