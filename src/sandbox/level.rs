//! How well a program is isolated.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How well a program is isolated; named in every report. Ordered from the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// In namespaces of its own, network included: no port is ever taken.
    PrivateNetwork,
    /// Without namespaces, but confined by the kernel in what it may touch.
    Confined,
    /// An ordinary process group with resource limits.
    Plain,
}

impl Level {
    /// The best level that is available here.
    #[must_use]
    pub fn best() -> Self {
        Self::Plain
    }

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
