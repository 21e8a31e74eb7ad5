//! A program's file, with what stands around it in the submission.

use std::fs;
use std::io::Read as _;

use camino::{Utf8Path, Utf8PathBuf};

use crate::ids::Role;

/// So much of a file is read.
const MOST: u64 = 1 << 20;

/// A program's file among those of its submission.
#[derive(Debug)]
pub struct Source<'a> {
    /// The folder of the submission.
    pub root: &'a Utf8Path,
    /// The file, relative to it.
    pub file: &'a Utf8Path,
    /// Its text.
    pub text: String,
    /// What it is wanted for.
    pub role: Role,
}

impl<'a> Source<'a> {
    /// Reads a file.
    #[must_use]
    pub fn read(root: &'a Utf8Path, file: &'a Utf8Path, role: Role) -> Self {
        let mut bytes = Vec::new();
        if let Ok(opened) = fs::File::open(root.join(file)) {
            // What cannot be read says nothing.
            let _ = opened.take(MOST).read_to_end(&mut bytes);
        }
        Self { root, file, text: String::from_utf8_lossy(&bytes).into_owned(), role }
    }

    /// The folder of the file, relative to the submission; empty for the submission's own.
    #[must_use]
    pub fn folder(&self) -> &'a Utf8Path {
        self.file.parent().unwrap_or_else(|| Utf8Path::new(""))
    }

    /// The file's name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.file.file_name().unwrap_or_default()
    }

    /// The file's name without its ending.
    #[must_use]
    pub fn stem(&self) -> &'a str {
        self.file.file_stem().unwrap_or_default()
    }

    /// The nearest folder, from the file's own up to the submission's, in which one of these files is;
    /// relative to the submission.
    #[must_use]
    pub fn nearest(&self, names: &[&str]) -> Option<(&'a Utf8Path, String)> {
        self.folder().ancestors().find_map(|folder| {
            let there = |name: &&&str| self.root.join(folder).join(**name).is_file();
            names.iter().find(there).map(|name| (folder, (*name).to_owned()))
        })
    }

    /// The other files of the folder that end so, by name.
    #[must_use]
    pub fn siblings(&self, endings: &[&str]) -> Vec<Utf8PathBuf> {
        let Ok(entries) = self.root.join(self.folder()).read_dir_utf8() else { return Vec::new() };
        let mut found: Vec<Utf8PathBuf> = entries
            .flatten()
            .map(|entry| Utf8PathBuf::from(entry.file_name()))
            .filter(|name| name.as_str() != self.name())
            .filter(|name| name.extension().is_some_and(|ending| endings.contains(&ending)))
            .filter(|name| self.root.join(self.folder()).join(name).is_file())
            .collect();
        found.sort();
        found
    }

    /// The text of a file beside it.
    #[must_use]
    pub fn text_of(&self, name: &Utf8Path) -> String {
        let bytes = fs::read(self.root.join(self.folder()).join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Whether a Python program is one of Python 2, which Python 3 cannot read or would end with an
/// exception. One that runs with both is one of Python 3.
pub fn is_python_2(text: &str) -> bool {
    let (mut in_string, mut asks) = (false, false);
    for line in text.lines() {
        let quotes = line.matches("\"\"\"").count() + line.matches("'''").count();
        let was = in_string;
        in_string ^= quotes % 2 == 1;
        if was || in_string {
            continue;
        }
        let code = line.trim_start();
        if code.starts_with('#') {
            continue;
        }
        asks |= code.split('#').next().is_some_and(|code| code.contains("raw_input("));
        if is_print_statement(code) || is_print_statement(behind_colon(code)) || is_old_except(code) {
            return true;
        }
    }
    // Without a way out, the name is that of Python 2's function; in a program that uses what only Python 3
    // has, it is a mistake.
    const NEWER: [&str; 9] =
        [" f\"", "(f\"", " f'", "(f'", "flush=", "surrogateescape", "async def", "nonlocal ", "with socket"];
    asks && !NEWER.iter().any(|sign| text.contains(sign))
        && !text.contains("NameError")
        && !text.contains("raw_input =")
        && !text.contains("def raw_input")
}

/// The statement in the same line as `if x:`; empty where there is none.
fn behind_colon(code: &str) -> &str {
    const KEYWORDS: [&str; 8] = ["if ", "elif ", "else:", "while ", "for ", "try:", "except", "finally:"];
    let (head, rest) = code.split_once(':').unwrap_or((code, ""));
    let keyword = KEYWORDS.iter().any(|keyword| code.starts_with(keyword));
    if keyword && !head.contains(['"', '\'']) { rest.trim_start() } else { "" }
}

/// `print x`, `print "x" % y`, `print >>f, x`: no call.
fn is_print_statement(code: &str) -> bool {
    let Some(rest) = code.strip_prefix("print") else { return false };
    if !rest.starts_with([' ', '\t']) {
        return rest.starts_with(['"', '\'']);
    }
    let rest = rest.trim_start();
    let starts = rest.starts_with(['"', '\'', '`'])
        || rest.starts_with(">>")
        || rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let words = ["in ", "if ", "is ", "and ", "or ", "for ", "else ", "not in "];
    starts && !words.iter().any(|word| rest.starts_with(word))
}

/// `except IOError, e:`.
fn is_old_except(code: &str) -> bool {
    let Some(rest) = code.strip_prefix("except ") else { return false };
    let head = rest.split(':').next().unwrap_or_default();
    // Behind the exceptions; Python 3.14 allows several without brackets, which begin with capitals.
    let last = head.rsplit_once(')').map_or(head, |(_, last)| last);
    last.rsplit_once(',').is_some_and(|(_, name)| name.trim().starts_with(|c: char| c.is_ascii_lowercase()))
}
