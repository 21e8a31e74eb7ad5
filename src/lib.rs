//! placeholder
pub mod batch;
pub mod event;
pub mod ids;
pub mod judge;
pub mod observe;
pub mod peer;
pub mod plan;
pub mod program;
pub mod runner;
pub mod sandbox;
pub mod span;
pub mod spec;
pub mod sys;
pub mod text;
pub mod worker;
