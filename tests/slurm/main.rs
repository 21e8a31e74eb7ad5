//! A cohort graded on more than one machine: by a real Slurm with two nodes, which this test starts on one host
//! from Debian's packages, in a folder and at ports of its own; and what is printed for Kubernetes and GitHub
//! Actions, against their published schemas.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by a panic")]
#![allow(dead_code, reason = "the course and the grader are those of tests/cohort")]

mod cluster;
#[path = "../cohort/course.rs"]
mod course;
mod failures;
#[path = "../cohort/grader.rs"]
mod grader;
mod nodes;
#[path = "../support/packing.rs"]
mod packing;
mod printed;
#[path = "../support/mod.rs"]
mod support;
mod tasks;
#[path = "../reports/tools.rs"]
mod tools;
