//! Text in Markdown that means nothing but itself.
//!
//! Backslashes alone would not do: GitHub makes links of addresses, and mentions of `@names`, in plain
//! text too. So a word that could mean something is shown as code, in which nothing does.

use crate::report::sanitize::{TEXT_LIMIT, xml_text};
use crate::text::tame;

/// Punctuation that means nothing within a line.
const HARMLESS: &str = ".,;:'()-/?%+=✓✗–…“”‘’";

/// A line of prose. What it quotes, and every word that could mean something, is code.
pub fn prose(text: &str) -> String {
    let line = one_line(text);
    let mut pieces = Pieces::default();
    let mut rest = line.as_str();
    while let Some(at) = rest.find('"') {
        words(&rest[..at], &mut pieces);
        let end = quotation(&rest[at..]);
        pieces.code(&rest[at..at + end]);
        rest = &rest[at + end..];
    }
    words(rest, &mut pieces);
    pieces.markdown()
}

/// Text and code in turn. Two pieces of code that touch would have one fence between them, so they are one.
#[derive(Default)]
struct Pieces(Vec<(bool, String)>);

impl Pieces {
    fn push(&mut self, is_code: bool, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some((kind, last)) if *kind == is_code => last.push_str(text),
            _ => self.0.push((is_code, text.to_owned())),
        }
    }

    fn code(&mut self, text: &str) {
        self.push(true, text);
    }

    fn plain(&mut self, text: &str) {
        self.push(false, text);
    }

    fn markdown(self) -> String {
        self.0.into_iter().map(|(is_code, text)| if is_code { code(&text) } else { text }).collect()
    }
}

/// The length of the quotation at the beginning of a text: to its closing quotes, or all of it.
fn quotation(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            c => escaped = c == '\\' && !escaped,
        }
    }
    text.len()
}

fn words(text: &str, pieces: &mut Pieces) {
    for (number, word) in text.split(' ').enumerate() {
        if number > 0 {
            pieces.plain(" ");
        }
        // At the beginning of a line it could be a list, or a rule.
        let marks = word.starts_with(['-', '+', '=']) || word.ends_with(['.', ')']) && is_number(word);
        if is_plain(word) && !(marks && pieces.0.is_empty()) {
            pieces.plain(word);
        } else {
            // What ends a sentence is no part of what it ends with.
            let core = word.trim_end_matches(['.', ',', ';', ':', ')']);
            let core = if core.is_empty() { word } else { core };
            pieces.code(core);
            pieces.plain(&word[core.len()..]);
        }
    }
}

fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

fn is_plain(word: &str) -> bool {
    let lower = word.to_lowercase();
    word.chars().all(|c| c.is_alphanumeric() || HARMLESS.contains(c))
        && !names_a_host(word)
        && !lower.contains("://")
        && !["http:", "https:", "ftp:", "mailto:", "xmpp:"].iter().any(|scheme| lower.contains(scheme))
}

/// Whether some renderer could take it for a host's name, as `UDPServer.py` is one in Paraguay.
fn names_a_host(word: &str) -> bool {
    let inner = |pair: &[char]| matches!(pair, [a, '.', b] if a.is_alphanumeric() && b.is_alphabetic());
    word.chars().collect::<Vec<_>>().windows(3).any(inner)
}

/// A text as code within a line; its fence is longer than any within it.
pub fn code(text: &str) -> String {
    let line = one_line(text);
    if line.trim().is_empty() {
        return line;
    }
    let fence = "`".repeat(longest_run(&line) + 1);
    // One space at each end is taken away again, where the text begins or ends with one or with the fence.
    let pad = if line.starts_with(['`', ' ']) || line.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// Lines as a block of code, with an empty line behind.
pub fn block(text: &str) -> String {
    let text = xml_text(&tame(text));
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n\n", text.trim_end())
}

/// What stands in a table: there a bar ends a cell, even in code.
pub fn cell(markdown: &str) -> String {
    markdown.replace('|', "\\|")
}

fn longest_run(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

fn one_line(text: &str) -> String {
    let line = xml_text(&tame(text)).split_whitespace().collect::<Vec<_>>().join(" ");
    debug_assert!(line.len() <= TEXT_LIMIT, "xml_text bounds it");
    line
}
