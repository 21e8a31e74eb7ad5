//! What is run and judged: a suite under a dialect and an assignment, checked and resolved.
//!
//! Everything here is serializable, since a plan travels to the worker and is kept beside the
//! records that it led to.

use serde::{Deserialize, Serialize};

use crate::ids::{RequirementId, Role, ScenarioId, Transport};
use crate::plan::points::Points;
use crate::plan::template::Template;
pub use crate::spec::dialect::{Closer, Framing, Level, Show, Visibility};
pub use crate::spec::suite::{Ending, Exits};
pub use crate::spec::values::Millis;

/// All that is asked of the program of one role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The suite's name.
    pub suite: String,
    /// The role.
    pub role: Role,
    /// What differs between dialects, resolved.
    pub dialect: Dialect,
    /// The assigned port.
    pub port: u16,
    /// What is asked, in the order of the suite's IDs (by number). Those that are off are left out.
    pub requirements: Vec<Requirement>,
    /// The runs. Those that the dialect rules out, or whose checks are all off, are left out.
    pub scenarios: Vec<Scenario>,
    /// What a student is shown of a failure.
    pub show: Show,
}

/// A dialect, resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialect {
    /// Its name.
    pub name: String,
    /// How a sentence ends in TCP.
    pub framing: Framing,
    /// Who closes the TCP connection first.
    pub closes_first: Closer,
    /// The bytes that a UDP program can take at once.
    pub udp_buffer: u32,
}

impl Dialect {
    /// What marks the end of a sentence in TCP.
    #[must_use]
    pub fn end(&self) -> &'static str {
        match self.framing {
            Framing::Message => "",
            Framing::Line => "\n",
        }
    }
}

/// One requirement, resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Requirement {
    /// Its ID.
    pub id: RequirementId,
    /// The sentence.
    pub title: String,
    /// Required or extra.
    pub level: Level,
    /// What it is worth; an extra is worth nothing unless the assignment says so.
    pub points: Points,
    /// Why it is needed.
    pub why: String,
    /// What to look at when it fails.
    pub hint: String,
    /// Where it stands.
    pub source: Option<String>,
    /// What must hold for it to be testable. Each stands before it in the plan.
    pub needs: Vec<RequirementId>,
    /// Who sees it: nobody who may not see all that it needs, for that it could not be tested would tell of it.
    pub visibility: Visibility,
    /// The requirement that it has that from, where it was to be seen by more: one that it needs, by whatever way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden_with: Option<RequirementId>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Its ID.
    pub id: ScenarioId,
    /// What happens, in words.
    pub title: String,
    /// Whether the program is started for it alone.
    pub fresh: bool,
    /// The scenarios that are left out where all checks of this one hold.
    #[serde(default)]
    pub covers: Vec<ScenarioId>,
    /// Values, in an order in which each can be filled in from those before it.
    pub values: Vec<(String, Template)>,
    /// What the grader does.
    pub steps: Vec<Step>,
    /// What must then be true.
    pub checks: Vec<Check>,
    /// The ports that it must have to itself on a shared network: the assigned
    /// one, which a client speaks to also where nobody is to be there, and those that our side binds.
    pub ports: Vec<(Transport, u16)>,
}

/// One thing that the grader does. `spec::suite::Step` says what each is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Let the program come to rest.
    Settle,
    /// Wait, in milliseconds, or until the program is at rest without a timer.
    Pause(u64),
    /// Name this moment.
    Mark(String),
    /// Count descriptors, threads and sockets.
    Look(String),
    /// Open a UDP client.
    Open {
        /// Its name.
        peer: String,
        /// Its port is unreachable for replies.
        gone: bool,
        /// It speaks to another address of the host.
        elsewhere: bool,
    },
    /// Open a UDP server.
    Bind {
        /// Its name.
        peer: String,
        /// On any port instead of the assigned one.
        anywhere: bool,
    },
    /// Connect to the program.
    Connect {
        /// The connection's name.
        peer: String,
        /// To another address of the host.
        elsewhere: bool,
    },
    /// Listen on the assigned port.
    Listen {
        /// Its name.
        peer: String,
    },
    /// Take the next connection, once there is one or the program is at rest.
    Accept {
        /// The listening peer.
        on: String,
        /// The connection's name.
        peer: String,
    },
    /// Wait until the peer has received something since it last sent; else the rest is left out.
    Await(String),
    /// Send.
    Send {
        /// Who.
        from: String,
        /// What.
        what: Payload,
        /// In how many segments, at least 1.
        segments: u32,
        /// Milliseconds between segments.
        pause: u64,
        /// The peer whose last client is meant.
        to: Option<String>,
    },
    /// End a peer's sending side.
    Shutdown(String),
    /// Close a peer.
    Close(String),
    /// Reset a peer's connection.
    Reset(String),
    /// Start the program.
    Start {
        /// What is written to its standard input.
        input: Option<Template>,
    },
    /// Write to its standard input.
    Input(Template),
    /// Close its standard input.
    EndInput,
    /// Stop it.
    Stop,
    /// Stop and start it.
    Restart,
    /// Do steps several times.
    Repeat {
        /// How often.
        times: u32,
        /// Values that are drawn each time.
        values: Vec<(String, Template)>,
        /// The steps.
        steps: Vec<Step>,
    },
    /// Do lists of steps at the same time.
    AtOnce(Vec<Vec<Step>>),
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Payload {
    /// Text.
    Text(Template),
    /// Bytes as they stand.
    Bytes(crate::text::Bytes),
}

/// A predicate over the record, for one requirement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The requirement.
    pub requirement: RequirementId,
    /// The part of the record that it looks at.
    pub window: Window,
    /// What must be true there: all of it.
    pub predicates: Vec<Predicate>,
}

/// A part of a record, between marks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Window {
    /// From this mark on.
    pub after: Option<String>,
    /// Up to this mark.
    pub before: Option<String>,
}

/// One thing that must be true. Those about a peer hold for each endpoint of that name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Predicate {
    /// What a peer received, all together.
    Received {
        /// The peer.
        peer: String,
        /// What it must be.
        is: TextIs,
    },
    /// What the first datagram that a peer received held.
    First {
        /// The peer.
        peer: String,
        /// What it must be.
        is: TextIs,
    },
    /// How many datagrams a peer received.
    Datagrams {
        /// The peer.
        peer: String,
        /// How many.
        many: Many,
    },
    /// Each datagram came from where the peer's own had gone.
    AnsweredFromThere {
        /// The peer.
        peer: String,
    },
    /// How the program ended its half of the peer's stream.
    Ended {
        /// The peer.
        peer: String,
        /// How.
        how: Ending,
    },
    /// How many connections the program made to a listening peer.
    Connections {
        /// The listening peer.
        peer: String,
        /// How many.
        many: Many,
    },
    /// The program's ports, as a peer saw them, were chosen by the system.
    OwnPorts {
        /// The peer (a bound or listening one).
        peer: String,
    },
    /// The program speaks to the peer at the assigned port.
    AssignedPort {
        /// The peer (a bound or listening one).
        peer: String,
    },
    /// The program bound a socket of this transport to the assigned port.
    Bound {
        /// The transport.
        transport: Transport,
    },
    /// The program runs, or does not.
    Running(bool),
    /// The program had a socket at the first look, and at the second nothing lies unread in any.
    Reads {
        /// The look before something is sent to it.
        first: String,
        /// The look after that.
        second: String,
    },
    /// The program ended by itself.
    Exits(Exits),
    /// What the program printed.
    Printed(TextIs),
    /// No more descriptors at the second look than at the first.
    DescriptorsKept {
        /// The look before.
        first: String,
        /// The look after.
        second: String,
    },
    /// The same listening socket at both looks.
    SameListener {
        /// The look before.
        first: String,
        /// The look after.
        second: String,
    },
}

/// What a text must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextIs {
    /// Nothing came.
    Nothing,
    /// Something came.
    Something,
    /// Exactly this.
    Equals(Template),
    /// This is in it.
    Contains(Template),
    /// This is in it, whatever the case of ASCII letters.
    ContainsAnyCase(Template),
    /// This is not in it.
    Lacks(Template),
    /// As long as this, in bytes.
    AsLongAs(Template),
    /// It looks like this regular expression.
    Matches(String),
}

/// How many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Many {
    /// Exactly so many.
    Exactly(u32),
    /// So many or more.
    AtLeast(u32),
    /// As many as the peer sent.
    AsSent,
}

impl Plan {
    /// The requirement with this ID.
    #[must_use]
    pub fn requirement(&self, id: &RequirementId) -> Option<&Requirement> {
        self.requirements.iter().find(|requirement| requirement.id == *id)
    }

    /// The scenario with this ID.
    #[must_use]
    pub fn scenario(&self, id: &ScenarioId) -> Option<&Scenario> {
        self.scenarios.iter().find(|scenario| scenario.id == *id)
    }
}

impl Plan {
    /// A property of the dialect, as templates name them.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<String> {
        match name {
            "port" => Some(self.port.to_string()),
            "end" => Some(self.dialect.end().to_owned()),
            "udp-buffer" => Some(self.dialect.udp_buffer.to_string()),
            _ => None,
        }
    }
}

impl Predicate {
    /// The peer that it is about, where it is about one.
    #[must_use]
    pub fn peer_name(&self) -> Option<&str> {
        match self {
            Self::Received { peer, .. }
            | Self::First { peer, .. }
            | Self::Datagrams { peer, .. }
            | Self::AnsweredFromThere { peer }
            | Self::Ended { peer, .. }
            | Self::Connections { peer, .. }
            | Self::OwnPorts { peer }
            | Self::AssignedPort { peer } => Some(peer),
            _ => None,
        }
    }
}
