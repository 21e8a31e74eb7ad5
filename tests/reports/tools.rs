//! Readers that others wrote, from PyPI, npm and Debian, kept below `target/`.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// What is asked of PyPI: a JUnit reader, and a Markdown renderer with GitHub's links.
pub const READERS: &[&str] = &["junitparser==5.0.3", "markdown-it-py==4.3.0", "linkify-it-py==2.2.0"];
/// What is asked of npm: CTRF's own library, with the published schema.
const NODE: &str = "ctrf@0.3.0";

/// Says that a test was not tried, and why; where CI promises the component, it fails.
fn not_tried(what: &str) {
    assert!(std::env::var_os("CI").is_none(), "CI must have it: {what}");
    let _ = writeln!(std::io::stderr(), "not tried: {what}");
}

fn output(command: &mut Command) -> Result<Output, String> {
    command.stdin(Stdio::null()).output().map_err(|error| format!("{:?} cannot be run: {error}", command.get_program()))
}

/// Installs into a folder once, and not twice at the same time, be it by two processes.
fn installed(name: &str, install: impl FnOnce(&Path) -> Command) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let lock = File::create(folder.join(".lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let done = folder.join(".installed");
    if !done.exists() {
        let output = output(&mut install(&folder))?;
        if !output.status.success() {
            return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
        }
        fs::write(done, "").map_err(|error| error.to_string())?;
    }
    Ok(folder)
}

fn python_packages(wanted: &[&str]) -> Result<PathBuf, String> {
    installed(&format!("pypi-{}", wanted.join("-").replace("==", "-")), |folder| {
        let mut command = Command::new("python3");
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]);
        command.arg(folder).args(wanted);
        command
    })
}

fn node_packages() -> &'static Result<PathBuf, String> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOLDER.get_or_init(|| {
        installed(&format!("npm-{}", NODE.replace('@', "-")), |folder| {
            let mut command = Command::new("npm");
            command.args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
            command.arg(folder).arg(NODE);
            command
        })
    })
}

fn answer(command: &mut Command) -> Option<String> {
    match output(command) {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(why) => {
            not_tried(&why);
            None
        }
    }
}

/// What a Python program says of a file, with packages from PyPI.
pub fn python(program: &str, file: &Path, packages: &[&str]) -> Option<String> {
    let mut command = Command::new("python3");
    if !packages.is_empty() {
        match python_packages(packages) {
            Ok(folder) => command.env("PYTHONPATH", folder),
            Err(why) => {
                not_tried(&why);
                return None;
            }
        };
    }
    answer(command.arg("-c").arg(program).arg(file))
}

/// What a Node program says of a file; `ctrf` is there.
pub fn node(program: &str, file: &Path) -> Option<String> {
    match node_packages() {
        Ok(folder) => answer(Command::new("node").current_dir(folder).arg("-e").arg(program).arg(file)),
        Err(why) => {
            not_tried(why);
            None
        }
    }
}

/// What another program says of a file.
pub fn run(program: &str, arguments: &[&str], file: &Path) -> Option<String> {
    answer(Command::new(program).args(arguments).arg(file))
}
