//! The languages that programs are written in: one entry a language.

use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use thiserror::Error;

/// A language.
#[derive(Debug, PartialEq, Eq)]
pub struct Language {
    /// Its name, in words.
    pub name: &'static str,
    /// What its files end in, without the dot.
    pub extensions: &'static [&'static str],
    /// The programs that run a file, best first, as they are looked up on `PATH`.
    interpreters: &'static [&'static str],
    /// Arguments that make an interpreter print its own path: what a version manager's shim hides.
    tells_path: &'static [&'static str],
    /// How to install an interpreter.
    install: &'static str,
}

/// Python 3.
const PYTHON: Language = Language {
    name: "Python",
    extensions: &["py"],
    interpreters: if cfg!(windows) { &["python3", "python"] } else { &["python3"] },
    tells_path: &["-I", "-c", "import sys; print(sys.executable)"],
    install: "install Python 3 (Debian, Ubuntu: apt-get install python3; macOS: brew install python3; \
              Windows: winget install Python.Python.3.13)",
};

/// All languages that are known.
pub const LANGUAGES: &[Language] = &[PYTHON];

/// No program on this machine runs files of a language: the machine's fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{language} programs cannot be run here: there is no `{program}` on PATH; {install}")]
pub struct NoInterpreter {
    /// The language.
    pub language: &'static str,
    /// What was looked for.
    pub program: &'static str,
    /// What to do.
    pub install: &'static str,
}

impl Language {
    /// The language of a file, by its ending.
    #[must_use]
    pub fn of(file: &str) -> Option<&'static Self> {
        let (stem, ending) = file.rsplit_once('.')?;
        let named = !stem.is_empty() && !stem.ends_with(['/', '\\']);
        LANGUAGES
            .iter()
            .find(|language| named && language.extensions.iter().any(|known| known.eq_ignore_ascii_case(ending)))
    }

    /// The command line that runs a file.
    ///
    /// # Errors
    /// The machine has no interpreter for it.
    pub fn command(&self, file: &str) -> Result<Vec<String>, NoInterpreter> {
        Ok(vec![self.interpreter()?.to_owned(), file.to_owned()])
    }

    /// The interpreter, looked up once.
    fn interpreter(&self) -> Result<&'static str, NoInterpreter> {
        // One language so far; with more of them this becomes a slot a language.
        static FOUND: OnceLock<Option<String>> = OnceLock::new();
        FOUND.get_or_init(|| self.look_up()).as_deref().ok_or(NoInterpreter {
            language: self.name,
            program: self.interpreters.first().copied().unwrap_or_default(),
            install: self.install,
        })
    }

    fn look_up(&self) -> Option<String> {
        let path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/local/bin:/usr/bin:/bin"));
        let all = || self.interpreters.iter().flat_map(|name| all_on_path(name, &path));
        let found = all().find(|file| !is_script(file)).or_else(|| {
            let shim = all().next()?;
            Some(self.ask(&shim).unwrap_or(shim))
        })?;
        Some(found.to_string_lossy().into_owned())
    }

    /// A version manager puts a script before the interpreter, which costs many times what the
    /// interpreter itself does, and reads files that a sandbox may not show. So an interpreter further
    /// down the path is taken first; where there is none, the script is asked.
    fn ask(&self, shim: &Path) -> Option<PathBuf> {
        let output =
            Command::new(shim).args(self.tells_path).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        let answer = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
        (output.status.success() && answer.is_absolute() && answer.is_file()).then_some(answer)
    }
}

/// A command whose first word is the bare name of an interpreter that is known: with the interpreter
/// itself in its place, where a version manager's script would be found first.
#[must_use]
pub fn without_shim(mut command: Vec<String>) -> Vec<String> {
    let Some(word) = command.first_mut() else { return command };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let known = LANGUAGES.iter().find(|language| language.interpreters.contains(&word.as_str()));
    let shim = all_on_path(word, &path).into_iter().next().filter(|file| is_script(file));
    if let (Some(language), Some(shim)) = (known, shim)
        && let Some(interpreter) = language.ask(&shim)
    {
        *word = interpreter.to_string_lossy().into_owned();
    }
    command
}

/// The files that a command's name could stand for, in the order of the path.
fn all_on_path(name: &str, path: &OsString) -> Vec<PathBuf> {
    let endings: &[&str] = if cfg!(windows) { &[".exe", ".bat", ".cmd"] } else { &[""] };
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| endings.iter().map(move |ending| folder.join(format!("{name}{ending}"))))
        .filter(|file| is_executable(file))
        .collect()
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(file).is_ok_and(|what| what.is_file() && what.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

fn is_script(file: &Path) -> bool {
    let mut start = [0; 2];
    fs::File::open(file).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *b"#!"
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "a test fails by a panic")]

    use super::*;

    #[test]
    fn a_language_is_told_by_the_ending() {
        assert_eq!(Language::of("a/UDPServer.PY").map(|language| language.name), Some("Python"));
        assert_eq!(Language::of("a/UDPServer.java"), None);
        assert_eq!(Language::of(".py"), None);
        assert_eq!(Language::of("a.b/py"), None);
    }

    #[test]
    fn what_is_not_on_the_path_is_not_found() {
        assert!(all_on_path("no-such-interpreter", &OsString::from("/usr/bin:/bin")).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_shim_is_asked_for_the_interpreter_behind_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let shim = folder.path().join("python3");
        fs::write(&shim, "#!/bin/sh\necho /bin/sh\n").expect("written");
        fs::set_permissions(&shim, fs::Permissions::from_mode(0o755)).expect("permitted");
        let found = all_on_path("python3", &folder.path().as_os_str().to_owned());
        assert_eq!(found, std::slice::from_ref(&shim));
        assert!(is_script(&shim));
        assert_eq!(PYTHON.ask(&shim), Some(PathBuf::from("/bin/sh")));
    }
}
