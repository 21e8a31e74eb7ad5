//! Building programs: once for each content, behind walls, within limits, with messages that help.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use serde_json::Value;
use tempfile::TempDir;

/// A submission of one file, and a cache folder of its own.
struct Lab {
    folder: TempDir,
    file: PathBuf,
}

impl Lab {
    fn new(name: &str, text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("lab")).unwrap();
        let file = folder.path().join("lab").join(name);
        fs::write(&file, text).unwrap();
        Self { folder, file }
    }

    fn check(&self) -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_sockspec"))
            .args(["check", "--role", "udp-server", "--only", "UDPS-1", "--report", "json"])
            .arg(&self.file)
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["submissions"][0].clone()
    }

    /// What is kept of builds, with when it was written.
    fn kept(&self) -> BTreeMap<PathBuf, SystemTime> {
        let store = self.folder.path().join("cache/sockspec/builds");
        let builds = fs::read_dir(store).unwrap().map(|entry| entry.unwrap().path());
        builds.map(|build| (build.clone(), fs::metadata(build).unwrap().modified().unwrap())).collect()
    }
}

fn requirement(submission: &Value) -> &Value {
    &submission["programs"][0]["requirements"][0]
}

fn reference() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/c/UDPServer.c")).unwrap()
}

#[test]
fn what_was_built_is_not_built_again() {
    let lab = Lab::new("UDPServer.c", &reference());
    assert_eq!(requirement(&lab.check())["verdict"], "passed");
    let first = lab.kept();
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(requirement(&lab.check())["verdict"], "passed");
    assert_eq!(lab.kept(), first);
    fs::write(&lab.file, reference() + "/* another content */\n").unwrap();
    assert_eq!(requirement(&lab.check())["verdict"], "passed");
    assert_eq!(lab.kept().len(), 2);
}

#[test]
fn an_error_is_told_with_the_students_own_places() {
    let lab = Lab::new("UDPServer.c", "int main(void) {\n    return nothing;\n}\n");
    let submission = lab.check();
    let found = requirement(&submission);
    assert_eq!((&found["verdict"], &found["cause"]), (&"failed".into(), &"build-failed".into()), "{found}");
    let words = found["explanation"].as_str().unwrap();
    assert!(words.contains("\nUDPServer.c:2:12: error: "), "{words}");
    assert!(!words.contains("/submission") && !words.contains(lab.folder.path().to_str().unwrap()), "{words}");
}

#[test]
fn a_build_reads_no_more_than_a_program_may() {
    let secret = tempfile::Builder::new().prefix("sockspec-secret-").tempfile().unwrap();
    fs::write(secret.path(), "canary of the grader\n").unwrap();
    let lab = Lab::new("UDPServer.c", &format!("#include \"{}\"\nint main(void) {{}}\n", secret.path().display()));
    if !is_there("bwrap") {
        assert!(std::env::var_os("CI").is_none(), "bubblewrap (bwrap) is missing: install it");
        let _ = writeln!(std::io::stderr(), "not tried: bubblewrap (bwrap) is missing");
        return;
    }
    let submission = lab.check();
    let found = requirement(&submission);
    assert_eq!(found["cause"], "build-failed", "{found}");
    assert!(!found.to_string().contains("canary"), "{found}");
}

fn is_there(command: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(command).is_file())
}

/// A compiler that would read for ever.
#[test]
fn a_build_has_limits() {
    let lab = Lab::new("UDPServer.c", "#include \"/dev/zero\"\nint main(void) {}\n");
    let found = requirement(&lab.check()).clone();
    assert_eq!((&found["verdict"], &found["cause"]), (&"failed".into(), &"build-failed".into()), "{found}");
}
