//! `sockspec lint`: every mistake of files, at once.

use std::fmt::Write as _;

use camino::Utf8PathBuf;
use clap::Args;

use super::output::Screen;
use super::{Outcome, Stop, Suites, hidden};
use crate::plan::lint::{self, FileKind};

/// Arguments of `sockspec lint`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sockspec lint sockspec.yaml
  sockspec lint specs/*.yaml

specs/README.md describes the language.")]
pub struct Lint {
    /// Suites, dialects and assignments
    #[arg(required = true, value_name = "FILE")]
    files: Vec<Utf8PathBuf>,
}

impl Lint {
    /// Runs the command.
    pub fn run(self, screen: &Screen) -> Outcome {
        let mut reports = Vec::new();
        let mut right = String::new();
        for file in &self.files {
            match lint::file(file) {
                Ok(kind) => {
                    let _ = writeln!(right, "{file}: this {} has no mistakes", kind.key());
                    if kind == FileKind::Assignment {
                        let suites = Suites { assignment: Some(file.clone()), dialect: None };
                        hidden::with_others(&suites.load(None)?)?
                            .iter()
                            .for_each(|words| screen.warning(&format!("{file}: {words}")));
                    }
                }
                Err(more) => reports.extend(more),
            }
        }
        screen.print(right.as_bytes())?;
        if reports.is_empty() { Ok(0) } else { Err(Stop::Mistakes(reports)) }
    }
}
