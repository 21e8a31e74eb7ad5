//! Programs under bubblewrap (bwrap(1)): namespaces of their own, a read-only system, and of the
//! machine's files only what a program needs.
//!
//! `--die-with-parent` is not used: with it a server that becomes a daemon would be killed, since
//! bubblewrap ends with the first process. That nothing outlives a run is the worker's and its
//! parent's care, both subreapers; bubblewrap itself is killed when the worker ends.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;

use nix::fcntl::OFlag;
use nix::sys::memfd::{MFdFlags, memfd_create};

use super::cgroup::Cgroup;
use super::room::Room;
use super::tree::Tree;
use super::trial::Trial;
use super::{Limits, Prepared, Start, filter, prefix};
use crate::event::Exit;
use crate::sys::Confinement;

/// Where the program finds its copy of the submission.
const WORK: &str = "/submission";

/// Its home folder: empty, and its own.
const HOME: &str = "/home/student";

/// What has something of its own for a program: over these, more is mounted at each start.
const PLACES: &[&str] = &["/proc", "/dev", "/tmp", HOME, WORK];

/// The user and group that it believes to be.
const USER: &str = "1000";

/// The processes of bubblewrap itself in the namespace whose processes are limited.
const OWN: u64 = 2;

/// What the control group has room for beside what the limits name: the empty folders, and the kernel's
/// own account of processes and sockets.
const BESIDE: u64 = 192 << 20;

/// Bubblewrap on this machine, with the room that was made for a program.
#[derive(Debug)]
pub struct Bubblewrap {
    program: PathBuf,
    room: Room,
    /// What the program sees: the same at each start.
    mounts: Vec<OsString>,
    /// Where commands are looked up first: the interpreter's folder.
    first: Option<PathBuf>,
    filters: Vec<File>,
    processes: u64,
    memory: Option<Rc<Cgroup>>,
    /// Whether it can forbid further user namespaces itself (0.8 and later); the filters do too.
    seals: bool,
}

/// Why there is no bubblewrap here.
pub const MISSING: &str = "bubblewrap is not installed (there is no `bwrap` on PATH)";

/// Looks it up.
#[must_use]
pub fn find() -> Option<PathBuf> {
    prefix::look_up("bwrap", Path::new("/"))
}

impl Bubblewrap {
    /// Makes the room for a program whose command begins with this word.
    ///
    /// # Errors
    /// Why this machine does not allow that, in words.
    pub fn make(program: PathBuf, start: &Start<'_>, limits: &Limits) -> io::Result<Self> {
        let mut room = Room::make(start.folder, limits.disk_bytes)?;
        let tree = Tree::lay(room.tree(), PLACES)?;
        let mut prefixes = Vec::new();
        let interpreter = prefix::interpreter(start).filter(|file| !file.starts_with(start.folder));
        for folder in interpreter.as_deref().map(prefix::of).unwrap_or_default() {
            if folder.exists() {
                if !PLACES.iter().any(|place| folder.starts_with(place)) {
                    tree.make_place(&folder)?;
                }
                prefixes.push((room.stage(&folder)?, folder));
            }
        }
        let filters = filter::programs().map_err(io::Error::other)?;
        let filters = filters.iter().map(|program| in_memory(&bytes(program))).collect::<io::Result<_>>()?;
        let folder = interpreter.as_deref().and_then(Path::parent).map(Path::to_owned);
        let first = folder.filter(|folder| !prefix::is_of_system(folder));
        // Its own processes count as well.
        let processes = limits.processes.saturating_add(OWN);
        // Files in memory count as well. What processes have is watched more closely, see the runner.
        let memory = limits.memory_bytes.saturating_add(limits.disk_bytes).saturating_add(BESIDE);
        let mut memory = Cgroup::make(memory);
        memory.iter_mut().for_each(Cgroup::join);
        let memory = memory.map(Rc::new);
        let mounts = mounts(&room, &tree, &prefixes);
        let mut this = Self { program, room, mounts, first, filters, processes, memory, seals: true };
        // What is mounted for one interpreter alone has not been tried for another.
        if let Some(trial) = Trial::told().filter(|_| prefixes.is_empty()) {
            this.seals = trial.seals;
            return Ok(this);
        }
        match this.try_out() {
            Err(error) if error.to_string().contains("--disable-userns") => this.seals = false,
            outcome => return outcome.map(|()| this),
        }
        this.try_out().map(|()| this)
    }

    /// Whether it can forbid further user namespaces itself.
    #[must_use]
    pub fn seals(&self) -> bool {
        self.seals
    }

    /// Whether the kernel has ended a process of the program for want of memory, since this was last
    /// asked.
    #[must_use]
    pub fn has_killed(&self) -> bool {
        self.memory.as_ref().is_some_and(|memory| memory.has_killed())
    }

    /// Puts what has come into the program's copy of the submission, or changed there, into the one that it
    /// was made of.
    ///
    /// # Errors
    /// The system's.
    pub fn give_back(&self) -> io::Result<()> {
        self.room.give_back()
    }

    /// Whether there is such a program to start.
    ///
    /// # Errors
    /// It is not there, or may not be executed.
    pub fn can_start(&self, program: &str) -> io::Result<()> {
        let file = prefix::look_up(program, &self.room.work()).ok_or(io::ErrorKind::NotFound)?;
        nix::unistd::access(&file, nix::unistd::AccessFlags::X_OK)?;
        Ok(())
    }

    /// The command that starts a program in it.
    ///
    /// # Errors
    /// The system's: no pipe could be made.
    pub fn prepare(&self, start: &Start<'_>) -> io::Result<Prepared> {
        let (said, status) = pipe()?;
        let (gate, release) = pipe()?;
        self.room.empty()?;
        let mut command = Command::new(&self.program);
        // Where it looks for nothing, but its own messages are in this language.
        command.env_clear().env("LANG", "C.UTF-8").current_dir("/").args(self.arguments(start));
        let numbers = [("--json-status-fd", status.as_raw_fd()), ("--block-fd", gate.as_raw_fd())];
        for (flag, descriptor) in numbers {
            command.arg(flag).arg(descriptor.to_string());
        }
        let mut inherited = vec![status.as_raw_fd(), gate.as_raw_fd()];
        for mut filter in &self.filters {
            filter.rewind()?;
            command.arg("--add-seccomp-fd").arg(filter.as_raw_fd().to_string());
            inherited.push(filter.as_raw_fd());
        }
        command.arg("--").args(start.command);
        let confinement = Confinement {
            limits: start.limits,
            identity: self.room.identity(),
            inherited,
            victims: self.memory.as_ref().and_then(|memory| memory.victims()),
            ..Confinement::default()
        };
        let sentry = Sentry {
            status: File::from(said),
            release: Some(File::from(release)),
            theirs: Some((status, gate)),
            said: String::new(),
            first: 0,
            processes: self.processes,
            identity: self.room.identity(),
            memory: self.memory.clone(),
        };
        Ok(Prepared { command, confinement, sentry: Some(sentry) })
    }

    fn arguments(&self, start: &Start<'_>) -> Vec<OsString> {
        let mut list = Arguments::default();
        list.all(&["--unshare-user", "--uid", USER, "--gid", USER, "--unshare-pid", "--unshare-ipc", "--unshare-uts"]);
        list.all(&["--unshare-cgroup-try", "--cap-drop", "ALL", "--new-session", "--clearenv"]);
        if self.seals {
            list.all(&["--disable-userns"]);
        }
        for (name, value) in start.environment {
            let value = match name.as_str() {
                "HOME" => HOME.to_owned(),
                "PATH" => self.path(),
                _ => value.clone(),
            };
            list.all(&["--setenv", name, &value]);
        }
        prefix::WITHOUT_PTRACE.iter().for_each(|(name, value)| list.all(&["--setenv", name, value]));
        list.0.extend(self.mounts.iter().cloned());
        let inside = Path::new(WORK).join(start.inside);
        list.0.extend([OsStr::new("--chdir"), inside.as_os_str()].map(OsStr::to_owned));
        list.0
    }

    fn path(&self) -> String {
        let first = self.first.as_ref().map(|folder| format!("{}:", folder.display())).unwrap_or_default();
        format!("{first}/usr/local/bin:/usr/bin:/bin")
    }

    /// Whether it works here: starts the smallest program in it.
    fn try_out(&self) -> io::Result<()> {
        let environment = std::collections::BTreeMap::new();
        let command = ["true".to_owned()];
        let limits = crate::sys::ProcessLimits::default();
        let start = Start {
            command: &command,
            folder: Path::new("/"),
            inside: Path::new(""),
            environment: &environment,
            limits,
        };
        // The sentry hears bubblewrap out.
        let Prepared { mut command, confinement, mut sentry } = self.prepare(&start)?;
        crate::sys::confine(&mut command, confinement);
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = quiet.spawn()?;
        drop(command);
        match sentry.as_mut().map_or(Ok(()), Sentry::begin) {
            // Bubblewrap has ended, and says why itself.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => {
                child.kill()?;
                child.wait()?;
                return Err(error);
            }
            Ok(()) => {}
        }
        let output = child.wait_with_output()?;
        if output.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(io::Error::other(if words.is_empty() { output.status.to_string() } else { words }))
    }
}

/// What a program sees in a room, in bubblewrap's words.
fn mounts(room: &Room, tree: &Tree, prefixes: &[(PathBuf, PathBuf)]) -> Vec<OsString> {
    let mut list = Arguments::default();
    list.paths("--ro-bind", tree.root(), Path::new("/"));
    list.all(&["--proc", "/proc", "--dev", "/dev"]);
    for (name, place) in [("shm", "/dev/shm"), ("tmp", "/tmp"), ("home", HOME)] {
        list.paths("--bind", &room.scratch().join(name), Path::new(place));
    }
    list.all(&["--remount-ro", "/dev"]);
    for (now, then) in prefixes {
        list.paths("--ro-bind", now, then);
    }
    list.paths("--bind", &room.work(), Path::new(WORK));
    list.0
}

/// What bubblewrap says of the program that runs in it.
#[derive(Debug)]
pub struct Sentry {
    status: File,
    release: Option<File>,
    /// Bubblewrap's ends of the pipes, until it has them.
    theirs: Option<(OwnedFd, OwnedFd)>,
    said: String,
    first: u32,
    processes: u64,
    identity: Option<(u32, u32)>,
    memory: Option<Rc<Cgroup>>,
}

impl Sentry {
    /// Lets the program begin, now that bubblewrap runs: first its namespace's processes are limited,
    /// which only counts those in there if it is done in there (user_namespaces(7)).
    ///
    /// # Errors
    /// Bubblewrap has ended without a word; what was wrong it has written to standard error.
    pub fn begin(&mut self) -> io::Result<()> {
        self.theirs = None;
        let mut buffer = [0; 512];
        while !self.said.contains('\n') {
            match self.status.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => self.said.push_str(&String::from_utf8_lossy(&buffer[..length])),
            }
        }
        self.first = number_behind(&self.said, "\"child-pid\":").unwrap_or_default();
        if let Some(memory) = self.memory.as_ref().filter(|memory| memory.victims().is_none()) {
            // Where it may not be moved there, what processes have is watched all the same.
            let _ = memory.add(self.first);
        }
        crate::sys::limit_processes(self.first, self.processes, self.identity)?;
        self.release.take().map_or(Ok(()), |mut release| release.write_all(b"\n"))
    }

    /// The first process of the program's namespace, which is bubblewrap's, not the program's.
    #[must_use]
    pub fn first(&self) -> u32 {
        self.first
    }

    /// How the program ended, now that bubblewrap has. `None` if there never was a program.
    pub fn ended(&mut self, bubblewrap: Exit) -> Option<Exit> {
        // It has ended, so all that it has said is there.
        let _ = self.status.read_to_string(&mut self.said);
        match (bubblewrap, number_behind(&self.said, "\"exit-code\":")) {
            // A shell's convention: bubblewrap tells a signal so.
            (_, Some(code @ 129..=192)) => Some(Exit::Signal(code.cast_signed() - 128)),
            (_, Some(code)) => Some(Exit::Status(code.cast_signed())),
            (Exit::Signal(signal), None) => Some(Exit::Signal(signal)),
            (Exit::Status(_), None) => None,
        }
    }
}

fn number_behind(text: &str, key: &str) -> Option<u32> {
    let rest = text.split_once(key)?.1.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[derive(Default)]
struct Arguments(Vec<OsString>);

impl Arguments {
    fn all(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(OsString::from));
    }

    fn paths(&mut self, flag: &str, from: &Path, to: &Path) {
        self.0.extend([OsStr::new(flag), from.as_os_str(), to.as_os_str()].map(OsStr::to_owned));
    }
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(nix::unistd::pipe2(OFlag::O_CLOEXEC)?)
}

fn in_memory(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create(c"filter", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(file)
}

/// A filter as the kernel wants it: `struct sock_filter` one after the other.
fn bytes(program: &[seccompiler::sock_filter]) -> Vec<u8> {
    let one = |step: &seccompiler::sock_filter| {
        let [code, k] = [step.code.to_ne_bytes().to_vec(), step.k.to_ne_bytes().to_vec()];
        [code, vec![step.jt, step.jf], k].concat()
    };
    program.iter().flat_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bubblewrap_says_is_read() {
        assert_eq!(number_behind("{ \"child-pid\": 812, \"ipc-namespace\": 4 }\n", "\"child-pid\":"), Some(812));
        assert_eq!(number_behind("{ \"child-pid\": 812 }", "\"exit-code\":"), None);
    }
}
