//! What the program's processes use together.

use std::fs;

use super::files::short;
use super::tree;

/// What a program uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Bytes of memory of its own: not those of files, and what processes share by a fork once.
    pub memory: u64,
    /// Processes and threads.
    pub threads: u64,
}

/// Measures it. What is shared is told apart, which is dear, only if all together is more than
/// `enough` bytes otherwise.
pub fn measure(pids: &[u32], enough: u64) -> Usage {
    let threads = pids.iter().map(|pid| tree::threads(*pid).len() as u64).sum();
    let sum = |of: fn(u32) -> Option<u64>| pids.iter().filter_map(|pid| of(*pid)).sum::<u64>();
    let quick = sum(resident);
    let memory = if quick > enough { sum(proportional).min(quick) } else { quick };
    Usage { memory, threads }
}

/// Resident memory that is no file's (`statm`, proc_pid_statm(5)).
fn resident(pid: u32) -> Option<u64> {
    let text = short(&format!("/proc/{pid}/statm")).ok()?;
    let mut pages = text.split_whitespace().skip(1).map(str::parse::<u64>);
    let (resident, of_files) = (pages.next()?.ok()?, pages.next()?.ok()?);
    Some(resident.saturating_sub(of_files) * page())
}

/// The same, each page divided among those who have it (`smaps_rollup`, proc_pid_smaps(5)).
fn proportional(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss_Anon:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

fn page() -> u64 {
    let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten();
    size.and_then(|size| u64::try_from(size).ok()).unwrap_or(4096)
}
