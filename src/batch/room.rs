//! How many programs the machine carries at the same time. Most programs wait most of the time (a client for
//! a reply that never comes, say), so there is room for more of them while processors stand idle.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::observe::Load;
use crate::sandbox::free_memory;

/// How often it is looked whether processors are idle.
pub const GLANCE: Duration = Duration::from_millis(200);

/// More would want too much memory of most machines.
const MOST: usize = 128;

/// So much of the memory must be free for one more than always, and where less than that is, there is one too many.
const MEMORY: (f64, f64) = (0.25, 0.1);

/// The places of all submissions together.
#[derive(Debug)]
pub struct Room {
    free: Arc<Semaphore>,
    /// Those in which something is built: compilers do not wait, and have limited time.
    builds: Arc<Semaphore>,
    /// So many places there are always.
    base: usize,
    /// So many there are at most.
    most: usize,
    /// So many there are now.
    now: AtomicUsize,
    /// So many are taken away as soon as they are given back.
    leaving: Arc<AtomicUsize>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Seat {
    permit: Option<OwnedSemaphorePermit>,
    leaving: Arc<AtomicUsize>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take().filter(|_| one_less(&self.leaving)) {
            permit.forget();
        }
    }
}

impl Room {
    /// Always as many.
    #[must_use]
    pub fn fixed(places: usize) -> Self {
        let places = places.max(1);
        Self {
            free: Arc::new(Semaphore::new(places)),
            builds: Arc::new(Semaphore::new(places)),
            base: places,
            most: places,
            now: AtomicUsize::new(places),
            leaving: Arc::default(),
        }
    }

    /// Two for each of some processors, and up to six times as many while processors idle: as many as memory and
    /// this process's descriptors suffice for.
    #[must_use]
    pub fn elastic(processors: usize) -> Self {
        let base = 2 * processors.max(1);
        Self { most: (6 * base).min(MOST).min(workers_by_descriptors()).max(base), ..Self::fixed(base) }
    }

    /// The same for one submission: its four programs begin side by side, and get more while they wait.
    #[must_use]
    pub fn wide(processors: usize) -> Self {
        let Self { base, most, builds, .. } = Self::elastic(processors);
        Self { base, builds, ..Self::fixed(most) }
    }

    /// How many there are always.
    #[must_use]
    pub fn base(&self) -> usize {
        self.base
    }

    /// How many there are at most.
    #[must_use]
    pub fn most(&self) -> usize {
        self.most
    }

    /// Whether fewer are taken than there are always.
    pub(super) fn has_some_of_the_first(&self) -> bool {
        self.places().saturating_sub(self.free.available_permits()) < self.base
    }

    /// How many there are now: with so many submissions under way, none is idle for long, whatever each of them
    /// waits for.
    #[must_use]
    pub fn places(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }

    /// Waits for a place. (Nobody closes a semaphore here, so there is always one in the end.)
    pub(super) async fn wait(&self) -> Option<Seat> {
        Some(self.seat(Arc::clone(&self.free).acquire_owned().await.ok()?))
    }

    /// A place, if one is free and nobody waits for it. One more than always needs memory.
    pub(super) fn take(&self) -> Option<Seat> {
        let is_extra = !self.has_some_of_the_first() && self.most > self.base;
        if is_extra && free_memory().is_none_or(|free| free < MEMORY.0) {
            return None;
        }
        Some(self.seat(Arc::clone(&self.free).try_acquire_owned().ok()?))
    }

    /// Waits until something may be built. Who has this waits for nobody who waits for it.
    pub(super) async fn build(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.builds).acquire_owned().await.ok()
    }

    fn seat(&self, permit: OwnedSemaphorePermit) -> Seat {
        Seat { permit: Some(permit), leaving: Arc::clone(&self.leaving) }
    }

    /// A place more where half a processor (of less than three, a sixth of them) is idle though all places are
    /// taken; one less where there are more than always, and none is idle. Free memory, a share of all, decides too.
    fn fit(&self, idle: f64, processors: f64, memory: f64) {
        let now = self.places();
        let taken = self.free.available_permits() == 0;
        if taken && now < self.most && idle > (processors / 6.0).min(0.5) && memory > MEMORY.0 {
            if !one_less(&self.leaving) {
                self.free.add_permits(1);
            }
            self.now.store(now + 1, Ordering::Relaxed);
        } else if now > self.base && (idle < processors / 40.0 || memory < MEMORY.1) {
            if self.free.forget_permits(1) == 0 {
                self.leaving.fetch_add(1, Ordering::Relaxed);
            }
            self.now.store(now - 1, Ordering::Relaxed);
        }
    }
}

/// Takes one off a number; says whether there was one.
fn one_less(number: &AtomicUsize) -> bool {
    number.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |number| number.checked_sub(1)).is_ok()
}

/// For how many workers this process may have pipes open, beside what it needs else.
fn workers_by_descriptors() -> usize {
    const EACH: u64 = 6;
    const ELSE: u64 = 64;
    crate::sandbox::files_at_once()
        .map_or(usize::MAX, |all| usize::try_from(all.saturating_sub(ELSE) / EACH).unwrap_or(usize::MAX))
}

/// What is known of the machine since the last glance.
#[derive(Debug, Default)]
pub(super) struct Usher {
    load: Load,
}

impl Usher {
    /// Makes the room fit what processors do. Where the system does not tell, it stays as it is.
    pub(super) fn glance(&mut self, room: &Room) {
        if room.most == room.base {
            return;
        }
        if let Some(idle) = self.load.idle() {
            let processors = u32::try_from(room.base / 2).map_or(1.0, f64::from);
            room.fit(idle, processors, free_memory().unwrap_or(0.0));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by a panic")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn room_grows_while_processors_idle_and_shrinks_again() {
        let room = Room::elastic(1);
        let mut seats = vec![room.take().unwrap(), room.take().unwrap()];
        assert!(room.take().is_none());
        room.fit(0.0, 1.0, 1.0);
        room.fit(1.0, 1.0, 0.2);
        assert!(room.take().is_none(), "processors are busy, or there is no memory");
        for _ in 0..100 {
            room.fit(1.0, 1.0, 1.0);
            seats.extend(room.take());
        }
        assert_eq!((seats.len(), room.places()), (12, 12));
        for _ in 0..100 {
            room.fit(0.0, 1.0, 1.0);
        }
        assert_eq!(room.places(), 2);
        drop(seats);
        let left: Vec<_> = std::iter::from_fn(|| room.take()).collect();
        assert_eq!(left.len(), 2, "those too many go as they are given back");
    }

    #[tokio::test]
    async fn a_place_that_was_to_go_stays_where_it_is_wanted_again() {
        let room = Room::elastic(1);
        let mut seats: Vec<_> = std::iter::from_fn(|| room.take()).collect();
        room.fit(1.0, 1.0, 1.0);
        seats.extend(room.take());
        room.fit(0.0, 1.0, 1.0);
        room.fit(1.0, 1.0, 1.0);
        drop(seats);
        let left: Vec<_> = std::iter::from_fn(|| room.take()).collect();
        assert_eq!(left.len(), 3);
    }

    #[tokio::test]
    async fn who_waits_is_served_while_a_room_shrinks() {
        let room = Room::elastic(1);
        let mut seats: Vec<_> = std::iter::from_fn(|| room.take()).collect();
        (0..10).for_each(|_| {
            room.fit(1.0, 1.0, 1.0);
            seats.extend(room.take());
        });
        (0..10).for_each(|_| room.fit(0.0, 1.0, 1.0));
        let mut waiting = std::pin::pin!(room.wait());
        // All of them are given back but one, and of the first two one is left for who waits.
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("all are taken"),
            () = std::future::ready(()) => {}
        }
        seats.truncate(1);
        let seat = tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap();
        assert!(seat.is_some() && room.take().is_none());
    }

    #[tokio::test]
    async fn there_are_as_many_builds_as_places_that_are_always_there() {
        for room in [Room::elastic(1), Room::wide(1)] {
            let builds = [room.build().await, room.build().await];
            assert!(builds.iter().all(Option::is_some));
            let third = tokio::time::timeout(Duration::from_millis(10), room.build()).await;
            assert!(third.is_err(), "two at a time");
        }
    }

    #[tokio::test]
    async fn a_wide_room_has_all_its_places_and_says_when_the_first_are_taken() {
        let room = Room::wide(1);
        let _first = room.take().unwrap();
        assert!(room.has_some_of_the_first());
        let _second = room.take().unwrap();
        assert!(!room.has_some_of_the_first() && room.wait().await.is_some());
    }

    #[tokio::test]
    async fn a_room_of_a_fixed_size_stays_as_it_is() {
        let room = Room::fixed(1);
        let _seat = room.wait().await.unwrap();
        (0..10).for_each(|_| room.fit(1.0, 1.0, 1.0));
        assert!(room.take().is_none());
    }
}
