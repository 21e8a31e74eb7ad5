//! Everything that reads what others have written, fed with real inputs that were damaged in many ways: nothing
//! panics, nothing hangs, and what `targets.rs` says holds.
//!
//! `SOCKSPEC_FUZZ=1000000 SOCKSPEC_FUZZ_SEED=7 cargo test --release --test fuzz -- --nocapture` goes further than the
//! short run of every day. An input that fails is kept in `target/tmp`, and `SOCKSPEC_FUZZ_INPUT=FILE` runs it again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by a panic")]

mod corpus;
mod damage;
#[path = "../support/packing.rs"]
mod packing;
mod targets;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};

/// A single case that takes longer hangs, even on a machine that does much else.
const SOON: Duration = Duration::from_secs(60);

/// Cases of every day, for what is cheap.
const USUAL: u64 = 2000;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

/// Runs a target on all real inputs, and on so many damaged ones.
fn fuzz(name: &str, dear: u64) {
    let (_, target) = targets::ALL.into_iter().find(|(known, _)| *known == name).unwrap();
    if let Some(file) = std::env::var_os("SOCKSPEC_FUZZ_INPUT") {
        return target(&std::fs::read(file).unwrap());
    }
    let corpus = corpus::of(name);
    assert!(!corpus.is_empty(), "{name} has nothing to begin with");
    let cases = setting("SOCKSPEC_FUZZ").unwrap_or(USUAL) / dear;
    let mut chance = fastrand::Rng::with_seed(setting("SOCKSPEC_FUZZ_SEED").unwrap_or(1));
    let begun = Instant::now();
    for input in &corpus {
        case(name, target, input);
    }
    for _ in 0..cases {
        case(name, target, &damage::damaged(&corpus, &mut chance));
    }
    let _ = writeln!(std::io::stderr(), "{name}: {} cases in {} s", cases, begun.elapsed().as_secs());
}

fn case(name: &str, target: fn(&[u8]), input: &[u8]) {
    let watched = Watched::begin(name, input);
    let outcome = catch_unwind(AssertUnwindSafe(|| target(input)));
    drop(watched);
    assert!(outcome.is_ok(), "{name}: it fails with {}", kept(name, input).display());
}

/// Keeps an input that fails.
fn kept(name: &str, input: &[u8]) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"));
    std::fs::write(&file, input).unwrap();
    file
}

/// The cases that run, by target, and since when.
static RUNNING: Mutex<BTreeMap<String, (Instant, Vec<u8>)>> = Mutex::new(BTreeMap::new());

/// A case that runs. One that hangs cannot fail by itself: then another thread keeps its input and ends all.
struct Watched(String);

impl Watched {
    fn begin(name: &str, input: &[u8]) -> Self {
        static WATCHER: Once = Once::new();
        WATCHER.call_once(|| drop(std::thread::spawn(watch)));
        RUNNING.lock().unwrap().insert(name.to_owned(), (Instant::now(), input.to_vec()));
        Self(name.to_owned())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        RUNNING.lock().unwrap().remove(&self.0);
    }
}

fn watch() {
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let running = RUNNING.lock().unwrap();
        if let Some((name, (_, input))) = running.iter().find(|(_, (begun, _))| begun.elapsed() > SOON) {
            let _ = writeln!(std::io::stderr(), "{name}: it hangs with {}", kept(name, input).display());
            std::process::abort();
        }
    }
}

#[test]
fn suites() {
    fuzz("suite", 20);
}

#[test]
fn assignments() {
    fuzz("assignment", 10);
}

#[test]
fn records() {
    fuzz("record", 40);
}

#[test]
fn archives() {
    fuzz("archive", 10);
}

#[test]
fn layouts() {
    fuzz("layout", 10);
}

#[test]
fn quotations() {
    fuzz("quote", 10);
}

#[test]
fn packets() {
    fuzz("packet", 1);
}

#[test]
fn names() {
    fuzz("name", 1);
}
