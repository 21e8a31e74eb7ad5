//! placeholder
pub mod event;
pub mod ids;
pub mod judge;
pub mod plan;
pub mod span;
pub mod spec;
pub mod text;
