//! Who may run a program now. A submission has so many places for itself, and all of a cohort together
//! have so many as the machine can carry: so one that takes long holds up nobody else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::room::{Room, Seat};

/// The places of one submission. Who waits gets one in turn.
#[derive(Debug, Clone)]
pub struct Places {
    own: Arc<Semaphore>,
    all: Arc<Room>,
    clock: Clock,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub struct Place {
    _own: OwnedSemaphorePermit,
    _all: Seat,
    _running: Running,
}

/// How long a submission has had at least one place. While all places are another's, its time stands still.
#[derive(Debug, Clone, Default)]
struct Clock(Arc<Mutex<Reading>>);

#[derive(Debug, Default)]
struct Reading {
    /// How many places it has now.
    places: usize,
    /// Since when it has had some.
    since: Option<Instant>,
    /// How long it had some before.
    before: Duration,
}

impl Clock {
    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) -> Running {
        let mut reading = self.reading();
        reading.places += 1;
        reading.since.get_or_insert_with(Instant::now);
        Running(self.clone())
    }
}

/// The clock goes on until this is dropped.
#[derive(Debug)]
struct Running(Clock);

impl Drop for Running {
    fn drop(&mut self) {
        let mut reading = self.0.reading();
        reading.places -= 1;
        if reading.places == 0 {
            let last = reading.since.take().map_or(Duration::ZERO, |since| since.elapsed());
            reading.before += last;
        }
    }
}

impl Places {
    /// For a submission that is graded alone, in a room of its own.
    #[must_use]
    pub fn alone(room: Room) -> Self {
        let own = room.most();
        Self::among(&Arc::new(room), own)
    }

    /// For one of several, with so many for itself at most.
    #[must_use]
    pub fn among(all: &Arc<Room>, own: usize) -> Self {
        Self { own: Arc::new(Semaphore::new(own.max(1))), all: Arc::clone(all), clock: Clock::default() }
    }

    /// Waits for a place. (Nobody closes a semaphore here, so there is always one in the end.)
    pub(super) async fn wait(&self) -> Option<Place> {
        let own = Arc::clone(&self.own).acquire_owned().await.ok()?;
        let all = self.all.wait().await?;
        Some(Place { _own: own, _all: all, _running: self.clock.start() })
    }

    /// A place, if one is free and nobody waits for it.
    pub(super) fn take(&self) -> Option<Place> {
        let own = Arc::clone(&self.own).try_acquire_owned().ok()?;
        let all = self.all.take()?;
        Some(Place { _own: own, _all: all, _running: self.clock.start() })
    }

    /// Whether less runs now than may always.
    pub(super) fn have_room(&self) -> bool {
        self.all.has_some_of_the_first()
    }

    /// Waits until something may be built; it may while this is held.
    pub(super) async fn build(&self) -> Option<OwnedSemaphorePermit> {
        self.all.build().await
    }

    /// How long it has had at least one place.
    fn had(&self) -> Duration {
        let reading = self.clock.reading();
        reading.before + reading.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Waits until it has had places for so long.
    pub(super) async fn used_up(&self, limit: Duration) {
        /// How soon it is looked again at a clock that may stand still.
        const GLANCE: Duration = Duration::from_millis(100);
        while let Some(left) = limit.checked_sub(self.had()).filter(|left| !left.is_zero()) {
            tokio::time::sleep(left.max(GLANCE)).await;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by a panic")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn time_without_a_place_is_not_counted() {
        let all = Arc::new(Room::fixed(1));
        let (one, other) = (Places::among(&all, 1), Places::among(&all, 1));
        let place = one.wait().await.unwrap();
        assert!(other.take().is_none());
        let used_up = one.used_up(Duration::from_millis(20));
        assert!(tokio::time::timeout(Duration::from_secs(60), used_up).await.is_ok(), "it has had its place");
        assert_eq!(other.had(), Duration::ZERO);
        drop(place);
        let had = one.had();
        let place = other.wait().await.unwrap();
        other.used_up(Duration::from_millis(1)).await;
        drop(place);
        assert_eq!(one.had(), had, "its clock stands still");
        assert!(other.had() > Duration::ZERO);
    }
}
