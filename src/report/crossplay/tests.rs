#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::ids::Transport;
use crate::report::layout::{Paint, width};

const HOSTILE: &str = "a\u{1b}[31m<script>alert(1)</script>]]>\n::error::x [[ATTACHMENT|/etc/passwd]] \u{202e}\0\"'";

fn player(name: &str) -> Player {
    let (path, language) = ("UDPClient.py".to_owned(), "Python".to_owned());
    Player { name: name.to_owned(), path, language, reference: false, port: Some(12_000) }
}

fn played(size: usize) -> Crossplay {
    let players: Vec<Player> = (0..size).map(|number| player(&format!("{HOSTILE}{number}"))).collect();
    let row = |client: usize| {
        (0..size).map(move |server| match (client + server) % 3 {
            0 => Cell::plain(Outcome::Speaks),
            1 => Cell::plain(Outcome::fails("x", HOSTILE)),
            _ => Cell {
                outcome: Outcome::fails("ports-differ", HOSTILE),
                then: Some(Outcome::Untried(HOSTILE.to_owned())),
            },
        })
    };
    let cells = (0..size).map(|client| row(client).collect()).collect();
    let table = Table { transport: Transport::Udp, clients: players.clone(), servers: players, cells };
    let left_out = vec![crate::judge::crossplay::LeftOut { name: HOSTILE.to_owned(), reason: HOSTILE.to_owned() }];
    Crossplay {
        at: "2026-01-01T00:00:00Z".to_owned(),
        seed: 1,
        isolation: "plain".to_owned(),
        tables: vec![table],
        left_out,
    }
}

#[test]
fn a_terminal_is_steered_by_nobody_and_every_line_fits() {
    for size in [1, 3, 40] {
        let text = terminal::render(&played(size), Paint { colour: false }, 80);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{text:?}");
        for line in text.lines() {
            assert!(width(line) <= 80, "{line}");
            assert!(!line.trim_start().starts_with("::"), "{line}");
        }
        assert_eq!(text.matches('✓').count(), (0..size * size).filter(|n| (n / size + n % size) % 3 == 0).count());
    }
}

#[test]
fn a_page_holds_no_markup_of_a_students() {
    let page = String::from_utf8(html::render(&played(5))).unwrap();
    assert!(
        !page.contains("<script") && !page.contains('\u{1b}') && !page.contains('\0') && !page.contains('\u{202e}')
    );
    assert!(page.contains("&lt;script&gt;") && page.contains("default-src 'none'"));
    assert!(!page.contains("[[ATTACHMENT|") && !page.contains("http://") && !page.contains("https://"));
}

#[test]
fn json_can_be_read_and_holds_what_was_written() {
    let bytes = json::render(&played(2)).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(value["format"], json::FORMAT);
    assert_eq!(value["tables"][0]["clients"][1]["submission"], format!("{HOSTILE}1"));
    assert_eq!(value["tables"][0]["cells"][1][1]["on_common_port"]["outcome"], "untried");
    assert!(!String::from_utf8(bytes).unwrap().contains("[[ATTACHMENT|"));
}

#[test]
fn numbers_are_runs() {
    assert_eq!(numbers("server", &[0]), "server 1");
    assert_eq!(numbers("server", &[0, 1, 3, 4, 5, 8]), "servers 1, 2, 4–6, 9");
}

#[test]
fn pairs_with_one_cause_are_one_group() {
    let table = &played(3).tables[0];
    let groups = groups(table);
    assert_eq!(groups.len(), 2);
    assert_eq!(groups.iter().map(Group::size).sum::<usize>(), 6);
    assert_eq!(groups[0].places(), "client 1 with server 2; client 2 with server 1; client 3 with server 3");
}
