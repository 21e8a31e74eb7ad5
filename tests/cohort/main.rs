//! A cohort, from a course's export to its rows: killed and taken up again, in parts, in every layout, with
//! programs that mean no good, on a disk that is full. Each verdict is that of the submission graded alone.
//!
//! `SOCKSPEC_COHORT=300 cargo test --release --test cohort kills` grades so many; `tests/bench/cohort` measures it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by a panic")]

mod again;
mod course;
mod disks;
mod grader;
mod kills;
#[path = "../support/packing.rs"]
mod packing;
mod parts;
mod rows;
#[path = "../support/mod.rs"]
mod support;
mod time;
