//! The processes of a grader, as `/proc` has them (proc(5)).

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The children of a process, of all its threads.
pub fn children(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<_>>()).collect()
}

/// A grader's workers.
pub fn workers(grader: u32) -> Vec<u32> {
    let named = |pid: &u32| {
        fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim_end() == "grading-worker")
    };
    children(grader).into_iter().filter(named).collect()
}

/// How often a process has read from anywhere, `/proc` above all: how far it is, whatever the time. Nothing where
/// it has ended.
pub fn steps(pid: u32) -> Option<u64> {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    io.lines().find_map(|line| line.strip_prefix("syscr: ")?.parse().ok())
}

/// Whether a process has a handler of its own for a signal.
pub fn handles(pid: u32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigCgt:")?.trim(), 16).ok());
    caught.is_some_and(|mask| mask & (1 << (signal as i32 - 1)) != 0)
}

/// Sends a signal; that nobody is there any more is no failure.
pub fn send(pid: u32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
}
