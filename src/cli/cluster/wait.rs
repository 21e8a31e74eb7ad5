//! Waiting for the jobs of a cluster, and showing how far they are.

use std::io::IsTerminal as _;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::runtime::Runtime;

use super::super::output::Screen;
use super::told::Sight;
use crate::batch::cluster::Work;
use crate::batch::cluster::progress::Progress;
use crate::batch::cluster::slurm;
use crate::batch::store::is_shared;
use crate::text::tame;

/// How often is looked: often in the beginning, for a short run; rarely in a long one, for the controller's sake.
/// In between, a look comes after a twentieth of the time that has passed.
const OFTEN: Duration = Duration::from_millis(500);
const RARELY: Duration = Duration::from_secs(10);
const PART: u32 = 20;

/// How long what a task has written may not be seen here yet: a client of NFS asks for a folder again after 60
/// seconds at most (`acdirmax` in nfs(5)).
const SOON: Duration = Duration::from_secs(2);
const SOON_BY_NETWORK: Duration = Duration::from_secs(75);

/// Without a terminal, a line is written at most so often.
const LINE: Duration = Duration::from_secs(30);

/// Why there is no more waiting.
pub enum Waited {
    /// No job is left.
    Ended,
    /// The caller does not want to any more.
    Interrupted,
}

/// That the caller has pressed Ctrl-C. Heard from now on, also while Slurm is asked and nobody listens.
pub struct Interrupt(Pin<Box<dyn Future<Output = ()>>>);

impl Interrupt {
    /// Begins to listen.
    pub fn listen(runtime: &Runtime) -> Self {
        let mut pressed: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async {
            if tokio::signal::ctrl_c().await.is_err() {
                // Then it ends this process as it always does.
                std::future::pending::<()>().await;
            }
        });
        // It listens from when it is first asked.
        runtime.block_on(std::future::poll_fn(|context| {
            let _ = pressed.as_mut().poll(context);
            Poll::Ready(())
        }));
        Self(pressed)
    }
}

/// Waits until no job of this work is left.
pub async fn wait(work: &Work, screen: &Screen, interrupt: &mut Interrupt) -> Waited {
    let grace = if is_shared(&work.out) { SOON_BY_NETWORK } else { SOON };
    let mut shown = Shown::new(work, screen);
    let (begun, mut gone) = (Instant::now(), None);
    loop {
        match slurm::queue(work) {
            Ok(queue) if queue.is_empty() => {
                let since = *gone.get_or_insert_with(Instant::now);
                if all_have_ended(work) || since.elapsed() > grace {
                    shown.end();
                    return Waited::Ended;
                }
            }
            Ok(queue) => {
                gone = None;
                shown.show(&Sight::of(work, &queue));
            }
            // Its controller may be busy, or starting again: the jobs go on.
            Err(error) => shown.trouble(&error.to_string()),
        }
        let pause = if gone.is_some() { OFTEN } else { (begun.elapsed() / PART).clamp(OFTEN, RARELY) };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = &mut interrupt.0 => {
                shown.end();
                return Waited::Interrupted;
            }
        }
    }
}

fn all_have_ended(work: &Work) -> bool {
    let tasks = (1..=work.shards).map(|shard| work.progress_of(shard)).chain([work.progress_of_join()]);
    tasks.into_iter().all(|file| Progress::read(&file).is_some_and(|progress| progress.end.is_some()))
}

/// What was shown last.
struct Shown<'a> {
    screen: &'a Screen,
    bar: Option<ProgressBar>,
    said: String,
    at: Option<Instant>,
    trouble: String,
}

impl<'a> Shown<'a> {
    fn new(work: &Work, screen: &'a Screen) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(u64::from(work.shards)), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:32} {pos}/{len}  {elapsed} gone  {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─"));
            bar
        });
        Self { screen, bar, said: String::new(), at: None, trouble: String::new() }
    }

    fn show(&mut self, sight: &Sight) {
        self.trouble.clear();
        let text = sight.to_string();
        if let Some(bar) = &self.bar {
            bar.set_length(sight.of as u64);
            bar.set_position(sight.done as u64);
            bar.set_message(text);
        } else if text != self.said && self.at.is_none_or(|at| at.elapsed() > LINE) {
            self.screen.note(&format!("{text}\n"));
            (self.said, self.at) = (text, Some(Instant::now()));
        }
    }

    /// Said once, not every time.
    fn trouble(&mut self, error: &str) {
        if self.trouble != error {
            let line = format!("{}; the jobs go on, and so does the wait", tame(error));
            match &self.bar {
                Some(bar) => bar.set_message(line),
                None => self.screen.note(&format!("{line}\n")),
            }
            error.clone_into(&mut self.trouble);
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
