//! Suites, dialects and assignments as written, and the built-in ones.

pub mod builtin;
pub mod dialect;
pub mod node;
pub mod placed;
pub mod reader;
pub mod suite;
pub mod values;
