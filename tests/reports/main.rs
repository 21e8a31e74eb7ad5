//! Each report format, read by something that others wrote: a JUnit reader, CTRF's own validator, Perl's TAP
//! parser, Python's csv, a Markdown renderer that makes links as GitHub does. The programs are real ones:
//! a mutant with hidden requirements beside it and a program missing, and one that prints whatever breaks
//! a report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by a panic")]

mod hidden;
mod platforms;
mod readers;
mod runs;
mod tools;
