//! The scenarios of one program, shared out among workers. Most programs have one; where it waits
//! (for a client that gives up after seconds, say), or where there are places that nobody else wants, another
//! takes the next scenarios meanwhile, in a network and with a copy of the submission of its own. So a server may
//! be asked by a further worker in a fresh process what it would have been asked in one with a history: what comes
//! of a fresh one is what counts anyway, where the two differ.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::Progress;
use super::places::{Place, Places};
use crate::event::{ProgramRecord, Record};
use crate::judge::{counts, is_moot};
use crate::sandbox::Level;
use crate::worker::{Job, Message, run};

/// A scenario that takes longer is waiting for something.
const WAITING: Duration = Duration::from_millis(300);

/// How often it is looked whether all workers wait, or there is room.
const GLANCE: Duration = Duration::from_millis(25);

/// Fewer scenarios are not worth a worker, which takes some time to begin, unless the others wait.
const WORTH: usize = 2;

/// More workers for one program would not end it sooner.
const MOST: usize = 4;

/// What all workers of a program know.
struct State {
    /// The scenarios that were not given out yet, in the order of the plan.
    left: Vec<usize>,
    /// Those that a worker could not play after all.
    returned: Vec<usize>,
    /// What each worker plays, and since when.
    playing: BTreeMap<usize, (usize, Instant)>,
    /// Whether a further worker has failed: the machine has no room for more.
    full: bool,
    /// What was played, in the order in which it was done.
    played: Vec<Record>,
    level: Option<Level>,
    /// What is said of the program as a whole.
    record: ProgramRecord,
    first: Option<Instant>,
}

impl State {
    /// What a further worker cannot do is left to the first; without that one there is no grading.
    fn fail(&mut self, number: usize, reason: String) {
        if number == 0 {
            self.record.trouble.get_or_insert(reason);
            return;
        }
        self.full = true;
        self.returned.extend(self.playing.remove(&number).map(|(index, _)| index));
    }

    /// Whether nothing more is to be played, whatever is left.
    fn is_over(&self) -> bool {
        self.record.trouble.is_some() || self.record.stopped.is_some()
    }
}

/// A program's workers.
#[derive(Clone)]
pub(super) struct Lanes {
    job: Arc<Job>,
    executable: Arc<PathBuf>,
    state: Arc<Mutex<State>>,
    progress: Arc<dyn Fn(Progress) + Send + Sync>,
}

impl Lanes {
    pub(super) fn new(
        job: Job,
        record: ProgramRecord,
        executable: PathBuf,
        progress: Arc<dyn Fn(Progress) + Send + Sync>,
    ) -> Self {
        let state = State {
            left: (0..job.plan.scenarios.len()).collect(),
            returned: Vec::new(),
            playing: BTreeMap::new(),
            full: false,
            played: Vec::new(),
            level: None,
            record,
            first: None,
        };
        Self { job: Arc::new(job), executable: Arc::new(executable), state: Arc::new(Mutex::new(state)), progress }
    }

    /// Has all scenarios played. A further worker needs a place.
    pub(super) async fn play(self, places: Places) -> ProgramRecord {
        let mut workers = JoinSet::new();
        workers.spawn(self.clone().work(0, None));
        let mut number = 1;
        let mut glance = tokio::time::interval(GLANCE);
        glance.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                ended = workers.join_next() => {
                    // What a worker could not play after the first had ended is played by another first.
                    let left = ended.is_none() && self.is_something_left();
                    if left {
                        workers.spawn(self.clone().work(0, None));
                    } else if ended.is_none() {
                        break;
                    }
                }
                _ = glance.tick() => {
                    if number < MOST && self.wants_another(workers.len(), places.have_room())
                        && let Some(place) = places.take()
                    {
                        workers.spawn(self.clone().work(number, Some(place)));
                        number += 1;
                    }
                }
            }
        }
        self.result()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_something_left(&self) -> bool {
        let state = self.state();
        let plan = &self.job.plan;
        let useful = |index: &usize| plan.scenarios.get(*index).is_some_and(|one| !is_moot(plan, one, &state.played));
        !state.is_over() && (!state.returned.is_empty() || state.left.iter().any(useful))
    }

    /// Whether it is not known yet if a scenario is to be played: another worker has one that covers it.
    fn waits(&self, state: &State, index: usize) -> bool {
        let scenarios = &self.job.plan.scenarios;
        let mut pending = state.playing.values().map(|(one, _)| one).chain(&state.returned);
        let id = scenarios.get(index).map(|scenario| &scenario.id);
        pending.any(|one| scenarios.get(*one).is_some_and(|one| id.is_some_and(|id| one.covers.contains(id))))
    }

    /// Whether there is something left to play, and all workers wait, or there is room for more than what runs. Where
    /// programs are not kept apart from each other, one at a time is enough; and before anything has come of the
    /// first scenario, it is not known what of the others says anything.
    fn wants_another(&self, workers: usize, room: bool) -> bool {
        let state = self.state();
        if state.level != Some(Level::PrivateNetwork) || state.is_over() || state.full {
            return false;
        }
        let left = state.left.iter().filter(|index| !self.waits(&state, **index)).count();
        let all_play = state.playing.len() == workers;
        let all_wait = || state.playing.values().all(|(_, since)| since.elapsed() > WAITING);
        all_play && (left > 0 && all_wait() || left >= WORTH && room && !state.played.is_empty())
    }

    async fn work(self, number: usize, _place: Option<Place>) {
        let mut job = Job::clone(&self.job);
        if let Some(first) = self.state().first {
            // Its time is that of the program.
            let seconds = &mut job.launch.limits.wall_seconds;
            *seconds = seconds.saturating_sub(first.elapsed().as_secs()).max(1);
        }
        let outcome = run(&self.executable, &job, || self.give(number), |message| self.hear(number, message)).await;
        let mut state = self.state();
        if let Err(error) = outcome {
            state.fail(number, error.to_string());
        }
        state.playing.remove(&number);
    }

    /// The scenario that a worker is to play next.
    fn give(&self, number: usize) -> Option<usize> {
        let mut state = self.state();
        state.playing.remove(&number);
        if state.is_over() || number > 0 && state.full {
            return None;
        }
        let index = state.returned.pop().or_else(|| self.next(&mut state))?;
        state.playing.insert(number, (index, Instant::now()));
        Some(index)
    }

    /// The next scenario of the plan that says anything.
    fn next(&self, state: &mut State) -> Option<usize> {
        let plan = &self.job.plan;
        let mut place = 0;
        while let Some(index) = state.left.get(place).copied() {
            if self.waits(state, index) {
                place += 1;
                continue;
            }
            state.left.remove(place);
            if plan.scenarios.get(index).is_some_and(|scenario| !is_moot(plan, scenario, &state.played)) {
                (self.progress)(Progress { role: plan.role, scenario: index + 1, of: plan.scenarios.len() });
                return Some(index);
            }
        }
        None
    }

    fn hear(&self, number: usize, message: Message) {
        let mut state = self.state();
        match message {
            Message::Isolated { level, reason, .. } => {
                state.first.get_or_insert_with(Instant::now);
                if number == 0 {
                    state.level = Some(level);
                    state.record.isolation = level.name().to_owned();
                    state.record.isolation_reason = reason;
                } else if state.level != Some(level) {
                    // What the report says is to hold of every scenario.
                    state.full = true;
                }
            }
            Message::Played(record) => state.played.push(record),
            Message::Done { starts, spent } => {
                state.record.starts += starts;
                state.record.spent += spent;
            }
            Message::Trouble(reason) => state.fail(number, reason),
            Message::Stopped(reason) => drop(state.record.stopped.get_or_insert(reason)),
            Message::Ready | Message::NoNetwork | Message::Alive => {}
            Message::Built(_) | Message::Did(_) | Message::Met(_) => {}
        }
    }

    /// The records in the order of the plan: those that one worker alone would have made.
    fn result(&self) -> ProgramRecord {
        let mut state = self.state();
        let mut played = std::mem::take(&mut state.played);
        let (mut record, first) = (state.record.clone(), state.first);
        for scenario in &self.job.plan.scenarios {
            let Some(place) = played.iter().position(|record| record.scenario == scenario.id) else { continue };
            let found = played.swap_remove(place);
            let counts = counts(&self.job.plan, scenario, &found);
            if counts && !is_moot(&self.job.plan, scenario, &record.records) {
                record.records.push(found);
            }
        }
        record.micros = first.map_or(0, |first| u64::try_from(first.elapsed().as_micros()).unwrap_or(u64::MAX));
        let of = self.job.plan.scenarios.len();
        (self.progress)(Progress { role: self.job.plan.role, scenario: of, of });
        record
    }
}
