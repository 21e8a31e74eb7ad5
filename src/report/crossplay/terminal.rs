//! The matrix on a terminal: servers as numbered columns.

use anstyle::{AnsiColor, Style};

use super::{details, groups, heading, nobody, numbers, sign, summary, title};
use crate::judge::crossplay::{Crossplay, LeftOut, Table};
use crate::report::layout::{Paint, fit, pad, width, wrap};
use crate::report::sanitize::not_a_command;
use crate::text::tame;

/// The fewest and the most columns that are used.
const COLUMNS: (usize, usize) = (60, 100);

/// The most columns for the name of a client.
const NAME: usize = 36;

/// So many causes are said at most for a table.
const CAUSES: usize = 30;

/// Renders the report.
#[must_use]
pub fn render(played: &Crossplay, paint: Paint, columns: usize) -> String {
    let columns = columns.clamp(COLUMNS.0, COLUMNS.1);
    let mut page = Page { paint, columns, out: Vec::new() };
    for table in &played.tables {
        page.table(table);
    }
    page.left_out(&played.left_out);
    page.rule("Result");
    for sentence in summary(played) {
        page.text("  ", "  ", &sentence);
    }
    page.out.push(format!("  Isolation: {}. Seed: {}.", played.isolation, played.seed));
    page.out.iter().map(|line| format!("{}\n", not_a_command(line).trim_end())).collect()
}

struct Page {
    paint: Paint,
    columns: usize,
    out: Vec<String>,
}

impl Page {
    fn rule(&mut self, words: &str) {
        let words = format!("── {words} ");
        let rest = "─".repeat(self.columns.saturating_sub(width(&words)));
        self.out.push(self.paint.on(Style::new().bold(), &format!("{words}{rest}")));
        self.out.push(String::new());
    }

    /// A text in lines, whatever a student has written into it.
    fn text(&mut self, first: &str, others: &str, text: &str) {
        for (number, line) in wrap(&one_line(text), self.columns - width(others)).into_iter().enumerate() {
            let start = if number == 0 { first } else { others };
            self.out.push(format!("{start}{line}"));
        }
    }

    fn table(&mut self, table: &Table) {
        self.rule(&heading(table));
        if let Some(words) = nobody(table) {
            self.text("  ", "  ", words);
            self.out.push(String::new());
            return;
        }
        let digits = table.servers.len().to_string().len();
        for (noun, players) in [("client", &table.clients), ("server", &table.servers)] {
            let digits = players.len().to_string().len();
            for (number, player) in players.iter().enumerate() {
                let start = format!("  {noun} {:>digits$}  ", number + 1);
                self.text(&start, &" ".repeat(width(&start)), &format!("{} ({})", title(player), details(player)));
            }
        }
        self.out.push(String::new());
        self.matrix(table, digits);
        let groups = groups(table);
        for group in groups.iter().take(CAUSES) {
            self.text(&format!("  {} ", group.sign), "    ", &format!("{}: {}.", group.places(), group.words));
        }
        if groups.len() > CAUSES {
            self.out.push(format!("  and {} more causes; the other reports have all", groups.len() - CAUSES));
        }
        self.out.push(String::new());
    }

    /// The cells, in as many blocks of columns as the width asks for.
    fn matrix(&mut self, table: &Table, digits: usize) {
        let rows = table.clients.len().to_string().len();
        let names: Vec<String> = table.clients.iter().map(|client| one_line(&title(client))).collect();
        let longest = names.iter().map(|name| width(name)).max().unwrap_or(0).min(NAME);
        // "  client 1  name  ✓ ✓ ✓"
        let before = 2 + "client ".len() + rows + 2 + longest + 1;
        let a_time = (self.columns.saturating_sub(before) / (digits + 1)).max(1);
        let all: Vec<usize> = (0..table.servers.len()).collect();
        for block in all.chunks(a_time) {
            let head: String = block.iter().map(|server| format!(" {:>digits$}", server + 1)).collect();
            let label = if block.len() == all.len() { String::new() } else { numbers("server", block) };
            self.out.push(format!("{}{head}", pad(&fit(&format!("  {label}"), before), before)));
            for (client, row) in table.cells.iter().enumerate() {
                let name = pad(&fit(&names[client], longest), longest + 1);
                let signs: String = block
                    .iter()
                    .filter_map(|server| row.get(*server))
                    .map(|cell| format!(" {}{}", " ".repeat(digits - 1), self.signed(sign(cell))))
                    .collect();
                self.out.push(format!("  client {:>rows$}  {name}{signs}", client + 1));
            }
            self.out.push(String::new());
        }
    }

    fn signed(&self, sign: &str) -> String {
        let colour = match sign {
            "✓" => AnsiColor::Green,
            "✗" => AnsiColor::Red,
            _ => AnsiColor::Yellow,
        };
        self.paint.on(colour.on_default(), sign)
    }

    fn left_out(&mut self, left_out: &[LeftOut]) {
        if left_out.is_empty() {
            return;
        }
        self.rule("Left out");
        for LeftOut { name, reason } in left_out {
            self.text("  ? ", "    ", &format!("{name}: {reason}"));
        }
        self.out.push(String::new());
    }
}

/// A text without anything that steers a terminal or breaks a line.
fn one_line(text: &str) -> String {
    tame(text).replace(['\n', '\t'], " ")
}
