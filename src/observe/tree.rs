//! The program's processes: all descendants of this one, since this process starts nothing else
//! and is the subreaper of what daemonizes.

use std::collections::BTreeSet;
use std::fs;
use std::sync::OnceLock;

use super::files::{Files, short};

/// All descendants of a process.
#[derive(Debug, Default)]
pub struct Family {
    /// Those that are alive.
    pub alive: Vec<u32>,
    /// Those of them that have one thread, of the process's number.
    pub single: Vec<u32>,
    /// Those that have ended and that their parent, the second, has not been told of or has not
    /// asked for yet (zombies). The root's own children are left out.
    pub dead: Vec<(u32, u32)>,
    /// Whether the first of those that are not counted is alive.
    pub kept: bool,
}

impl Family {
    /// The descendants of a process, without some of its children and what is below them, and without
    /// some others, but with what is below those.
    fn of(files: &Files, root: Process, without: &BTreeSet<u32>, keepers: &[u32]) -> Self {
        let mut family = Self::default();
        let root_pid = root.pid;
        let mut next = vec![root];
        while let Some(parent) = next.pop() {
            for pid in parent.children(files) {
                if parent.pid == root_pid && without.contains(&pid) {
                    continue;
                }
                let keeps = keepers.contains(&pid);
                if keeps && keepers.first() != Some(&pid) {
                    // It has one thread, and whether it is alive matters to nobody.
                    next.push(Process { pid, alive: true, threads: Some(vec![pid]), stat: None });
                    continue;
                }
                let child = Process::of(files, pid);
                let (alive, single) = (child.alive, child.threads.is_some());
                next.push(child);
                if family.alive.contains(&pid) {
                    continue;
                }
                if keeps {
                    family.kept |= alive;
                } else if alive {
                    family.alive.push(pid);
                    family.single.extend(single.then_some(pid));
                } else if parent.pid != root_pid && !keepers.contains(&parent.pid) {
                    family.dead.push((pid, parent.pid));
                }
            }
        }
        family
    }
}

/// All processes of the program: the descendants of this one, without those of its sandbox. Only the thread that
/// asks starts any, and those that lose their parent come to the first thread (`find_new_reaper` in the kernel).
#[must_use]
pub fn processes(files: &Files, keepers: &[u32]) -> Family {
    let (pid, this) = (std::process::id(), nix::unistd::gettid().as_raw().cast_unsigned());
    let threads = if this == pid { vec![pid] } else { vec![pid, this] };
    Family::of(files, Process { pid, alive: true, threads: Some(threads), stat: None }, &BTreeSet::new(), keepers)
}

/// All living descendants of a process, without some of its children and what is below them.
#[must_use]
pub fn below(root: u32, without: &BTreeSet<u32>) -> Vec<u32> {
    Family::of(&Files::default(), Process { pid: root, alive: true, threads: None, stat: None }, without, &[]).alive
}

/// A process, as its `stat` has it.
struct Process {
    pid: u32,
    /// Whether it is there and no zombie. One whose first thread alone has ended (`pthread_exit` in `main`)
    /// looks like a zombie, but its other threads live.
    alive: bool,
    /// Those of its threads that may have children; all if none are named.
    threads: Option<Vec<u32>>,
    /// Its `stat`, where it may end while others look for its children.
    stat: Option<String>,
}

impl Process {
    fn of(files: &Files, pid: u32) -> Self {
        let path = format!("/proc/{pid}/stat");
        let stat = match files.short(&path) {
            Ok(stat) => stat,
            Err(error) if is_gone(&error) => String::new(),
            // It cannot be looked at, by our fault: who is at work must not be taken for dead.
            Err(_) => return Self { pid, alive: true, threads: None, stat: None },
        };
        let mut fields = behind_name(&stat).split(' ');
        let first_lives = fields.next().is_some_and(is_life);
        // Counted until the last of them has ended, the first one too.
        let alone = fields.nth(16) == Some("1");
        let alive = first_lives || !alone && threads(pid).into_iter().any(|tid| lives_thread(pid, tid));
        Self { pid, alive, threads: alone.then(|| vec![pid]), stat: Some(path) }
    }

    fn children(&self, files: &Files) -> Vec<u32> {
        let mut listed = false;
        let mut all = Vec::new();
        for tid in self.threads.clone().unwrap_or_else(|| threads(self.pid)) {
            let path = format!("/proc/{}/task/{tid}/children", self.pid);
            // Of a thread that was not just seen, the number may be another's by now.
            let list = match &self.threads {
                Some(_) => files.whole(&path, self.stat.as_deref()),
                None => fs::read_to_string(&path),
            };
            let Ok(list) = list else { continue };
            listed = true;
            all.extend(list.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
        if listed || kernel_lists_children() { all } else { searched(self.pid) }
    }
}

/// Whether a file of a process cannot be read since there is no such process any more.
fn is_gone(error: &std::io::Error) -> bool {
    let gone = [nix::errno::Errno::ESRCH, nix::errno::Errno::ENOENT];
    error.raw_os_error().is_some_and(|number| gone.iter().any(|errno| *errno as i32 == number))
}

/// The threads of a process.
#[must_use]
pub fn threads(pid: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Whether the kernel was built with `CONFIG_PROC_CHILDREN`.
fn kernel_lists_children() -> bool {
    static LISTS: OnceLock<bool> = OnceLock::new();
    *LISTS.get_or_init(|| {
        let this = std::process::id();
        fs::exists(format!("/proc/{this}/task/{this}/children")).unwrap_or(false)
    })
}

/// The children of a process, found among all processes by their parent.
fn searched(parent: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

/// The fourth field of `stat`, behind the name and the state.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    behind_name(&stat).split_whitespace().nth(1)?.parse().ok()
}

fn lives_thread(pid: u32, tid: u32) -> bool {
    short(&format!("/proc/{pid}/task/{tid}/stat")).is_ok_and(|stat| is_life(behind_name(&stat)))
}

/// What a `stat` has behind the name, which may hold anything: the state comes first. Nothing if it is no `stat`.
fn behind_name(stat: &str) -> &str {
    stat.rsplit_once(") ").map_or("", |(_, rest)| rest)
}

/// Whether what a `stat` has behind the name is neither of the two states of the dead.
fn is_life(state: &str) -> bool {
    !state.is_empty() && !state.starts_with(['Z', 'X'])
}

/// The signals that a process catches, as a mask: bit 0 is signal 1.
pub fn caught_signals(pid: u32) -> Option<u64> {
    let status = short(&format!("/proc/{pid}/status")).ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

/// Whether a thread runs, or would if it had a processor; not where it is gone.
pub fn runs(files: &Files, pid: u32, tid: u32) -> bool {
    files.short(&format!("/proc/{pid}/task/{tid}/stat")).is_ok_and(|stat| behind_name(&stat).starts_with('R'))
}
