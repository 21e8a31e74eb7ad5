//! Who speaks with whom, and why not. Pure: from what was observed of a client and a server
//! ([`Meeting`](crate::event::Meeting)) to an outcome, and from all outcomes to what they say together.

mod exchange;
mod reason;
mod summary;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::ids::Transport;

pub use exchange::{Exchange, ports};
pub use reason::outcome;

/// Every client with every server, transport by transport.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Crossplay {
    /// When it began: RFC 3339, UTC.
    pub at: String,
    /// What sentences were drawn from.
    pub seed: u64,
    /// How programs were isolated; `none` where nothing was run.
    pub isolation: String,
    /// A table for each transport of which there is a client or a server.
    pub tables: Vec<Table>,
    /// Submissions of which programs are missing from the tables, with why and what to do.
    pub left_out: Vec<LeftOut>,
}

/// A submission of which programs could not be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Which.
    pub name: String,
    /// Why, and what to do.
    pub reason: String,
}

/// The clients and servers of one transport.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// UDP or TCP.
    pub transport: Transport,
    /// The rows.
    pub clients: Vec<Player>,
    /// The columns.
    pub servers: Vec<Player>,
    /// A row for each client, with a cell for each server.
    pub cells: Vec<Vec<Cell>>,
}

/// A program that was to speak with others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Player {
    /// Its submission's name.
    pub name: String,
    /// Its file, relative to the submission.
    pub path: String,
    /// Its language, in words.
    pub language: String,
    /// Whether it is one of the tester's own.
    pub reference: bool,
    /// The port on which it was found to wait, or to which it spoke; none where that is not known, or it is
    /// told its port when it is started.
    pub port: Option<u16>,
}

/// What came of a client and a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// What came of them as they are.
    pub outcome: Outcome,
    /// What would come of them had they a port in common, where that is all that is known of them.
    pub then: Option<Outcome>,
}

/// What came of two programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The client printed what it was to print: its sentence in capitals, as the server sent it.
    Speaks,
    /// It did not.
    Fails(Cause),
    /// That could not be found out, by our fault or the machine's: why, and what to do.
    Untried(String),
}

/// Why two programs do not speak with each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cause {
    /// Its name, for programs (`waits-for-newline`).
    pub code: String,
    /// It in words, of `the client` and `the server`. What a program wrote stands in it quoted.
    pub words: String,
}

impl Cause {
    /// A cause.
    #[must_use]
    pub fn new(code: &str, words: impl Into<String>) -> Self {
        Self { code: code.to_owned(), words: words.into() }
    }
}

impl Outcome {
    /// A failure for this cause.
    #[must_use]
    pub fn fails(code: &str, words: impl Into<String>) -> Self {
        Self::Fails(Cause::new(code, words))
    }

    /// Its name in reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Speaks => "speaks",
            Self::Fails(_) => "fails",
            Self::Untried(_) => "untried",
        }
    }
}

impl Cell {
    /// One that is known as it is.
    #[must_use]
    pub fn plain(outcome: Outcome) -> Self {
        Self { outcome, then: None }
    }

    /// The cause, where there is one, with what else would be. Which ports differ stands with the programs,
    /// so that pairs can be grouped.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let first = match &self.outcome {
            Outcome::Speaks => return None,
            Outcome::Fails(cause) => &cause.words,
            Outcome::Untried(reason) => reason,
        };
        Some(match &self.then {
            None => first.clone(),
            Some(Outcome::Speaks) => "their ports differ; on a common one they speak with each other".to_owned(),
            Some(Outcome::Fails(cause)) => format!("their ports differ; and on a common one, {}", cause.words),
            Some(Outcome::Untried(reason)) => {
                format!("their ports differ, and on a common one they could not be tried: {reason}")
            }
        })
    }
}
