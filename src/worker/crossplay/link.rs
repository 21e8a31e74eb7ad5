//! The driver's end of the line to the worker of one program.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Take};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::half::{Half, Order};
use crate::event::Fact;
use crate::worker::inside::say;
use crate::worker::job::{Message, Task};

/// The most that it may say, in bytes.
const LARGEST: u64 = 256 << 20;

/// How long it may clear up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A worker with one program.
#[derive(Debug)]
pub(super) struct Link {
    child: Child,
    input: ChildStdin,
    output: BufReader<Take<ChildStdout>>,
}

impl Link {
    /// Starts it, in this process's network.
    ///
    /// # Errors
    /// In words: it could not be started, or the program could not.
    pub(super) async fn start(half: &Half) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot start a worker process: {error}");
        let executable = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(executable);
        command.arg("worker").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { return Err(ended()) };
        let mut link = Self { child, input, output: BufReader::new(output.take(LARGEST)) };
        link.say(&Task::Half(Box::new(half.clone()))).await?;
        match link.hear().await? {
            isolated @ Message::Isolated { .. } => say(&isolated).map_err(|error| error.to_string())?,
            _ => return Err(ended()),
        }
        Ok(link)
    }

    /// Has an order carried out; what the program did since the last.
    ///
    /// # Errors
    /// In words: the worker has gone wrong.
    pub(super) async fn order(&mut self, order: Order) -> Result<Vec<Fact>, String> {
        self.say(&order).await?;
        match self.hear().await? {
            Message::Did(facts) => Ok(facts),
            _ => Err(ended()),
        }
    }

    /// Ends the program, and waits until the worker has cleared up.
    pub(super) async fn stop(mut self) {
        if self.say(&Order::Stop).await.is_ok() {
            let _ = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        }
    }

    async fn say(&mut self, what: &impl serde::Serialize) -> Result<(), String> {
        let mut line = serde_json::to_vec(what).map_err(|error| error.to_string())?;
        line.push(b'\n');
        self.input.write_all(&line).await.map_err(|_| ended())
    }

    async fn hear(&mut self) -> Result<Message, String> {
        let mut line = Vec::new();
        match self.output.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return Err(ended()),
            Ok(_) => {}
        }
        match serde_json::from_slice(&line).map_err(|error| error.to_string())? {
            Message::Trouble(reason) => Err(reason),
            message => Ok(message),
        }
    }
}

fn ended() -> String {
    "a worker process ended before its job was done".to_owned()
}
