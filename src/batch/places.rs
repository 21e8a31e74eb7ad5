//! Who may run a program now. A submission has so many places for itself, and all of a cohort together
//! have so many as the machine can carry: so one that takes long holds up nobody else.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of one submission. Who waits gets one in turn.
#[derive(Debug, Clone)]
pub struct Places {
    own: Arc<Semaphore>,
    all: Arc<Semaphore>,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub struct Place {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Places {
    /// For a submission that is graded alone.
    #[must_use]
    pub fn alone(number: usize) -> Self {
        Self::among(&Arc::new(Semaphore::new(number.max(1))), number)
    }

    /// For one of several, with so many for itself at most.
    #[must_use]
    pub fn among(all: &Arc<Semaphore>, own: usize) -> Self {
        Self { own: Arc::new(Semaphore::new(own.max(1))), all: Arc::clone(all) }
    }

    /// Waits for a place. (Nobody closes a semaphore here, so there is always one in the end.)
    pub(super) async fn wait(&self) -> Option<Place> {
        let own = Arc::clone(&self.own).acquire_owned().await.ok()?;
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Place { _own: own, _all: all })
    }

    /// A place, if one is free and nobody waits for it.
    pub(super) fn take(&self) -> Option<Place> {
        let own = Arc::clone(&self.own).try_acquire_owned().ok()?;
        let all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(Place { _own: own, _all: all })
    }
}
