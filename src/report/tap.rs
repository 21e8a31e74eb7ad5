//! Test Anything Protocol (<https://testanything.org/tap-version-14-specification.html>): a test point a
//! requirement.
//!
//! The version line says 13, for `prove` and others refuse 14; all that is written means the same in both.
//! A student may read it, so hidden requirements are left out. An extra that fails is a `TODO`, which
//! fails no run; what was blocked or could not be graded is a `SKIP` with the reason.

use std::fmt::Write as _;

use super::document::{Document, Who};
use super::sanitize::{attribute, xml_text};
use super::{Graded, ReportError, told};
use crate::judge::verdict::{Judged, ProgramVerdict, Verdict};
use crate::plan::model::Level;
use crate::text::tame;

/// The report while it is made.
pub(super) struct Tap {
    several: bool,
    points: String,
    number: usize,
}

impl Tap {
    pub(super) fn new(several: bool) -> Self {
        Self { several, points: String::new(), number: 0 }
    }

    fn point(&mut self, who: &Who<'_>, holds: bool, name: &str, directive: Option<(&str, &str)>) {
        self.number += 1;
        let owner = if self.several { format!("{}: ", who.student.id) } else { String::new() };
        let name = described(&format!("{owner}{name}"));
        let ok = if holds { "ok" } else { "not ok" };
        let directive = directive.map(|(word, reason)| format!(" # {word} {}", described(reason))).unwrap_or_default();
        let _ = writeln!(self.points, "{ok} {} - {name}{directive}", self.number);
    }

    /// A block of YAML that every reader takes: nothing but quoted strings.
    fn block(&mut self, severity: &str, message: &str, text: &str) {
        let _ = writeln!(self.points, "  ---\n  message: {}\n  severity: {severity}\n  text:", quoted(message));
        for line in xml_text(&tame(text)).trim_end().lines() {
            let _ = writeln!(self.points, "    - {}", item(&quoted(line)));
        }
        self.points.push_str("  ...\n");
    }

    fn requirement(&mut self, who: &Who<'_>, graded: &Graded, program: &ProgramVerdict, judged: &Judged) {
        let name = format!("{} {}", judged.id, judged.title);
        match &judged.verdict {
            Verdict::Passed => self.point(who, true, &name, None),
            Verdict::Ungraded { reason } => self.point(who, true, &name, Some(("SKIP", &told::ungraded(reason)))),
            Verdict::Blocked { by } => self.point(who, true, &name, Some(("SKIP", &told::blocked(program, by)))),
            Verdict::Failed => {
                let told = told::failure(graded, program, judged);
                let extra = judged.level != Level::Required;
                self.point(who, false, &name, extra.then_some(("TODO", "extra, not required")));
                self.block(if extra { "todo" } else { "fail" }, &told.message, &told.text);
            }
        }
    }
}

impl Document for Tap {
    fn submission(&mut self, who: &Who<'_>, graded: &Graded) -> Result<(), ReportError> {
        for program in &graded.verdict.programs {
            let heading = format!("# {} ({})\n", program.role.name(), attribute(&tame(&program.path)));
            self.points.push_str(&heading);
            for judged in told::shown(program) {
                self.requirement(who, graded, program, judged);
            }
        }
        for missing in &graded.verdict.missing {
            let message = told::missing(missing);
            self.point(who, false, &told::presence(missing), None);
            self.block("fail", &message, &message);
        }
        Ok(())
    }

    fn unread(&mut self, who: &Who<'_>, reason: &str) {
        self.point(who, true, "the submission can be graded", Some(("SKIP", &told::ungraded(reason))));
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, ReportError> {
        Ok(format!("TAP version 13\n1..{}\n{}", self.number, self.points).into_bytes())
    }
}

/// One line in which no `#` begins a directive.
fn described(text: &str) -> String {
    attribute(&tame(text)).replace('\\', "\\\\").replace('#', "\\#")
}

/// A YAML string in double quotes.
fn quoted(text: &str) -> String {
    let line = xml_text(&tame(text)).replace('\n', " ").replace('\t', "    ");
    format!("\"{}\"", line.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A quoted string as an item of a list. Perl's reader takes one whose first word ends with a colon for a
/// key, quotes or not; so that colon is written as an escape.
fn item(quoted: &str) -> String {
    let word = quoted.find(char::is_whitespace).unwrap_or(quoted.len());
    let gap = quoted[word..].len() - quoted[word..].trim_start().len();
    let (ends, begins) = (quoted[..word].ends_with(':').then(|| word - 1), quoted[word + gap..].starts_with(':'));
    match ends.or(begins.then_some(word + gap)) {
        Some(at) => format!("{}\\x3a{}", &quoted[..at], &quoted[at + 1..]),
        None => quoted.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{item, quoted};

    #[test]
    fn the_first_word_of_an_item_is_no_key() {
        assert_eq!(item(&quoted("seen: \"x\" y: z")), r#""seen\x3a \"x\" y: z""#);
        assert_eq!(item(&quoted("a : b")), r#""a \x3a b""#);
        assert_eq!(item(&quoted(": :error::x")), r#""\x3a :error::x""#);
        assert_eq!(item(&quoted("one two: three")), r#""one two: three""#);
        assert_eq!(item(&quoted("漢字")), r#""漢字""#);
    }
}
