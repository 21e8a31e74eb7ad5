//! Whether the program is at rest: a state machine over looks at its threads, free of any I/O.
//!
//! In conformance-testing theory this is the observation of quiescence. The rules:
//! - *Quiescent*: two looks in a row show every thread in a wait without a time limit, none of them
//!   has had a processor in between, and nothing is under way in the kernel. Loopback delivers at
//!   once, so whatever could wake the program would have.
//! - *Polling*: some threads wait with a limit, and come round to the very same wait again without
//!   doing anything. Where they do so before anybody has asked for something is their *home*. While
//!   the program owes somebody an answer, coming round proves nothing: programs that are odd but
//!   right sleep several times before they reply. Then only the deadline ends such a wait. When
//!   nothing is owed, a program that is back home is at rest; one that is not gets longer.
//! - *Deadline*: the last resort. It counts time in which the program could have run: not that in
//!   which it stood in line for a processor, waited for a disk, or was stopped. Each answer renews
//!   it. A thread that was found to spin gets less of it.
//!
//! A thread is known by its account (`schedstat`): one that has had no processor between two looks,
//! and sleeps at both, has slept all the time.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::threads::{Call, Limit, Look, Signature, ThreadLook, Wait};
use crate::event::{Blocked, Rest};

/// What the waiting is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To learn what the program does after a stimulus.
    Settle,
    /// To learn where the program waits before it is asked for anything. Nothing is judged by it, so
    /// a round will do.
    Home,
    /// A pause of the suite: a program that wakes by its own timer makes use of all of it, so only
    /// what waits for ever cuts it short.
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
    /// Time in which it could have run (of a pause: all time).
    pub wall: Duration,
    /// Processor time.
    pub cpu: Duration,
}

impl Budget {
    /// For a start: interpreters load, runtimes compile.
    pub const START: Self = Self { wall: Duration::from_secs(10), cpu: Duration::from_secs(10) };
    /// For a reaction.
    pub const SETTLE: Self = Self { wall: Duration::from_secs(5), cpu: Duration::from_secs(3) };
    /// Until it asks for input: a start, of which not all need be seen.
    pub const PROMPT: Self = Self { wall: Duration::from_secs(3), cpu: Duration::from_secs(3) };
    /// To learn where it is at home.
    pub const HOME: Self = Self { wall: Duration::from_secs(2), cpu: Duration::from_millis(300) };
}

/// How long a program that owes nothing must have been silent before a round of a timer counts as
/// idle, where that is not known as its home.
const SILENCE: Duration = Duration::from_secs(1);

/// The same for one that sleeps elsewhere than at home: in time in which it could have run.
const LONG: Duration = Duration::from_secs(5);

/// Processor time that a thread gets which is known to spin, when nothing is owed.
const SPIN: Duration = Duration::from_millis(50);

/// The same when something is owed that it has not given once in its whole budget.
const SPIN_OWING: Duration = Duration::from_millis(250);

/// Rounds of a bare sleep after which it counts as idle. The first may have begun before the
/// stimulus, and in the second the program may still be at work on it.
const SLEEPS: u32 = 2;

/// Looks closer together than this could show the same moment twice.
const APART: Duration = Duration::from_micros(400);

/// Where the kernel does not tell what a thread waits for: so long without work or output is rest.
const HIDDEN_GRACE: Duration = Duration::from_millis(300);

/// Who pauses a program from outside lets it go on by then; one that is stopped for longer has stopped
/// itself, and nobody will wake it.
const STOPPED: Duration = Duration::from_secs(10);

/// A wait for rest ends after so many times its budget, whatever the program was kept from.
const PATIENCE: u32 = 12;

/// The program has come to rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// How that is known.
    pub how: Rest,
    /// What its threads are blocked in (their sockets are filled in by the watch).
    pub threads: Vec<Blocked>,
}

/// A place in the program where some thread waits: the number of the call, and the program counter.
/// Whatever the thread is: one for each connection, or one for each tick, waits where its like did.
type Place = (u64, u64);

fn place(signature: &Signature) -> Place {
    (signature[0], signature[3])
}

/// What is kept between waits for rest, for the life of the program: the timed waits in which it was
/// found at rest, the threads that never wait at all, and the last account of each thread.
#[derive(Debug, Default)]
pub struct Memory {
    home: HashSet<Place>,
    spinners: HashSet<u32>,
    /// Threads that spun for a whole budget while something was owed.
    hopeless: HashSet<u32>,
    threads: HashMap<u32, Track>,
    looked: Option<Instant>,
    /// It was found to answer bit by bit and never be done with it: that gains it no more time.
    pub(super) endless: bool,
}

/// A thread as the last look left it.
#[derive(Debug, Clone)]
struct Track {
    cpu: u64,
    waited: u64,
    turns: u64,
    signature: Option<Signature>,
    /// When its present wait may have begun, at the earliest.
    since: Instant,
}

/// One of the waits that a thread comes back to.
#[derive(Debug)]
struct Stay {
    signature: Signature,
    /// Whether only time ends it.
    bare: bool,
    /// Whether time ends it, among others.
    timed: bool,
    /// It was seen there at two looks without having had a processor: so what wakes it next is no
    /// longer the stimulus.
    seated: bool,
    /// How often it has come back.
    rounds: u32,
}

/// One waiting for rest.
#[derive(Debug)]
pub struct Resting {
    purpose: Purpose,
    budget: Budget,
    /// How many answers of the program somebody waits for.
    owed: usize,
    /// How often it had given something of what it owed.
    paid: Option<u64>,
    first_begun: Instant,
    /// When the time that the budget counts began.
    begun: Instant,
    /// When something last went over the wire.
    silent_since: Instant,
    /// When something last happened at all.
    quiet_since: Instant,
    /// How much of the budget was used when the program last gave a sign of life.
    sign_of_life: Duration,
    spoke: bool,
    stirred: bool,
    gone: bool,
    stays: HashMap<u32, Vec<Stay>>,
    calm_since: Option<Instant>,
    placid_since: Option<Instant>,
    cpu: Duration,
    /// What each thread has waited for a processor before this began.
    waited_before: HashMap<u32, u64>,
    waited: Duration,
    held_up: Duration,
    /// The part of it in which a thread was stopped.
    stopped: Duration,
}

/// How a look compares with the one before.
struct Change {
    /// No thread has come, gone, or had a processor.
    calm: bool,
    /// None but such as came back to the timed wait that they had left.
    placid: bool,
}

impl Resting {
    /// Begins to wait.
    #[must_use]
    pub fn new(purpose: Purpose, budget: Budget, now: Instant) -> Self {
        Self {
            purpose,
            budget,
            owed: 0,
            paid: None,
            first_begun: now,
            begun: now,
            silent_since: now,
            quiet_since: now,
            sign_of_life: Duration::ZERO,
            spoke: false,
            stirred: true,
            gone: false,
            stays: HashMap::new(),
            calm_since: None,
            placid_since: None,
            cpu: Duration::ZERO,
            waited_before: HashMap::new(),
            waited: Duration::ZERO,
            held_up: Duration::ZERO,
            stopped: Duration::ZERO,
        }
    }

    /// Something went over the wire, or the program printed.
    pub fn activity(&mut self, activity: Activity, now: Instant) {
        self.quiet_since = now;
        self.sign_of_life = self.wall(now);
        self.stirred = true;
        if activity == Activity::Wire {
            self.silent_since = now;
            self.spoke = true;
            self.stays.clear();
        } else {
            // Who counts down to something says so; who only waits says nothing.
            self.stays.values_mut().for_each(|stays| stays.retain(|stay| !stay.bare));
        }
    }

    /// Says how many answers the program owes, and how often it has given something of them: what it
    /// still owes then gets a budget of its own. A flood of anything else has an end.
    pub fn owing(&mut self, memory: &Memory, answers: usize, paid: u64, now: Instant) {
        self.owed = answers;
        if self.paid.replace(paid).is_none_or(|before| before >= paid) || memory.endless {
            return;
        }
        self.begun = now;
        self.sign_of_life = Duration::ZERO;
        (self.cpu, self.waited, self.held_up) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        self.waited_before.clear();
    }

    /// Takes a look into account; says so when the wait is over.
    pub fn look(&mut self, memory: &mut Memory, look: &Look, now: Instant) -> Option<Settled> {
        if !look.alive {
            // The processes of a fork can be missed by one look.
            return std::mem::replace(&mut self.gone, true).then(|| settled(Rest::Gone, look));
        }
        self.gone = false;
        self.charge(memory, look, now);
        let change = self.follow(memory, look, now);
        memory.looked = Some(now);
        let how = self.verdict(memory, look, &change, now).or_else(|| self.deadline(memory, look, now))?;
        self.learn(memory, look, how, now);
        Some(settled(how, look))
    }

    /// Keeps where the program was found at rest, or that it spins.
    fn learn(&self, memory: &mut Memory, look: &Look, how: Rest, now: Instant) {
        if self.purpose == Purpose::Pause || !matches!(how, Rest::Polling | Rest::Deadline) {
            return;
        }
        memory.endless |= how == Rest::Deadline && self.out_of_patience(now) && self.begun != self.first_begun;
        for thread in &look.threads {
            match &thread.wait {
                Wait::In(call) if call.limit.is_some() => drop(memory.home.insert(place(&call.signature))),
                Wait::Busy if how == Rest::Deadline => {
                    memory.spinners.insert(thread.tid);
                    if self.owed > 0 && self.cpu >= SPIN_OWING {
                        memory.hopeless.insert(thread.tid);
                    }
                }
                _ => {}
            }
        }
        let come_round = self.stays.values().flatten().filter(|stay| stay.timed && stay.rounds > 0);
        memory.home.extend(come_round.map(|stay| place(&stay.signature)));
    }

    /// Counts what the program has used, and what kept it from running.
    fn charge(&mut self, memory: &Memory, look: &Look, now: Instant) {
        let gap = now.duration_since(memory.looked.unwrap_or(self.begun).max(self.begun));
        let held_up = |thread: &ThreadLook| matches!(thread.wait, Wait::Stopped | Wait::Disk);
        let busy = |thread: &ThreadLook| matches!(thread.wait, Wait::Busy);
        let stopped = look.threads.iter().any(|thread| matches!(thread.wait, Wait::Stopped));
        if look.threads.iter().any(held_up) && !look.threads.iter().any(busy) && (!stopped || self.stopped < STOPPED) {
            self.held_up += gap;
            self.stopped += if stopped { gap } else { Duration::ZERO };
        }
        for thread in &look.threads {
            let before = memory.threads.get(&thread.tid);
            let cpu = thread.cpu.saturating_sub(before.map_or(0, |track| track.cpu));
            self.cpu += Duration::from_nanos(cpu);
            let base = *self.waited_before.entry(thread.tid).or_insert(before.map_or(0, |track| track.waited));
            self.waited = self.waited.max(Duration::from_nanos(thread.waited.saturating_sub(base)));
        }
    }

    /// Compares each thread with what it was at the last look, and counts its rounds.
    fn follow(&mut self, memory: &mut Memory, look: &Look, now: Instant) -> Change {
        let quiet = !std::mem::take(&mut self.stirred) && !look.in_transit;
        let same_number = memory.threads.len() == look.threads.len();
        let (mut calm, mut placid) = (quiet && same_number, quiet && same_number);
        let mut threads = HashMap::with_capacity(look.threads.len());
        for thread in &look.threads {
            let signature = thread.call().map(|call| call.signature);
            let before = memory.threads.remove(&thread.tid);
            let ran = before.as_ref().is_none_or(|track| track.turns != thread.turns || track.cpu != thread.cpu);
            let same_wait = before.as_ref().is_some_and(|track| track.signature == signature);
            calm &= !ran;
            placid &= !ran || same_wait && thread.call().is_some_and(|call| call.limit.is_some());
            if ran {
                self.quiet_since = now;
            }
            if let Some(call) = thread.call() {
                let turns = thread.turns.saturating_sub(before.as_ref().map_or(0, |track| track.turns));
                self.stay(thread.tid, call, ran, same_wait.then_some(turns), quiet);
            }
            let since = match before {
                Some(track) if !ran => track.since,
                _ => memory.looked.unwrap_or(self.begun),
            };
            let (cpu, waited, turns) = (thread.cpu, thread.waited, thread.turns);
            threads.insert(thread.tid, Track { cpu, waited, turns, signature, since });
        }
        memory.threads = threads;
        let streak = |since: &mut Option<Instant>, holds: bool| {
            *since = if holds { since.or(memory.looked) } else { None };
            since.is_some_and(|since| now.duration_since(since) >= APART)
        };
        Change { calm: streak(&mut self.calm_since, calm), placid: streak(&mut self.placid_since, placid) }
    }

    /// Notes that a thread is in a wait; `turns` is how often it had a processor since the last look,
    /// if it was there at that look too.
    fn stay(&mut self, tid: u32, call: &Call, ran: bool, turns: Option<u64>, quiet: bool) {
        /// More than any loop waits at; a program that has more is not polling.
        const MOST: usize = 16;
        let stays = self.stays.entry(tid).or_default();
        let index = stays.iter().position(|stay| stay.signature == call.signature).unwrap_or_else(|| {
            if stays.len() >= MOST {
                stays.clear();
            }
            let (signature, bare, timed) = (call.signature, call.bare, call.limit.is_some());
            stays.push(Stay { signature, bare, timed, seated: false, rounds: 0 });
            stays.len() - 1
        });
        let stay = &mut stays[index];
        if ran || turns.is_none() {
            // Where looks are too rare to see it seated, the first of two turns may be the stimulus's.
            let whole = stay.seated || turns.is_some_and(|turns| turns >= 2);
            stay.rounds += u32::from(whole);
            stay.seated = false;
        } else if quiet {
            stay.seated = true;
        }
    }

    fn verdict(&self, memory: &Memory, look: &Look, change: &Change, now: Instant) -> Option<Rest> {
        if look.blind || look.threads.iter().any(|thread| matches!(thread.wait, Wait::Hidden)) {
            let asleep = look.threads.iter().all(|thread| matches!(thread.wait, Wait::Hidden | Wait::In(_)));
            let quiet = asleep && now.duration_since(self.quiet_since) >= HIDDEN_GRACE;
            return (quiet && self.purpose != Purpose::Pause).then_some(Rest::Grace);
        }
        if look.threads.is_empty() || !look.asleep() {
            return None;
        }
        let timed: Vec<_> = look.threads.iter().filter_map(|thread| Some((thread, thread.call()?))).collect();
        let timed: Vec<_> = timed.into_iter().filter(|(_, call)| call.limit.is_some()).collect();
        if timed.is_empty() {
            return change.calm.then_some(Rest::Quiescent);
        }
        if self.purpose == Purpose::Pause {
            return None;
        }
        let idle = |thread: &ThreadLook, call: &Call| self.idle(memory, thread.tid, call, now);
        if change.placid && timed.iter().all(|(thread, call)| idle(thread, call)) {
            return Some(Rest::Polling);
        }
        let late = |thread: &ThreadLook, call: &Call| self.outlasts(memory, thread.tid, call, now);
        let nothing_more = timed.iter().all(|(thread, call)| late(thread, call) || idle(thread, call));
        (change.calm && nothing_more).then_some(Rest::Polling)
    }

    /// Whether a timed wait is an idle one.
    fn idle(&self, memory: &Memory, tid: u32, call: &Call, now: Instant) -> bool {
        let stays = self.stays.get(&tid);
        let stay = stays.and_then(|stays| stays.iter().find(|stay| stay.signature == call.signature));
        let rounds = stay.map_or(0, |stay| stay.rounds);
        let whole = rounds >= if call.bare { SLEEPS } else { 1 };
        if self.purpose == Purpose::Home {
            return whole;
        }
        if self.owed > 0 {
            return false;
        }
        match (memory.home.contains(&place(&call.signature)), call.bare) {
            (true, _) => self.spoke || whole,
            (false, false) => whole && now.duration_since(self.silent_since) >= SILENCE,
            (false, true) => whole && self.wall(now).saturating_sub(self.sign_of_life) >= LONG,
        }
    }

    /// Whether a timed wait lasts beyond the deadline, so that it cannot matter any more.
    fn outlasts(&self, memory: &Memory, tid: u32, call: &Call, now: Instant) -> bool {
        let rest = match call.limit {
            Some(Limit::Within(whole)) => {
                let since = memory.threads.get(&tid).map_or(self.begun, |track| track.since);
                whole.saturating_sub(now.duration_since(since))
            }
            Some(Limit::Left(rest)) => rest,
            Some(Limit::Unknown) | None => return false,
        };
        rest > self.budget.wall.saturating_sub(self.wall(now))
    }

    /// How long the program could have run since the waiting began.
    fn wall(&self, now: Instant) -> Duration {
        let all = now.duration_since(self.begun);
        match self.purpose {
            Purpose::Settle | Purpose::Home => all.saturating_sub(self.waited + self.held_up),
            Purpose::Pause => all,
        }
    }

    fn deadline(&self, memory: &Memory, look: &Look, now: Instant) -> Option<Rest> {
        let (known, most) = if self.owed > 0 { (&memory.hopeless, SPIN_OWING) } else { (&memory.spinners, SPIN) };
        let spins = |thread: &ThreadLook| matches!(thread.wait, Wait::Busy) && known.contains(&thread.tid);
        let spinning = self.purpose != Purpose::Pause && look.threads.iter().any(spins);
        let cpu = if spinning { self.budget.cpu.min(most) } else { self.budget.cpu };
        let over = self.wall(now) >= self.budget.wall || self.cpu >= cpu || self.out_of_patience(now);
        over.then_some(Rest::Deadline)
    }

    fn out_of_patience(&self, now: Instant) -> bool {
        now.duration_since(self.first_begun) >= self.budget.wall.saturating_mul(PATIENCE)
    }
}

fn settled(how: Rest, look: &Look) -> Settled {
    Settled { how, threads: look.threads.iter().map(ThreadLook::blocked).collect() }
}

#[cfg(test)]
mod tests;
