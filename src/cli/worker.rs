//! `sockspec worker`: the process that plays one program's scenarios, for `check`. It is told what
//! to do on standard input and answers on standard output; nobody calls it by hand.

use clap::Args;

use super::Outcome;
use super::output::Screen;

/// Arguments of `sockspec worker`: none.
#[derive(Debug, Args)]
pub struct Worker {}

impl Worker {
    /// Runs the command.
    pub fn run(self, _screen: &Screen) -> Outcome {
        crate::worker::serve().map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(0)
    }
}
