//! Where namespaces are refused: what a program may not do there, and what it keeps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by a panic")]

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

/// A right server; what it tries before stands in its way.
const SERVER: &str = r#"
import os, signal, socket, sys, threading, time

def attempt(what, work):
    try:
        work()
        print(what, "SUCCEEDED", flush=True)
    except OSError as error:
        print(what, "refused:", error.strerror, flush=True)

TRIES
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", 12000))
while True:
    message, client = server.recvfrom(2048)
    server.sendto(message.upper(), client)
"#;

fn check(tries: &str, assignment: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("UDPServer.py"), SERVER.replace("TRIES", tries)).unwrap();
    std::fs::write(folder.path().join("sockspec.yaml"), format!("assignment: walls\n{assignment}")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_sockspec"))
        .args(["check", "UDPServer.py", "--isolation", "confined", "--report", "json", "--record", "record"])
        .current_dir(folder.path())
        .output()
        .map(|output| {
            let record = std::fs::read_to_string(folder.path().join("record")).unwrap_or_default();
            Output { stderr: [output.stderr, record.into_bytes()].concat(), ..output }
        })
        .unwrap()
}

/// Whether this machine has what the level needs.
fn can() -> bool {
    let output = check("", "");
    let can = !String::from_utf8_lossy(&output.stderr).contains("cannot be had here");
    if !can {
        assert!(std::env::var_os("CI").is_none(), "no Landlock here");
        let _ = writeln!(std::io::stderr(), "not tried: the kernel has no Landlock");
    }
    can
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn it_changes_no_mode_and_signals_not_everybody_and_loses_nothing_by_that() {
    if !can() {
        return;
    }
    let victim = tempfile::NamedTempFile::new().unwrap();
    let (path, before) = (victim.path(), mode(victim.path()));
    let tries = format!(
        "attempt('chmod', lambda: os.chmod({path:?}, 0o777))\nattempt('chown', lambda: os.chown({path:?}, -1, -1))\n\
         attempt('xattr', lambda: os.setxattr({path:?}, 'user.mark', b'x'))\nattempt('kill', lambda: os.kill(-1, 0))"
    );
    let output = check(&tries, "");
    let words = words(&output);
    assert_eq!(output.status.code(), Some(0), "{words}");
    assert_eq!(mode(path), before);
    for what in ["chmod", "chown", "xattr", "kill"] {
        assert!(words.contains(&format!("{what} refused")) && !words.contains("SUCCEEDED"), "{what}: {words}");
    }
}

#[test]
fn it_is_stopped_when_its_files_take_more_than_they_may() {
    if !can() {
        return;
    }
    let tries = "
def fill():
    for number in range(64):
        with open(f'part-{number}', 'wb') as file:
            file.write(b'x' * (1 << 20))
    # Where it is not stopped, this is a right server.
    time.sleep(3)
fill()";
    let output = check(tries, "limits: { disk_bytes: 16777216 }\n");
    let words = words(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("more than 16 MiB of files"), "{words}");
}
