//! Building a program behind the walls that it will run behind.

use std::time::{Duration, Instant};

use super::job::{BuildJob, Built};
use crate::event::Exit;
use crate::observe::Watch;
use crate::program::launch::{Launch, Running};
use crate::sandbox::Sandbox;

/// How often a compiler is looked after.
const GLANCE: Duration = Duration::from_millis(2);

/// How often its memory is.
const MEASURE: Duration = Duration::from_millis(50);

/// Runs the commands until one fails, and takes what they have made out of the sandbox.
///
/// # Errors
/// Our fault, or the machine's.
pub(super) async fn build(job: &BuildJob, sandbox: &Sandbox) -> Result<Built, String> {
    let end = Instant::now() + Duration::from_secs(job.launch.limits.wall_seconds);
    let mut output = String::new();
    for command in &job.commands {
        let launch = Launch { command: command.clone(), ..job.launch.clone() };
        let (how, printed, why) = one(&launch, sandbox, end).await?;
        output.push_str(&String::from_utf8_lossy(&printed));
        if how == Exit::Status(0) {
            continue;
        }
        let words = why.unwrap_or_else(|| match how {
            Exit::Status(status) => format!("`{}` ended with status {status}", command.join(" ")),
            Exit::Signal(signal) => format!("`{}` was ended by signal {signal}", command.join(" ")),
        });
        if output.trim().is_empty() || matches!(how, Exit::Signal(_)) {
            output.push_str(&words);
        }
        return Ok(Built { complete: false, output, level: None });
    }
    sandbox.give_back().map_err(|error| format!("what was built cannot be taken out of the sandbox: {error}"))?;
    Ok(Built { complete: true, output, level: None })
}

/// Runs one command to its end: how that was, what it printed, and why it was ended.
async fn one(launch: &Launch, sandbox: &Sandbox, end: Instant) -> Result<(Exit, Vec<u8>, Option<String>), String> {
    let mut running = Running::start(launch, sandbox).map_err(|error| error.to_string())?;
    running.end_input();
    let mut watch = Watch::new(running.keepers(), Vec::new());
    let (mut printed, mut measured, mut why) = (Vec::new(), Instant::now(), None);
    let how = loop {
        let exit = running.exit();
        printed.extend(running.pump().into_iter().flat_map(|chunk| chunk.bytes));
        if let Some(how) = exit {
            break how;
        }
        if Instant::now() >= end {
            running.kill();
            why.get_or_insert(format!("the build took more than {} seconds", launch.limits.wall_seconds));
        }
        if measured.elapsed() > MEASURE {
            measured = Instant::now();
            let _ = watch.look();
            let (memory, _) = watch.usage(launch.limits.memory_bytes);
            if memory > launch.limits.memory_bytes {
                running.kill();
                why = Some(format!(
                    "the build was stopped: it wanted more than {} MiB of memory",
                    launch.limits.memory_bytes >> 20
                ));
            }
        }
        tokio::time::sleep(GLANCE).await;
    };
    running.stop();
    printed.extend(running.pump().into_iter().flat_map(|chunk| chunk.bytes));
    if running.is_broken() {
        return Err(format!("the sandbox could not be set up: {}", String::from_utf8_lossy(&printed)));
    }
    Ok((how, printed, why))
}
