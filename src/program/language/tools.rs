//! Interpreters and compilers of this machine.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use thiserror::Error;

use crate::sandbox::may_be_executed;

/// This machine lacks what programs of a language need: the machine's fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{language} programs cannot be {verb} here: there is no `{tool}` on PATH; {install}")]
pub struct NoTool {
    /// The language.
    pub language: &'static str,
    /// `run` or `built`.
    pub verb: &'static str,
    /// What was looked for.
    pub tool: String,
    /// What to do.
    pub install: &'static str,
}

/// A tool that a language needs.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// What it does: programs are `run` or `built` with it.
    pub verb: &'static str,
    /// Names under which it is looked up on `PATH`, best first.
    pub names: &'static [&'static str],
    /// Arguments that make it print its own path, or its prefix, which a version manager's shim hides.
    pub tells_path: &'static [&'static str],
}

impl Tool {
    /// The tool's file, looked up once.
    ///
    /// # Errors
    /// It is not there.
    pub fn find(&self) -> Result<String, NoTool> {
        static FOUND: Mutex<Option<HashMap<&'static str, Option<String>>>> = Mutex::new(None);
        let name = self.names.first().copied().unwrap_or_default();
        let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
        let known = found.get_or_insert_default().entry(name).or_insert_with(|| self.look_up());
        known.clone().ok_or(NoTool { language: "", verb: self.verb, tool: name.to_owned(), install: "" })
    }

    fn look_up(&self) -> Option<String> {
        let path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/local/bin:/usr/bin:/bin"));
        let all =
            || self.names.iter().flat_map(|name| all_on_path(name, &path).into_iter().map(move |file| (*name, file)));
        let own = all().map(|(_, file)| file).find(|file| !is_shim(file));
        let found = own.or_else(|| all().find_map(|(name, shim)| self.behind(name, shim)))?;
        Some(found.to_string_lossy().into_owned())
    }

    /// A version manager puts something before the tool, which costs many times what the tool itself
    /// does, and reads files that a sandbox may not show. So a tool further down the path is taken first;
    /// where there is none, that is asked. One that gives no answer has none to give.
    fn behind(&self, name: &str, shim: PathBuf) -> Option<PathBuf> {
        if self.tells_path.is_empty() {
            return Some(shim);
        }
        let mut command = Command::new(&shim);
        let output = command.args(self.tells_path).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        let answer = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
        let answer = if answer.is_dir() { answer.join("bin").join(name) } else { answer };
        (output.status.success() && answer.is_absolute() && answer.is_file()).then_some(answer)
    }
}

/// A command whose first word is the bare name of an interpreter that is known: with the interpreter
/// itself in its place, where a version manager's script would be found first.
#[must_use]
pub fn without_shim(mut command: Vec<String>) -> Vec<String> {
    let Some(word) = command.first_mut() else { return command };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let known = super::table::TOOLS.iter().find(|tool| tool.names.contains(&word.as_str()));
    let shim = all_on_path(word, &path).into_iter().next().filter(|file| is_shim(file));
    if let (Some(tool), Some(shim)) = (known, shim)
        && let Some(found) = tool.behind(&word.clone(), shim)
    {
        *word = found.to_string_lossy().into_owned();
    }
    command
}

/// The files that a command's name could stand for, in the order of the path.
pub(super) fn all_on_path(name: &str, path: &OsStr) -> Vec<PathBuf> {
    let endings: &[&str] = if cfg!(windows) { &[".exe", ".bat", ".cmd"] } else { &[""] };
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| endings.iter().map(move |ending| folder.join(format!("{name}{ending}"))))
        .filter(|file| may_be_executed(file))
        .collect()
}

/// Whether a file only starts another: a script in a version manager's folder, or rustup itself.
fn is_shim(file: &Path) -> bool {
    let real = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let mut start = [0; 2];
    let script = fs::File::open(file).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *b"#!";
    let of_system = real.starts_with("/usr") || real.starts_with("/bin");
    (script && !of_system)
        || real.file_name().is_some_and(|name| name == "rustup")
        || file.with_file_name("rustup").is_file()
}
