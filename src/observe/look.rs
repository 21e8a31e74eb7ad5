//! One look at every thread of the program.

use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use super::Runtime;
use super::calls::decode;
use super::files::Files;
use super::threads::{Limit, Look, ThreadLook, Wait};
use super::tree::{self, Family};

/// The kernel's own threads for io_uring: while they run, others of the process may seem to wait for ever.
const KERNELS: &[&str] = &["iou-"];

/// Looks at all threads of all processes.
pub fn look(files: &Files, family: &Family, runtimes: &[Runtime]) -> Look {
    // First, so that what was delivered meanwhile shows in the threads.
    let mut in_transit = in_transit(files);
    let mut threads = Vec::new();
    for pid in &family.alive {
        let tids = if family.single.contains(pid) { vec![*pid] } else { tree::threads(*pid) };
        let seen: Vec<Seen> = tids.into_iter().map(|tid| thread(files, *pid, tid, runtimes)).collect();
        // Who ends wakes others; that they sleep may have been seen before.
        in_transit |= seen.iter().any(|seen| matches!(seen, Seen::Gone));
        in_transit |= seen.iter().all(|seen| matches!(seen, Seen::Dead));
        threads.extend(seen.into_iter().filter_map(|seen| match seen {
            Seen::Thread(thread) => Some(thread),
            Seen::Housekeeping | Seen::Dead | Seen::Gone => None,
        }));
    }
    Look { alive: !family.alive.is_empty(), threads, in_transit, ..Look::default() }
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

fn thread(files: &Files, pid: u32, tid: u32, runtimes: &[Runtime]) -> Seen {
    read(files, pid, tid, runtimes).unwrap_or(Seen::Gone)
}

/// A thread; `None` where it has gone meanwhile.
fn read(files: &Files, pid: u32, tid: u32, runtimes: &[Runtime]) -> Option<Seen> {
    let base = format!("/proc/{pid}/task/{tid}");
    let stat = files.short(&format!("{base}/stat")).ok()?;
    let (head, rest) = stat.rsplit_once(") ")?;
    let name = head.split_once('(')?.1;
    let state = rest.chars().next()?;
    let asleep = state == 'S';
    if matches!(state, 'Z' | 'X') {
        return Some(Seen::Dead);
    }
    let wait = match state {
        'S' => match files.short(&format!("{base}/syscall")) {
            Ok(line) if line.starts_with("running") => Wait::Busy,
            Ok(line) => decode(&line, pid).map_or(Wait::Busy, Wait::In),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Wait::Hidden,
            Err(_) => Wait::Busy,
        },
        'D' => Wait::Disk,
        'T' | 't' => Wait::Stopped,
        _ => Wait::Busy,
    };
    // One that is at work may be what others wait for.
    let is = |list: &[&str]| list.iter().any(|known| name.starts_with(known));
    let in_lock = matches!(&wait, Wait::In(call) if call.name == "lock" && call.limit.is_none_or(is_long));
    let keeps = |runtime: &&Runtime| is(runtime.housekeeping) || in_lock && is(runtime.stopping);
    if asleep && (is(KERNELS) || runtimes.iter().filter(keeps).any(|runtime| runtime.runs(pid))) {
        return Some(Seen::Housekeeping);
    }
    // Last, so that two equal accounts span all that was read of the second look.
    let (cpu, waited, turns) = times(files, &base, rest)?;
    Some(Seen::Thread(ThreadLook { pid, tid, name: name.to_owned(), cpu, waited, turns, wait }))
}

/// Whether a limit is more than a moment: what stops a program looks again every 10 ms whether all have
/// stopped, and what has nothing to do waits for a second or for ever.
fn is_long(limit: Limit) -> bool {
    const MOMENT: Duration = Duration::from_millis(50);
    match limit {
        Limit::Within(whole) => whole > MOMENT,
        Limit::Left(rest) => rest > MOMENT,
        Limit::Unknown => false,
    }
}

/// Nanoseconds on a processor, nanoseconds of waiting for one, and how often it got one
/// (`schedstat`); where the kernel keeps no such account, ticks from `stat`.
fn times(files: &Files, base: &str, stat: &str) -> Option<(u64, u64, u64)> {
    if let Ok(text) = files.short(&format!("{base}/schedstat")) {
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
fn in_transit(files: &Files) -> bool {
    files.short("/proc/net/softnet_stat").is_ok_and(|table| {
        table.lines().any(|line| {
            line.split_whitespace().nth(11).is_some_and(|backlog| backlog.bytes().any(|digit| digit != b'0'))
        })
    })
}
