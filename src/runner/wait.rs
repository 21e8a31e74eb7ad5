//! Waiting: pump, look, and be patient in between.

use std::time::Duration;

use super::{Endpoint, Halt, Played, Stage};
use crate::event::{Fact, Rest};
use crate::ids::Side;
use crate::observe::{self, Budget, Purpose, Settled};
use crate::peer::Seen;
use crate::text::Bytes;

/// What a pump has seen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Activity {
    pub(super) wire: bool,
    pub(super) print: bool,
}

/// How soon it is seen that what a scenario waits for has come.
pub(super) const SOON: Duration = Duration::from_millis(3);

/// What is waited for, beside rest. While it has not come, the program owes it.
pub(super) type Until<'u> = &'u dyn Fn(&Stage<'_>) -> bool;

impl Stage<'_> {
    /// Notes all that has come over the wire and from the program.
    pub(super) fn pump(&mut self) -> Activity {
        let mut activity = Activity::default();
        let mut seen = Vec::new();
        for (_, endpoint) in &mut self.peers {
            match endpoint {
                Endpoint::Udp(peer) => peer.pump(&mut seen),
                Endpoint::Tcp(peer) => peer.pump(&mut seen),
                Endpoint::Listening(peer) => peer.pump(&mut seen),
                Endpoint::Closed => {}
            }
        }
        if let Some(names) = self.terms.names.as_mut() {
            names.pump(&mut seen);
        }
        activity.wire = !seen.is_empty();
        if let Some(live) = self.live.as_mut() {
            live.served |= seen.iter().any(|seen| matches!(seen.fact, Fact::Received { .. }));
        }
        self.note_seen(seen);
        let Some(live) = self.live.as_mut() else { return activity };
        // Its end is asked for first: what it printed before can then still be read.
        let exit = if live.exited { None } else { live.exit() };
        for chunk in live.running.pump() {
            activity.print = true;
            self.log.push(Fact::Printed { stream: chunk.stream, bytes: Bytes(chunk.bytes), cut: chunk.cut });
        }
        if let Some(how) = exit {
            live.exited = true;
            live.watch.ended();
            activity.print = true;
            if live.running.is_broken() {
                let what = "the program's sandbox could not be set up; what it says of that stands in its output";
                self.log.push(Fact::Trouble { what: what.to_owned() });
            }
            self.note_kill();
            self.log.push(Fact::Exited { how, stopped: false });
        }
        activity
    }

    /// Notes what peers have seen, after the packets that brought it.
    pub(super) fn note_seen(&mut self, seen: Vec<Seen>) {
        if let Some(capture) = self.capture.as_mut() {
            self.log.sighted(capture.drain());
        }
        seen.into_iter().for_each(|seen| self.log.seen(seen));
    }

    /// Waits until something holds (true), or the program is at rest without it (false). A rest is
    /// noted.
    pub(super) async fn wait(
        &mut self,
        purpose: Purpose,
        budget: Budget,
        until: Option<Until<'_>>,
    ) -> (bool, Option<Settled>) {
        let came = |stage: &Stage<'_>| until.is_some_and(|until| until(stage));
        if let Some(live) = self.live.as_mut() {
            live.watch.begin(purpose, budget);
        }
        loop {
            let activity = self.pump();
            self.tell(activity);
            if came(self) {
                return (true, None);
            }
            let (owed, paid) = (self.log.debts.count(), self.log.debts.paid());
            let Some(live) = self.live.as_mut() else { return (false, None) };
            live.watch.owing(owed + usize::from(until.is_some()), paid);
            if let Some(settled) = live.watch.look() {
                self.terms.endless |= live.watch.is_endless();
                // What was sent before that rest is here by now; if it is news, look again.
                let late = self.pump();
                if late.wire && settled.how != Rest::Deadline {
                    self.tell(late);
                    continue;
                }
                return (came(self), Some(settled));
            }
            // Who has asked for something may not wait long for what we say to it.
            let pace = if until.is_some() { live.watch.pace().min(SOON) } else { live.watch.pace() };
            self.heed_limits();
            nap(pace).await;
        }
    }

    pub(super) fn tell(&mut self, activity: Activity) {
        let Some(live) = self.live.as_mut() else { return };
        if activity.wire {
            live.watch.activity(observe::Activity::Wire);
        }
        if activity.print {
            live.watch.activity(observe::Activity::Print);
        }
    }

    pub(super) fn note_rest(&mut self, settled: Settled) {
        self.log.push(Fact::Rest { how: settled.how, threads: settled.threads });
    }

    /// Lets the program come to rest.
    pub(super) async fn settle(&mut self) -> Played {
        let (_, settled) = self.wait(Purpose::Settle, self.budget(), None).await;
        if let Some(settled) = settled {
            self.note_rest(settled);
        }
        Ok(())
    }

    /// A client is not ready before it first does something, and so may still be starting; a server
    /// may be at work on its first answer.
    pub(super) fn budget(&self) -> Budget {
        let served = self.live.as_ref().is_some_and(|live| live.served);
        match self.plan.role.side() {
            Side::Server if served => Budget::SETTLE,
            Side::Server => Budget { wall: Budget::START.wall, ..Budget::SETTLE },
            Side::Client => Budget::START,
        }
    }

    /// Waits for a time; ends early when the program is at rest without a timer of its own.
    pub(super) async fn pause(&mut self, millis: u64) -> Played {
        let budget = Budget { wall: Duration::from_millis(millis), cpu: Duration::MAX };
        let (_, settled) = self.wait(Purpose::Pause, budget, None).await;
        let cut_short = settled.as_ref().is_some_and(|settled| settled.how != Rest::Deadline);
        if let Some(settled) = settled.filter(|_| cut_short) {
            self.note_rest(settled);
        }
        self.log.push(Fact::Paused { asked: millis, cut_short });
        Ok(())
    }

    /// Waits for something that the rest of the scenario needs.
    pub(super) async fn need(&mut self, waited_for: String, until: Until<'_>) -> Played {
        let (came, settled) = self.wait(Purpose::Settle, self.budget(), Some(until)).await;
        if let Some(settled) = settled {
            self.note_rest(settled);
        }
        if came { Ok(()) } else { self.starve(waited_for) }
    }

    /// Leaves out the rest of the scenario: there is nobody to play with.
    pub(super) fn starve(&mut self, waited_for: String) -> Played {
        if let Some(live) = self.live.as_mut() {
            let sockets = live.watch.sockets();
            self.log.push(Fact::Sockets { sockets });
        }
        self.log.push(Fact::Starved { waited_for });
        Err(Halt::Starved)
    }
}

/// Less than a millisecond is below what the runtime's timer can do; there is nobody else on this
/// thread who could use the time.
pub(super) async fn nap(pace: Duration) {
    if pace < Duration::from_millis(1) {
        std::thread::sleep(pace);
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(pace).await;
    }
}
