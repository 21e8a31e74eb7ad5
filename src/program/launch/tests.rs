//! Real programs at their terminals.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::{MutexGuard, PoisonError};

use super::*;
use crate::event::Exit;

fn alone() -> MutexGuard<'static, ()> {
    let guard = crate::sys::ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    crate::sys::set_subreaper().unwrap();
    guard
}

fn launch(command: &[&str]) -> Launch {
    let command = command.iter().map(|&word| word.to_owned()).collect();
    Launch { command, cwd: "/".into(), inside: "".into(), env: BTreeMap::new(), limits: Limits::default() }
}

fn python(code: &str) -> Running {
    Running::start(&launch(&["python3", "-c", &format!("import os, sys, time\n{code}")]), &Sandbox::Plain).unwrap()
}

/// What it prints until it has printed so much, or ended.
fn hear(running: &mut Running, enough: usize) -> (Vec<u8>, Vec<u8>, u64) {
    let (mut out, mut err, mut cut) = (Vec::new(), Vec::new(), 0);
    loop {
        let ended = running.exit().is_some();
        let chunks = running.pump();
        if chunks.is_empty() && ended {
            return (out, err, cut);
        }
        for chunk in chunks {
            let whole = if chunk.stream == Output::Stdout { &mut out } else { &mut err };
            whole.extend(chunk.bytes);
            cut += chunk.cut;
        }
        if out.len() + err.len() >= enough {
            return (out, err, cut);
        }
        std::thread::yield_now();
    }
}

#[test]
fn each_stream_is_a_terminal_and_comes_unchanged() {
    let _alone = alone();
    let mut running = python(
        "assert os.isatty(1) and os.isatty(2) and not os.isatty(0)\nprint('a\\tb')\nprint('oops', file=sys.stderr)\nprint(os.get_terminal_size(), sys.stdin.read(), os.environ['HOME'], sorted(os.environ))\nsys.exit(3)",
    );
    running.feed(b"text\n");
    running.end_input();
    let (out, err, _) = hear(&mut running, usize::MAX);
    let out = String::from_utf8(out).unwrap();
    assert!(out.starts_with("a\tb\nos.terminal_size(columns=80, lines=24) text\n / ['HOME', 'LANG', "), "{out}");
    assert_eq!(err, b"oops\n");
    assert_eq!(running.exit(), Some(Exit::Status(3)));
}

#[test]
fn a_program_that_never_reads_does_not_block_us() {
    let _alone = alone();
    let mut running = python("time.sleep(1000)");
    running.feed(&vec![b'x'; 1 << 20]);
    running.pump();
    assert_eq!(running.stop(), Exit::Signal(9));
}

#[test]
fn output_beyond_the_limit_is_counted() {
    let _alone = alone();
    let mut launch = launch(&["python3", "-c", "print('x' * 100_000)"]);
    launch.limits.output_bytes = 1000;
    let mut running = Running::start(&launch, &Sandbox::Plain).unwrap();
    let (out, _, cut) = hear(&mut running, usize::MAX);
    assert_eq!((out.len(), cut), (1000, 99_001));
}

#[test]
fn what_cannot_be_started_says_why_in_the_systems_words() {
    let _alone = alone();
    let missing = Running::start(&launch(&["/no/such/program"]), &Sandbox::Plain).unwrap_err();
    assert!(
        matches!(missing, LaunchError::Missing { .. }) && missing.to_string().contains("No such file"),
        "{missing}"
    );
    let forbidden = Running::start(&launch(&["/etc/passwd"]), &Sandbox::Plain).unwrap_err();
    assert!(matches!(forbidden, LaunchError::Forbidden { .. }), "{forbidden}");
    assert!(matches!(Running::start(&launch(&[]), &Sandbox::Plain), Err(LaunchError::Empty)));
}

#[cfg(target_os = "linux")]
#[test]
fn a_daemon_is_killed_with_the_rest() {
    let _alone = alone();
    let mut running = python(
        "if os.fork() == 0:\n os.setsid()\n if os.fork(): os._exit(0)\n print(os.getpid(), flush=True)\n time.sleep(1000)\nos.wait(); time.sleep(1000)",
    );
    let (out, _, _) = hear(&mut running, 2);
    let daemon = String::from_utf8(out).unwrap();
    running.stop();
    assert!(crate::observe::below(std::process::id(), &std::collections::BTreeSet::new()).is_empty());
    assert!(!std::path::Path::new("/proc").join(daemon.trim()).exists());
}

#[cfg(target_os = "linux")]
#[test]
fn what_forks_while_it_is_killed_is_killed_too() {
    let _alone = alone();
    let mut running = python(
        "print('up', flush=True)\nfor i in range(3):\n if os.fork() == 0: break\nos.setsid() if i < 2 else None\nwhile True:\n if os.fork(): os._exit(0)",
    );
    hear(&mut running, 2);
    running.stop();
    assert!(crate::observe::below(std::process::id(), &std::collections::BTreeSet::new()).is_empty());
}

#[test]
fn limits_hold() {
    let _alone = alone();
    let mut launch = launch(&[
        "python3",
        "-c",
        "import resource as r; print(r.getrlimit(r.RLIMIT_NOFILE), r.getrlimit(r.RLIMIT_CPU), r.getrlimit(r.RLIMIT_CORE))",
    ]);
    (launch.limits.open_files, launch.limits.cpu_seconds) = (99, 7);
    let mut running = Running::start(&launch, &Sandbox::Plain).unwrap();
    let (out, _, _) = hear(&mut running, usize::MAX);
    assert_eq!(String::from_utf8(out).unwrap(), "(99, 99) (7, 707) (0, 0)\n");
}
