//! From records to verdicts. Pure: no I/O, no clock, no randomness.

pub mod verdict;
