//! Starting, feeding, hearing and stopping a program.
//!
//! The program believes to be at a terminal: standard output and standard error are a
//! pseudo-terminal each (raw, 80 × 24), so it buffers by lines, and what it prints arrives as it
//! wrote it. Standard input is a pipe. It leads a session of its own, so nothing typed at the
//! grader's terminal reaches it, and dies with the grader.
//!
//! [`Running`] is driven by one task: nothing here blocks.

use std::collections::BTreeMap;
use std::io;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::event::Output;
use crate::sandbox::{Limits, Prepared, Sandbox, Start};

#[cfg(not(unix))]
mod piped;
#[cfg(unix)]
mod terminal;

#[cfg(not(unix))]
pub use piped::Running;
#[cfg(unix)]
pub use terminal::Running;

/// How a program is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The program and its arguments. A program without `/` is looked up in `PATH`; a relative one
    /// is relative to `cwd`.
    pub command: Vec<String>,
    /// The folder that it runs in; also its `HOME`.
    pub cwd: Utf8PathBuf,
    /// The folder in that one in which it is started; empty for that one itself.
    #[serde(default)]
    pub inside: Utf8PathBuf,
    /// What is added to the clean environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What it may use.
    #[serde(default)]
    pub limits: Limits,
}

impl Launch {
    /// The whole environment of the program: `PATH`, `HOME`, `LANG`, `TERM`,
    /// `PYTHONDONTWRITEBYTECODE`, and what the launch adds (or replaces).
    #[must_use]
    pub fn environment(&self) -> BTreeMap<String, String> {
        let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
        let mut all: BTreeMap<String, String> = [
            ("PATH", path.as_str()),
            ("HOME", self.cwd.as_str()),
            ("LANG", "C.UTF-8"),
            ("TERM", "xterm"),
            ("PYTHONDONTWRITEBYTECODE", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        #[cfg(windows)]
        if let Ok(root) = std::env::var("SystemRoot") {
            all.insert("SystemRoot".to_owned(), root);
        }
        all.extend(self.env.clone());
        all
    }

    /// What a sandbox is to start; `environment` is [its own](Self::environment).
    #[must_use]
    pub fn start<'a>(&'a self, environment: &'a BTreeMap<String, String>) -> Start<'a> {
        Start {
            command: &self.command,
            folder: self.cwd.as_std_path(),
            inside: self.inside.as_std_path(),
            environment,
            limits: self.limits.process(),
        }
    }

    fn prepared(&self, sandbox: &Sandbox) -> Result<Prepared, LaunchError> {
        let program = self.command.first().ok_or(LaunchError::Empty)?;
        if !self.cwd.is_dir() {
            return Err(LaunchError::Folder { cwd: self.cwd.clone() });
        }
        sandbox.can_start(program).map_err(|error| self.failed(error))?;
        sandbox.prepare(&self.start(&self.environment())).map_err(LaunchError::Sandbox)
    }

    fn failed(&self, source: io::Error) -> LaunchError {
        let program = self.command.first().cloned().unwrap_or_default();
        match source.kind() {
            io::ErrorKind::NotFound => LaunchError::Missing { program, source },
            io::ErrorKind::PermissionDenied => LaunchError::Forbidden { program, source },
            _ => LaunchError::Start { program, source },
        }
    }
}

/// Why a program could not be started.
#[derive(Debug, Error)]
pub enum LaunchError {
    /// The command has no words.
    #[error("the command to start is empty")]
    Empty,
    /// The folder to run in is not there.
    #[error("`{cwd}` is no folder to run a program in")]
    Folder {
        /// The folder.
        cwd: Utf8PathBuf,
    },
    /// The program's file (or the interpreter that its first line names) is not there.
    #[error("`{program}` cannot be started: {source}")]
    Missing {
        /// The program.
        program: String,
        /// The system's words.
        source: io::Error,
    },
    /// The program's file may not be executed.
    #[error("`{program}` cannot be started: {source} (is it executable?)")]
    Forbidden {
        /// The program.
        program: String,
        /// The system's words.
        source: io::Error,
    },
    /// Anything else that the system says when a process is made.
    #[error("`{program}` cannot be started: {source}")]
    Start {
        /// The program.
        program: String,
        /// The system's words.
        source: io::Error,
    },
    /// Its sandbox could not be set up: the machine's fault, not the program's.
    #[error("the program's sandbox could not be set up: {0}")]
    Sandbox(#[source] io::Error),
    /// No pseudo-terminal or pipe could be made: the machine's fault, not the program's.
    #[error("no terminal for the program could be opened: {0}")]
    Terminal(#[source] io::Error),
}

/// What a program printed: what one read of its terminal gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where it printed.
    pub stream: Output,
    /// What.
    pub bytes: Vec<u8>,
    /// How many further bytes were left out, since [`Limits::output_bytes`] was reached.
    pub cut: u64,
}

/// Keeps output up to a limit, and counts what is beyond it.
#[derive(Debug)]
struct Kept {
    room: u64,
}

impl Kept {
    fn new(limits: &Limits) -> Self {
        Self { room: limits.output_bytes }
    }

    fn chunk(&mut self, stream: Output, bytes: &[u8]) -> Chunk {
        let kept = usize::try_from(self.room).unwrap_or(usize::MAX).min(bytes.len());
        self.room -= kept as u64;
        Chunk { stream, bytes: bytes[..kept].to_vec(), cut: (bytes.len() - kept) as u64 }
    }
}

#[cfg(all(test, unix))]
mod tests;
