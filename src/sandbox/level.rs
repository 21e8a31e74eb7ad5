//! How well a program is isolated.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How well a program is isolated; named in every report. Ordered from the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// In namespaces of its own (bubblewrap), network included: no port is ever taken, and of the
    /// machine it sees what it needs.
    PrivateNetwork,
    /// Without bubblewrap, but confined by the kernel in what it may touch (Landlock, seccomp).
    Confined,
    /// An ordinary process group with resource limits, in its own copy of the submission.
    Plain,
}

impl Level {
    /// All of them, the best first.
    pub const ALL: [Self; 3] = [Self::PrivateNetwork, Self::Confined, Self::Plain];

    /// Its name in flags and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PrivateNetwork => "private-network",
            Self::Confined => "confined",
            Self::Plain => "plain",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|level| level.name() == text);
        named.ok_or_else(|| format!("there is no isolation level `{text}`: private-network, confined, plain"))
    }
}
