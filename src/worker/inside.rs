//! The worker's own side.

use std::io::{self, BufRead, Write};
use std::time::{Duration, Instant};

use camino::Utf8Path;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::oneshot;

use super::account::Account;
use super::job::{MeetJob, Message, Task};
use super::{bench, build, crossplay};
use crate::event::Spent;
use crate::runner::Terms;
use crate::sandbox::Sandbox;
use crate::sandbox::network::{self, Network};

/// How often a worker says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Reads a job from standard input, and writes messages to standard output, until the job is done
/// or standard input ends.
///
/// # Errors
/// No job came, or nobody reads the messages.
pub fn serve() -> io::Result<()> {
    let begun = Instant::now();
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let task: Task = serde_json::from_str(&line)?;
    crate::sys::keep_descriptors();
    crate::sys::set_subreaper()?;
    leave_session();
    let (launch, isolation, network) = match &task {
        Task::Play(job) => (&job.launch, job.isolation, network::enter(&job.hosts)),
        Task::Build(job) => (&job.launch, job.isolation, network::enter(&[])),
        Task::Half(half) => match network::share() {
            Ok(()) => (&half.launch, half.isolation, Network::Private),
            Err(error) => return say(&Message::Trouble(format!("no mount namespace can be made: {error}"))),
        },
        Task::Meet(job) => return introduce(job),
        Task::Network => return say(&network_or_not(network::enter(&[]))),
    };
    if network == Network::Broken {
        // There is no way back; another process may try without.
        return say(&Message::NoNetwork);
    }
    let environment = launch.environment();
    let (sandbox, account) = match Sandbox::make(isolation, network, &launch.start(&environment), &launch.limits) {
        Ok((mut sandbox, lacking)) => {
            let account = Account::open(begun);
            if matches!(task, Task::Play(_)) {
                sandbox.keep_modes().map_err(io::Error::other)?;
            }
            let reason = lacking.map(|lacking| lacking.reason);
            let trial = sandbox.trial(account.empty_start());
            say(&Message::Isolated { level: sandbox.level(), reason, trial })?;
            (sandbox, account)
        }
        Err(unavailable) => return say(&Message::Trouble(unavailable.to_string())),
    };
    within(&[&launch.cwd], |orders| carry_out(&task, sandbox, network, account, orders))
}

/// What is said of a network.
fn network_or_not(network: Network) -> Message {
    match network {
        Network::Private => Message::Done { starts: 0, spent: Spent::default() },
        Network::Broken => Message::NoNetwork,
        Network::Shared => Message::Trouble(crossplay::NO_NETWORK.to_owned()),
    }
}

/// Makes the network in which a client and a server meet.
fn introduce(job: &MeetJob) -> io::Result<()> {
    match network::enter(&job.hosts) {
        network @ (Network::Broken | Network::Shared) => say(&network_or_not(network)),
        Network::Private => within(&[&job.server.launch.cwd, &job.client.launch.cwd], |_| async {
            let met = alive(crossplay::meet(job), None).await;
            say(&met.map_or_else(Message::Trouble, |meeting| Message::Met(Box::new(meeting))))
        }),
    }
}

/// Does the work, unless the parent is gone before, and leaves nothing behind. The folders are copies of
/// submissions.
fn within<W: Future<Output = io::Result<()>>>(
    folders: &[&Utf8Path],
    work: impl FnOnce(UnboundedReceiver<String>) -> W,
) -> io::Result<()> {
    // The namespaces' files must be ours until here.
    crate::sys::be_opaque();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        outlive_signals();
        let (orders, gone) = parent();
        tokio::select! {
            biased;
            _ = gone => None,
            outcome = work(orders) => Some(outcome),
        }
    });
    crate::program::sweep::sweep();
    let outcome = outcome.unwrap_or_else(|| Err(io::Error::other("the parent is gone")));
    if outcome.is_err() {
        // Nobody hears this process any more. The copy of the submission was the parent's to remove.
        for folder in folders {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
    // A thread still waits for the end of standard input; it must not keep the process.
    runtime.shutdown_background();
    outcome
}

async fn carry_out(
    task: &Task,
    sandbox: Sandbox,
    network: Network,
    account: Account,
    orders: UnboundedReceiver<String>,
) -> io::Result<()> {
    let job = match task {
        Task::Play(job) => job,
        Task::Build(job) => {
            let building = alive(build::build(job, &sandbox), None).await;
            return say(&building.map_or_else(Message::Trouble, Message::Built));
        }
        Task::Half(half) => return crossplay::obey(half, sandbox, orders).await,
        Task::Meet(_) | Task::Network => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let terms = Terms {
        sandbox,
        seed: job.seed,
        shared_ports: network == Network::Shared,
        first_input: job.first_input.clone(),
        names: None,
        spoken_port: None,
        endless: false,
    };
    bench::work(job, terms, account, orders).await
}

/// A session of its own, so that a ^C at the terminal reaches the parent alone, and a name of its
/// own, so that who kills graders by their name does not kill what cleans up behind them.
fn leave_session() {
    #[cfg(unix)]
    {
        // Fails where it leads one already.
        let _ = nix::unistd::setsid();
    }
    #[cfg(target_os = "linux")]
    {
        let _ = nix::sys::prctl::set_name(c"grading-worker");
    }
}

/// Whoever ends the grader's processes all at once would leave the program to nobody. This one ends with
/// its parent, once it has cleared up. A handler, unlike a signal that is ignored, is not inherited.
fn outlive_signals() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup(), SignalKind::quit()] {
            // The handler stays when nobody listens.
            drop(signal(kind));
        }
    }
}

/// What the parent says, a line each; and what ends when standard input does: the parent is gone.
fn parent() -> (UnboundedReceiver<String>, oneshot::Receiver<()>) {
    let (order, orders) = unbounded_channel();
    let (say, gone) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        while io::stdin().lock().read_line(&mut line).is_ok_and(|length| length > 0) {
            let _ = order.send(std::mem::take(&mut line));
        }
        let _ = say.send(());
    });
    (orders, gone)
}

pub(super) fn say(message: &Message) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

/// Says now and then that a scenario is still being played, and ends it when the program has had all
/// the time that it may take.
pub(super) async fn alive<T>(
    playing: impl Future<Output = Result<T, String>>,
    end: Option<Instant>,
) -> Result<T, String> {
    let mut beat = tokio::time::interval(HEARTBEAT);
    let mut playing = std::pin::pin!(playing);
    loop {
        tokio::select! {
            outcome = &mut playing => return outcome,
            _ = beat.tick() => {
                // Who does not hear it has gone, and that is noticed elsewhere.
                let _ = say(&Message::Alive);
                if end.is_some_and(|end| Instant::now() >= end) {
                    return Err("the program's scenarios took longer together than it may take; `limits: { wall_seconds: … }` \
                                in the assignment allows for more".to_owned());
                }
            }
        }
    }
}
