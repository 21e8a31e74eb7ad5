//! The eyes of the runner on the program.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Runtime;
use super::rest::{Activity, Budget, Memory, Purpose, Resting, Settled};
#[cfg(target_os = "linux")]
use super::threads::Wait;
use crate::event::Socket;
use crate::ids::Transport;

/// What a program holds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Census {
    /// Open descriptors of all its processes together.
    pub descriptors: usize,
    /// Threads of all its processes together.
    pub threads: usize,
}

/// A stimulus that is no older has not been heard, or is being seen to.
const NOW: Duration = Duration::from_micros(200);

/// Who has a port of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupant {
    /// Nobody.
    Nobody,
    /// A connection that nobody holds any more, and that the kernel keeps for a while.
    Remains,
    /// A running program.
    Program,
}

/// Who has a port. Where the system is not Linux, all that is known is whether it can be bound: what
/// cannot may be remains.
#[must_use]
pub fn occupant(transport: Transport, port: u16) -> Occupant {
    #[cfg(target_os = "linux")]
    {
        super::sockets::occupant(transport, port)
    }
    #[cfg(not(target_os = "linux"))]
    {
        super::probe::bound(transport, port).map_or(Occupant::Nobody, |_| Occupant::Remains)
    }
}

/// Watches the program from one start to its end: [`Watch::begin`] for each wait, and then in turn
/// pump all I/O and tell each [`Activity`], take a [`Watch::look`], sleep for [`Watch::pace`].
#[derive(Debug)]
pub struct Watch {
    memory: Memory,
    resting: Resting,
    begun: Instant,
    /// When something was last done to it, or by it.
    active: Instant,
    /// Processes of the sandbox, not of the program; the first ends when that has ended.
    #[cfg(target_os = "linux")]
    keepers: Vec<u32>,
    #[cfg(target_os = "linux")]
    runtimes: Vec<Runtime>,
    /// The program's processes at the last look.
    #[cfg(target_os = "linux")]
    looked_at: Vec<u32>,
    #[cfg(target_os = "linux")]
    files: super::files::Files,
    /// A thread that ran at the last look, and when that was.
    #[cfg(target_os = "linux")]
    running: Option<(u32, u32, Instant)>,
    #[cfg(target_os = "linux")]
    hidden: super::timers::Hidden,
    #[cfg(target_os = "linux")]
    deaths: super::deaths::Deaths,
    #[cfg(not(target_os = "linux"))]
    ended: bool,
}

impl Watch {
    /// Eyes on a program that was just started, with those of its processes that are not its own but
    /// its sandbox's, and the runtimes whose threads are known.
    #[must_use]
    pub fn new(keepers: Vec<u32>, runtimes: Vec<Runtime>) -> Self {
        let now = Instant::now();
        #[cfg(not(target_os = "linux"))]
        let _ = (keepers, runtimes);
        Self {
            memory: Memory::default(),
            resting: Resting::new(Purpose::Settle, Budget::START, now),
            begun: now,
            active: now,
            #[cfg(target_os = "linux")]
            keepers,
            #[cfg(target_os = "linux")]
            runtimes,
            #[cfg(target_os = "linux")]
            looked_at: Vec::new(),
            #[cfg(target_os = "linux")]
            files: super::files::Files::default(),
            #[cfg(target_os = "linux")]
            running: None,
            #[cfg(target_os = "linux")]
            hidden: super::timers::Hidden::default(),
            #[cfg(target_os = "linux")]
            deaths: super::deaths::Deaths::default(),
            #[cfg(not(target_os = "linux"))]
            ended: false,
        }
    }

    /// Begins to wait for rest. Counts as a stimulus.
    pub fn begin(&mut self, purpose: Purpose, budget: Budget) {
        self.begun = Instant::now();
        self.active = self.begun;
        self.resting = Resting::new(purpose, budget, self.begun);
    }

    /// Tells that something went over the wire, or that the program printed.
    pub fn activity(&mut self, activity: Activity) {
        self.active = Instant::now();
        self.resting.activity(activity, self.active);
    }

    /// Says how many answers the program owes, and how often it has given something of them.
    pub fn owing(&mut self, answers: usize, paid: u64) {
        self.resting.owing(&self.memory, answers, paid, Instant::now());
    }

    /// Whether the program was found to answer bit by bit without an end.
    #[must_use]
    pub fn is_endless(&self) -> bool {
        self.memory.endless
    }

    /// Says that an earlier process of the program was found so.
    pub fn expect_endless(&mut self) {
        self.memory.endless = true;
    }

    /// Says that the program's first process has ended (what cannot be seen elsewhere than on Linux).
    pub fn ended(&mut self) {
        #[cfg(not(target_os = "linux"))]
        {
            self.ended = true;
        }
    }

    #[cfg(target_os = "linux")]
    fn family(&self) -> super::tree::Family {
        super::tree::processes(&self.files, &self.keepers)
    }

    /// The program's processes that are alive.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        self.family().alive
    }

    /// Takes one look; says so when the wait is over.
    #[cfg(target_os = "linux")]
    pub fn look(&mut self) -> Option<Settled> {
        // Nobody has done anything yet with what was just sent.
        if self.begun.elapsed() < NOW || self.still_runs() {
            return None;
        }
        let family = self.family();
        let mut look = super::look::look(&self.files, &family, &self.runtimes);
        // Before the program begins, and until its end has been told, there is nobody but these.
        look.alive |= family.kept;
        look.in_transit |= self.deaths.untold(&family.dead, &look, Instant::now());
        // Who was born, or lost its parent, while the others were looked at may have been missed.
        look.in_transit |= look.asleep() && self.family().alive != family.alive;
        self.looked_at = family.alive;
        let busy = look.threads.iter().find(|thread| matches!(thread.wait, Wait::Busy));
        self.running = busy.map(|thread| (thread.pid, thread.tid, Instant::now()));
        self.hidden.reveal(&mut look, &self.runtimes);
        let mut settled = self.resting.look(&mut self.memory, &look, Instant::now())?;
        for thread in &mut settled.threads {
            thread.socket = thread.descriptor.and_then(|descriptor| super::sockets::behind(thread.pid, descriptor));
        }
        Some(settled)
    }

    /// Whether a thread that ran a moment ago still does: then the others need no look, for all must
    /// sleep at rest. Now and then one is taken all the same, for what is counted and for the deadline.
    #[cfg(target_os = "linux")]
    fn still_runs(&self) -> bool {
        const MOMENT: Duration = Duration::from_millis(5);
        self.running.is_some_and(|(pid, tid, at)| at.elapsed() < MOMENT && super::tree::runs(&self.files, pid, tid))
    }

    /// Takes one look: all that is known here is whether the program still runs.
    #[cfg(not(target_os = "linux"))]
    pub fn look(&mut self) -> Option<Settled> {
        let look = super::threads::Look { alive: !self.ended, blind: true, ..Default::default() };
        self.resting.look(&mut self.memory, &look, Instant::now())
    }

    /// How long to wait before the next look. Most programs rest within a millisecond; one that does not is
    /// worth fewer looks the longer nothing has happened, and one that runs is looked after all the same: it may
    /// want more than it may have.
    #[must_use]
    pub fn pace(&self) -> Duration {
        const SHORTEST: Duration = Duration::from_micros(450);
        /// No round number: a loop of a program's own is not to keep time with the looks.
        const LONGEST: Duration = Duration::from_micros(46_700);
        const RUNNING: Duration = Duration::from_millis(10);
        // One that does something all the time is not worth a look each time.
        let quiet = self.active.elapsed().max(self.begun.elapsed() / 20);
        if quiet < NOW {
            return Duration::from_micros(100);
        }
        #[cfg(target_os = "linux")]
        let runs = self.running.is_some();
        #[cfg(not(target_os = "linux"))]
        let runs = true;
        // The first are cheap, as most programs are still starting.
        let soon = quiet < Duration::from_millis(20);
        let longest = match runs {
            _ if soon => SHORTEST,
            true => RUNNING,
            false => LONGEST,
        };
        (quiet / 20).clamp(SHORTEST, longest)
    }

    /// Whether a process of it is left. Where the system is not Linux, that is not known.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        #[cfg(target_os = "linux")]
        {
            !self.processes().is_empty()
        }
        #[cfg(not(target_os = "linux"))]
        {
            false
        }
    }

    /// Its sockets. None are known where the system is not Linux.
    #[must_use]
    pub fn sockets(&self) -> Vec<Socket> {
        #[cfg(target_os = "linux")]
        {
            super::sockets::held_by(&self.processes())
        }
        #[cfg(not(target_os = "linux"))]
        {
            Vec::new()
        }
    }

    /// The socket that somebody has bound to a port, where the system lists none (there: by trying).
    #[must_use]
    pub fn probe(&self, transport: Transport, port: u16) -> Option<Socket> {
        #[cfg(target_os = "linux")]
        {
            let _ = (transport, port);
            None
        }
        #[cfg(not(target_os = "linux"))]
        {
            super::probe::bound(transport, port)
        }
    }

    /// Bytes of memory of its own, and processes and threads, of the processes of the last look; `enough` is up to where the first need not
    /// be exact. Nothing is known where the system is not Linux.
    #[must_use]
    pub fn usage(&self, enough: u64) -> (u64, u64) {
        #[cfg(target_os = "linux")]
        {
            let usage = super::usage::measure(&self.looked_at, enough);
            (usage.memory, usage.threads)
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = enough;
            (0, 0)
        }
    }

    /// What it holds.
    #[must_use]
    pub fn census(&self) -> Census {
        #[cfg(target_os = "linux")]
        {
            let pids = self.processes();
            Census {
                descriptors: pids.iter().map(|pid| super::sockets::descriptors(*pid).len()).sum(),
                threads: pids.iter().map(|pid| super::tree::threads(*pid).len()).sum(),
            }
        }
        #[cfg(not(target_os = "linux"))]
        {
            Census::default()
        }
    }

    /// Whether the program has closed its end of this connection and holds it no more. Where the system
    /// is not Linux this is taken for granted: hardly any program half-closes, and what would be left
    /// of the connection keeps a port for a minute.
    #[must_use]
    pub fn orphaned(&self, program: SocketAddr, ours: SocketAddr) -> bool {
        #[cfg(target_os = "linux")]
        {
            super::sockets::orphaned(program, ours)
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = (program, ours);
            true
        }
    }
}
