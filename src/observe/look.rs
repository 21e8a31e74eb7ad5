//! One look at every thread of the program.

use std::fs;

use super::calls::{Call, decode};
use super::rest::{Look, ThreadLook, Wait};
use super::tree;

/// Threads of a runtime's own housekeeping, which wake by timers and never serve anybody; by the
/// beginning of their name, as the kernel cuts it to 15 characters.
const HOUSEKEEPING: &[&str] = &[
    "VM Periodic Tas",
    "VM Thread",
    "G1 ",
    "GC Thread",
    "Monitor Deflati",
    "C1 CompilerThre",
    "C2 CompilerThre",
    "Common-Cleaner",
    "Sweeper thread",
    "Service Thread",
    "Signal Dispatch",
    "Reference Handl",
    "Finalizer",
    "Notification Th",
];

/// Looks at all threads of all processes.
pub fn look(pids: &[u32]) -> Look {
    let mut threads = Vec::new();
    for pid in pids {
        threads.extend(tree::threads(*pid).into_iter().filter_map(|tid| thread(*pid, tid)));
    }
    Look { alive: !pids.is_empty(), threads, in_transit: in_transit() }
}

/// A thread; `None` where it has gone meanwhile, or keeps house.
fn thread(pid: u32, tid: u32) -> Option<ThreadLook> {
    let base = format!("/proc/{pid}/task/{tid}");
    let stat = fs::read_to_string(format!("{base}/stat")).ok()?;
    let (head, rest) = stat.rsplit_once(") ")?;
    let name = head.split_once('(')?.1.to_owned();
    if HOUSEKEEPING.iter().any(|known| name.starts_with(known)) {
        return None;
    }
    let state = rest.chars().next()?;
    if matches!(state, 'Z' | 'X') {
        return None;
    }
    let (cpu, waited, turns) = times(&base, rest)?;
    let wait = match state {
        'S' => match fs::read_to_string(format!("{base}/syscall")) {
            Ok(line) if line.starts_with("running") => Wait::Busy,
            Ok(line) => decode(&line, pid).map_or(Wait::Busy, Wait::In),
            Err(_) => Wait::Hidden,
        },
        'T' | 't' => Wait::Stopped,
        _ => Wait::Busy,
    };
    Some(ThreadLook { pid, tid, name, cpu, waited, turns, wait })
}

/// Nanoseconds on a processor, nanoseconds of waiting for one, and how often it got one
/// (`schedstat`); where the kernel keeps no such account, ticks from `stat`.
fn times(base: &str, stat: &str) -> Option<(u64, u64, u64)> {
    if let Ok(text) = fs::read_to_string(format!("{base}/schedstat")) {
        let mut numbers = text.split_whitespace().map(str::parse);
        return Some((numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?));
    }
    let fields: Vec<&str> = stat.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    let status = fs::read_to_string(format!("{base}/status")).ok()?;
    let switches = status
        .lines()
        .filter(|line| line.contains("ctxt_switches"))
        .filter_map(|line| line.rsplit_once(char::is_whitespace)?.1.parse::<u64>().ok())
        .sum();
    // A tick is a hundredth of a second on every Linux that has no schedstat.
    Some((ticks * 10_000_000, 0, switches))
}

/// Whether packets wait in the kernel to be delivered: the backlog of each processor
/// (`softnet_stat`, 12th column since Linux 5.10). On loopback this is the only place where they
/// can be under way.
fn in_transit() -> bool {
    fs::read_to_string("/proc/net/softnet_stat").is_ok_and(|table| {
        table.lines().any(|line| line.split_whitespace().nth(11).is_some_and(|backlog| backlog.trim_matches('0') != ""))
    })
}

/// What can wake a process although all its threads wait without a limit: an armed timer, a socket
/// that gives up by itself, an alarm. Dear to find out, so asked last.
pub fn has_hidden_timer(pids: &[u32], threads: &[ThreadLook]) -> bool {
    pids.iter().any(|pid| armed_timer(*pid) || catches_alarm(*pid))
        || threads.iter().any(|thread| match &thread.wait {
            Wait::In(Call { name: "recv" | "read" | "accept", descriptor: Some(descriptor), .. }) => {
                has_receive_timeout(thread.pid, *descriptor)
            }
            _ => false,
        })
}

/// Whether a socket gives up on receiving after a time (SO_RCVTIMEO, socket(7)), which nothing in
/// the system call shows.
fn has_receive_timeout(pid: u32, descriptor: i32) -> bool {
    use nix::sys::socket::{getsockopt, sockopt::ReceiveTimeout};

    crate::sys::descriptor_of(pid, descriptor)
        .ok()
        .and_then(|socket| getsockopt(&socket, ReceiveTimeout).ok())
        .is_some_and(|timeout| timeout.tv_sec() != 0 || timeout.tv_usec() != 0)
}

/// A POSIX timer, or a timerfd that is running.
fn armed_timer(pid: u32) -> bool {
    if fs::read_to_string(format!("/proc/{pid}/timers")).is_ok_and(|timers| !timers.is_empty()) {
        return true;
    }
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors.flatten().any(|entry| {
        let timer = fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == "anon_inode:[timerfd]");
        timer && {
            let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{}", entry.file_name().to_string_lossy()));
            info.is_ok_and(|info| {
                info.lines().any(|line| line.starts_with("it_value:") && !line.contains("(0, 0)"))
            })
        }
    })
}

/// Whether the process catches SIGALRM (signal 14): then `alarm` may be running, which the kernel
/// does not show.
fn catches_alarm(pid: u32) -> bool {
    const SIGALRM_BIT: u64 = 1 << 13;
    fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| {
        status
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .is_some_and(|mask| mask & SIGALRM_BIT != 0)
    })
}
