//! Programs that are handed in as what the system itself can start: compiled, or a script of whatever
//! interpreter its first line names.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/c").join(name)
}

/// A file of the reference, compiled, and without the mode that an upload takes away.
fn compile(source: &str, to: &Path) {
    let built = Command::new("gcc").arg("-o").arg(to).arg(reference(source)).arg("-pthread").status().unwrap();
    assert!(built.success());
    fs::set_permissions(to, fs::Permissions::from_mode(0o644)).unwrap();
}

fn check(folder: &TempDir) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_sockspec"))
        .args(["check", "--only", "*S-1,*S-2", "--report", "json"])
        .arg(folder.path())
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    report["submissions"][0].clone()
}

fn told(submission: &Value) -> Vec<(&str, &str, Vec<&str>)> {
    let programs = submission["programs"].as_array().unwrap();
    programs
        .iter()
        .map(|program| {
            let verdicts = program["requirements"].as_array().unwrap();
            let verdicts = verdicts.iter().map(|one| one["verdict"].as_str().unwrap()).collect();
            (program["path"].as_str().unwrap(), program["language"].as_str().unwrap(), verdicts)
        })
        .collect()
}

#[test]
fn a_compiled_program_is_found_by_its_name_or_its_symbols_and_run() {
    let folder = tempfile::tempdir().unwrap();
    compile("TCPServer.c", &folder.path().join("TCPServer"));
    compile("UDPServer.c", &folder.path().join("lab1.bin"));
    // Parts of programs are none.
    fs::copy(folder.path().join("TCPServer"), folder.path().join("libtcpserver.so")).unwrap();
    let submission = check(&folder);
    let passed = || vec!["passed", "passed"];
    let wanted = [("lab1.bin", "executable", passed()), ("TCPServer", "executable", passed())];
    assert_eq!(told(&submission), wanted, "{submission:#}");
}

#[test]
fn what_an_earlier_build_has_left_beside_its_source_is_not_it() {
    let folder = tempfile::tempdir().unwrap();
    compile("UDPServer.c", &folder.path().join("TCPServer"));
    fs::copy(reference("TCPServer.c"), folder.path().join("TCPServer.c")).unwrap();
    let submission = check(&folder);
    assert_eq!(told(&submission), [("TCPServer.c", "C", vec!["passed", "passed"])], "{submission:#}");
}

#[test]
fn a_script_whose_interpreter_is_missing_is_ungraded_and_the_interpreter_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let script = "#!/usr/bin/env no-such-language\nlisten 12000\n";
    fs::write(folder.path().join("TCPServer"), script).unwrap();
    let submission = check(&folder);
    assert_eq!(told(&submission), [("TCPServer", "executable", vec!["ungraded", "ungraded"])], "{submission:#}");
    let reason = submission["programs"][0]["requirements"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("there is no `no-such-language` on PATH"), "{reason}");
}
