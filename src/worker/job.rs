//! What crosses the boundary: one job in, messages out, a line of JSON each.

use serde::{Deserialize, Serialize};

use super::crossplay::Half;
use crate::event::{Fact, Meeting, Record, Spent};
use crate::ids::Transport;
use crate::plan::model::Plan;
use crate::program::launch::Launch;
use crate::sandbox::{Level, Trial};

/// What a worker is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Play scenarios with a program.
    Play(Box<Job>),
    /// Build a program in its copy of the submission.
    Build(BuildJob),
    /// Say whether a private network can be had.
    Network,
    /// Let a client loose on a server.
    Meet(Box<MeetJob>),
    /// Start one of the two, in the network of the worker that says so.
    Half(Box<Half>),
}

/// A client and a server that are to speak with each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeetJob {
    /// The transport that both are meant to speak.
    pub transport: Transport,
    /// The server.
    pub server: Half,
    /// The port on which it is expected; on another one it is found as well.
    pub port: u16,
    /// The client.
    pub client: Half,
    /// What is typed at the client's prompt, without the newline.
    pub sentence: String,
    /// The port that is to lead to the server's.
    pub lead: Option<u16>,
    /// Host names, beside the usual ones, that mean this machine.
    pub hosts: Vec<String>,
}

/// A program to build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BuildJob {
    /// How the first command is started; the others are likewise.
    pub launch: Launch,
    /// Commands, one after the other.
    pub commands: Vec<Vec<String>>,
    /// The level of isolation that is asked for; the best that can be had if none is.
    pub isolation: Option<Level>,
}

/// How a build ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Built {
    /// Whether all commands ended with status 0.
    pub complete: bool,
    /// What was printed, and how the last command ended where that is not said there.
    pub output: String,
    /// The level of isolation that it had; the parent notes it.
    #[serde(default)]
    pub level: Option<Level>,
}

/// One program to run, and what to play with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// What is asked of it.
    pub plan: Plan,
    /// How it is started.
    pub launch: Launch,
    /// What nonces are drawn from.
    pub seed: u64,
    /// Host names, beside the usual ones, that mean this machine.
    pub hosts: Vec<String>,
    /// The level of isolation that is asked for; the best that can be had if none is.
    pub isolation: Option<Level>,
    /// What is written to its standard input before anything else.
    pub first_input: Option<String>,
    /// The folder for files of captured packets, one for each scenario. It must exist.
    #[serde(default)]
    pub evidence: Option<camino::Utf8PathBuf>,
}

/// What a worker says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// How the program is isolated.
    Isolated {
        /// The level.
        level: Level,
        /// Why it is no better one.
        reason: Option<String>,
        /// What other workers need not find out again.
        trial: Option<Trial>,
    },
    /// It has nothing to do: which scenario is next?
    Ready,
    /// Nothing new, but it goes on.
    Alive,
    /// The program was built, or not.
    Built(Built),
    /// What one of two programs has done since the last order.
    Did(Vec<Fact>),
    /// What came of a client and a server.
    Met(Box<Meeting>),
    /// A scenario is over.
    Played(Record),
    /// All are that it was given.
    Done {
        /// How often it started the program.
        starts: u32,
        /// Where its time went.
        spent: Spent,
    },
    /// The network of its own turned out to be of no use, and there is no way back.
    NoNetwork,
    /// The program has had all the time that it may take; its other scenarios are left out.
    Stopped(String),
    /// The job could not be done, by our fault or the machine's.
    Trouble(String),
}
