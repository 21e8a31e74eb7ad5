//! The program's processes: all descendants of this one, since this process starts nothing else
//! and is the subreaper of what daemonizes.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::sync::OnceLock;

/// All descendants of a process.
#[derive(Debug, Default)]
pub struct Family {
    /// Those that are alive.
    pub alive: Vec<u32>,
    /// Those that have ended and that their parent, the second, has not been told of or has not
    /// asked for yet (zombies). The root's own children are left out.
    pub dead: Vec<(u32, u32)>,
    /// Whether the first of those that are not counted is alive.
    pub kept: bool,
}

impl Family {
    /// The descendants of a process, without some of its children and what is below them, and without
    /// some others, but with what is below those.
    fn of(root: u32, without: &BTreeSet<u32>, keepers: &[u32]) -> Self {
        let mut family = Self::default();
        let mut next = vec![root];
        while let Some(pid) = next.pop() {
            for child in children(pid) {
                if pid == root && without.contains(&child) {
                    continue;
                }
                next.push(child);
                if family.alive.contains(&child) {
                    continue;
                }
                if keepers.contains(&child) {
                    family.kept |= keepers.first() == Some(&child) && alive(child);
                } else if alive(child) {
                    family.alive.push(child);
                } else if pid != root && !keepers.contains(&pid) {
                    family.dead.push((child, pid));
                }
            }
        }
        family
    }
}

/// All processes of the program: the descendants of this one, without those of its sandbox.
#[must_use]
pub fn processes(keepers: &[u32]) -> Family {
    Family::of(std::process::id(), &BTreeSet::new(), keepers)
}

/// All living descendants of a process, without some of its children and what is below them.
#[must_use]
pub fn below(root: u32, without: &BTreeSet<u32>) -> Vec<u32> {
    Family::of(root, without, &[]).alive
}

/// The threads of a process.
#[must_use]
pub fn threads(pid: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn children(pid: u32) -> Vec<u32> {
    let mut listed = false;
    let mut all = Vec::new();
    for tid in threads(pid) {
        let Ok(list) = fs::read_to_string(format!("/proc/{pid}/task/{tid}/children")) else { continue };
        listed = true;
        all.extend(list.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
    }
    if listed || kernel_lists_children() { all } else { searched(pid) }
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
    stat.rsplit_once(") ")?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Whether a process is there and no zombie. One whose first thread alone has ended
/// (`pthread_exit` in `main`) looks like a zombie, but its other threads live.
fn alive(pid: u32) -> bool {
    lives(&format!("/proc/{pid}/stat"))
        .is_some_and(|lives| lives || threads(pid).into_iter().any(|tid| lives_thread(pid, tid)))
}

fn lives_thread(pid: u32, tid: u32) -> bool {
    lives(&format!("/proc/{pid}/task/{tid}/stat")).unwrap_or(false)
}

/// Whether the state in a `stat` is neither of the two of the dead; `None` if there is none.
fn lives(stat: &str) -> Option<bool> {
    let stat = short(stat).ok()?;
    let state = stat.rsplit_once(") ")?.1.chars().next()?;
    Some(!matches!(state, 'Z' | 'X'))
}

/// The signals that a process catches, as a mask: bit 0 is signal 1.
pub fn caught_signals(pid: u32) -> Option<u64> {
    let status = short(&format!("/proc/{pid}/status")).ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

/// A file of `/proc` that is shorter than a page, with as few system calls as can be.
pub fn short(path: &str) -> io::Result<String> {
    let mut page = [0; 4096];
    let length = fs::File::open(path)?.read(&mut page)?;
    Ok(String::from_utf8_lossy(&page[..length]).into_owned())
}
