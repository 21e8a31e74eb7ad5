//! Files that are no suites at all end in a clear message, and soon.

use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use proptest::prelude::*;
use sockspec::plan::{Source, diagnose, lint};

/// Optimised, each of these takes far less than a second; a test is not, and the machine may be loaded.
const SOON: Duration = Duration::from_secs(20);

fn refused(path: &Utf8Path, words: &str) {
    let start = Instant::now();
    let text = diagnose::render(&lint::file(path).unwrap_err(), false);
    assert!(text.contains(words), "{text}");
    assert!(text.len() < 40_000, "a long story: {} bytes", text.len());
    assert!(start.elapsed() < SOON, "{:?} for {path}", start.elapsed());
}

fn refused_text(text: &[u8], words: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().join("suite.yaml")).unwrap();
    std::fs::write(&path, text).unwrap();
    refused(&path, words);
}

#[test]
fn what_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    refused(&path, "this is a folder");
    refused(&path.join("nowhere.yaml"), "it does not exist");
    #[cfg(unix)]
    refused("/dev/zero".into(), "no ordinary file");
}

#[test]
fn a_file_of_100_megabytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().join("suite.yaml")).unwrap();
    std::fs::File::create(&path).unwrap().set_len(100 * 1024 * 1024).unwrap();
    refused(&path, "too large: 104857600 bytes");
}

#[test]
fn bytes_that_are_no_text() {
    refused_text(b"\x7fELF\x02\x01\x01\0\0\0", "byte 7 is a NUL");
    refused_text(b"suite: caf\xe9\n", "byte 10 begins no character");
    refused_text(b"", "neither a suite");
    refused_text(b"just words\n", "neither a suite");
    refused_text(b"- suite: x\n", "neither a suite");
}

#[test]
fn bombs() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![below; 9].join(", ")));
    }
    refused_text(bomb.as_bytes(), "more than 30000 values");
    refused_text("[".repeat(500_000).as_bytes(), "40 deep");
    refused_text("- ".repeat(500_000).as_bytes(), "40 deep");
    refused_text("{a: ".repeat(250_000).as_bytes(), "40 deep");
    refused_text(format!("suite: [{}]", "1,".repeat(500_000)).as_bytes(), "more than 30000 values");
    refused_text(
        format!("suite: x\nrole: udp-server\nrequirements: {{}}\nscenarios: [{}]", "ä,".repeat(25_000)).as_bytes(),
        "more mistakes",
    );
    refused_text(format!("suite: {}", "x".repeat(1_000_000)).as_bytes(), "error");
    refused_text(format!("suite: x\n{}", "k: 1\n".repeat(100_000)).as_bytes(), "more than 30000 values");
    refused_text(format!("suite: x\n{}", "k: 1\n".repeat(10_000)).as_bytes(), "`k` stands here a second time");
}

#[test]
fn texts_and_steps_that_grow_without_bounds() {
    let lets: String = (1..40).map(|n| format!("      a{n}: \"{{a{}}}{{a{}}}\"\n", n - 1, n - 1)).collect();
    let head = "suite: x\nrole: udp-server\nrequirements:\n  A-1: { title: t, level: required, why: w, hint: h }\nscenarios:\n  - id: one\n    title: t\n";
    let checks = "    checks: [{ requirement: A-1, program: { running: true } }]\n";
    refused_text(
        format!("{head}    let:\n      a0: \"{{letters:60000}}\"\n{lets}    steps: [settle]\n{checks}").as_bytes(),
        "more than 1 MiB",
    );
    let mut steps = "settle".to_owned();
    for _ in 0..6 {
        steps = format!("{{ repeat: {{ times: 10000, steps: [{steps}] }} }}");
    }
    refused_text(format!("{head}    steps: [{steps}]\n{checks}").as_bytes(), "more than 100000 steps");
}

/// Changes a good suite somewhere.
fn changed() -> impl Strategy<Value = String> {
    let good = std::fs::read_to_string(super::root().join("specs/tcp-server.yaml")).unwrap();
    let pieces = prop_oneof![
        Just(String::new()),
        Just("\n".to_owned()),
        Just("- ".to_owned()),
        Just("{x|upper}".to_owned()),
        Just("}".to_owned()),
        Just("{".to_owned()),
        Just(": ".to_owned()),
        Just("&a ".to_owned()),
        Just("*a ".to_owned()),
        Just("é\u{1b}[31m".to_owned()),
        Just("\t".to_owned()),
        Just("\"".to_owned()),
        Just("18446744073709551616".to_owned()),
        "[ -~]{0,8}",
    ];
    (any::<prop::sample::Index>(), 0..40_usize, pieces).prop_map(move |(index, length, piece)| {
        let start = (0..=index.index(good.len())).rev().find(|at| good.is_char_boundary(*at)).unwrap();
        let end = (start..=(start + length).min(good.len())).rev().find(|at| good.is_char_boundary(*at)).unwrap();
        format!("{}{piece}{}", &good[..start], &good[end..])
    })
}

fn survives(text: String) {
    let start = Instant::now();
    if let Err(reports) = lint::text("x.yaml".into(), Source::new("x.yaml", text)) {
        let _ = diagnose::render(&reports, true);
        let plain = diagnose::render(&reports, false);
        assert!(!plain.contains('\u{1b}'), "{plain:?}");
    }
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_ends_in_a_result(text in any::<String>()) {
        survives(text);
    }

    #[test]
    fn any_bytes_end_in_a_result(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("x.yaml")).unwrap();
        std::fs::write(&path, bytes).unwrap();
        if let Err(reports) = lint::file(&path) {
            let _ = diagnose::render(&reports, false);
        }
    }

    #[test]
    fn a_changed_suite_ends_in_a_result(text in changed()) {
        survives(text);
    }
}
