//! What goes wrong in the grader's own world: a clock that is set, signals, workers that are killed, too few
//! descriptors, disks that are full. Each verdict is then that of the right run, or there is none and it is
//! said why; never another. (What becomes of a cohort on such disks: tests/cohort.)
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by a panic")]

mod clock;
mod descriptors;
mod disks;
#[path = "../cohort/grader.rs"]
#[allow(dead_code, reason = "the cohort's tests take the rest")]
mod grader;
mod grading;
#[path = "../support/packing.rs"]
mod packing;
mod processes;
mod signals;
#[path = "../support/mod.rs"]
mod support;
mod workers;
