//! What ends a wait although nothing in its system call says so: a timer of the process, a timeout
//! of the socket. Dear to find out, so asked only where every thread sleeps, and once for as long as
//! none has had a processor.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::time::{Duration, Instant};

use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::{ReceiveTimeout, SendTimeout};
use nix::sys::time::TimeVal;

use super::Runtime;
use super::threads::{Call, Limit, Look, ThreadLook, Wait};

/// How long what was found counts: a timer can run out without any thread having a processor.
const FRESH: Duration = Duration::from_millis(100);

/// What was found, and for which accounts of the threads.
#[derive(Debug, Default)]
pub struct Hidden {
    accounts: Vec<(u32, u64)>,
    at: Option<Instant>,
    timers: BTreeSet<u32>,
    disks: BTreeSet<u32>,
    sockets: HashMap<u32, Duration>,
}

impl Hidden {
    /// Marks waits of sleeping threads as timed that are so by a timer or a socket's option, and as
    /// waits for a disk those for a file.
    pub fn reveal(&mut self, look: &mut Look, runtimes: &[Runtime]) {
        if look.threads.is_empty() || !look.asleep() {
            return;
        }
        let accounts: Vec<_> = look.threads.iter().map(|thread| (thread.tid, thread.turns)).collect();
        if accounts != self.accounts || self.at.is_none_or(|at| at.elapsed() > FRESH) {
            self.ask(look, runtimes);
            self.accounts = accounts;
            self.at = Some(Instant::now());
        }
        for thread in &mut look.threads {
            let Wait::In(call) = &mut thread.wait else { continue };
            if self.disks.contains(&thread.tid) {
                thread.wait = Wait::Disk;
                continue;
            }
            if call.limit.is_some() {
                continue;
            }
            if let Some(timeout) = self.sockets.get(&thread.tid) {
                call.limit = Some(Limit::Within(*timeout));
            } else if self.timers.contains(&thread.pid) {
                call.limit = Some(Limit::Unknown);
            }
        }
    }

    fn ask(&mut self, look: &Look, runtimes: &[Runtime]) {
        let pids: BTreeSet<u32> = look.threads.iter().map(|thread| thread.pid).collect();
        let own = |pid: u32| -> Vec<u32> {
            let signals = runtimes.iter().filter(|runtime| !runtime.signals.is_empty() && runtime.runs(pid));
            signals.flat_map(|runtime| runtime.signals).copied().collect()
        };
        let timed = |pid: &u32| {
            let own = own(*pid);
            armed_timer(*pid, &own) || !own.contains(&SIGALRM) && catches_alarm(*pid)
        };
        self.timers = pids.into_iter().filter(timed).collect();
        let threads: Vec<_> = look.threads.iter().filter_map(|thread| Some((thread, thread.call()?))).collect();
        let of_file = |(thread, call): &&(&ThreadLook, &Call)| is_of_file(thread.pid, call);
        self.disks = threads.iter().filter(of_file).map(|(thread, _)| thread.tid).collect();
        self.sockets = threads
            .into_iter()
            .filter_map(|(thread, call)| Some((thread.tid, socket_timeout(thread.pid, call)?)))
            .collect();
    }
}

/// Whether a call reads or writes a file. Some file systems (FUSE, NFS) wait for their server in a
/// way that looks like any other wait.
fn is_of_file(pid: u32, call: &Call) -> bool {
    let Some(descriptor) = call.descriptor.filter(|_| matches!(call.name, "read" | "write")) else { return false };
    fs::metadata(format!("/proc/{pid}/fd/{descriptor}")).is_ok_and(|found| found.is_file())
}

/// How long a socket waits before it gives up by itself (`SO_RCVTIMEO`, `SO_SNDTIMEO`, socket(7)),
/// which nothing in the system call shows.
fn socket_timeout(pid: u32, call: &Call) -> Option<Duration> {
    let receives = match call.name {
        "recv" | "read" | "accept" => true,
        "send" | "write" | "connect" => false,
        _ => return None,
    };
    let descriptor = call.descriptor.filter(|_| call.limit.is_none())?;
    super::sockets::inode(pid, descriptor)?;
    let socket = crate::sys::descriptor_of(pid, descriptor).ok()?;
    let timeout = if receives { getsockopt(&socket, ReceiveTimeout) } else { getsockopt(&socket, SendTimeout) }.ok()?;
    duration(timeout).filter(|timeout| !timeout.is_zero())
}

fn duration(value: TimeVal) -> Option<Duration> {
    let seconds = u64::try_from(value.tv_sec()).ok()?;
    let micros = u64::try_from(value.tv_usec()).ok()?;
    Some(Duration::from_secs(seconds) + Duration::from_micros(micros))
}

/// The signal of alarm(2).
const SIGALRM: u32 = 14;

/// A POSIX timer, but for those that send a signal of the runtime's own, or a timerfd that is running.
fn armed_timer(pid: u32, own: &[u32]) -> bool {
    let timers = fs::read_to_string(format!("/proc/{pid}/timers")).unwrap_or_default();
    let foreign = |signal: &str| {
        signal
            .split('/')
            .next()
            .and_then(|number| number.trim().parse().ok())
            .is_none_or(|number| !own.contains(&number))
    };
    if timers.lines().filter_map(|line| line.strip_prefix("signal:")).any(foreign) {
        return true;
    }
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors.flatten().any(|entry| {
        let timer = fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == "anon_inode:[timerfd]");
        timer && {
            let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{}", entry.file_name().to_string_lossy()));
            info.is_ok_and(|info| info.lines().any(|line| line.starts_with("it_value:") && !line.contains("(0, 0)")))
        }
    })
}

/// Whether the process catches SIGALRM: then `alarm` may be running, which the kernel
/// does not show. A runtime that catches nearly every signal (Go's) says nothing by it.
fn catches_alarm(pid: u32) -> bool {
    const SIGALRM_BIT: u64 = 1 << (SIGALRM - 1);
    const NEARLY_ALL: u32 = 20;
    super::tree::caught_signals(pid).is_some_and(|mask| mask & SIGALRM_BIT != 0 && mask.count_ones() < NEARLY_ALL)
}
