//! What the system itself can start: a compiled program that was handed in as it is, and a script whose
//! first line names an interpreter that is in no other entry (execve(2)).

use std::path::Path;

use camino::Utf8Path;

use super::source::Source;
use super::tools::{NoTool, all_on_path};
use super::{Language, Recipe, crash};
use crate::sandbox::begins_like_a_program;

/// The entry for it: it is told by a file's first bytes, after all others.
pub static EXECUTABLE: Language = Language {
    name: "executable",
    extensions: &[],
    interpreters: &[],
    told_by: None,
    install: "install that interpreter",
    recipe,
    runtime: None,
    crash: crash::none,
    errors: &[],
};

/// Endings of compiled code that is no program: objects and libraries.
const PARTS: [&str; 4] = ["o", "so", "a", "ko"];

/// Whether a file is one.
pub fn is_executable(path: &Utf8Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let part = path.extension().is_some_and(|ending| PARTS.contains(&ending)) || name.contains(".so.");
    !part && begins_like_a_program(path.as_std_path()).unwrap_or(false)
}

fn recipe(source: &Source<'_>) -> Result<Recipe, NoTool> {
    if let Some(line) = source.text.strip_prefix("#!").and_then(|text| text.lines().next()) {
        let lacking = interpreter(line);
        if let Some(name) = lacking {
            return Err(NoTool { language: "", verb: "run", tool: name, install: "" });
        }
    }
    Ok(Recipe { builds: Vec::new(), run: vec![format!("./{}", source.file)] })
}

/// The interpreter that a script's first line names, where it is not here.
fn interpreter(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let file = words.next()?;
    if !Path::new(file).is_file() {
        return Some(file.to_owned());
    }
    if !file.ends_with("/env") {
        return None;
    }
    let name = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    all_on_path(name, &path).is_empty().then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_that_is_missing_is_named() {
        assert_eq!(interpreter("/bin/sh -e"), None);
        assert_eq!(interpreter("/usr/bin/env -S sh -e"), None);
        assert_eq!(interpreter("/opt/nowhere/lua").as_deref(), Some("/opt/nowhere/lua"));
        assert_eq!(interpreter("/usr/bin/env no-such-language").as_deref(), Some("no-such-language"));
    }
}
