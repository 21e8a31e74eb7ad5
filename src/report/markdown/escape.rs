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
    let mut out = String::new();
    let mut rest = line.as_str();
    while let Some(at) = rest.find('"') {
        words(&rest[..at], &mut out);
        let end = quotation(&rest[at..]);
        out.push_str(&code(&rest[at..at + end]));
        rest = &rest[at + end..];
    }
    words(rest, &mut out);
    out
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

fn words(text: &str, out: &mut String) {
    for (number, word) in text.split(' ').enumerate() {
        if number > 0 {
            out.push(' ');
        }
        if is_plain(word) {
            // A line could begin with it: a list, or a rule.
            let first = word.starts_with(['-', '+', '=']) || word.ends_with(['.', ')']) && is_number(word);
            out.push_str(&if first && out.trim().is_empty() { code(word) } else { word.to_owned() });
        } else {
            out.push_str(&code(word));
        }
    }
}

fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

fn is_plain(word: &str) -> bool {
    let lower = word.to_lowercase();
    word.chars().all(|c| c.is_alphanumeric() || HARMLESS.contains(c))
        && !lower.contains("www.")
        && !lower.contains("://")
        && !["http:", "https:", "ftp:", "mailto:", "xmpp:"].iter().any(|scheme| lower.contains(scheme))
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
