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

/// A folder with these files, by name.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join("lab").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    folder
}

/// The verdicts on what is found in a folder, by ID.
fn verdicts(folder: &TempDir, only: &str) -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_sockspec"))
        .args(["check", "--only", only, "--report", "json"])
        .arg(folder.path().join("lab"))
        .env("XDG_CACHE_HOME", folder.path().join("cache"))
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let programs = report["submissions"][0]["programs"].as_array().unwrap().clone();
    let all = programs.iter().flat_map(|program| program["requirements"].as_array().unwrap().clone());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    all.map(|one| (text(&one["id"]), text(&one["verdict"]))).collect()
}

fn passed(ids: &[&str]) -> BTreeMap<String, String> {
    ids.iter().map(|id| ((*id).to_owned(), "passed".to_owned())).collect()
}

/// Programs of one name in two folders, built by one Makefile; one of them leaves a setuid file.
#[test]
fn each_role_gets_the_program_beside_its_source_and_nobody_gets_more() {
    use std::os::unix::fs::PermissionsExt as _;
    let makefile =
        "all: udp/server tcp/server\n\tcp udp/server suid; chmod 6755 suid\n%: %.c\n\tgcc -o $@ $< -pthread\n";
    let tcp = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/c/TCPServer.c"));
    let udp = reference();
    let lab = folder(&[("Makefile", makefile), ("udp/server.c", &udp), ("tcp/server.c", &tcp.unwrap())]);
    assert_eq!(verdicts(&lab, "*S-1"), passed(&["TCPS-1", "UDPS-1"]));
    let mut kept = 0;
    let mut next = vec![lab.path().join("cache")];
    while let Some(place) = next.pop() {
        for entry in fs::read_dir(place).unwrap().flatten() {
            if entry.path().is_dir() {
                next.push(entry.path());
                continue;
            }
            kept += 1;
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o7022, 0, "{}", entry.path().display());
        }
    }
    assert!(kept > 3, "{kept} files are kept");
}

#[test]
fn a_package_may_have_the_name_of_a_tools_folder() {
    if !is_there("javac") {
        assert!(std::env::var_os("CI").is_none(), "a JDK is missing: install it");
        let _ = writeln!(std::io::stderr(), "not tried: there is no javac");
        return;
    }
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/java/UDPServer.java"));
    let text = format!("package examples;\n{}", text.unwrap());
    let lab = folder(&[("src/examples/UDPServer.java", &text)]);
    assert_eq!(verdicts(&lab, "UDPS-1"), passed(&["UDPS-1"]));
}

/// Two helpers that define the same function: each program names one of them.
#[test]
fn a_program_is_built_alone_where_its_siblings_clash() {
    let one = "void die(void) {}\nvoid one(void) {}\n";
    let other = "/* called by main (see the lab) */\nvoid die(void) {}\n";
    let lab = folder(&[("UDPServer.c", &reference()), ("a.c", one), ("b.c", other)]);
    assert_eq!(verdicts(&lab, "UDPS-1"), passed(&["UDPS-1"]));
}
