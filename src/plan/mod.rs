//! A validated, resolved, immutable suite.

pub mod model;
pub mod points;
pub mod template;
