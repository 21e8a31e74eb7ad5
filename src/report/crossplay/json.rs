//! The format `sockspec-crossplay/1`: JSON for programs. Keys may be added under the same version, never
//! changed or removed.

use serde::Serialize;

use crate::judge::crossplay::{Cell, Crossplay, Outcome, Player, Table};
use crate::report::ReportError;
use crate::report::sanitize::{json_document, json_text};

/// The format's name and version.
pub const FORMAT: &str = "sockspec-crossplay/1";

#[derive(Serialize)]
struct Report {
    format: &'static str,
    version: &'static str,
    at: String,
    seed: u64,
    isolation: String,
    summary: Summary,
    tables: Vec<Matrix>,
    left_out: Vec<LeftOut>,
}

#[derive(Serialize)]
struct Summary {
    speak: usize,
    fail: usize,
    untried: usize,
    /// Whether all clients of submissions speak with all their servers.
    all_speak: bool,
    words: Vec<String>,
}

#[derive(Serialize)]
struct Matrix {
    transport: String,
    clients: Vec<Program>,
    servers: Vec<Program>,
    /// A row for each client, with a cell for each server.
    cells: Vec<Vec<Entry>>,
    /// Pairs of right programs that do not speak with each other, by their places in the lists.
    ambiguous: Vec<Pair>,
}

#[derive(Serialize)]
struct Program {
    submission: String,
    path: String,
    language: String,
    reference: bool,
    /// The port that it was seen to have of its own.
    port: Option<u16>,
}

#[derive(Serialize)]
struct Pair {
    client: usize,
    server: usize,
}

#[derive(Serialize)]
struct Entry {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What would be, had they a port in common.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_common_port: Option<Box<Entry>>,
}

#[derive(Serialize)]
struct LeftOut {
    submission: String,
    reason: String,
}

/// Renders the report.
///
/// # Errors
/// The values could not be turned into JSON.
pub fn render(played: &Crossplay) -> Result<Vec<u8>, ReportError> {
    let (speak, fail, untried) = played.counts();
    let words = super::summary(played).iter().map(|words| json_text(words)).collect();
    let left_out = played.left_out.iter();
    let report = Report {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION"),
        at: played.at.clone(),
        seed: played.seed,
        isolation: played.isolation.clone(),
        summary: Summary { speak, fail, untried, all_speak: played.all_speak(), words },
        tables: played.tables.iter().map(matrix).collect(),
        left_out: left_out
            .map(|one| LeftOut { submission: json_text(&one.name), reason: json_text(&one.reason) })
            .collect(),
    };
    let mut text = json_document(&serde_json::to_string_pretty(&report)?);
    text.push('\n');
    Ok(text.into_bytes())
}

fn matrix(table: &Table) -> Matrix {
    Matrix {
        transport: table.transport.to_string().to_lowercase(),
        clients: table.clients.iter().map(program).collect(),
        servers: table.servers.iter().map(program).collect(),
        cells: table.cells.iter().map(|row| row.iter().map(cell).collect()).collect(),
        ambiguous: table.both_right().into_iter().map(|(client, server)| Pair { client, server }).collect(),
    }
}

fn program(player: &Player) -> Program {
    Program {
        submission: json_text(&player.name),
        path: json_text(&player.path),
        language: player.language.clone(),
        reference: player.reference,
        port: player.port,
    }
}

fn cell(cell: &Cell) -> Entry {
    let then = cell.then.as_ref().map(|then| Box::new(entry(then)));
    Entry { on_common_port: then, ..entry(&cell.outcome) }
}

fn entry(outcome: &Outcome) -> Entry {
    let (cause, reason) = match outcome {
        Outcome::Speaks => (None, None),
        Outcome::Fails(cause) => (Some(cause.code.clone()), Some(json_text(&cause.words))),
        Outcome::Untried(reason) => (None, Some(json_text(reason))),
    };
    Entry { outcome: outcome.name(), cause, reason, on_common_port: None }
}
