//! Small values with a form of their own.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

/// A length of time, written `300ms` or `10s`; in milliseconds, an hour at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MillisVisitor;
        impl Visitor<'_> for MillisVisitor {
            type Value = Millis;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time such as `300ms` or `10s`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Millis, E> {
                let wrong = || E::custom(format!("`{text}` is no length of time: write `300ms` or `10s`"));
                let (digits, unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
                    (Some(digits), _) => (digits, 1),
                    (None, Some(digits)) => (digits, 1000),
                    (None, None) => return Err(wrong()),
                };
                let number: u64 = digits.trim().parse().map_err(|_| wrong())?;
                match number.checked_mul(unit) {
                    Some(millis) if millis <= 3_600_000 => Ok(Millis(millis)),
                    _ => Err(E::custom("longer than an hour")),
                }
            }
            fn visit_u64<E: de::Error>(self, millis: u64) -> Result<Millis, E> {
                Ok(Millis(millis))
            }
        }
        // JSON (a job, a record) has the number, YAML the text with its unit.
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(MillisVisitor)
        } else {
            deserializer.deserialize_u64(MillisVisitor)
        }
    }
}

impl JsonSchema for Millis {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Millis".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9]+(ms|s)$",
            "description": "A length of time: `300ms`, `10s`."
        })
    }
}
