//! A validated, resolved, immutable suite.
//!
//! `spec` says what is written, with its place; this floor says what it means. [`Library`] knows all
//! suites and dialects, [`convert`] turns one suite under one dialect and assignment into a
//! [`model::Plan`], and whatever is wrong comes back as [`Report`]s, all of it at once.

pub mod assignment;
pub mod convert;
pub mod diagnose;
pub mod library;
pub mod lint;
pub mod model;
pub mod points;
pub mod schema;
mod settings;
pub mod source;
pub mod template;

pub use assignment::{Loaded, Resolved};
pub use diagnose::Report;
pub use library::{AUTO, Choice, Library};
pub use source::Source;
