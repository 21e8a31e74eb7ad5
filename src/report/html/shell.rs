//! What is around every page: the head, with the style, the script and the policy by which a browser
//! loads nothing and runs nothing else.
//!
//! The only place where text enters a page unescaped: the style and the script, which are ours, and data
//! for the script, in which no `<` is left.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::text::Said;
use crate::report::ReportError;
use crate::report::sanitize::json_document;

/// How pages look.
const STYLE: &str = include_str!("style.css");

/// What sorts and filters the index.
const SCRIPT: &str = include_str!("script.js");

/// A page, as far as it differs from others.
pub(super) struct Shell<'a> {
    /// What the browser's tab says.
    pub title: &'a str,
    /// What stands above everything: where one is, and where one can go.
    pub top: Markup,
    /// The page itself.
    pub main: Markup,
    /// Data for the script; without it the page has no script.
    pub data: Option<Markup>,
}

impl Shell<'_> {
    /// The whole document.
    pub(super) fn bytes(self) -> Vec<u8> {
        let scripted = self.data.is_some();
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy(scripted));
                    meta name="referrer" content="no-referrer";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex";
                    title { (Said(self.title)) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a .skip href="#main" { "Skip to the results" }
                    header .top { (self.top) }
                    main #main .wide[scripted] tabindex="-1" { (self.main) }
                    @if let Some(data) = self.data {
                        (data)
                        script { (PreEscaped(SCRIPT)) }
                    }
                }
            }
        };
        let mut bytes = page.into_string().into_bytes();
        bytes.push(b'\n');
        bytes
    }
}

/// Data for the script: JSON in an element that browsers do not run. No `<` is in it, so nothing in it
/// can end the element or begin a comment (HTML Standard, section 4.12.1.3).
///
/// # Errors
/// `serde_json` refuses; it has no reason to.
pub(super) fn data(value: &impl serde::Serialize) -> Result<Markup, ReportError> {
    let json = json_document(&serde_json::to_string(value)?).replace('<', "\\u003c");
    let json = json.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    Ok(html! { script #data type="application/json" { (PreEscaped(json)) } })
}

/// The Content-Security-Policy (CSP level 3): nothing is loaded, and only what has the right digest is
/// run or styles the page.
fn policy(scripted: bool) -> String {
    let script = if scripted { format!("script-src '{}'; ", digest(SCRIPT)) } else { String::new() };
    format!("default-src 'none'; style-src '{}'; {script}base-uri 'none'; form-action 'none'", digest(STYLE))
}

fn digest(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn a_digest_is_what_browsers_compute() {
        // The example of CSP level 3, section 2.3.1.
        assert_eq!(digest("alert('Hello, world.');"), "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=");
    }

    #[test]
    fn data_ends_where_its_element_ends() {
        let hostile = "</script><script>alert(1)</script><!--<script>\u{2028}##[error]";
        let markup = data(&[hostile]).unwrap().into_string();
        let inside = markup.strip_prefix("<script id=\"data\" type=\"application/json\">").unwrap();
        let inside = inside.strip_suffix("</script>").unwrap();
        assert!(!inside.contains('<') && !inside.contains("##["), "{inside}");
        assert_eq!(serde_json::from_str::<Vec<String>>(inside).unwrap(), [hostile]);
    }

    #[test]
    fn nothing_else_is_put_in_unescaped() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/html");
        let escape = concat!("Pre", "Escaped");
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let text = std::fs::read_to_string(&entry).unwrap();
            assert!(entry.ends_with("shell.rs") || !text.contains(escape), "{}", entry.display());
        }
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</") && !SCRIPT.contains("innerHTML"));
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
    }
}
