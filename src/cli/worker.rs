//! `sockspec worker`: the process that plays one program's scenarios, for `check`. It is told what
//! to do on standard input and answers on standard output; nobody calls it by hand.

use clap::Args;

use super::Outcome;
use super::output::Screen;

/// Arguments of `sockspec worker`.
#[derive(Debug, Args)]
pub struct Worker {
    /// Say what this machine allows, instead
    #[arg(long)]
    survey: bool,
}

impl Worker {
    /// Runs the command.
    pub fn run(self, screen: &Screen) -> Outcome {
        if self.survey {
            let text = serde_json::to_vec(&crate::sandbox::Survey::take()).map_err(anyhow::Error::from)?;
            screen.print(&text)?;
            return Ok(0);
        }
        crate::worker::serve().map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(0)
    }
}
