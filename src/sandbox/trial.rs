//! What came of trying bubblewrap out. It is tried once for all workers of a grader: a program that does nothing
//! costs a quarter of what an interpreter does.

use serde::{Deserialize, Serialize};

/// How bubblewrap works on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Whether it can forbid further user namespaces itself.
    pub seals: bool,
    /// Microseconds of a processor for the start of a program that does nothing.
    pub micros: u64,
}

/// The variable by which a worker is told, as JSON.
const VARIABLE: &str = "SOCKSPEC_TRIED";

impl Trial {
    /// What the grader has told this worker.
    #[must_use]
    pub fn told() -> Option<Self> {
        serde_json::from_str(&std::env::var(VARIABLE).ok()?).ok()
    }

    /// The variable and its value, to tell a worker.
    #[must_use]
    pub fn variable(&self) -> (&'static str, String) {
        (VARIABLE, serde_json::to_string(self).unwrap_or_default())
    }
}
