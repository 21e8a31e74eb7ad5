//! A control group for the memory of a program (cgroups(7)), where this process may make one: it also
//! counts what no process's own account shows, such as what waits in sockets, and files in memory.

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::sys::Victims;

/// How the names of all groups begin; the number of the process that made it follows.
const PREFIX: &str = "sockspec-";

/// Where the systems mount the two versions.
const VERSION_1: [&str; 1] = ["/sys/fs/cgroup/memory"];
const VERSION_2: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/// How long what was killed in it may take to leave.
const PATIENCE: Duration = Duration::from_millis(500);

/// A control group with a limit on memory, removed when dropped.
#[derive(Debug)]
pub struct Cgroup {
    folder: PathBuf,
    /// The file in which the kernel counts what it has killed.
    account: PathBuf,
    /// How many kills have been asked about.
    known: Cell<u64>,
    /// Where this process is in the group itself.
    joined: Option<Joined>,
}

/// What the kernel is told of this process.
#[derive(Debug)]
struct Joined {
    /// How gladly it was to be killed before.
    before: String,
    /// Whether it is not to be killed now.
    spared: bool,
}

/// Where the kernel is told how gladly a process is killed for want of memory: from -1000, never
/// (proc_pid_oom_score_adj(5)).
const SCORE: &str = "/proc/self/oom_score_adj";

impl Cgroup {
    /// Makes one in which that many bytes may be used. `None` where this process may not.
    #[must_use]
    pub fn make(bytes: u64) -> Option<Self> {
        let name = format!("{PREFIX}{}", std::process::id());
        parents().into_iter().find_map(|parent| {
            let folder = parent.join(&name);
            fs::create_dir(&folder).ok()?;
            // From here on it is removed again where something fails.
            let names = ["memory.events", "memory.oom_control"];
            let account = names.map(|name| folder.join(name)).into_iter().find(|file| file.exists());
            let group = Self { folder, account: account.unwrap_or_default(), known: Cell::new(0), joined: None };
            group.limit(bytes).ok()?;
            Some(group)
        })
    }

    fn limit(&self, bytes: u64) -> io::Result<()> {
        let write = |file: &str, value: &str| fs::write(self.folder.join(file), value);
        let bytes = bytes.to_string();
        if self.folder.join("memory.max").exists() {
            write("memory.max", &bytes)?;
            // Not there where the kernel does not count what is swapped out, or has no groups of it.
            let _ = write("memory.swap.max", "0");
            let _ = write("memory.oom.group", "1");
        } else {
            write("memory.limit_in_bytes", &bytes)?;
            let _ = write("memory.memsw.limit_in_bytes", &bytes);
        }
        Ok(())
    }

    /// Moves this process into it, so that whatever it starts is in it from its first moment: to move a process
    /// makes it wait for all processors (10 ms), and each start would. Nothing is done where the kernel might kill
    /// this one for what the program uses.
    pub fn join(&mut self) {
        let Ok(before) = fs::read_to_string(SCORE) else { return };
        let spared = fs::write(SCORE, "-1000").is_ok();
        // Where all in a group are killed together, only who is spared is left.
        if !spared && self.folder.join("memory.oom.group").exists() {
            return;
        }
        self.joined = Some(Joined { before, spared });
        if self.add(std::process::id()).is_err() {
            self.leave();
        }
    }

    /// Where this process is in it itself: how gladly what it starts is to be killed, so that it is that first.
    #[must_use]
    pub fn victims(&self) -> Option<Victims> {
        self.joined.as_ref().map(|joined| if joined.spared { Victims::Ordinary } else { Victims::First })
    }

    fn leave(&mut self) {
        let Some(joined) = self.joined.take() else { return };
        if let Some(parent) = self.folder.parent() {
            // Where it may not go there, whoever sweeps up removes the group.
            let _ = fs::write(parent.join("cgroup.procs"), std::process::id().to_string());
        }
        let _ = fs::write(SCORE, joined.before.trim());
    }

    /// Moves a process into it; what that starts from then on is in it too.
    ///
    /// # Errors
    /// The system's.
    pub fn add(&self, pid: u32) -> io::Result<()> {
        fs::write(self.folder.join("cgroup.procs"), pid.to_string())
    }

    /// Whether the kernel has killed a process in it for want of memory, since this was last asked.
    pub fn has_killed(&self) -> bool {
        let text = fs::read_to_string(&self.account).unwrap_or_default();
        let kills = text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok()).unwrap_or(0);
        self.known.replace(kills) < kills
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        self.leave();
        let end = Instant::now() + PATIENCE;
        // Busy until the last of what was killed has gone.
        while fs::remove_dir(&self.folder).is_err() && self.folder.exists() && Instant::now() < end {
            std::thread::yield_now();
        }
    }
}

/// Removes the groups of workers that were killed. One that somebody is still in stays.
pub fn sweep() {
    for folder in parents().iter().filter_map(|parent| fs::read_dir(parent).ok()).flatten().flatten() {
        let maker = folder.file_name().to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse::<u32>().ok());
        if maker.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = fs::remove_dir(folder.path());
        }
    }
}

/// The groups in which another may be made, best first.
fn parents() -> Vec<PathBuf> {
    let Ok(groups) = fs::read_to_string(OWN) else { return Vec::new() };
    let mut found = Vec::new();
    for (mounts, path) in own(&groups) {
        let mine = mounts.iter().map(|mount| Path::new(mount).join(path));
        if mounts == VERSION_1 {
            // In a container the path may be one of the machine's, which is not there.
            found.extend(mine.chain(VERSION_1.map(PathBuf::from)));
        } else {
            // Beside our own: a group that has processes cannot have groups with limits in it.
            let beside =
                mine.filter_map(|own| if path.is_empty() { Some(own) } else { own.parent().map(Path::to_owned) });
            found.extend(beside.filter(|parent| gives_memory(parent)));
        }
    }
    found.retain(|folder| folder.is_dir());
    found
}

/// Where the kernel says which groups this process is in (cgroups(7)).
pub const OWN: &str = "/proc/self/cgroup";

/// By what that says, where the groups that count this process's memory are mounted, and which of them there are
/// its own: a path without a slash before it.
pub fn own(groups: &str) -> impl Iterator<Item = (&'static [&'static str], &str)> {
    groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let mounts: &[&str] = match controllers {
            "" => &VERSION_2,
            _ if controllers.split(',').any(|controller| controller == "memory") => &VERSION_1,
            _ => return None,
        };
        Some((mounts, path.trim_start_matches('/')))
    })
}

/// Whether groups in this one have limits on memory (version 2).
fn gives_memory(parent: &Path) -> bool {
    fs::read_to_string(parent.join("cgroup.subtree_control"))
        .is_ok_and(|controllers| controllers.split_whitespace().any(|controller| controller == "memory"))
}
