//! A program at two pseudo-terminals (`pty(7)`), on Unix.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
#[cfg(target_os = "linux")]
use std::os::fd::AsFd as _;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
#[cfg(target_os = "linux")]
use nix::unistd::{Gid, Uid, fchown};

use super::{Chunk, Kept, Launch, LaunchError};
use crate::event::{Exit, Output};
use crate::program::sweep::{sweep, sweep_except};
use crate::sandbox::Sandbox;
#[cfg(target_os = "linux")]
use crate::sandbox::Sentry;
use crate::sys;

/// Bytes that one pump reads from one terminal at most, so that a flood starves nobody.
const PUMP: usize = 256 * 1024;

/// What has not died of SIGKILL by then waits in the system for a disk, and dies after that.
const PATIENCE: Duration = Duration::from_secs(10);

/// A program that was started. Dropping it kills its process group, but only [`Running::stop`] is
/// sure to leave nothing behind.
#[derive(Debug)]
pub struct Running {
    pid: Pid,
    exit: Option<Exit>,
    terminals: [Terminal; 2],
    input: Input,
    kept: Kept,
    #[cfg(target_os = "linux")]
    sentry: Option<Sentry>,
    broken: bool,
}

#[derive(Debug)]
struct Terminal {
    stream: Output,
    master: Option<File>,
}

#[derive(Debug)]
struct Input {
    pipe: Option<File>,
    queue: VecDeque<u8>,
    ending: bool,
}

impl Running {
    /// Starts a program. Must be called on a thread that lives as long as the program may: the kernel kills the program when that thread ends.
    ///
    /// # Errors
    /// What is wrong with the command, in the system's words, or that no terminal could be made.
    pub fn start(launch: &Launch, sandbox: &Sandbox) -> Result<Self, LaunchError> {
        let prepared = launch.prepared(sandbox)?;
        let mut command = prepared.command;
        let (stdout, stdout_slave) = pseudo_terminal().map_err(LaunchError::Terminal)?;
        let (stderr, stderr_slave) = pseudo_terminal().map_err(LaunchError::Terminal)?;
        let (their_input, input) = io::pipe().map_err(LaunchError::Terminal)?;
        #[cfg(target_os = "linux")]
        if let Some((user, group)) = prepared.confinement.identity {
            // So that it can open them anew, by /dev/stdin and the like.
            for end in [their_input.as_fd(), stdout_slave.as_fd(), stderr_slave.as_fd()] {
                fchown(end, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))
                    .map_err(|error| LaunchError::Terminal(error.into()))?;
            }
        }
        command.stdin(their_input).stdout(stdout_slave).stderr(stderr_slave);
        sys::confine(&mut command, prepared.confinement);
        let child = command.spawn().map_err(|error| launch.failed(error))?;
        drop(command); // its copies of the terminals' other ends
        let pid = Pid::from_raw(child.id().cast_signed());
        let parts = || -> io::Result<_> {
            Ok((Some(nonblocking(OwnedFd::from(input))?), nonblocking(stdout)?, nonblocking(stderr)?))
        }();
        let (pipe, stdout, stderr) = parts.map_err(|error| {
            let _ = kill(pid, Signal::SIGKILL);
            LaunchError::Terminal(error)
        })?;
        let mut running = Self {
            pid,
            exit: None,
            terminals: [
                Terminal { stream: Output::Stdout, master: Some(stdout) },
                Terminal { stream: Output::Stderr, master: Some(stderr) },
            ],
            input: Input { pipe, queue: VecDeque::new(), ending: false },
            kept: Kept::new(&launch.limits),
            #[cfg(target_os = "linux")]
            sentry: prepared.sentry,
            broken: false,
        };
        running.begin().map_err(|error| LaunchError::Sandbox(running.complaint(error)))?;
        Ok(running)
    }

    /// Lets the program begin, where somebody keeps it back until then.
    fn begin(&mut self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        if let Some(sentry) = &mut self.sentry {
            sentry.begin()?;
        }
        Ok(())
    }

    /// What whoever was to set up the sandbox has written about what went wrong.
    fn complaint(&mut self, error: io::Error) -> io::Error {
        self.stop();
        let chunks = self.pump().into_iter();
        let words: Vec<u8> =
            chunks.filter(|chunk| chunk.stream == Output::Stderr).flat_map(|chunk| chunk.bytes).collect();
        let words = String::from_utf8_lossy(&words).trim().to_owned();
        if words.is_empty() { error } else { io::Error::other(words) }
    }

    /// The processes that are not the program's own but its sandbox's.
    #[must_use]
    pub fn keepers(&self) -> Vec<u32> {
        #[cfg(target_os = "linux")]
        if let Some(sentry) = &self.sentry {
            return vec![self.pid(), sentry.first()];
        }
        Vec::new()
    }

    /// Whether there never was a program, since its sandbox could not be set up. What was wrong stands
    /// in what was printed.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// The first process's number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.as_raw().cast_unsigned()
    }

    /// Gives the program bytes on its standard input. Returns at once; what the pipe does not take
    /// yet is written by later pumps. What a program that has closed its input cannot get is dropped.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.input.pipe.is_some() && !self.input.ending {
            self.input.queue.extend(bytes);
            self.input.write();
        }
    }

    /// Closes the program's standard input, once all that it was fed has been written.
    pub fn end_input(&mut self) {
        self.input.ending = true;
        self.input.write();
    }

    /// Reads what is there on both terminals, and writes what the standard input takes; never waits.
    /// A call reads at most 256 KiB a terminal.
    pub fn pump(&mut self) -> Vec<Chunk> {
        self.input.write();
        let mut chunks = Vec::new();
        for terminal in &mut self.terminals {
            terminal.read(&mut self.kept, &mut chunks);
        }
        chunks
    }

    /// How the first process ended, if it has. Also reaps every process that the program has orphaned
    /// to us (`waitpid(2)`), so nothing else may be waited for in this process.
    pub fn exit(&mut self) -> Option<Exit> {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, status)) if pid == self.pid => self.ended(Exit::Status(status)),
                Ok(WaitStatus::Signaled(pid, by, _)) if pid == self.pid => self.ended(Exit::Signal(by as i32)),
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => break,
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => break,
            }
        }
        self.exit.clone()
    }

    fn ended(&mut self, how: Exit) {
        #[cfg(target_os = "linux")]
        if let Some(sentry) = &mut self.sentry {
            let program = sentry.ended(how.clone());
            self.broken = program.is_none();
            self.exit = Some(program.unwrap_or(how));
            return;
        }
        self.exit = Some(how);
    }

    /// Kills all its processes. How it ended then is [found out](Running::exit) as ever.
    pub fn kill(&mut self) {
        let _ = killpg(self.pid, Signal::SIGKILL);
        sweep_except(&std::collections::BTreeSet::from([self.pid()]));
    }

    /// Ends the program and everything that it has started: the tree below this process, also what
    /// has left its session or forks while it is being killed. What was still on the terminals can
    /// be [pumped](Running::pump) afterwards.
    pub fn stop(&mut self) -> Exit {
        if self.exit().is_none() {
            let _ = killpg(self.pid, Signal::SIGKILL);
        }
        let end = Instant::now() + PATIENCE;
        while self.exit().is_none() && Instant::now() < end {
            // It dies of SIGKILL as soon as it gets a processor.
            std::thread::yield_now();
        }
        sweep();
        self.exit().unwrap_or(Exit::Signal(Signal::SIGKILL as i32))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.exit().is_none() {
            let _ = killpg(self.pid, Signal::SIGKILL);
            let _ = waitpid(self.pid, None);
        }
    }
}

impl Terminal {
    fn read(&mut self, kept: &mut Kept, chunks: &mut Vec<Chunk>) {
        let mut total = 0;
        while total < PUMP {
            let Some(chunk) = self.read_once(kept) else { break };
            total += chunk.bytes.len() + usize::try_from(chunk.cut).unwrap_or(PUMP);
            chunks.push(chunk);
        }
    }

    /// One read. The end of a terminal is `EIO` on Linux, end-of-file elsewhere.
    fn read_once(&mut self, kept: &mut Kept) -> Option<Chunk> {
        let mut buffer = [0; 16 * 1024];
        let read = self.master.as_mut()?.read(&mut buffer);
        match read {
            Ok(1..) => read.ok().map(|length| kept.chunk(self.stream, &buffer[..length])),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => None,
            Ok(0) | Err(_) => {
                self.master = None;
                None
            }
        }
    }
}

impl Input {
    fn write(&mut self) {
        while let Some(pipe) = &mut self.pipe {
            let (front, _) = self.queue.as_slices();
            if front.is_empty() {
                break;
            }
            let written = pipe.write(front);
            match written {
                Ok(written) => drop(self.queue.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.close(),
            }
        }
        if self.ending && self.queue.is_empty() {
            self.close();
        }
    }

    fn close(&mut self) {
        self.pipe = None;
        self.queue.clear();
    }
}

/// The pipe's and the terminals' near ends are ours alone, so that they may be made non-blocking.
fn nonblocking(descriptor: OwnedFd) -> io::Result<File> {
    let flags = OFlag::from_bits_truncate(fcntl(&descriptor, FcntlArg::F_GETFL)?);
    fcntl(&descriptor, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(File::from(descriptor))
}

/// A raw terminal of 80 × 24: our end and the program's.
fn pseudo_terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    let pair = openpty(&size, None)?;
    for end in [&pair.master, &pair.slave] {
        fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    }
    let mut modes = tcgetattr(&pair.slave)?;
    cfmakeraw(&mut modes);
    tcsetattr(&pair.slave, SetArg::TCSANOW, &modes)?;
    Ok((pair.master, pair.slave))
}
