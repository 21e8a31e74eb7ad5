//! The matrix as one page that needs nothing else: no script, no network, no other file. Whatever a
//! student has written is escaped twice over: what steers a reader by [`xml_text`], markup by `maud`.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Group, details, groups, heading, nobody, sign, summary, title};
use crate::judge::crossplay::{Cell, Crossplay, Table};
use crate::report::sanitize::{attribute, xml_text};

/// What the page may load: nothing but its own style (Content Security Policy Level 3).
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("style.css");

/// Renders the page.
#[must_use]
pub fn render(played: &Crossplay) -> Vec<u8> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Who speaks with whom" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { "Who speaks with whom" }
                    @for sentence in summary(played) { p { (xml_text(&sentence)) } }
                    (left_out(played))
                    @for table in &played.tables { (section(table)) }
                }
                footer {
                    "sockspec " (env!("CARGO_PKG_VERSION")) " · " (played.at) " · isolation: " (played.isolation)
                    " · seed " (played.seed)
                }
            }
        }
    };
    page.into_string().into_bytes()
}

fn left_out(played: &Crossplay) -> Markup {
    html! {
        @if !played.left_out.is_empty() {
            h2 { "Left out" }
            ul { @for one in &played.left_out { li { b { (xml_text(&one.name)) } ": " (xml_text(&one.reason)) } } }
        }
    }
}

fn section(table: &Table) -> Markup {
    let groups = groups(table);
    html! {
        section {
            h2 { (heading(table)) }
            @if let Some(words) = nobody(table) { p { (words) } } @else {
                (matrix(table, &groups))
                @if !groups.is_empty() { h3 { "Why not" } ol { @for (number, group) in groups.iter().enumerate() {
                    li id=(anchor(table, number)) {
                        span class=(class(group.sign)) aria-hidden="true" { (group.sign) } " "
                        (xml_text(&group.words)) "."
                        p.places { (group.places()) }
                    }
                } } }
            }
        }
    }
}

fn matrix(table: &Table, groups: &[Group]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label={ (table.transport) " matrix" } {
            table {
                caption { "Clients in rows, servers in columns. ✓ speaks, ✗ does not, ? could not be tried." }
                thead { tr {
                    td {}
                    @for (number, server) in table.servers.iter().enumerate() {
                        th scope="col" {
                            span.number { (number + 1) } " " (xml_text(&title(server))) span.details { (details(server)) }
                        }
                    }
                } }
                tbody { @for (client, row) in table.cells.iter().enumerate() { tr {
                    th scope="row" {
                        span.number { (client + 1) } " " (xml_text(&title(&table.clients[client])))
                        span.details { (details(&table.clients[client])) }
                    }
                    @for (server, one) in row.iter().enumerate() { (cell(table, groups, one, (client, server))) }
                } } }
            }
        }
    }
}

fn cell(table: &Table, groups: &[Group], cell: &Cell, (client, server): (usize, usize)) -> Markup {
    let of = |group: &Group| group.pairs.iter().any(|(row, columns)| *row == client && columns.contains(&server));
    let group = groups.iter().position(of);
    let words = cell.words().map(|words| attribute(&words));
    html! {
        td class=(class(sign(cell))) title=[words] {
            @match group {
                Some(number) => { a href={ "#" (anchor(table, number)) } aria-label={ (spoken(cell)) ", cause " (number + 1) } { (sign(cell)) } }
                None => { span role="img" aria-label=(spoken(cell)) { (sign(cell)) } }
            }
        }
    }
}

fn anchor(table: &Table, number: usize) -> String {
    format!("{}-{}", table.transport.to_string().to_lowercase(), number + 1)
}

fn spoken(cell: &Cell) -> &'static str {
    match sign(cell) {
        "✓" => "speaks",
        "✗" => "does not speak",
        _ => "not tried",
    }
}

fn class(sign: &str) -> &'static str {
    match sign {
        "✓" => "yes",
        "✗" => "no",
        _ => "unknown",
    }
}
