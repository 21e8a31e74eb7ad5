//! The steps, and those that go over the wire to nobody.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use super::{Halt, Played, Stage};
use crate::event::Fact;
use crate::plan::model::{Payload, Step};
use crate::plan::template::{Reference, Template};

impl Stage<'_> {
    pub(super) fn steps<'f>(&'f mut self, steps: &'f [Step]) -> Pin<Box<dyn Future<Output = Played> + 'f>> {
        Box::pin(async move {
            for step in steps {
                self.step(step).await?;
            }
            Ok(())
        })
    }

    async fn step(&mut self, step: &Step) -> Played {
        let words = self.words(step);
        self.caption(step, words.as_deref());
        if let Some(words) = words {
            self.log.push(Fact::Step { words });
        }
        match step {
            Step::Settle => self.settle().await,
            Step::Pause(millis) => self.pause(*millis).await,
            Step::Mark(name) => self.note(Fact::Mark { name: name.clone() }),
            Step::Look(name) => self.look(name),
            Step::Open { peer, gone, elsewhere } => self.open(peer, *gone, *elsewhere),
            Step::Bind { peer, anywhere } => self.bind(peer, *anywhere),
            Step::Connect { peer, elsewhere } => self.connect(peer, *elsewhere).await,
            Step::Listen { peer } => self.listen(peer),
            Step::Accept { on, peer } => self.accept(on, peer).await,
            Step::Await(peer) => self.hear(peer).await,
            Step::Send { from, what, segments, pause, to } => {
                let bytes = match what {
                    Payload::Text(template) => self.render(template),
                    Payload::Bytes(bytes) => bytes.0.clone(),
                };
                self.send(from, &bytes, *segments, *pause, to.as_deref()).await
            }
            Step::Shutdown(peer) => self.shutdown(peer),
            Step::Close(peer) => self.close(peer),
            Step::Reset(peer) => self.reset(peer),
            Step::Start { input } => {
                let input = input.as_ref().map(|template| self.render(template));
                self.start(input).await
            }
            Step::Input(template) => {
                let bytes = self.render(template);
                self.feed(&bytes)
            }
            Step::EndInput => self.end_input(),
            Step::Stop => self.stop(),
            Step::Restart => self.restart().await,
            Step::Repeat { times, values, steps } => self.repeat(*times, values, steps).await,
            Step::AtOnce(lists) => self.at_once(lists).await,
        }
    }

    pub(super) fn note(&mut self, fact: Fact) -> Played {
        self.log.push(fact);
        Ok(())
    }

    pub(super) fn trouble(&mut self, what: String) -> Played {
        self.log.push(Fact::Trouble { what });
        Err(Halt::Trouble)
    }

    /// Fills in a template.
    pub(super) fn render(&mut self, template: &Template) -> Vec<u8> {
        let mut random = self.random.clone();
        let bytes = template.render(|reference| self.value(reference), &mut random);
        self.random = random;
        bytes
    }

    pub(super) fn value(&self, reference: &Reference) -> Vec<u8> {
        let Reference::Value(name) = reference else { return Vec::new() };
        let known = self.values.iter().rev().find_map(|values| values.get(name)).cloned();
        known.or_else(|| self.plan.property(name).map(String::into_bytes)).unwrap_or_default()
    }

    fn look(&mut self, name: &str) -> Played {
        let Some(live) = self.live.as_mut() else { return Ok(()) };
        let (census, sockets) = (live.watch.census(), live.watch.sockets());
        let (descriptors, threads) = (census.descriptors, census.threads);
        let blind = !cfg!(target_os = "linux");
        self.note(Fact::Looked { name: name.to_owned(), descriptors, threads, sockets, blind })
    }

    async fn repeat(&mut self, times: u32, values: &[(String, Template)], steps: &[Step]) -> Played {
        for _ in 0..times {
            self.values.push(BTreeMap::new());
            for (name, template) in values {
                let value = self.render(template);
                if let Some(innermost) = self.values.last_mut() {
                    innermost.insert(name.clone(), value);
                }
            }
            let played = self.steps(steps).await;
            self.values.pop();
            played?;
        }
        Ok(())
    }

    /// Lists of steps at the same time: step by step in turn, with nothing waited for in between
    /// that a list does not wait for itself.
    async fn at_once(&mut self, lists: &[Vec<Step>]) -> Played {
        let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
        for index in 0..longest {
            for step in lists.iter().filter_map(|list| list.get(index)) {
                self.steps(std::slice::from_ref(step)).await?;
            }
        }
        Ok(())
    }
}
