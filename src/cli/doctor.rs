//! `sockspec doctor`: what this machine gives, and what to do for more.

use std::process::{Command, Stdio};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use super::Outcome;
use super::output::Screen;
use crate::report::layout::{pad, wrap};
use crate::sandbox::{Level, Survey};
use crate::text::tame;

/// Arguments of `sockspec doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Ends with 0 whatever it finds. `sockspec check --isolation LEVEL` fails with 3
where a level cannot be had.")]
pub struct Doctor {
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// A program of the machine: for what, its name, how it tells its version.
const TOOLS: &[(&str, &str, &[&str])] = &[
    ("Python", "python3", &["--version"]),
    ("Python 2", "python2", &["--version"]),
    ("C", "gcc", &["--version"]),
    ("C++", "g++", &["--version"]),
    ("Make", "make", &["--version"]),
    ("CMake", "cmake", &["--version"]),
    ("Java", "java", &["-version"]),
    ("Java compiler", "javac", &["-version"]),
    ("Go", "go", &["version"]),
    ("Rust", "rustc", &["--version"]),
    ("Node", "node", &["--version"]),
    ("C#", "dotnet", &["--version"]),
    ("Ruby", "ruby", &["--version"]),
    ("Perl", "perl", &["-e", "print $^V"]),
    ("Wireshark", "tshark", &["--version"]),
];

#[derive(Serialize)]
struct Findings {
    format: &'static str,
    isolation: Level,
    levels: Vec<LevelFound>,
    advice: Vec<String>,
    memory: &'static str,
    observation: &'static str,
    tools: Vec<Tool>,
}

#[derive(Serialize)]
struct LevelFound {
    level: Level,
    available: bool,
    reason: Option<String>,
}

#[derive(Serialize)]
struct Tool {
    what: &'static str,
    command: &'static str,
    version: Option<String>,
}

impl Doctor {
    /// Runs the command.
    pub fn run(self, screen: &Screen) -> Outcome {
        let survey = survey()?;
        let findings = Findings {
            format: "sockspec-doctor/1",
            isolation: survey.best(),
            advice: survey.advice(),
            memory: if survey.cgroup { "control group" } else { "watch" },
            levels: survey
                .levels
                .into_iter()
                .map(|(level, reason)| LevelFound { level, available: reason.is_none(), reason })
                .collect(),
            observation: crate::observe::method(),
            tools: TOOLS
                .iter()
                .map(|(what, command, ask)| Tool { what, command, version: version(command, ask) })
                .collect(),
        };
        if self.json {
            let mut text = serde_json::to_vec_pretty(&findings).map_err(anyhow::Error::from)?;
            text.push(b'\n');
            screen.print(&text)?;
        } else {
            screen.print(told(&findings).as_bytes())?;
        }
        Ok(0)
    }
}

/// What can be had is found out by a process of its own, since to find it out changes it.
fn survey() -> anyhow::Result<Survey> {
    let executable = std::env::current_exe().context("this program does not know its own file")?;
    let output = Command::new(executable)
        .args(["worker", "--survey"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start a worker process")?;
    serde_json::from_slice(&output.stdout).context("the worker process said something that cannot be understood")
}

/// The first line of what a tool says of its version.
fn version(command: &str, ask: &[&str]) -> Option<String> {
    let output = Command::new(command).args(ask).stdin(Stdio::null()).output().ok()?;
    let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    let line = String::from_utf8_lossy(&said).lines().find(|line| !line.trim().is_empty())?.trim().to_owned();
    output.status.success().then(|| tame(&line).into_owned())
}

fn told(findings: &Findings) -> String {
    let mut text = format!("Isolation: {}, the best that this machine gives\n\n", findings.isolation);
    for found in &findings.levels {
        let (mark, reason) = match &found.reason {
            None => ("✓", "works".to_owned()),
            Some(reason) => ("✗", tame(reason).into_owned()),
        };
        let mut lines = wrap(&reason, 58).into_iter();
        let first = lines.next().unwrap_or_default();
        text.push_str(&format!("  {mark} {} {first}\n", pad(found.level.name(), 16)));
        lines.for_each(|line| text.push_str(&format!("{}{line}\n", " ".repeat(21))));
    }
    if !findings.advice.is_empty() {
        text.push_str("\nTo get a better one:\n\n");
    }
    for advice in &findings.advice {
        text.push_str(&format!("  · {}\n", wrap(advice, 74).join("\n    ")));
    }
    text.push_str(&format!("\nMemory is limited by a {}\n", findings.memory));
    text.push_str(&format!("Rest is told by {}\n\nInterpreters, compilers, tools\n\n", findings.observation));
    for tool in &findings.tools {
        let (mark, version) = tool.version.as_deref().map_or(("–", "not here"), |version| ("✓", version));
        let version: String = version.chars().take(48).collect();
        text.push_str(&format!("  {mark} {} {} {version}\n", pad(tool.what, 14), pad(tool.command, 9)));
    }
    text
}
