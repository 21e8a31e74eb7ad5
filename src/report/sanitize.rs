//! The one way in which a program's text enters a report.
//!
//! A student's program can print whatever it likes: control characters that XML forbids, `]]>`
//! that would end the CDATA which `junit-report` writes raw, or the `[[ATTACHMENT|…]]` on which
//! Jenkins and GitLab act. None of it may do anything but be read.

use std::fmt::Write as _;

/// The most bytes of one text in a report.
pub const TEXT_LIMIT: usize = 64 << 10;

/// The most characters of one attribute: readers show it on a line.
pub const ATTRIBUTE_LIMIT: usize = 300;

/// What Jenkins and GitLab act on, inside output.
const DIRECTIVES: [&str; 2] = ["ATTACHMENT|", "PROPERTY|"];

/// Text in which every character is one that XML 1.0 has and nothing is a directive: others are
/// shown as escapes, and what is beyond [`TEXT_LIMIT`] is left out.
#[must_use]
pub fn xml_text(text: &str) -> String {
    let lines: Vec<String> = escaped(text).split('\n').map(not_a_command).collect();
    capped(&defused(&lines.join("\n")))
}

/// The same as the content of CDATA that is written raw: `]]>` is split over two sections.
#[must_use]
pub fn cdata(text: &str) -> String {
    xml_text(text).replace("]]>", "]]]]><![CDATA[>")
}

/// The same on one line, short, for an attribute (the writer escapes its markup).
#[must_use]
pub fn attribute(text: &str) -> String {
    let line = xml_text(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= ATTRIBUTE_LIMIT {
        return line;
    }
    let mut short: String = line.chars().take(ATTRIBUTE_LIMIT - 1).collect();
    short.push('…');
    short
}

/// Text for JSON: every character can stand in it, so only its length is bounded.
#[must_use]
pub fn json_text(text: &str) -> String {
    capped(text)
}

/// A JSON document in which no CI system finds a command or a directive, to whatever place it is
/// printed. Its readers get the same text: only its spelling is another (RFC 8259, section 7).
#[must_use]
pub fn json_document(document: &str) -> String {
    split_brackets(&document.replace("##", r"#\u0023"), r"[\u005b")
}

/// A line that a CI system would take for a command (`::error::`, `##[error]`), so that it does
/// not. Those systems look at what a step prints, be it a report.
#[must_use]
pub fn not_a_command(line: &str) -> String {
    let line = line.replace("##[", "# #[").replace("##vso[", "# #vso[");
    let start = line.len() - line.trim_start().len();
    match line[start..].strip_prefix("::") {
        Some(rest) => format!("{}: :{rest}", &line[..start]),
        None => line,
    }
}

/// Whether XML 1.0 has the character, and a reader can see it: C1 controls are allowed there, but
/// terminals obey some of them.
fn is_fit(c: char) -> bool {
    match c {
        '\t' | '\n' => true,
        c if c.is_control() => false,
        // They turn the order of what stands around them (Unicode Standard Annex #9).
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
        c => !matches!(u32::from(c) & 0xffff, 0xfffe | 0xffff),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            // XML readers turn it into a newline anyway.
            '\r' if rest.peek() == Some(&'\n') => {}
            '\0' => out.push_str("\\0"),
            '\r' => out.push_str("\\r"),
            c if is_fit(c) => out.push(c),
            c => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    out
}

/// `[[ATTACHMENT|` becomes `[ [ATTACHMENT|`.
fn defused(text: &str) -> String {
    split_brackets(text, "[ [")
}

/// The text with something else in the place of the two brackets before a directive.
fn split_brackets(text: &str, instead: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("[[") {
        let inside = &rest[at + 2..];
        let acts = DIRECTIVES.iter().any(|directive| {
            inside
                .as_bytes()
                .get(..directive.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(directive.as_bytes()))
        });
        out.push_str(&rest[..at]);
        if acts {
            out.push_str(instead);
            rest = inside;
        } else {
            // Only one bracket is passed: the second may be the first of another pair.
            out.push('[');
            rest = &rest[at + 1..];
        }
    }
    out.push_str(rest);
    out
}

/// The beginning of a text that is too long, with a word about the rest.
fn capped(text: &str) -> String {
    if text.len() <= TEXT_LIMIT {
        return text.to_owned();
    }
    let note = |left: usize| format!("\n… {left} more bytes are left out here");
    let room = TEXT_LIMIT - note(text.len()).len();
    let end = (0..=room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}{}", &text[..end], note(text.len() - end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces that have broken reports, in any order and beside any text.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("]]>".to_owned()),
            Just("]".to_owned()),
            Just(">".to_owned()),
            Just("[[".to_owned()),
            Just("[[[ATTACHMENT|/etc/passwd]]".to_owned()),
            Just("[[property|a=b]]".to_owned()),
            Just("<testcase name=\"forged\"/>".to_owned()),
            Just("<![CDATA[".to_owned()),
            Just("&amp;&#0;".to_owned()),
            Just("\0\u{1b}[31m\u{fffe}\u{1ffff}\u{9b}\r\n\r".to_owned()),
            any::<String>(),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_character_is_one_that_xml_has(text in hostile()) {
            let clean = xml_text(&text);
            prop_assert!(clean.chars().all(is_fit));
        }

        #[test]
        fn cdata_ends_where_it_should_and_loses_nothing(text in hostile()) {
            let section = format!("<![CDATA[{}]]>", cdata(&text));
            let mut inside = String::new();
            let mut rest = section.as_str();
            while let Some(start) = rest.strip_prefix("<![CDATA[") {
                let end = start.find("]]>").unwrap_or(start.len());
                inside.push_str(&start[..end]);
                rest = &start[end + 3..];
            }
            prop_assert_eq!(rest, "", "something stands outside of CDATA");
            prop_assert_eq!(inside, xml_text(&text));
        }

        #[test]
        fn no_directive_is_left(text in hostile()) {
            let clean = xml_text(&text).to_uppercase();
            prop_assert!(!clean.contains("[[ATTACHMENT|") && !clean.contains("[[PROPERTY|"));
        }

        #[test]
        fn an_attribute_is_one_short_line(text in hostile()) {
            let clean = attribute(&text);
            prop_assert!(clean.chars().count() <= ATTRIBUTE_LIMIT && !clean.contains(['\n', '\t']));
        }

        #[test]
        fn no_text_is_longer_than_the_limit(text in "[a-z\0é]{0,40}", times in 1..8000usize) {
            prop_assert!(xml_text(&text.repeat(times)).len() <= TEXT_LIMIT);
        }

        #[test]
        fn no_line_is_a_command(text in "[ :#\\[a-z]{0,40}") {
            let line = not_a_command(&text);
            prop_assert!(!line.trim_start().starts_with("::") && !line.contains("##["));
        }
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        let text = "Grüße, [[1, 2], [3]] — ok\n\tvalue <b> & \"c\" 😀";
        assert_eq!(xml_text(text), text);
        assert_eq!(cdata(text), text);
    }
}
