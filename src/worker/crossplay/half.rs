//! One of two programs: does what it is told with it, and says what the program did.

use std::io;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::event::{Exit, Fact, Rest, SocketState, Spent};
use crate::ids::{Side, Transport};
use crate::observe::{Activity, Budget, Purpose, Watch};
use crate::program::launch::{Launch, Running};
use crate::sandbox::{Level, Sandbox};
use crate::text::Bytes;
use crate::worker::inside::say;
use crate::worker::job::Message;

/// How often its memory is looked at.
const MEASURE: Duration = Duration::from_millis(10);

/// One of two programs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Half {
    /// Which.
    pub side: Side,
    /// How it is started.
    pub launch: Launch,
    /// What is written to its standard input before anything else.
    pub first_input: Option<String>,
    /// The level of isolation that is asked for; the best that can be had if none is.
    pub isolation: Option<Level>,
}

/// What is to be done with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Order {
    /// Start it, and write its first input.
    Start,
    /// Wait until the kernel says that it waits for clients, or that it is at rest without.
    Ready {
        /// By this transport,
        transport: Transport,
        /// best of all on this port.
        port: u16,
    },
    /// Wait until it asks for input.
    Prompt,
    /// Write to its standard input.
    Type(Bytes),
    /// End its standard input.
    EndInput,
    /// Wait until it is at rest, or has ended.
    Settle {
        /// How many answers it owes: while that is any, a timer of its own is no rest.
        owed: usize,
    },
    /// End it.
    Stop,
}

/// Carries out orders, until the last.
///
/// # Errors
/// Nobody gives orders any more, or hears what came of them.
pub(in crate::worker) async fn obey(
    half: &Half,
    sandbox: Sandbox,
    mut orders: UnboundedReceiver<String>,
) -> io::Result<()> {
    let mut program = match Program::start(half, &sandbox) {
        Ok(program) => program,
        Err(reason) => return say(&Message::Trouble(reason)),
    };
    loop {
        let Some(line) = orders.recv().await else { return Err(io::ErrorKind::UnexpectedEof.into()) };
        match serde_json::from_str(&line)? {
            Order::Start => program.greet(half.first_input.as_deref().unwrap_or_default()).await,
            Order::Ready { transport, port } => program.ready(transport, port).await,
            Order::Prompt => program.wait(Purpose::Home, Budget::PROMPT, 0).await,
            Order::Type(bytes) => program.feed(&bytes.0),
            Order::EndInput => {
                program.running.end_input();
                program.facts.push(Fact::InputEnded);
            }
            Order::Settle { owed } => {
                program.wait(Purpose::Settle, Budget { wall: Budget::START.wall, ..Budget::SETTLE }, owed).await;
            }
            Order::Stop => {
                program.running.stop();
                return say(&Message::Done { starts: 1, spent: Spent::default() });
            }
        }
        say(&Message::Did(std::mem::take(&mut program.facts)))?;
    }
}

/// A program that runs, and what it did since that was last said.
struct Program<'a> {
    half: &'a Half,
    sandbox: &'a Sandbox,
    running: Running,
    watch: Watch,
    exited: bool,
    measured: Instant,
    facts: Vec<Fact>,
}

impl<'a> Program<'a> {
    fn start(half: &'a Half, sandbox: &'a Sandbox) -> Result<Self, String> {
        let running = Running::start(&half.launch, sandbox).map_err(|error| error.to_string())?;
        let watch = Watch::new(running.keepers(), crate::program::language::runtimes());
        let facts = vec![Fact::Started { run: 0, pid: running.pid(), command: half.launch.command.clone() }];
        Ok(Self { half, sandbox, running, watch, exited: false, measured: Instant::now(), facts })
    }

    /// What is typed before a program asks for it is lost on some.
    async fn greet(&mut self, input: &str) {
        for line in input.split_inclusive('\n') {
            self.wait(Purpose::Home, Budget::PROMPT, 0).await;
            self.feed(line.as_bytes());
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.running.feed(bytes);
        self.facts.push(Fact::Fed { bytes: bytes.into() });
    }

    /// Notes what it printed, and its end; whether there was any of that.
    fn pump(&mut self) -> bool {
        let before = self.facts.len();
        // Its end is asked for first: what it printed before can then still be read.
        let exit = if self.exited { None } else { self.exit() };
        let chunks = self.running.pump().into_iter();
        self.facts.extend(chunks.map(|chunk| Fact::Printed {
            stream: chunk.stream,
            bytes: Bytes(chunk.bytes),
            cut: chunk.cut,
        }));
        if let Some(how) = exit {
            self.exited = true;
            self.watch.ended();
            if self.running.is_broken() {
                let what = "the program's sandbox could not be set up; what it says of that stands in its output";
                self.facts.push(Fact::Trouble { what: what.to_owned() });
            }
            self.facts.push(Fact::Exited { how, stopped: false });
        }
        self.facts.len() > before
    }

    /// How it ended. What a server leaves behind that ends with status 0 is the server.
    fn exit(&mut self) -> Option<Exit> {
        let how = self.running.exit()?;
        let daemon = self.half.side == Side::Server && how == Exit::Status(0) && self.watch.is_alive();
        (!daemon).then_some(how)
    }

    /// Waits until it is at rest, and notes that and its sockets.
    async fn wait(&mut self, purpose: Purpose, budget: Budget, owed: usize) {
        self.watch.begin(purpose, budget);
        loop {
            self.attend();
            self.watch.owing(owed, 0);
            if let Some(settled) = self.watch.look() {
                // What it printed before that rest is here by now; if it is news, look again.
                if self.pump() && !matches!(settled.how, Rest::Deadline | Rest::Gone) {
                    self.watch.activity(Activity::Print);
                    continue;
                }
                self.facts.push(Fact::Sockets { sockets: self.watch.sockets() });
                self.facts.push(Fact::Rest { how: settled.how, threads: settled.threads });
                return;
            }
            self.pause().await;
        }
    }

    /// Waits until it waits for clients. Its socket is what it owes, so a timer of its own is no rest.
    async fn ready(&mut self, transport: Transport, port: u16) {
        let wanted = match transport {
            Transport::Udp => SocketState::Bound,
            Transport::Tcp => SocketState::Listening,
        };
        self.watch.begin(Purpose::Settle, Budget::START);
        loop {
            self.attend();
            self.watch.owing(1, 0);
            let sockets = self.watch.sockets();
            let is_there = sockets
                .iter()
                .any(|socket| socket.transport == transport && socket.state == wanted && socket.local.port() == port);
            if is_there {
                return self.wait(Purpose::Home, Budget::HOME, 0).await;
            }
            if let Some(settled) = self.watch.look() {
                self.pump();
                self.facts.push(Fact::Sockets { sockets: self.watch.sockets() });
                self.facts.push(Fact::Rest { how: settled.how, threads: settled.threads });
                return;
            }
            self.pause().await;
        }
    }

    fn attend(&mut self) {
        if self.pump() {
            self.watch.activity(Activity::Print);
        }
        let limits = &self.half.launch.limits;
        if self.measured.elapsed() < MEASURE {
            return;
        }
        self.measured = Instant::now();
        let (memory, threads) = self.watch.usage(limits.memory_bytes);
        let words = if self.sandbox.has_killed() || memory > limits.memory_bytes {
            format!("more than {} MiB of memory", limits.memory_bytes >> 20)
        } else if threads > limits.processes {
            format!("more than {} processes and threads", limits.processes)
        } else {
            return;
        };
        self.running.kill();
        self.facts.push(Fact::Overstepped { words, stopped: true });
    }

    async fn pause(&self) {
        tokio::time::sleep(self.watch.pace().max(Duration::from_millis(1))).await;
    }
}
