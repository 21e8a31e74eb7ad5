//! What decides a grading beside the files of a submission, as a hash: where it is another, a stored
//! verdict says nothing any more.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::Stop;
use super::args::Shelf;
use crate::plan::Choice;
use crate::sandbox::Level;

/// What was asked for on the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags {
    /// The level of isolation.
    pub isolation: Option<Level>,
    /// What nonces are drawn from.
    pub seed: Option<u64>,
}

/// The hash of what decides how programs are started and fed: what a record was made under says nothing of
/// another.
///
/// # Errors
/// Every mistake in the assignment and its suites.
pub fn of_running(shelf: &Shelf) -> Result<String, Stop> {
    let resolved = shelf.library.resolve(&shelf.choice())?;
    let text = format!("{:?}{:?}{:?}", resolved.programs, resolved.limits, resolved.hosts);
    Ok(blake3::hash(text.as_bytes()).to_hex().to_string())
}

/// The hash of all of it: the tool, the assignment, the suites in each dialect that a program may turn out
/// to speak, the flags.
///
/// # Errors
/// Every mistake in the assignment and its suites.
pub fn of(shelf: &Shelf, flags: &Flags) -> Result<String, Stop> {
    // Of two builds of one version, which differ in what they do, hardly ever are the files as long.
    let length = std::env::current_exe().and_then(std::fs::metadata).map_or(0, |file| file.len());
    let mut text = format!("sockspec {} {length}\n", env!("CARGO_PKG_VERSION"));
    let resolved = shelf.library.resolve(&shelf.choice())?;
    // Two values that differ in anything print differently; who reads this is a hash.
    let _ = writeln!(text, "{resolved:?}\n{flags:?}\n{}", shelf.tells_dialect());
    for dialect in shelf.spoken()? {
        let choice = Choice { dialect: Some(&dialect), ..shelf.choice() };
        for role in &resolved.roles {
            let plan = shelf.library.plan(*role, &choice)?;
            text.push_str(&serde_json::to_string(&plan).map_err(anyhow::Error::from)?);
        }
    }
    Ok(blake3::hash(text.as_bytes()).to_hex().to_string())
}
