//! Dialects and assignments as they are written.
//!
//! What editions of the book and courses do differently is a dialect; what one teacher asks of one
//! class is an assignment, which extends a dialect.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::Role;
use crate::spec::placed::{Part, Placed};
use crate::spec::suite::Name;

/// Whether a requirement costs points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It costs points.
    #[default]
    Required,
    /// It is tested and reported, and worth no points.
    Extra,
    /// It is not tested.
    Off,
}

/// How a sentence ends in a TCP stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Framing {
    /// One `send` is one sentence; nothing marks its end.
    #[default]
    Message,
    /// A sentence ends with a newline, and so does the reply.
    Line,
}

/// Who closes the TCP connection first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Closer {
    /// The server, right after its reply.
    #[default]
    Server,
    /// The client, once it has the reply.
    Client,
}

/// What differs between dialects; each can be set by an assignment.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct Properties {
    /// The port of the UDP programs.
    pub udp_port: Option<u16>,
    /// The port of the TCP programs.
    pub tcp_port: Option<u16>,
    /// How a sentence ends in TCP.
    pub framing: Option<Framing>,
    /// Who closes the TCP connection first.
    pub closes_first: Option<Closer>,
    /// The bytes that a UDP program can take at once.
    pub udp_buffer: Option<u32>,
}

/// A dialect file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Dialect {
    /// Its name.
    pub dialect: Name,
    /// What it is, in a line.
    pub title: String,
    /// What it sets.
    pub properties: Properties,
    /// Requirements that it moves to another level.
    #[serde(default)]
    pub levels: BTreeMap<Name, Placed<Level>>,
}

/// Who sees a requirement's verdict (the words are Gradescope's).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// The student, at once.
    #[default]
    Visible,
    /// The teacher alone.
    Hidden,
    /// The student, once the assignment is due.
    AfterDueDate,
    /// The student, once grades are published.
    AfterPublished,
}

impl Visibility {
    /// How long it keeps a verdict from a student, to compare: grades are published when all that is due is in.
    #[must_use]
    pub fn secrecy(self) -> u8 {
        match self {
            Self::Visible => 0,
            Self::AfterDueDate => 1,
            Self::AfterPublished => 2,
            Self::Hidden => 3,
        }
    }
}

/// What a student is shown of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Show {
    /// What was expected, what was seen, why, and a hint.
    #[default]
    Full,
    /// What was seen.
    Actual,
    /// The verdict alone.
    None,
}

/// An assignment file (`sockspec.yaml`).
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct Assignment {
    /// Its name.
    pub assignment: Name,
    /// What it is, in a line.
    pub title: Option<String>,
    /// The dialect that it extends; `python` if none is named.
    pub dialect: Option<Name>,
    /// What it sets otherwise than the dialect.
    #[serde(default)]
    pub properties: Properties,
    /// The roles that a submission must have; all four if none are named.
    pub roles: Option<Vec<Placed<Role>>>,
    /// What the required requirements of a role add up to; 25 if nothing is said.
    #[serde(default)]
    pub points: BTreeMap<Role, Placed<f64>>,
    /// What it changes about single requirements, by ID.
    #[serde(default)]
    pub requirements: BTreeMap<Name, Part<Placed<RequirementChange>>>,
    /// What a student is shown of a failure.
    #[serde(default)]
    pub show: Show,
    /// How each role's program is found, started and fed.
    #[serde(default)]
    pub programs: BTreeMap<Role, Part<ProgramChange>>,
    /// Host names that the programs may use for the other side, beside the usual ones. They mean this
    /// machine, where the programs have a network of their own.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Limits for the programs.
    #[serde(default)]
    pub limits: LimitsChange,
    /// Further suites: files, relative to this one. Each takes the place of the suite for its role.
    #[serde(default)]
    pub suites: Vec<Placed<String>>,
}

/// What an assignment changes about one requirement.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct RequirementChange {
    /// Its level.
    pub level: Option<Level>,
    /// Its points, exactly.
    pub points: Option<Placed<f64>>,
    /// Who sees it.
    pub visibility: Option<Visibility>,
}

/// How an assignment wants a role's program found, started and fed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProgramChange {
    /// File names to look for, in this order; `*` stands for any text.
    #[serde(default)]
    pub files: Vec<String>,
    /// Commands that build it, one after the other, each a list of words; `{file}`, `{host}` and `{port}`
    /// are filled in.
    #[serde(default)]
    pub build: Vec<CommandLine>,
    /// The command line; `{file}`, `{host}` and `{port}` are filled in.
    pub run: Option<Vec<String>>,
    /// Arguments behind the file; `{host}` and `{port}` are filled in.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Text written to standard input before the sentence; `{host}` and `{port}` are filled in.
    pub input: Option<String>,
}

/// The words of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CommandLine(pub Vec<String>);

/// Limits for a program; what is not set keeps its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LimitsChange {
    /// Seconds of processor time that each of its processes may use in one scenario (60).
    pub cpu_seconds: Option<u64>,
    /// Bytes of the largest file that it may write (64 MiB).
    pub file_bytes: Option<u64>,
    /// Descriptors that it may have open (1024).
    pub open_files: Option<u64>,
    /// Bytes of memory of its own that all its processes may have together (512 MiB).
    pub memory_bytes: Option<u64>,
    /// Processes and threads that it may have (256).
    pub processes: Option<u64>,
    /// Bytes that all files which it writes may have together (128 MiB).
    pub disk_bytes: Option<u64>,
    /// Bytes of its output that are kept in each start (1 MiB).
    pub output_bytes: Option<u64>,
    /// Seconds that all its scenarios together may take (900): the last resort.
    pub wall_seconds: Option<u64>,
}
