//! Whether the program is at rest: a state machine over looks at its threads.
//!
//! In conformance-testing theory this is the observation of quiescence. The rules:
//! - *Quiescent*: two looks in a row show every thread in a wait without a time limit, none of them
//!   has had a processor in between, and nothing is under way in the kernel. Loopback delivers at
//!   once, so whatever could wake the program would have.
//! - *Polling*: some threads wait with a limit, and have come back to the very same wait after a
//!   whole round of it in silence. Such a wait is learned, so that it need
//!   not be sat out again. A bare sleep must come round twice: programs that are odd but right
//!   sleep before they reply.
//! - *Deadline*: the last resort. It counts time in which the program could have run: not that in
//!   which a thread of it waited for a processor.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::event::{Blocked, Rest};

#[cfg(target_os = "linux")]
use super::calls::{Call, Limit, Signature};

/// What the waiting is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To learn what the program does after a stimulus.
    Settle,
    /// A pause of the suite: a program that wakes by its own timer makes use of all of it.
    Pause,
}

/// What the program was seen to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Bytes went over the wire, or a connection began or ended.
    Wire,
    /// It printed.
    Print,
}

/// How long the program may be busy.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Time in which it could have run.
    pub wall: Duration,
    /// Processor time.
    pub cpu: Duration,
}

impl Budget {
    /// For a start: interpreters load, runtimes compile.
    pub const START: Self = Self { wall: Duration::from_secs(10), cpu: Duration::from_secs(10) };
    /// For a reaction.
    pub const SETTLE: Self = Self { wall: Duration::from_secs(5), cpu: Duration::from_secs(3) };
}

/// How long a program must have been silent before a round of its timer counts as idle.
const SILENCE: Duration = Duration::from_secs(1);

/// Rounds of a bare sleep after which it counts as idle. The first may have begun before the
/// stimulus, and in the second the program may still be at work on it.
const SLEEPS: u32 = 2;

/// Looks closer together than this could show the same moment twice.
const APART: Duration = Duration::from_micros(400);

/// The program has come to rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// How that is known.
    pub how: Rest,
    /// What its threads are blocked in (their sockets are filled in by the watch).
    pub threads: Vec<Blocked>,
}

/// One look at all threads.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Whether any process of the program is alive.
    pub alive: bool,
    /// Its threads, without those of a runtime's housekeeping.
    pub threads: Vec<ThreadLook>,
    /// Whether packets are under way in the kernel.
    pub in_transit: bool,
}

/// What a thread does at a moment.
#[derive(Debug, Clone)]
pub struct ThreadLook {
    /// Its process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// Its name.
    pub name: String,
    /// Nanoseconds on a processor so far.
    pub cpu: u64,
    /// Nanoseconds of waiting for a processor so far.
    pub waited: u64,
    /// How often it got a processor so far.
    pub turns: u64,
    /// What it waits for.
    pub wait: Wait,
}

/// What a thread waits for.
#[derive(Debug, Clone)]
pub enum Wait {
    /// It runs, or will, or waits for a disk.
    Busy,
    /// It is stopped (SIGSTOP).
    Stopped,
    /// It sleeps, and the kernel does not tell where.
    Hidden,
    /// It sleeps in a system call.
    #[cfg(target_os = "linux")]
    In(Call),
}

/// What is kept between settles: the waits that were found to be idle, and since when each thread
/// has been in its present one.
#[derive(Debug, Default)]
pub struct Memory {
    #[cfg(target_os = "linux")]
    learned: HashSet<Signature>,
    since: HashMap<u32, (u64, Instant)>,
}

/// One waiting for rest.
#[derive(Debug)]
pub struct Resting {
    purpose: Purpose,
    budget: Budget,
    begun: Instant,
    silent_since: Instant,
    quiet_since: Instant,
    spoke: bool,
    /// Processor time and waiting for a processor, of threads when first seen here.
    first: HashMap<u32, (u64, u64)>,
    previous: Option<(Instant, Vec<(u32, u64, u64)>)>,
    #[cfg(target_os = "linux")]
    rounds: HashMap<u32, (Signature, u64, u32)>,
    gone: bool,
}

impl Resting {
    /// Begins to wait.
    #[must_use]
    pub fn new(purpose: Purpose, budget: Budget, now: Instant) -> Self {
        Self {
            purpose,
            budget,
            begun: now,
            silent_since: now,
            quiet_since: now,
            spoke: false,
            first: HashMap::new(),
            previous: None,
            #[cfg(target_os = "linux")]
            rounds: HashMap::new(),
            gone: false,
        }
    }

    /// Something went over the wire, or the program printed.
    pub fn activity(&mut self, activity: Activity, now: Instant) {
        self.quiet_since = now;
        self.previous = None;
        // Who counts down to something says so; who only waits says nothing.
        #[cfg(target_os = "linux")]
        self.rounds.clear();
        if activity == Activity::Wire {
            self.silent_since = now;
            self.spoke = true;
        }
    }

    /// How long the program could have run since the waiting began, and the processor time it used.
    fn used(&self, look: &Look, now: Instant) -> (Duration, Duration) {
        let (mut cpu, mut waited) = (0, 0);
        for thread in &look.threads {
            let (cpu_then, waited_then) = self.first.get(&thread.tid).copied().unwrap_or((0, 0));
            cpu += thread.cpu.saturating_sub(cpu_then);
            waited = waited.max(thread.waited.saturating_sub(waited_then));
        }
        let wall = now.duration_since(self.begun).saturating_sub(Duration::from_nanos(waited));
        (wall, Duration::from_nanos(cpu))
    }

    /// Takes a look into account. `hidden_timer` is asked only where all else says rest.
    pub fn look(
        &mut self,
        memory: &mut Memory,
        look: &Look,
        now: Instant,
        hidden_timer: impl FnOnce() -> bool,
    ) -> Option<Settled> {
        if !look.alive {
            // The processes of a fork can be missed by one look.
            return std::mem::replace(&mut self.gone, true).then(|| settled(Rest::Gone, look));
        }
        self.gone = false;
        for thread in &look.threads {
            self.first.entry(thread.tid).or_insert((thread.cpu, thread.waited));
            let entry = memory.since.entry(thread.tid).or_insert((thread.turns, self.begun));
            if entry.0 != thread.turns {
                *entry = (thread.turns, self.previous.as_ref().map_or(now, |(then, _)| *then));
            }
        }
        let state = self.state(memory, look, now);
        let result = match state {
            State::Busy => {
                self.previous = None;
                None
            }
            State::Untimed => (self.unchanged(look, now) && !hidden_timer()).then_some(Rest::Quiescent),
            State::Idle => self.unchanged(look, now).then_some(Rest::Polling),
            State::Timed => {
                self.unchanged(look, now);
                None
            }
            State::LongTimed => self.unchanged(look, now).then_some(Rest::Polling),
            State::Hidden => {
                let still = self.unchanged(look, now) && now.duration_since(self.quiet_since) > HIDDEN_GRACE;
                still.then_some(Rest::Grace)
            }
        };
        let result = result.or_else(|| {
            let (wall, cpu) = self.used(look, now);
            (wall >= self.budget.wall || cpu >= self.budget.cpu).then_some(Rest::Deadline)
        });
        result.map(|how| settled(how, look))
    }

    /// Whether no thread has had a processor since the look before, and nothing is under way.
    fn unchanged(&mut self, look: &Look, now: Instant) -> bool {
        if look.in_transit {
            self.previous = None;
            return false;
        }
        let mut accounts: Vec<_> = look.threads.iter().map(|thread| (thread.tid, thread.cpu, thread.turns)).collect();
        accounts.sort_unstable();
        match &self.previous {
            Some((then, before)) if *before == accounts => now.duration_since(*then) >= APART,
            _ => {
                self.previous = Some((now, accounts));
                false
            }
        }
    }

    #[cfg(target_os = "linux")]
    fn state(&mut self, memory: &mut Memory, look: &Look, now: Instant) -> State {
        let mut timed = Vec::new();
        let mut hidden = false;
        if look.threads.is_empty() {
            return State::Busy;
        }
        for thread in &look.threads {
            match &thread.wait {
                Wait::Busy | Wait::Stopped => return State::Busy,
                Wait::Hidden => hidden = true,
                Wait::In(call) => timed.extend(call.limit.map(|limit| (thread, call, limit))),
            }
        }
        if hidden {
            return State::Hidden;
        }
        if timed.is_empty() {
            return State::Untimed;
        }
        let (wall, _) = self.used(look, now);
        let left = self.budget.wall.saturating_sub(wall);
        let long = timed.iter().all(|(thread, _, limit)| {
            let since = memory.since.get(&thread.tid).map_or(now, |(_, since)| *since);
            remaining(*limit, now.duration_since(since)).is_some_and(|rest| rest > left)
        });
        if long {
            return State::LongTimed;
        }
        if self.purpose == Purpose::Pause {
            return State::Timed;
        }
        self.idle(memory, &timed, now)
    }

    /// Whether the timed waits are idle ones: known ones, or such as have just come round.
    #[cfg(target_os = "linux")]
    fn idle(&mut self, memory: &mut Memory, timed: &[(&ThreadLook, &Call, Limit)], now: Instant) -> State {
        let (mut all_round, mut known) = (true, true);
        for (thread, call, _) in timed {
            let entry = self.rounds.entry(thread.tid).or_insert((call.signature, thread.turns, 0));
            if entry.0 != call.signature {
                *entry = (call.signature, thread.turns, 0);
            } else if entry.1 != thread.turns {
                *entry = (call.signature, thread.turns, entry.2 + 1);
            }
            // A sleep is not woken by what has come: only after it does the program look.
            let (asleep, rounds) = (call.name == "sleep", entry.2);
            all_round &= rounds >= if asleep { SLEEPS } else { 1 };
            let wanted = match (self.spoke, asleep) {
                (true, false) => 0,
                (true, true) | (false, false) => 1,
                (false, true) => SLEEPS,
            };
            known &= memory.learned.contains(&call.signature) && rounds >= wanted;
        }
        if known {
            return State::Idle;
        }
        if all_round && now.duration_since(self.silent_since) >= SILENCE {
            memory.learned.extend(timed.iter().map(|(_, call, _)| call.signature));
            return State::Idle;
        }
        State::Timed
    }

    #[cfg(not(target_os = "linux"))]
    fn state(&mut self, _memory: &mut Memory, _look: &Look, _now: Instant) -> State {
        State::Hidden
    }
}

/// What all threads together do.
enum State {
    Busy,
    Untimed,
    Idle,
    Timed,
    /// In timed waits that outlast the deadline.
    LongTimed,
    Hidden,
}

/// Where the kernel does not tell what a thread waits for: so long without work or output is rest.
const HIDDEN_GRACE: Duration = Duration::from_millis(300);

/// How long a wait still lasts at the least, given how long it has lasted at the most.
#[cfg(target_os = "linux")]
fn remaining(limit: Limit, waited: Duration) -> Option<Duration> {
    match limit {
        Limit::Within(whole) => Some(whole.saturating_sub(waited)),
        Limit::Left(rest) => Some(rest),
        Limit::Unknown => None,
    }
}

fn settled(how: Rest, look: &Look) -> Settled {
    let threads = look
        .threads
        .iter()
        .map(|thread| {
            let (call, descriptor, timed) = match &thread.wait {
                Wait::Busy => ("running", None, false),
                Wait::Stopped => ("stopped", None, false),
                Wait::Hidden => ("sleeping", None, false),
                #[cfg(target_os = "linux")]
                Wait::In(call) => (call.name, call.descriptor, call.limit.is_some()),
            };
            let (pid, tid, name) = (thread.pid, thread.tid, thread.name.clone());
            Blocked { pid, tid, name, call: call.to_owned(), descriptor, socket: None, timed }
        })
        .collect();
    Settled { how, threads }
}
