//! Tables as CSV (RFC 4180: commas, CRLF, quotes where needed; UTF-8 without a byte order mark, which
//! Moodle and Canvas both take).
//!
//! A cell is opened by a spreadsheet, and a spreadsheet computes: `=HYPERLINK(…)` in a student's name is
//! run on the teacher's machine (<https://owasp.org/www-community/attacks/CSV_Injection>). So in every cell
//! that is not our own number, what would begin a formula gets an apostrophe before it. An identifier
//! stays as it is, digit by digit, but for that.

use super::ReportError;
use super::sanitize::attribute;
use crate::text::tame;

/// The most characters of a cell that is prose: a spreadsheet takes 32,767.
const LONGEST: usize = 8000;

/// A cell of the table of any text that is not our own: one line, steering nothing, computing nothing.
pub(super) fn text(text: &str) -> String {
    let line = tame(text).split_whitespace().collect::<Vec<_>>().join(" ");
    defused(&shortened(&line))
}

/// An identifier or a name of the platform: exactly as it is, unless it would be a formula.
pub(super) fn exact(text: &str) -> String {
    defused(&tame(text).replace(['\n', '\t'], " "))
}

/// A heading.
pub(super) fn heading(text: &str) -> String {
    defused(&attribute(&tame(text)))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The text with an apostrophe before every place where a cell could begin with a formula: its own
/// beginning, and behind what a spreadsheet of another country takes for the end of a cell.
fn defused(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at_start = true;
    let mut pending = String::new();
    for c in text.chars() {
        if at_start && (c == '"' || c == '\'' || c.is_whitespace()) && !is_separator(c) {
            pending.push(c);
            continue;
        }
        if at_start && is_trigger(c) {
            out.push('\'');
        }
        out.push_str(&std::mem::take(&mut pending));
        out.push(c);
        at_start = is_separator(c);
    }
    out.push_str(&pending);
    if out.starts_with(['\t', '\r', '\n']) { format!("'{out}") } else { out }
}

fn is_separator(c: char) -> bool {
    matches!(c, ';' | '\t' | '\n' | '\r')
}

/// What begins a formula; the wide forms do so in spreadsheets of East Asia.
fn is_trigger(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\t' | '\r' | '\n')
}

/// Rows as bytes.
pub(super) fn table(rows: impl IntoIterator<Item = Vec<String>>) -> Result<Vec<u8>, ReportError> {
    let wrong = |error: String| ReportError::Csv(error);
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(&row).map_err(|error| wrong(error.to_string()))?;
    }
    writer.into_inner().map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{exact, text};

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_cell_begins_with_a_formula(noise in "[=+@\"' ;,\t\ra-z1-]{0,12}", any in any::<String>()) {
            for cell in [text(&noise), exact(&noise), text(&any), exact(&any)] {
                for part in cell.split(';') {
                    let bare = part.trim_start_matches([' ', '"']);
                    prop_assert!(!bare.starts_with(['=', '+', '-', '@', '\t', '\r']), "{:?}", cell);
                }
            }
        }
    }

    #[test]
    fn what_is_no_formula_stays_as_it_is() {
        for id in ["007", "0012345", "jdoe@example.edu", "O'Brien, Anne-Marie", "a=b", "12-34", "Ünïcode 漢字"] {
            assert_eq!(exact(id), id);
        }
        assert_eq!(exact("=1+1"), "'=1+1");
        assert_eq!(exact(" \"=1+1"), "' \"=1+1");
        assert_eq!(exact("a;=1+1"), "a;'=1+1");
    }
}
