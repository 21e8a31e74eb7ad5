//! A program at pipes, where there are no pseudo-terminals. It may keep what it prints to itself
//! until it ends, as many runtimes do on a pipe.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::{Chunk, Kept, Launch, LaunchError};
use crate::event::{Exit, Output};
use crate::sandbox::Sandbox;

/// A program that was started. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<(Output, Vec<u8>)>,
    kept: Kept,
}

impl Running {
    /// Starts a program.
    ///
    /// # Errors
    /// What is wrong with the command, in the system's words.
    pub fn start(launch: &Launch, sandbox: &Sandbox) -> Result<Self, LaunchError> {
        let mut command = launch.prepared(sandbox)?.command;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| launch.failed(error))?;
        let (say, output) = channel();
        if let Some(pipe) = child.stdout.take() {
            copy(pipe, Output::Stdout, say.clone());
        }
        if let Some(pipe) = child.stderr.take() {
            copy(pipe, Output::Stderr, say);
        }
        let input = child.stdin.take();
        Ok(Self { child, input, output, kept: Kept::new(&launch.limits) })
    }

    /// No process is the sandbox's own here.
    #[must_use]
    pub fn keepers(&self) -> Vec<u32> {
        Vec::new()
    }

    /// No sandbox can fail here.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        false
    }

    /// The process's number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Gives the program bytes on its standard input. A sentence fits into any pipe, so this does
    /// not wait for the program to read.
    pub fn feed(&mut self, bytes: &[u8]) {
        if let Some(input) = self.input.as_mut() {
            let _ = input.write_all(bytes);
        }
    }

    /// Closes the program's standard input.
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// What the program has printed since the last call.
    pub fn pump(&mut self) -> Vec<Chunk> {
        let Self { output, kept, .. } = self;
        output.try_iter().map(|(stream, bytes)| kept.chunk(stream, &bytes)).collect()
    }

    /// How the process ended, if it has.
    pub fn exit(&mut self) -> Option<Exit> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(Exit::Status(status.code().unwrap_or(-1)))
    }

    /// Kills it.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
    }

    /// Ends the program.
    pub fn stop(&mut self) -> Exit {
        let _ = self.child.kill();
        self.child.wait().map_or(Exit::Signal(9), |status| Exit::Status(status.code().unwrap_or(-1)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Reads a pipe in a thread of its own, since it can only be read by waiting.
fn copy(mut pipe: impl Read + Send + 'static, stream: Output, say: Sender<(Output, Vec<u8>)>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = pipe.read(&mut buffer) {
            if say.send((stream, buffer[..length].to_vec())).is_err() {
                return;
            }
        }
    });
}
