//! The events of a scenario as they come.

use std::time::Instant;

use super::debts::Debts;
use crate::event::{Event, Fact};
use crate::observe::capture::{Moments, Sighting};
use crate::peer::Seen;
use crate::plan::model::Plan;

/// The most events that one record keeps: a flood of tiny segments has an end.
const MOST: usize = 20_000;

#[derive(Debug)]
pub(super) struct Log {
    begun: Instant,
    moments: Moments,
    events: Vec<Event>,
    pub(super) debts: Debts,
}

impl Log {
    pub(super) fn new(begun: Instant, plan: &Plan) -> Self {
        Self { begun, moments: Moments::begin(), events: Vec::new(), debts: Debts::new(plan) }
    }

    pub(super) fn push(&mut self, fact: Fact) {
        self.seen(Seen::now(fact));
    }

    pub(super) fn seen(&mut self, seen: Seen) {
        self.debts.note(&seen.fact);
        let floods = matches!(seen.fact, Fact::Received { .. } | Fact::Printed { .. } | Fact::LookedUp { .. });
        if self.events.len() >= MOST && floods || self.is_repeated(&seen.fact) {
            return;
        }
        let at = u64::try_from(seen.at.saturating_duration_since(self.begun).as_micros()).unwrap_or(u64::MAX);
        self.events.push(Event { at, fact: seen.fact });
    }

    /// Whether a name has been looked for already since the last start: each is asked for twice or
    /// more, for IPv4 and for IPv6.
    fn is_repeated(&self, fact: &Fact) -> bool {
        let this_run = || {
            self.events.iter().rev().map(|event| &event.fact).take_while(|fact| !matches!(fact, Fact::Started { .. }))
        };
        matches!(fact, Fact::LookedUp { .. }) && this_run().any(|earlier| earlier == fact)
    }

    /// Notes packets that have come since this was last called, each at the moment when the kernel saw
    /// it: before it was handed to whoever it was for, and so before what they say of it.
    pub(super) fn sighted(&mut self, sightings: Vec<Sighting>) {
        self.moments.look(self.begun.elapsed());
        for Sighting { nanos, fact } in sightings {
            self.events.push(Event { at: self.moments.micros(nanos), fact });
        }
    }

    pub(super) fn into_events(self) -> Vec<Event> {
        self.events
    }
}
