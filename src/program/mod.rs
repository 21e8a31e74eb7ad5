//! Finding, launching, feeding and stopping a program under test.

pub mod find;
pub mod language;
pub mod launch;
pub mod reference;
pub mod sweep;
