//! Ends what is below this process, so that nothing outlives a run.

use std::collections::BTreeSet;

/// Kills all descendants of this process, and reaps them, until none is left: also those that left
/// their session, and those that fork while they are being killed.
pub fn sweep() {
    sweep_except(&BTreeSet::new());
}

/// The same without some of this process's own children and what is below them.
#[cfg(target_os = "linux")]
pub fn sweep_except(kept: &BTreeSet<u32>) {
    use std::time::{Duration, Instant};

    use nix::sys::signal::{Signal, kill};
    use nix::sys::wait::{WaitPidFlag, waitpid};
    use nix::unistd::Pid;

    /// What is not gone by then is in the hands of the system alone.
    const PATIENCE: Duration = Duration::from_secs(5);

    let end = Instant::now() + PATIENCE;
    loop {
        let left = crate::observe::below(std::process::id(), kept);
        if left.is_empty() || Instant::now() > end {
            return;
        }
        for pid in left.into_iter().map(|pid| Pid::from_raw(pid.cast_signed())) {
            let _ = kill(pid, Signal::SIGKILL);
            let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
        }
        std::thread::yield_now();
    }
}

/// Elsewhere a program's process group is all that is known of it, and its stop has ended that.
#[cfg(not(target_os = "linux"))]
pub fn sweep_except(_kept: &BTreeSet<u32>) {}
