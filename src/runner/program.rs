//! Steps with the program itself: to start it, to type, to stop it.

use super::live::Live;
use super::{Played, Stage};
use crate::event::{Fact, Rest};
use crate::ids::Side;
use crate::observe::{Budget, Purpose};

impl Stage<'_> {
    /// Starts the program; a server is waited for until it is ready, or at rest without being so.
    pub(super) async fn start(&mut self, input: Option<Vec<u8>>) -> Played {
        self.stop()?;
        match Live::start(self.launch, &self.terms.sandbox, self.plan.role.side()) {
            Ok(mut live) => {
                if self.terms.endless {
                    live.watch.expect_endless();
                }
                let (pid, command) = (live.running.pid(), self.launch.command.clone());
                *self.live = Some(live);
                self.log.push(Fact::Started { run: self.runs, pid, command });
                self.runs += 1;
            }
            Err(error) => return self.trouble(error.to_string()),
        }
        // What is typed before a program asks for it is lost on some (a line reader of Node.js), as it is
        // on a student who types ahead.
        for line in self.terms.first_input.clone().unwrap_or_default().split_inclusive('\n') {
            self.wait(Purpose::Home, Budget::PROMPT, None).await;
            self.feed(line.as_bytes())?;
        }
        if let Some(bytes) = input {
            self.wait(Purpose::Home, Budget::PROMPT, None).await;
            self.feed(&bytes)?;
        }
        match self.plan.role.side() {
            Side::Client => Ok(()),
            Side::Server => self.ready().await,
        }
    }

    /// Stops the program and starts it again. A server that then has another port is not back.
    pub(super) async fn restart(&mut self) -> Played {
        let port = |live: &Option<Live>| live.as_ref().and_then(Live::target).map(|target| target.port());
        let before = port(self.live);
        self.stop()?;
        self.start(None).await?;
        if before.is_some()
            && port(self.live) != before
            && let Some(live) = self.live.as_mut()
        {
            live.lose_target();
        }
        Ok(())
    }

    async fn ready(&mut self) -> Played {
        let (transport, port) = (self.plan.role.transport(), self.plan.port);
        let begun = std::time::Instant::now();
        if let Some(live) = self.live.as_mut() {
            live.watch.begin(Purpose::Settle, Budget::START);
        }
        loop {
            let activity = self.pump();
            self.tell(activity);
            let Some(live) = self.live.as_mut() else { return Ok(()) };
            // Its socket is what it owes.
            live.watch.owing(1, 0);
            if live.find_target(transport, port) {
                self.wait(Purpose::Home, Budget::HOME, None).await;
                if let Some(live) = self.live.as_mut().filter(|live| live.exited) {
                    // One that ends as soon as it has its port is no server, however quick the look.
                    live.find_target(transport, port);
                }
                return Ok(());
            }
            if let Some(settled) = live.watch.look() {
                // One more look: it may have bound its port between the two.
                live.find_target(transport, port);
                let blind = !cfg!(target_os = "linux") && settled.how == Rest::Grace;
                if blind && !live.probe_target(transport, port) && begun.elapsed() < Budget::START.wall {
                    // It may still be starting.
                    live.watch.begin(Purpose::Settle, Budget::START);
                    continue;
                }
                self.note_rest(settled);
                self.pump();
                return Ok(());
            }
            // To look for sockets costs more than to look whether it sleeps; and somebody waits.
            let (least, most) = (std::time::Duration::from_millis(1), super::wait::SOON);
            let pace = live.watch.pace().clamp(least, most);
            self.heed_limits();
            super::wait::nap(pace).await;
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) -> Played {
        if let Some(live) = self.live.as_mut() {
            live.running.feed(bytes);
            self.log.push(Fact::Fed { bytes: bytes.into() });
        }
        Ok(())
    }

    pub(super) fn end_input(&mut self) -> Played {
        if let Some(live) = self.live.as_mut() {
            live.running.end_input();
            self.log.push(Fact::InputEnded);
        }
        Ok(())
    }

    pub(super) fn stop(&mut self) -> Played {
        self.pump();
        if let Some(mut live) = self.live.take() {
            let how = live.stop();
            if !live.exited {
                self.log.push(Fact::Exited { how, stopped: true });
            }
        }
        self.pump();
        Ok(())
    }
}
