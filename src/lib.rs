//! `sockspec`: a conformance tester and grader for socket-programming labs.
//!
//! It loads YAML suites, plays the other side of the wire of a student's UDP or TCP program, records
//! what the program does there and in the kernel, and judges the record requirement by requirement.
//!
//! # The idea
//! 1. **Steps drive, checks judge.** A scenario's steps say what the grader does; its checks say what
//!    must then be true of the recorded facts. The [`runner`] judges nothing, the [`judge`] does no
//!    I/O. So a saved record can be judged again, without running a program.
//! 2. **Quiescence, not timeouts.** After a stimulus the runner waits until the program is at rest:
//!    the kernel says so ([`observe`]). "No reply will come" is then a fact, known in milliseconds.
//! 3. **The suite is proved, not trusted.** Reference programs pass everything; for each requirement
//!    a mutant exists that it rejects (`fixtures/`).
//!
//! # The house
//! A module imports only from floors below its own; `tests/floors.rs` checks that.
//!
//! | floor | modules | what lives there |
//! |---|---|---|
//! | 0 | [`text`], [`span`], [`ids`], [`roster`], [`event`], [`sys`] | bytes as shown; places in files; names; students; facts; all `unsafe` |
//! | 1 | [`spec`], [`sandbox`], [`peer`], [`observe`] | suites as written; isolation; our side of the wire; what the kernel knows |
//! | 2 | [`plan`], [`program`] | validated suites; programs: found, built, launched, stopped |
//! | 3 | [`runner`], [`judge`] | plan and program to record; record and plan to verdicts |
//! | 4 | [`worker`] | the process around one program |
//! | 5 | [`batch`], [`report`] | submissions; results to bytes |
//! | 6 | [`cli`] | arguments, wiring, exit codes |
//!
//! Data flows one way: YAML → `spec` → `plan` → `worker` (`runner` → records) → `judge` → results →
//! `report`.
//!
//! # What must hold
//! - The program's fault and ours are different things from the lowest floor to the exit status: what
//!   is ours is [`Fact::Trouble`](event::Fact::Trouble), then
//!   [`Verdict::Ungraded`](judge::verdict::Verdict::Ungraded), then status 3, and costs no points.
//! - Time counts against a program only while it could have run.
//! - What a program says is hostile in every output: it is shown through [`text`] or a reporter's
//!   sanitiser.
//! - No process outlives its run: the worker is the subreaper of the program's whole tree, and ends
//!   it when the parent is gone.

pub mod batch;
pub mod cli;
pub mod event;
pub mod ids;
pub mod judge;
pub mod observe;
pub mod peer;
pub mod plan;
pub mod program;
pub mod report;
pub mod roster;
pub mod runner;
pub mod sandbox;
pub mod span;
pub mod spec;
pub mod sys;
pub mod text;
pub mod worker;
