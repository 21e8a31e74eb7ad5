//! The program's processes: all descendants of this one, since this process starts nothing else
//! and is the subreaper of what daemonizes.

use std::collections::BTreeSet;
use std::fs;

/// All processes of the program that are alive: the descendants of this one.
#[must_use]
pub fn live_processes() -> Vec<u32> {
    below(std::process::id(), &BTreeSet::new())
}

/// All living descendants of a process, without some of its children and what is below them.
#[must_use]
pub fn below(root: u32, without: &BTreeSet<u32>) -> Vec<u32> {
    let mut found = Vec::new();
    let mut next = vec![root];
    while let Some(pid) = next.pop() {
        for child in children(pid) {
            if pid == root && without.contains(&child) {
                continue;
            }
            if !found.contains(&child) && alive(child) {
                found.push(child);
            }
            next.push(child);
        }
    }
    found
}

/// The threads of a process.
#[must_use]
pub fn threads(pid: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn children(pid: u32) -> Vec<u32> {
    threads(pid)
        .into_iter()
        .filter_map(|tid| fs::read_to_string(format!("/proc/{pid}/task/{tid}/children")).ok())
        .flat_map(|list| list.split_whitespace().filter_map(|child| child.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Whether a process is there and no zombie.
fn alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()))
        .is_some_and(|state| !matches!(state, 'Z' | 'X'))
}
