//! One look at every thread of the program.

use std::fs;
use std::io::ErrorKind;

use super::calls::decode;
use super::threads::{Look, ThreadLook, Wait};
use super::tree;

/// Threads of a runtime's own housekeeping, which wake by timers and never serve anybody; by the
/// beginning of their name, as the kernel cuts it to 15 characters. .NET's.
const HOUSEKEEPING: &[&str] =
    &[".NET TP Gate", ".NET Tiered Com", ".NET Finalizer", ".NET SynchManag", ".NET EventPipe", ".NET SigHandler"];

/// The JVM's, which have names that a thread of any program could have.
const HOUSEKEEPING_OF_JAVA: &[&str] = &[
    "VM Periodic Tas",
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

/// Housekeeping that stops the whole program while it runs (a garbage collection): all other
/// threads then seem to wait for ever.
/// .NET's, and the kernel's own for io_uring.
const STOPPING: &[&str] = &[".NET BGC", ".NET Server GC", "iou-"];

/// The JVM's.
const STOPPING_OF_JAVA: &[&str] = &["VM Thread", "G1 ", "GC Thread", "ZWorker", "Shenandoah"];

/// Looks at all threads of all processes.
pub fn look(pids: &[u32]) -> Look {
    // First, so that what was delivered meanwhile shows in the threads.
    let mut in_transit = in_transit();
    let mut threads = Vec::new();
    for pid in pids {
        let seen: Vec<Seen> = tree::threads(*pid).into_iter().map(|tid| thread(*pid, tid)).collect();
        // Who ends wakes others; that they sleep may have been seen before.
        in_transit |= seen.iter().any(|seen| matches!(seen, Seen::Gone));
        in_transit |= seen.iter().all(|seen| matches!(seen, Seen::Dead));
        threads.extend(seen.into_iter().filter_map(|seen| match seen {
            Seen::Thread(thread) => Some(thread),
            Seen::Housekeeping | Seen::Dead | Seen::Gone => None,
        }));
    }
    Look { alive: !pids.is_empty(), threads, in_transit, ..Look::default() }
}

/// What was found where a thread was listed.
enum Seen {
    /// One that counts.
    Thread(ThreadLook),
    /// One that keeps house.
    Housekeeping,
    /// A zombie: a first thread that has ended before others of its process, or with the last.
    Dead,
    /// It has ended since it was listed.
    Gone,
}

fn thread(pid: u32, tid: u32) -> Seen {
    read(pid, tid).unwrap_or(Seen::Gone)
}

/// A thread; `None` where it has gone meanwhile.
fn read(pid: u32, tid: u32) -> Option<Seen> {
    let base = format!("/proc/{pid}/task/{tid}");
    let stat = tree::short(&format!("{base}/stat")).ok()?;
    let (head, rest) = stat.rsplit_once(") ")?;
    let name = head.split_once('(')?.1;
    let is = |list: &[&str]| list.iter().any(|known| name.starts_with(known));
    let state = rest.chars().next()?;
    let asleep = state == 'S';
    let of_java = is(HOUSEKEEPING_OF_JAVA) || asleep && is(STOPPING_OF_JAVA);
    if matches!(state, 'Z' | 'X') {
        return Some(Seen::Dead);
    }
    if is(HOUSEKEEPING) || asleep && is(STOPPING) || of_java && is_java(pid) {
        return Some(Seen::Housekeeping);
    }
    let wait = match state {
        'S' => match tree::short(&format!("{base}/syscall")) {
            Ok(line) if line.starts_with("running") => Wait::Busy,
            Ok(line) => decode(&line, pid).map_or(Wait::Busy, Wait::In),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Wait::Hidden,
            Err(_) => Wait::Busy,
        },
        'D' => Wait::Disk,
        'T' | 't' => Wait::Stopped,
        _ => Wait::Busy,
    };
    // Last, so that two equal accounts span all that was read of the second look.
    let (cpu, waited, turns) = times(&base, rest)?;
    Some(Seen::Thread(ThreadLook { pid, tid, name: name.to_owned(), cpu, waited, turns, wait }))
}

/// Whether a process is a Java virtual machine.
fn is_java(pid: u32) -> bool {
    fs::read_link(format!("/proc/{pid}/exe"))
        .is_ok_and(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("java")))
}

/// Nanoseconds on a processor, nanoseconds of waiting for one, and how often it got one
/// (`schedstat`); where the kernel keeps no such account, ticks from `stat`.
fn times(base: &str, stat: &str) -> Option<(u64, u64, u64)> {
    if let Ok(text) = tree::short(&format!("{base}/schedstat")) {
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
        table.lines().any(|line| {
            line.split_whitespace().nth(11).is_some_and(|backlog| backlog.bytes().any(|digit| digit != b'0'))
        })
    })
}
