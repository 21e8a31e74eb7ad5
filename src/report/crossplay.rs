//! Reports on who speaks with whom: a matrix a transport, and why not, grouped by cause.

pub mod html;
pub mod json;
pub mod terminal;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use super::ReportError;
use crate::judge::crossplay::{Cell, Crossplay, Outcome, Player, Table};
use crate::span::suggest;
use crate::text::count;

/// A format of this report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `sockspec-crossplay/1`, for programs.
    Json,
    /// One page that needs nothing else.
    Html,
}

impl FromStr for Format {
    type Err = ReportError;

    fn from_str(text: &str) -> Result<Self, ReportError> {
        match text {
            "json" => Ok(Self::Json),
            "html" => Ok(Self::Html),
            _ => {
                let advice = suggest(text, &["json", "html"]).unwrap_or_default();
                Err(ReportError::UnknownFormat { name: text.to_owned(), advice })
            }
        }
    }
}

/// Renders the report.
///
/// # Errors
/// The format's library refuses; never because of what a program wrote.
pub fn render(format: Format, played: &Crossplay) -> Result<Vec<u8>, ReportError> {
    match format {
        Format::Json => json::render(played),
        Format::Html => Ok(html::render(played)),
    }
}

/// The sign of a cell.
fn sign(cell: &Cell) -> &'static str {
    match cell.outcome {
        Outcome::Speaks => "✓",
        Outcome::Fails(_) => "✗",
        Outcome::Untried(_) => "?",
    }
}

/// Pairs that do not speak with each other for the same cause.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    sign: &'static str,
    words: String,
    /// Of each client, in order, its servers.
    pairs: Vec<(usize, Vec<usize>)>,
}

impl Group {
    fn size(&self) -> usize {
        self.pairs.iter().map(|(_, servers)| servers.len()).sum()
    }

    /// `client 1 with server 2, clients 3-5 with servers 1, 4`.
    fn places(&self) -> String {
        let mut by_servers: Vec<(&[usize], Vec<usize>)> = Vec::new();
        for (client, servers) in &self.pairs {
            match by_servers.iter_mut().find(|(known, _)| known == servers) {
                Some((_, clients)) => clients.push(*client),
                None => by_servers.push((servers, vec![*client])),
            }
        }
        let all = by_servers
            .iter()
            .map(|(servers, clients)| format!("{} with {}", numbers("client", clients), numbers("server", servers)));
        all.collect::<Vec<_>>().join("; ")
    }
}

/// `server 2`, `servers 1, 3–5`: numbers count from 1.
fn numbers(noun: &str, indices: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for index in indices {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *index => *last = *index,
            _ => runs.push((*index, *index)),
        }
    }
    let run = |(first, last): &(usize, usize)| match last - first {
        0 => (first + 1).to_string(),
        1 => format!("{}, {}", first + 1, last + 1),
        _ => format!("{}–{}", first + 1, last + 1),
    };
    let ending = if indices.len() == 1 { "" } else { "s" };
    format!("{noun}{ending} {}", runs.iter().map(run).collect::<Vec<_>>().join(", "))
}

/// Why pairs do not speak, the most frequent cause first, and what could not be tried last.
fn groups(table: &Table) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (client, row) in table.cells.iter().enumerate() {
        for (server, cell) in row.iter().enumerate() {
            let Some(words) = cell.words() else { continue };
            let sign = sign(cell);
            let index = groups.iter().position(|group| group.sign == sign && group.words == words);
            let index = index.unwrap_or_else(|| {
                groups.push(Group { sign, words, pairs: Vec::new() });
                groups.len() - 1
            });
            match groups[index].pairs.last_mut() {
                Some((last, servers)) if *last == client => servers.push(server),
                _ => groups[index].pairs.push((client, vec![server])),
            }
        }
    }
    groups.sort_by_key(|group| (group.sign == "?", std::cmp::Reverse(group.size())));
    groups
}

/// Who a program is: `alice · UDPClient.py`.
fn title(player: &Player) -> String {
    match player.reference || player.name == player.path {
        true => player.name.clone(),
        false => format!("{} · {}", player.name, player.path),
    }
}

/// What else is known of it: `Python, port 12000`.
fn details(player: &Player) -> String {
    let port = player.port.map(|port| format!(", port {port}")).unwrap_or_default();
    format!("{}{port}", player.language)
}

/// How a table is called.
fn heading(table: &Table) -> String {
    let (clients, servers) = (table.clients.len(), table.servers.len());
    format!("{}: {} and {}", table.transport, count(clients, "client"), count(servers, "server"))
}

/// What a table without cells says.
fn nobody(table: &Table) -> Option<&'static str> {
    match (table.clients.is_empty(), table.servers.is_empty()) {
        (true, _) => Some("There is no client that could speak with these servers."),
        (_, true) => Some("There is no server that these clients could speak with."),
        _ => None,
    }
}

/// What all cells say together, in sentences.
fn summary(played: &Crossplay) -> Vec<String> {
    let (speak, fail, untried) = played.counts();
    let all = speak + fail + untried;
    let mut sentences = vec![format!("{speak} of {} speak with each other.", count(all, "pair"))];
    if untried > 0 {
        sentences.push(format!("{} could not be tried.", count(untried, "pair")));
    }
    for table in &played.tables {
        sentences.extend(ambiguity(table));
    }
    sentences
}

/// That an assignment leaves something open, where right programs do not speak with each other.
fn ambiguity(table: &Table) -> Option<String> {
    let pairs = table.both_right();
    let (client, server) = *pairs.first()?;
    let (client_title, server_title) = (title(&table.clients[client]), title(&table.servers[server]));
    let cause = table.cells[client][server].words().unwrap_or_default();
    let others = match pairs.len() {
        1 => String::new(),
        several => format!(" (and {})", count(several - 1, "other pair")),
    };
    Some(format!(
        "The assignment is ambiguous: by {}, {client_title} and {server_title}{others} are both right, for each speaks with a \
         reference, and yet they do not speak with each other: {cause}. Let the assignment say which port it is, and where a \
         sentence ends.",
        table.transport
    ))
}
