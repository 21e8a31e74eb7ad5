//! The one way in which text that is not ours enters a page.
//!
//! `maud` escapes markup wherever a value is put in; here goes what an escape does not stop: characters
//! that turn the order of others or hide, and lines that a CI system would obey.

use maud::Render;

use crate::report::sanitize::xml_text;
use crate::text::tame;

/// Text of a student, a program or an assignment, on a page or in an attribute: every character can be
/// seen, markup is text, and what is too long is cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a>(pub &'a str);

impl Said<'_> {
    /// The text as it will be read, for places that do not escape by HTML's rules.
    pub(super) fn read(self) -> String {
        xml_text(&tame(self.0))
    }
}

impl Render for Said<'_> {
    fn render_to(&self, buffer: &mut String) {
        self.read().as_str().render_to(buffer);
    }
}

/// The name of a submission's file. A student's ID is safe as it is; whatever is not becomes a number,
/// so that no path leads out of the folder.
pub(super) fn file_name(id: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let mut name = String::new();
    for (index, c) in id.chars().enumerate() {
        if safe(c) && !(index == 0 && c == '.') {
            name.push(c);
        } else {
            name.push_str(&format!("_{:x}_", u32::from(c)));
        }
    }
    format!("{}.html", if name.is_empty() { "_" } else { &name })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use maud::html;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_of_a_text_is_markup(text: String) {
            let page = html! { i title=(Said(&text)) { (Said(&text)) } }.into_string();
            let (attribute, content) =
                page.strip_prefix("<i title=\"").and_then(|rest| rest.strip_suffix("</i>")).unwrap().split_once("\">").unwrap();
            prop_assert!(!attribute.contains(['"', '<', '>']) && !content.contains(['<', '>']), "{}", page);
        }

        #[test]
        fn a_file_stays_in_its_folder(id: String) {
            let name = file_name(&id);
            prop_assert!(!name.starts_with('.') && name.is_ascii() && !name.contains(['/', '\\', ':', '\0']));
        }
    }

    #[test]
    fn what_steers_or_hides_is_shown_as_an_escape() {
        let page = html! { (Said("a\u{202e}b\0\u{1b}[31m\u{200b}<b>&\n::error::x")) }.into_string();
        assert_eq!(page, "a\\u{202e}b\\0\\u{1b}[31m\\u{200b}&lt;b&gt;&amp;\n: :error::x");
    }

    #[test]
    fn an_id_is_its_files_name() {
        assert_eq!(file_name("jdoe-1.2_x"), "jdoe-1.2_x.html");
        assert_eq!(file_name("../../etc/passwd"), "_2e_._2f_.._2f_etc_2f_passwd.html");
        assert_eq!(file_name(""), "_.html");
    }
}
