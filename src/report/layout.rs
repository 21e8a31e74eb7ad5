//! Text in columns: wrapped, cut and padded by what a terminal shows, and coloured.

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    /// Whether there are any.
    pub colour: bool,
}

impl Paint {
    /// A text in a style. Measure before: escapes take no columns, but count as characters.
    #[must_use]
    pub fn on(self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// Columns that a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text followed by spaces up to a width.
#[must_use]
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// The text, cut where it takes more columns than there are.
#[must_use]
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if width(&out) + 1 > columns {
            out.pop();
            break;
        }
    }
    out.push('…');
    out
}

/// Lines of at most so many columns, broken between words; a word that is too long is broken
/// anywhere. Line breaks in the text are kept, and so is every space within a line.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(10);
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut current = String::new();
        let mut rest = line.trim();
        while !rest.is_empty() {
            let (word, behind) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
            for piece in pieces(word, columns) {
                if width(current.trim_end()) + width(&piece) + gap(&current) > columns {
                    lines.push(std::mem::take(&mut current).trim_end().to_owned());
                }
                current.push_str(&piece);
            }
            rest = behind.trim_start();
            current.push_str(&behind[..behind.len() - rest.len()]);
        }
        lines.push(current);
    }
    lines
}

/// The columns of the spaces at the end of a text.
fn gap(text: &str) -> usize {
    width(text) - width(text.trim_end())
}

/// A word in pieces that fit.
fn pieces(word: &str, columns: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut current = String::new();
    for c in word.chars() {
        let mut longer = current.clone();
        longer.push(c);
        if width(&longer) > columns && !current.is_empty() {
            out.push(std::mem::take(&mut current));
        }
        current.push(c);
    }
    out.push(current);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn wrapped_lines_fit_and_keep_all_that_is_no_space(text in "[ a-zéλ漢字😀.\n]{0,200}", columns in 10..40usize) {
            let lines = wrap(&text, columns);
            prop_assert!(lines.iter().all(|line| width(line) <= columns));
            let bare = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(bare(&lines.concat()), bare(&text));
        }

        #[test]
        fn a_fitted_text_fits(text in "[ a-z漢字😀]{0,60}", columns in 1..40usize) {
            prop_assert!(width(&fit(&text, columns)) <= columns);
        }
    }
}
