//! A suite as it is written.
//!
//! These types mirror the YAML one to one; the JSON Schema is generated from them. What they mean
//! when they run is `plan`'s affair. `specs/README.md` teaches the language by example.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Role, Side, Transport};
use crate::spec::dialect::{Closer, Framing, Level};
use crate::spec::placed::{Part, Placed};
use crate::spec::values::Millis;

/// A text in which `{name}` stands for a value; `{name|upper}` for the value in capitals.
pub type Template = Placed<String>;

/// A name that the suite gives to something, with its place.
pub type Name = Placed<String>;

/// The requirements and scenarios for one role.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Suite {
    /// The suite's name.
    pub suite: Name,
    /// What it is for, in a line.
    pub title: Option<String>,
    /// The role of the programs that it tests.
    pub role: Role,
    /// The port, where the dialect does not say it.
    pub port: Option<u16>,
    /// Where the protocol is defined.
    pub source: Option<String>,
    /// What is asked of a program, by ID.
    pub requirements: BTreeMap<Name, Part<Placed<Requirement>>>,
    /// The runs that show it.
    pub scenarios: Vec<Part<Placed<Scenario>>>,
}

/// One sentence of the protocol.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Requirement {
    /// The sentence, from the program's view: "answers a datagram with …".
    pub title: String,
    /// Whether it costs points, is only reported, or is not tested.
    pub level: Placed<Level>,
    /// Where dialects with certain properties want another level: the first that agrees holds.
    #[serde(default)]
    pub level_when: Vec<LevelWhen>,
    /// Its weight among the required ones (as an extra: what it is worth once it is required).
    pub points: Option<f64>,
    /// Why a protocol or its users need it.
    pub why: String,
    /// What to look at when it fails.
    pub hint: String,
    /// The place in the textbook, the RFC or the manual.
    pub source: Option<String>,
    /// Requirements without which this one cannot be tested.
    #[serde(default)]
    pub needs: Vec<Name>,
    /// Only in dialects with these properties; off in others.
    pub when: Option<When>,
}

/// A requirement's level in dialects with certain properties.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct LevelWhen {
    /// In which dialects.
    pub when: When,
    /// The level there.
    pub level: Level,
}

/// Properties that a dialect must have.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct When {
    /// How a sentence ends in TCP.
    pub framing: Option<Framing>,
    /// Who closes the TCP connection first.
    pub closes_first: Option<Closer>,
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let framing = self.framing.map(|framing| match framing {
            Framing::Message => "framing: message",
            Framing::Line => "framing: line",
        });
        let closer = self.closes_first.map(|closer| match closer {
            Closer::Server => "closes_first: server",
            Closer::Client => "closes_first: client",
        });
        let all: Vec<&str> = framing.into_iter().chain(closer).collect();
        write!(f, "`{}`", all.join("` and `"))
    }
}

/// One run: what the grader does, and what must then be true.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Scenario {
    /// Its name, unique in the suite.
    pub id: Name,
    /// What happens, in words.
    pub title: String,
    /// Only in dialects with these properties.
    pub when: Option<When>,
    /// Whether the program must be started anew for it (a server is shared otherwise).
    #[serde(default)]
    pub fresh: bool,
    /// Later scenarios that need not be played where all checks of this one hold: it tests all that they
    /// test. Where one does not hold, this one counts for nothing, and they are played.
    #[serde(default)]
    pub covers: Vec<Name>,
    /// Values: templates that may also draw (`{nonce}`, `{letters:1000}`).
    #[serde(default, rename = "let")]
    pub values: BTreeMap<Name, Template>,
    /// What the grader does, in order.
    pub steps: Vec<Part<Placed<Step>>>,
    /// What must then be true.
    pub checks: Vec<Part<Placed<Check>>>,
}

/// One thing that the grader does.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Let the program come to rest.
    Settle,
    /// Wait; ends early when the program is at rest without a timer of its own.
    Pause(Millis),
    /// Name this moment, so that checks can look at what came before or after it.
    Mark(Name),
    /// Count the program's descriptors, threads and sockets, under a name.
    Look(Name),
    /// Open a UDP peer, a client of the program.
    Open(Open),
    /// Open a UDP peer that waits on the assigned port for the program to speak.
    Bind(Bind),
    /// Connect to the program by TCP.
    Connect(Connect),
    /// Listen for TCP connections of the program on the assigned port.
    Listen(Listen),
    /// Take the next connection of the program.
    Accept(Accept),
    /// Wait until the peer has received something since it last sent. When the program comes to rest
    /// without that, the rest of the scenario is left out: there is nobody to play with.
    Await(Name),
    /// Do what a server of the dialect does behind its reply: end the stream where it is the server
    /// that closes first, nothing where it is the client.
    HangUp(Name),
    /// Send bytes to the program.
    Send(Send),
    /// End a peer's sending side (FIN), and go on reading.
    Shutdown(Name),
    /// Close a peer.
    Close(Name),
    /// Reset a peer's connection (RST).
    Reset(Name),
    /// Start the program (a client; a server is started before the first step).
    Start(Start),
    /// Write to the program's standard input.
    Input(Template),
    /// Close the program's standard input.
    EndInput,
    /// Stop the program.
    Stop,
    /// Stop the program, if it runs, and start it again.
    Restart,
    /// Do steps several times; `let` draws anew each time, and peers are new ones.
    Repeat(Repeat),
    /// Do several lists of steps at the same time.
    AtOnce(Vec<Vec<Part<Placed<Step>>>>),
}

/// `open: alice`, or with more to say.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Open {
    /// The peer's name.
    pub peer: Name,
    /// Gone before a reply can come: its port is unreachable (ICMP).
    #[serde(default)]
    pub gone: bool,
    /// Speak to another address of the host than 127.0.0.1.
    #[serde(default)]
    pub elsewhere: bool,
}

/// `bind: server`, or with more to say.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Bind {
    /// The peer's name.
    pub peer: Name,
    /// Any free port instead of the assigned one.
    #[serde(default)]
    pub anywhere: bool,
}

/// `connect: alice`, or with more to say.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Connect {
    /// The peer's name.
    pub peer: Name,
    /// Connect to another address of the host than 127.0.0.1.
    #[serde(default)]
    pub elsewhere: bool,
}

/// `listen: server`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Listen {
    /// The peer's name.
    pub peer: Name,
}

/// `accept: server`, or with more to say.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Accept {
    /// The listening peer.
    pub peer: Name,
    /// The name of the connection; that of the listening peer if none is given.
    #[serde(rename = "as")]
    pub name: Option<Name>,
}

/// What a peer sends.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Send {
    /// Who sends.
    pub from: Name,
    /// Text to send.
    pub text: Option<Template>,
    /// Or bytes, as hexadecimal digits.
    pub hex: Option<Placed<String>>,
    /// In how many segments (TCP).
    pub segments: Option<u32>,
    /// The pause between segments.
    pub pause: Option<Millis>,
    /// A UDP server's answer: to whom (the peer whose last client is meant); the last that spoke to
    /// `from` if none is given.
    pub to: Option<Name>,
}

/// How the program is started.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct Start {
    /// What is written to its standard input.
    pub input: Option<Template>,
}

/// Steps that are done several times.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Repeat {
    /// How often.
    pub times: Placed<u32>,
    /// Values that are drawn anew each time.
    #[serde(default, rename = "let")]
    pub values: BTreeMap<Name, Template>,
    /// What is done.
    pub steps: Vec<Part<Placed<Step>>>,
}

/// A predicate over the record, for one requirement. All that it says must hold.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Check {
    /// The requirement that it tests.
    pub requirement: Name,
    /// Only in dialects with these properties.
    pub when: Option<When>,
    /// The peers that it is about, each of them. All that a peer's name stands for in a `repeat`.
    #[serde(default)]
    pub peers: Vec<Name>,
    /// Look only at what came after this mark.
    pub after: Option<Name>,
    /// Look only at what came before this mark.
    pub before: Option<Name>,
    /// What the peer received, all together.
    pub received: Option<TextIs>,
    /// What the first datagram that the peer received held.
    pub first: Option<TextIs>,
    /// How many datagrams the peer received.
    pub datagrams: Option<Many>,
    /// Each datagram that the peer received came from where its own had gone.
    pub answered_from_there: Option<bool>,
    /// How the program ended its half of the stream.
    pub ended: Option<Ending>,
    /// How many connections the program made to the listening peer.
    pub connections: Option<Many>,
    /// The program's own ports, as the peer saw them: chosen by the system, so they differ from
    /// run to run and are not the peer's own.
    pub own_ports: Option<OwnPorts>,
    /// At which port the program speaks to the peer. One that speaks to another is answered there,
    /// where that can be seen.
    pub spoken_to_at: Option<SpokenToAt>,
    /// About the program.
    pub program: Option<ProgramIs>,
}

/// What a text must be.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
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
    /// This is in it, whatever the case of its letters.
    ContainsAnyCase(Template),
    /// This is not in it.
    Lacks(Template),
    /// As long as this, in bytes.
    AsLongAs(Template),
    /// A text that looks like this: a regular expression without look-around.
    Matches(Placed<String>),
}

/// How many.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Many {
    /// Exactly this number.
    Exactly(u32),
    /// This number or more.
    AtLeast(u32),
    /// As many as the peer sent.
    AsSent,
}

/// How the program ended its half of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// In order (FIN).
    InOrder,
    /// At all, in order or by a reset.
    AtAll,
    /// Not at all.
    Not,
}

/// Where the program's own ports come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OwnPorts {
    /// From the system.
    ChosenBySystem,
}

/// Where the program speaks to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SpokenToAt {
    /// At the assigned port.
    AssignedPort,
}

/// What must be true of the program.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ProgramIs {
    /// It bound a socket of this transport, to the assigned port.
    pub bound: Option<Transport>,
    /// It runs (`true`), or has ended (`false`).
    pub running: Option<bool>,
    /// It had a socket at the first look, and at the second nothing lies unread in any of its sockets.
    pub reads: Option<[Name; 2]>,
    /// It ended by itself, with this status.
    pub exits: Option<Exits>,
    /// What it printed, standard output and error together.
    pub printed: Option<TextIs>,
    /// It holds as many descriptors at the second look as at the first, or fewer.
    pub descriptors_kept: Option<[Name; 2]>,
    /// It listens on the same socket at both looks.
    pub same_listener: Option<[Name; 2]>,
}

/// How a program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exits {
    /// By itself, with status 0.
    Successfully,
    /// By itself, with whatever status.
    ByItself,
}

impl Suite {
    /// The side of the programs that it tests.
    #[must_use]
    pub fn side(&self) -> Side {
        self.role.side()
    }
}
