//! The newtypes that other floors speak in: roles, requirement and scenario names, peers.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// TCP or UDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Datagrams (RFC 768).
    Udp,
    /// Streams (RFC 9293).
    Tcp,
}

impl Transport {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Udp => Self::Tcp,
            Self::Tcp => Self::Udp,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        })
    }
}

/// Which end of the wire the program under test is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The program binds and waits; our peers are clients.
    Server,
    /// The program speaks first; our peers are servers.
    Client,
}

/// What a program is asked to be: one of the four programs of the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A UDP server.
    UdpServer,
    /// A UDP client.
    UdpClient,
    /// A TCP server.
    TcpServer,
    /// A TCP client.
    TcpClient,
}

impl Role {
    /// All four, in the order in which they are graded and shown.
    pub const ALL: [Self; 4] = [Self::UdpServer, Self::UdpClient, Self::TcpServer, Self::TcpClient];

    /// The role's name in suites, flags and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UdpServer => "udp-server",
            Self::UdpClient => "udp-client",
            Self::TcpServer => "tcp-server",
            Self::TcpClient => "tcp-client",
        }
    }

    /// The role's transport.
    #[must_use]
    pub fn transport(self) -> Transport {
        match self {
            Self::UdpServer | Self::UdpClient => Transport::Udp,
            Self::TcpServer | Self::TcpClient => Transport::Tcp,
        }
    }

    /// The role's end of the wire.
    #[must_use]
    pub fn side(self) -> Side {
        match self {
            Self::UdpServer | Self::TcpServer => Side::Server,
            Self::UdpClient | Self::TcpClient => Side::Client,
        }
    }

    /// The role in words: `UDP server`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::UdpServer => "UDP server",
            Self::UdpClient => "UDP client",
            Self::TcpServer => "TCP server",
            Self::TcpClient => "TCP client",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| format!("`{text}` is no role; the roles are udp-server, udp-client, tcp-server, tcp-client"))
    }
}

/// A requirement's ID, such as `TCPS-5`. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RequirementId(pub String);

impl fmt::Display for RequirementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A scenario's ID, unique in its suite.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ScenarioId(pub String);

impl fmt::Display for ScenarioId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One of our endpoints: the name that the suite gives it, and which of the endpoints of that name
/// it is (a `repeat` opens `alice` again and again; the first is number 0).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Peer {
    /// The name in the suite.
    pub name: String,
    /// Counts the endpoints of that name, from 0.
    pub number: u32,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.number == 0 { f.write_str(&self.name) } else { write!(f, "{}#{}", self.name, self.number + 1) }
    }
}
