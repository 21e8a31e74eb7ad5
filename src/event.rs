//! The facts: everything that was observed in one scenario, in order.
//!
//! This is the house's common language. Peers, observation and the runner produce events; the
//! judge, the store and the reports read them. Everything here is serializable, since a
//! [`Record`] crosses the boundary between the worker and its parent and is kept in files.

mod meeting;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

pub use meeting::Meeting;

use crate::ids::{Peer, Role, ScenarioId, Transport};
use crate::text::Bytes;

/// All events of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The scenario that was played.
    pub scenario: ScenarioId,
    /// Whether the program had been started for this scenario alone.
    pub fresh: bool,
    /// The values of the scenario's `let`, by name, as drawn from the seed (not those of a `repeat`).
    pub values: BTreeMap<String, String>,
    /// What was observed, in order.
    pub events: Vec<Event>,
}

/// One observed fact, with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Microseconds since the scenario began.
    pub at: u64,
    /// What happened.
    pub fact: Fact,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// The program could not be built.
    NotBuilt {
        /// The command lines.
        command: String,
        /// What matters of what the compiler printed.
        output: String,
    },
    /// The runner began a step: its words, for ladders and captures (`alice sends "hello"`).
    Step {
        /// What the grader does, in words.
        words: String,
    },
    /// A peer came to be: a UDP socket of ours was opened, a TCP connection was made or accepted.
    Opened {
        /// Our endpoint.
        peer: Peer,
        /// Its transport.
        transport: Transport,
        /// Our address.
        local: SocketAddr,
        /// The other end, where there is one.
        remote: Option<SocketAddr>,
        /// Whether the program opened the connection (we accepted it).
        accepted: bool,
    },
    /// A peer of ours waits for clients: a bound UDP socket or a listening TCP one.
    Listening {
        /// Our endpoint.
        peer: Peer,
        /// Its transport.
        transport: Transport,
        /// Our address.
        local: SocketAddr,
    },
    /// The program connected to a listening peer of ours. What it then says is seen once an
    /// `accept` step has taken the connection.
    Arrived {
        /// The listening peer.
        peer: Peer,
        /// The program's address.
        from: SocketAddr,
        /// At which of our addresses.
        to: SocketAddr,
    },
    /// Our connection was not accepted.
    Refused {
        /// Our endpoint.
        peer: Peer,
        /// Where it wanted to go.
        remote: SocketAddr,
        /// Our address, where we had one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        local: Option<SocketAddr>,
        /// The system's words.
        error: String,
    },
    /// A peer sent bytes: one datagram or one segment.
    Sent {
        /// Our endpoint.
        peer: Peer,
        /// From where.
        from: SocketAddr,
        /// To where.
        to: SocketAddr,
        /// What.
        bytes: Bytes,
    },
    /// A peer could not send, since the other end was gone.
    SendFailed {
        /// Our endpoint.
        peer: Peer,
        /// The system's words.
        error: String,
    },
    /// A peer received bytes: one datagram, or what one read of a stream gave.
    Received {
        /// Our endpoint.
        peer: Peer,
        /// From where.
        from: SocketAddr,
        /// At which of our addresses.
        to: SocketAddr,
        /// What. Of a flood only the beginning is kept; `cut` says how much is missing.
        bytes: Bytes,
        /// How many bytes were left out.
        cut: u64,
    },
    /// The program's sending direction ended.
    Ended {
        /// Our endpoint.
        peer: Peer,
        /// How.
        how: StreamEnd,
    },
    /// We ended something of our own.
    Closed {
        /// Our endpoint.
        peer: Peer,
        /// How.
        how: OurEnd,
    },
    /// The program was started.
    Started {
        /// Counts the starts in this scenario, from 0.
        run: u32,
        /// The process.
        pid: u32,
        /// The command line.
        command: Vec<String>,
    },
    /// Text was written to the program's standard input.
    Fed {
        /// What.
        bytes: Bytes,
    },
    /// The program looked for a host, which was answered with this machine's address. Once for each
    /// name and start. Known only where the program has a network of its own.
    LookedUp {
        /// Its name, as the program wrote it.
        name: String,
    },
    /// The program's standard input was closed.
    InputEnded,
    /// The program wrote to its terminal.
    Printed {
        /// Where.
        stream: Output,
        /// What.
        bytes: Bytes,
        /// How many bytes were left out, once the limit was reached.
        cut: u64,
    },
    /// The program (its first process) ended, by itself or because we stopped it.
    Exited {
        /// How.
        how: Exit,
        /// Whether we had told it to stop.
        stopped: bool,
    },
    /// The program's sockets as the kernel lists them.
    Sockets {
        /// Bound or listening sockets and connections.
        sockets: Vec<Socket>,
    },
    /// A snapshot that a `look` step asked for.
    Looked {
        /// The step's name for it.
        name: String,
        /// Open descriptors of all the program's processes together.
        descriptors: usize,
        /// Threads of all its processes together.
        threads: usize,
        /// Its sockets.
        sockets: Vec<Socket>,
        /// Whether this system does not tell what a program holds.
        #[serde(default)]
        blind: bool,
    },
    /// What the scenario waited for did not come, so the rest of its steps was left out.
    Starved {
        /// What was waited for, in words.
        waited_for: String,
    },
    /// A moment that checks refer to.
    Mark {
        /// Its name.
        name: String,
    },
    /// The program came to rest, or we gave up waiting for that.
    Rest {
        /// How that is known.
        how: Rest,
        /// What each of its threads is blocked in (housekeeping threads left out).
        threads: Vec<Blocked>,
    },
    /// A pause of the suite ended.
    Paused {
        /// Milliseconds that were asked for.
        asked: u64,
        /// Whether it was cut short since the program was at rest without a timer of its own.
        cut_short: bool,
    },
    /// The program wanted more of something than it may have.
    Overstepped {
        /// Of what, and how much it may have: `more than 512 MiB of memory`.
        words: String,
        /// Whether it was stopped for that; else the system refused it.
        stopped: bool,
    },
    /// A packet crossed the loopback of the program's private network, whoever sent it. Only where
    /// packets can be captured; what peers say they saw stands beside it.
    Packet {
        /// UDP or TCP.
        transport: Transport,
        /// From where.
        from: SocketAddr,
        /// To where.
        to: SocketAddr,
        /// The flags of a TCP segment (RFC 9293, section 3.1), in the order of [`Flag`].
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        flags: Vec<Flag>,
        /// How many bytes it carries, headers not counted.
        length: u32,
        /// The beginning of these.
        bytes: Bytes,
    },
    /// The system answered a datagram with ICMP "port unreachable" (RFC 792; RFC 4443, section 3.1):
    /// nobody has that port.
    Unreachable {
        /// Where the datagram came from.
        from: SocketAddr,
        /// Where it was to go.
        to: SocketAddr,
    },
    /// Not all packets are in the record.
    PacketsMissing {
        /// How many were left out, since there were too many.
        left_out: u64,
        /// How many the kernel had no room for.
        lost: u64,
    },
    /// The grader or the machine failed: the scenario says nothing about the program.
    Trouble {
        /// What happened, and what to do.
        what: String,
    },
}

/// How the program's half of a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamEnd {
    /// In order: we read end-of-stream.
    Fin,
    /// By a reset.
    Rst,
}

/// A flag of a TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flag {
    /// Begins a connection.
    Syn,
    /// Says that all was sent.
    Fin,
    /// Breaks the connection.
    Rst,
    /// Hands what has come to the receiver at once.
    Psh,
    /// Says what has come.
    Ack,
}

/// How we ended one of our endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OurEnd {
    /// We closed it in order.
    Close,
    /// We ended our sending side only.
    Shutdown,
    /// We reset the connection.
    Reset,
}

/// One of the program's two output streams (each a terminal of its own).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exit {
    /// With a status.
    Status(i32),
    /// By a signal: its number.
    Signal(i32),
}

/// A socket of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Socket {
    /// UDP or TCP.
    pub transport: Transport,
    /// Its own address.
    pub local: SocketAddr,
    /// The other end, where it has one.
    pub remote: Option<SocketAddr>,
    /// What it is.
    pub state: SocketState,
    /// The kernel's number for it.
    pub inode: u64,
    /// Bytes that arrived and were not read, or 1 where only that there are some is known.
    pub unread: u64,
}

/// What a socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SocketState {
    /// UDP: bound to an address (by `bind`, or by its first `sendto`).
    Bound,
    /// TCP: listening.
    Listening,
    /// TCP: a connection being made.
    Connecting,
    /// TCP: a connection, both directions open.
    Connected,
    /// TCP: a connection of which a direction is closed.
    Closing,
}

/// How it is known that the program is at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rest {
    /// Every thread sleeps in a system call without a time limit: it waits for us, for ever.
    Quiescent,
    /// It wakes now and then by a timer of its own, and did nothing in a whole round of it.
    Polling,
    /// No process of the program is left.
    Gone,
    /// Neither processor time nor output for a grace period (where the kernel cannot be asked).
    Grace,
    /// It was still busy when the last-resort deadline came.
    Deadline,
}

/// What a thread of the program is blocked in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// Its process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// Its name.
    pub name: String,
    /// What it does: `recv`, `accept`, `read`, `connect`, `sleep`, `poll`, `lock`, `wait`, `running` …
    pub call: String,
    /// The descriptor it waits on, where the call names one.
    pub descriptor: Option<i32>,
    /// The socket behind that descriptor, where it is one.
    pub socket: Option<Socket>,
    /// Whether the wait ends by itself.
    pub timed: bool,
}

/// How a program was built.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildNote {
    /// The command lines.
    pub command: String,
    /// What the compiler printed.
    pub output: String,
    /// The level of isolation that it had; empty where that is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub isolation: String,
}

/// Where the time of a grading went, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Of processors, in programs and what they start.
    pub programs: u64,
    /// Of processors, in what starts them in their sandbox: as much for each start as was needed for a program
    /// that does nothing.
    pub sandbox: u64,
    /// Of processors, in workers.
    pub grader: u64,
    /// From the start of a worker to its end, all workers together: what of it is in none of the others was
    /// waited.
    pub wall: u64,
}

impl std::ops::AddAssign for Spent {
    fn add_assign(&mut self, more: Self) {
        self.programs += more.programs;
        self.sandbox += more.sandbox;
        self.grader += more.grader;
        self.wall += more.wall;
    }
}

/// All records of one program, with what is needed to judge them again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramRecord {
    /// What the program was asked to be.
    pub role: Role,
    /// Its file, relative to the submission, or its command line.
    pub path: String,
    /// Its language, in words.
    pub language: String,
    /// The seed that its nonces were drawn from.
    pub seed: u64,
    /// Its scenarios.
    pub records: Vec<Record>,
    /// How it was built, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built: Option<BuildNote>,
    /// How its dialect was told, where nobody had said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
    /// What else is to be said of it: a name that misleads, what it wanted to be started with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What was tried to find that out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<String>,
    /// Why it could not be run at all, where that is so (our fault or the machine's).
    pub trouble: Option<String>,
    /// Why scenarios were left out, where the program had taken all the time that it may.
    #[serde(default)]
    pub stopped: Option<String>,
    /// The level of isolation that it had; empty if it was never run.
    #[serde(default)]
    pub isolation: String,
    /// Why that was no better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation_reason: Option<String>,
    /// How often the program was started.
    pub starts: u32,
    /// Where the time went; nothing of a worker that did not come to its end.
    #[serde(default)]
    pub spent: Spent,
    /// Microseconds from the first start to the last record.
    pub micros: u64,
}
