//! No process outlives its run: neither one that hides, nor when the grader or its worker is killed.
//!
//! The programs of these tests have names of their own, by which `/proc` tells them from all others.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by a panic")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use support::within;

/// The last resort of every wait here; what is awaited comes within moments.
const PATIENCE: Duration = Duration::from_secs(30);

/// How soon all must be gone once the grader is.
const SOON: Duration = Duration::from_secs(10);

/// Leaves a grandchild behind that has a session of its own, nothing open, and ignores what it may.
const HIDES: &str = r#"
import os
import signal


def hide():
    """In a grandchild that nothing connects with this process."""
    for one in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        signal.signal(one, signal.SIG_IGN)
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return False
    os.setsid()
    if os.fork():
        os._exit(0)
    return True


def wait():
    os.closerange(0, 1024)
    while True:
        signal.pause()
"#;

/// The server itself is the hidden process, and the first process ends at once.
const DAEMON: &str = r#"
import socket

if not hide():
    raise SystemExit(0)
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", 12000))
while True:
    message, client = server.recvfrom(2048)
    server.sendto(message.upper(), client)
"#;

/// A right server, which leaves a hidden process beside it.
const SERVER: &str = r#"
import socket

if hide():
    wait()
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", 12000))
while True:
    message, client = server.recvfrom(2048)
    server.sendto(message.upper(), client)
"#;

/// A right client, which leaves a hidden process behind in each scenario.
const CLIENT: &str = r#"
import socket

if hide():
    wait()
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.sendto(input("Sentence: ").encode(), ("127.0.0.1", 12000))
print(client.recvfrom(2048)[0].decode())
"#;

/// A program in a folder of its own, with a name that no other process has in its command line.
struct Program {
    folder: tempfile::TempDir,
    marker: String,
    path: PathBuf,
}

impl Program {
    fn new(name: &str, code: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("sockspec-processes-").tempdir().unwrap();
        let unique = folder.path().file_name().unwrap().to_str().unwrap().replace('.', "");
        let marker = format!("{name}-{}-{unique}", std::process::id());
        let path = folder.path().join(format!("{marker}.py"));
        fs::write(&path, format!("{HIDES}\n{code}")).unwrap();
        Self { folder, marker, path }
    }

    /// Starts `sockspec check` on it.
    fn check(&self, role: &str) -> Grader {
        let child = Command::new(env!("CARGO_BIN_EXE_sockspec"))
            .args(["check", "--role", role, "--dialect", "python", "--report", "json", "--jobs", "1"])
            .arg(&self.path)
            .env("TMPDIR", self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Grader { child: Some(child) }
    }

    /// Its processes, but not the grader that was told its path.
    fn processes(&self) -> BTreeSet<u32> {
        let all = fs::read_dir("/proc").unwrap().flatten();
        let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| {
            let words = command_line(*pid);
            words.iter().any(|word| word.contains(&self.marker)) && words.get(1).is_none_or(|word| word != "check")
        })
        .collect()
    }

    /// Fails unless the copy that it ran in is gone soon.
    fn must_have_left_no_copy(&self, after: &str) {
        let copies = || -> Vec<PathBuf> {
            let all = fs::read_dir(self.folder.path()).unwrap().flatten().map(|entry| entry.path());
            all.filter(|path| path.is_dir()).collect()
        };
        let gone = within(SOON, || copies().is_empty().then_some(()));
        assert!(gone.is_some(), "after {after} these are left: {:?}", copies());
    }

    /// Fails unless all of its processes are gone soon.
    fn must_be_gone(&self, after: &str) {
        let gone = within(SOON, || self.processes().is_empty().then_some(()));
        let left: Vec<String> = self.processes().into_iter().map(describe).collect();
        assert!(gone.is_some(), "after {after} these are left:\n{}", left.join("\n"));
    }
}

impl Drop for Program {
    /// A test that fails leaves no process behind either.
    fn drop(&mut self) {
        for pid in self.processes() {
            let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
        }
    }
}

/// A grader that runs.
struct Grader {
    child: Option<Child>,
}

impl Grader {
    fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid().cast_signed()), signal).unwrap();
    }

    /// Waits until it has ended; what it said.
    fn end(mut self) -> Output {
        self.child.take().unwrap().wait_with_output().unwrap()
    }

    fn has_ended(&mut self) -> bool {
        self.child.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    /// Its worker, once there is one.
    fn worker(&mut self) -> u32 {
        let grader = self.pid();
        let found = within(PATIENCE, || {
            let threads = fs::read_dir(format!("/proc/{grader}/task")).ok()?.flatten();
            let lists = threads.filter_map(|entry| fs::read_to_string(entry.path().join("children")).ok());
            let children: Vec<u32> = lists
                .flat_map(|list| list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>())
                .collect();
            children.into_iter().find(|pid| command_line(*pid).get(1).is_some_and(|word| word == "worker"))
        });
        found.expect("the grader has a worker")
    }

    /// Waits until so many processes of the program have been seen, dead ones included; whether the
    /// grader still runs then.
    fn has_run(&mut self, program: &Program, number: usize) -> bool {
        let mut seen = BTreeSet::new();
        let reached = within(PATIENCE, || {
            seen.extend(program.processes());
            (seen.len() >= number || self.has_ended()).then_some(())
        });
        assert!(reached.is_some(), "{} processes in {PATIENCE:?}", seen.len());
        seen.len() >= number && !self.has_ended()
    }
}

impl Drop for Grader {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Removes what folders there are; whether none is left. Somebody else may be removing them too.
fn remove_folders(within: &Path) -> bool {
    let folders = || fs::read_dir(within).unwrap().flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
    folders().for_each(|path| drop(fs::remove_dir_all(path)));
    folders().next().is_none()
}

/// The words of a process's command line; none if it is gone, or a zombie.
fn command_line(pid: u32) -> Vec<String> {
    let bytes = fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline")).unwrap_or_default();
    let words = bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

fn describe(pid: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let stat: Vec<&str> = stat.split_whitespace().take(7).collect();
    format!("{pid}: {} [{}]", command_line(pid).join(" "), stat.join(" "))
}

fn report(output: &Output) -> serde_json::Value {
    let said = || String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said()))
}

#[test]
fn a_server_that_hides_by_a_double_fork_is_ended_with_its_run() {
    let program = Program::new("daemon", DAEMON);
    let output = program.check("udp-server").end();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    program.must_be_gone("a run");
}

#[test]
fn a_hidden_process_beside_a_server_is_ended_with_the_run_and_costs_nothing() {
    let program = Program::new("server", SERVER);
    let output = program.check("udp-server").end();
    program.must_be_gone("a run");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(report(&output)["submissions"][0]["score"], 25);
}

#[test]
fn hidden_processes_of_a_client_are_ended_with_the_run() {
    let program = Program::new("client", CLIENT);
    let output = program.check("udp-client").end();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    program.must_be_gone("a run");
}

#[test]
fn a_killed_grader_leaves_no_process_behind_at_any_moment() {
    let program = Program::new("killed", CLIENT);
    for moment in 0..10 {
        let mut grader = program.check("udp-client");
        if moment == 0 {
            grader.worker();
        } else {
            assert!(grader.has_run(&program, moment), "the run ended before process {moment} of the program began");
        }
        grader.signal(Signal::SIGKILL);
        grader.end();
        program.must_be_gone(&format!("SIGKILL at moment {moment}"));
        // A worker that has not read its job yet does not know the copy; a later run removes it.
        if moment > 0 {
            program.must_have_left_no_copy(&format!("SIGKILL at moment {moment}"));
        } else {
            within(SOON, || remove_folders(program.folder.path()).then_some(()));
        }
    }
}

#[test]
fn a_grader_that_is_killed_while_a_server_serves_leaves_none_either() {
    let program = Program::new("serving", DAEMON);
    for moment in 1..4 {
        let mut grader = program.check("udp-server");
        assert!(grader.has_run(&program, moment));
        grader.signal(Signal::SIGKILL);
        grader.end();
        program.must_be_gone(&format!("SIGKILL at process {moment} of a server"));
    }
}

#[test]
fn a_grader_that_is_interrupted_or_terminated_leaves_no_process_behind() {
    let program = Program::new("interrupted", SERVER);
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let mut grader = program.check("udp-server");
        assert!(grader.has_run(&program, 2));
        grader.signal(signal);
        // Where the tests were started with the signal ignored (`nohup`), the run goes on to its end.
        grader.end();
        program.must_be_gone(signal.as_str());
    }
}

#[test]
fn a_killed_worker_leaves_no_process_behind_and_costs_no_points() {
    let program = Program::new("workerless", SERVER);
    let mut grader = program.check("udp-server");
    let worker = grader.worker();
    assert!(grader.has_run(&program, 2));
    kill(Pid::from_raw(worker.cast_signed()), Signal::SIGKILL).unwrap();
    let output = grader.end();
    program.must_be_gone("SIGKILL of the worker");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let report = report(&output);
    let requirements = report["submissions"][0]["programs"][0]["requirements"].as_array().unwrap();
    assert!(requirements.iter().all(|one| one["verdict"] != "failed" && one["verdict"] != "blocked"), "{report:#}");
    let ungraded = requirements.iter().find(|one| one["verdict"] == "ungraded").expect("something is ungraded");
    assert!(ungraded["reason"].as_str().unwrap().contains("worker"), "{ungraded}");
}

#[test]
fn a_killed_grader_leaves_no_worker_behind() {
    let program = Program::new("orphaned", SERVER);
    let mut grader = program.check("udp-server");
    let worker = grader.worker();
    assert!(grader.has_run(&program, 1));
    grader.signal(Signal::SIGKILL);
    grader.end();
    let gone = within(SOON, || command_line(worker).is_empty().then_some(()));
    assert!(gone.is_some(), "{}", describe(worker));
    program.must_be_gone("SIGKILL of the grader");
}
