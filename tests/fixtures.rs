//! The suite is proved, not trusted: every fixture passes and fails exactly what its header says.
//!
//! `SOCKSPEC_BLESS=1` rewrites the table in `fixtures/README.md`. On Linux alone: the causes that the
//! headers name need what `/proc` tells.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;

const ROLES: [(&str, &str); 4] = [
    ("udp-server", "UDPServer.py"),
    ("udp-client", "UDPClient.py"),
    ("tcp-server", "TCPServer.py"),
    ("tcp-client", "TCPClient.py"),
];

/// A program with what must be said of it.
#[derive(Debug, Clone)]
struct Fixture {
    path: PathBuf,
    role: &'static str,
    dialect: String,
    what: String,
    fails: BTreeSet<String>,
    blocks: BTreeSet<String>,
    cause: Option<String>,
    /// The one requirement that it is checked for, where all would take too long.
    only: Option<String>,
}

/// What was said of it.
#[derive(Debug)]
struct Said {
    passed: BTreeSet<String>,
    failed: BTreeMap<String, String>,
    blocked: BTreeSet<String>,
    ungraded: BTreeMap<String, String>,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn fixture(path: PathBuf, role: &'static str, dialect: &str) -> Fixture {
    let text = std::fs::read_to_string(&path).unwrap();
    let header = |key: &str| {
        let line = text.lines().take_while(|line| line.starts_with('#'));
        line.filter_map(|line| line.strip_prefix(&format!("# {key}:"))).map(|value| value.trim().to_owned()).next()
    };
    let ids = |key: &str| {
        let list = header(key).unwrap_or_default();
        list.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect()
    };
    Fixture {
        role,
        dialect: header("dialect").unwrap_or_else(|| dialect.to_owned()),
        what: header("mutant").or_else(|| header("odd")).unwrap_or_default(),
        fails: ids("fails"),
        blocks: ids("blocks"),
        cause: header("cause"),
        only: header("only"),
        path,
    }
}

/// The four programs of a folder.
fn four(folder: &str, dialect: &str) -> Vec<Fixture> {
    ROLES.iter().map(|(role, file)| fixture(root().join("fixtures").join(folder).join(file), role, dialect)).collect()
}

/// All programs below a folder that has one for each role.
fn by_role(folder: &str) -> Vec<Fixture> {
    let mut found = Vec::new();
    for (role, _) in ROLES {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(root().join("fixtures").join(folder).join(role))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
            .collect();
        paths.sort();
        found.extend(paths.into_iter().map(|path| fixture(path, role, "python")));
    }
    found
}

fn check(fixture: &Fixture) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_sockspec"))
        .args(["check", "--role", fixture.role, "--dialect", &fixture.dialect, "--report", "json"])
        .args(fixture.only.iter().flat_map(|id| ["--only", id]))
        .arg(&fixture.path)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{}: {error}: {}", fixture.path.display(), String::from_utf8_lossy(&output.stderr))
    });
    let requirements = report["submissions"][0]["programs"][0]["requirements"].as_array().unwrap().clone();
    let of = |verdict: &'static str| requirements.iter().filter(move |one| one["verdict"] == verdict);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Said {
        passed: of("passed").map(|one| text(&one["id"])).collect(),
        failed: of("failed").map(|one| (text(&one["id"]), text(&one["cause"]))).collect(),
        blocked: of("blocked").map(|one| text(&one["id"])).collect(),
        ungraded: of("ungraded").map(|one| (text(&one["id"]), text(&one["reason"]))).collect(),
    }
}

/// What is wrong with what was said of a fixture.
fn complaints(fixture: &Fixture, said: &Said) -> Vec<String> {
    let mut complaints = Vec::new();
    let failed: BTreeSet<String> = said.failed.keys().cloned().collect();
    if failed != fixture.fails {
        complaints.push(format!("must fail {:?}, failed {:?}", fixture.fails, said.failed));
    }
    let all = fixture.blocks.contains("*");
    if !all && !said.blocked.is_subset(&fixture.blocks) {
        complaints.push(format!("may block {:?}, blocked {:?}", fixture.blocks, said.blocked));
    }
    if let Some(id) = &fixture.only
        && !said.passed.contains(id)
    {
        complaints.push(format!("{id} was not passed"));
    }
    if !said.ungraded.is_empty() {
        complaints.push(format!("ungraded {:?}", said.ungraded));
    }
    if let Some(cause) = &fixture.cause
        && !said.failed.values().any(|said| said == cause)
    {
        complaints.push(format!("the cause is {cause}, said was {:?}", said.failed));
    }
    complaints
}

/// Checks all, a few at a time, and fails with every complaint.
fn all_are_as_their_headers_say(fixtures: &[Fixture]) {
    let queue = Mutex::new(fixtures.iter());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(fixture) = queue.lock().unwrap().next() else { return };
                    let said = check(fixture);
                    for complaint in complaints(fixture, &said) {
                        wrong.lock().unwrap().push(format!("{}: {complaint}", fixture.path.display()));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} fixtures:\n{}", wrong.len(), fixtures.len(), wrong.join("\n"));
}

#[test]
fn the_references_pass_everything_in_both_dialects() {
    let mut references = four("reference/python", "python");
    references.extend(four("reference/python-java", "java"));
    assert!(references.iter().all(|reference| reference.fails.is_empty()));
    all_are_as_their_headers_say(&references);
}

#[test]
fn the_textbook_passes_what_is_required_and_fails_the_extras_that_its_code_fails() {
    let textbook = four("textbook/python", "python");
    let extras: BTreeSet<String> =
        requirements("python").into_iter().filter(|(_, level)| level == "extra").map(|(id, _)| id).collect();
    for program in &textbook {
        assert!(program.fails.is_subset(&extras), "{}", program.path.display());
    }
    all_are_as_their_headers_say(&textbook);
}

#[test]
fn each_mutant_fails_what_its_header_says_and_nothing_else() {
    all_are_as_their_headers_say(&by_role("mutants"));
}

#[test]
fn odd_but_right_programs_lose_no_required_point() {
    let odd = by_role("odd/python");
    let required: BTreeSet<String> =
        requirements("python").into_iter().filter(|(_, level)| level == "required").map(|(id, _)| id).collect();
    for program in &odd {
        assert!(program.fails.is_disjoint(&required), "{}", program.path.display());
    }
    all_are_as_their_headers_say(&odd);
}

#[test]
fn each_requirement_has_a_mutant_that_fails_it() {
    let mutants = by_role("mutants");
    let killed: BTreeSet<&String> = mutants.iter().flat_map(|mutant| &mutant.fails).collect();
    let mut all: BTreeSet<String> = requirements("python").into_keys().collect();
    all.extend(requirements("java").into_keys());
    let alive: Vec<&String> = all.iter().filter(|id| !killed.contains(id)).collect();
    assert!(alive.is_empty(), "no mutant fails {alive:?}");
    let unknown: Vec<&&String> = killed.iter().filter(|id| !all.contains(**id)).collect();
    assert!(unknown.is_empty(), "mutants name {unknown:?}, which are not required anywhere");
}

#[test]
fn at_least_fifteen_causes_are_shown_by_mutants() {
    let causes: BTreeSet<String> = by_role("mutants").into_iter().filter_map(|mutant| mutant.cause).collect();
    assert!(causes.len() >= 15, "{causes:?}");
}

/// IDs and levels of a dialect, as `list` gives them.
fn requirements(dialect: &str) -> BTreeMap<String, String> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_sockspec")).args(["list", "--json", "--dialect", dialect]).output().unwrap();
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut all = BTreeMap::new();
    collect(&list, &mut all);
    all
}

/// Every object with an ID and a level, wherever it stands.
fn collect(value: &Value, all: &mut BTreeMap<String, String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, all)),
        Value::Object(entries) => {
            if let (Some(Value::String(id)), Some(Value::String(level))) = (entries.get("id"), entries.get("level")) {
                all.insert(id.clone(), level.clone());
            }
            entries.values().for_each(|value| collect(value, all));
        }
        _ => {}
    }
}

#[test]
fn mute_programs_earn_nothing_and_are_told_why() {
    for folder in ["mute/python", "mute/sleepers"] {
        let output = Command::new(env!("CARGO_BIN_EXE_sockspec"))
            .args(["check", "--report", "json"])
            .arg(root().join("fixtures").join(folder))
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let submission = &report["submissions"][0];
        // A server that binds its port and is mute has done that much.
        let most = if folder == "mute/python" { 7.0 } else { 0.0 };
        assert!(submission["score"].as_f64().unwrap() <= most, "{folder}: {}", submission["score"]);
        for program in submission["programs"].as_array().unwrap() {
            let requirements = program["requirements"].as_array().unwrap();
            assert!(requirements.iter().all(|one| one["verdict"] != "ungraded"), "{folder}: {program}");
            let told = requirements.iter().any(|one| one["explanation"].as_str().is_some_and(|text| text.len() > 20));
            assert!(told, "{folder}: {program}");
        }
    }
}

#[test]
fn the_examples_references_pass_and_their_mutants_do_not() {
    for example in ["echo", "daytime", "pinger"] {
        let folder = root().join("specs/examples").join(example);
        for (which, right) in [("reference", true), ("mutant", false)] {
            let output =
                Command::new(env!("CARGO_BIN_EXE_sockspec")).arg("check").arg(folder.join(which)).output().unwrap();
            let wanted = if right { Some(0) } else { Some(1) };
            assert_eq!(output.status.code(), wanted, "{example} {which}: {}", String::from_utf8_lossy(&output.stdout));
        }
    }
}

#[test]
fn the_table_of_who_kills_whom_is_fresh() {
    let file = root().join("fixtures/README.md");
    let old = std::fs::read_to_string(&file).unwrap_or_default();
    let new = readme();
    if std::env::var_os("SOCKSPEC_BLESS").is_some() {
        std::fs::write(&file, &new).unwrap();
    } else {
        assert!(old == new, "run `SOCKSPEC_BLESS=1 cargo test --test fixtures table`");
    }
}

fn readme() -> String {
    let mutants = by_role("mutants");
    let mut text = String::from(include_str!("fixtures.head.md"));
    for dialect in ["python", "java"] {
        let _ = writeln!(
            text,
            "\n## Who kills whom: dialect `{dialect}`\n\n| requirement | level | mutants that fail it |\n|---|---|---|"
        );
        for (id, level) in in_order(requirements(dialect)) {
            let names: Vec<String> = mutants
                .iter()
                .filter(|mutant| mutant.dialect == dialect && mutant.fails.contains(&id))
                .map(|mutant| {
                    let name = mutant.path.file_stem().unwrap().to_string_lossy().into_owned();
                    if mutant.fails.len() == 1 { format!("**{name}**") } else { name }
                })
                .collect();
            let _ = writeln!(text, "| {id} | {level} | {} |", names.join(", "));
        }
    }
    text.push_str("\n## The causes that they show\n\n| cause | mutants |\n|---|---|\n");
    let mut causes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mutant in &mutants {
        let stem = Path::new(mutant.path.file_name().unwrap()).file_stem().unwrap().to_string_lossy().into_owned();
        causes.entry(mutant.cause.clone().unwrap()).or_default().push(format!("{}/{stem}", mutant.role));
        assert!(!mutant.what.is_empty(), "{}", mutant.path.display());
    }
    for (cause, mutants) in causes {
        let _ = writeln!(text, "| {cause} | {} |", mutants.join(", "));
    }
    text
}

/// By role, then by number.
fn in_order(all: BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut all: Vec<_> = all.into_iter().collect();
    let order = ["UDPS", "UDPC", "TCPS", "TCPC"];
    all.sort_by_key(|(id, _)| {
        let (role, number) = id.split_once('-').unwrap();
        (order.iter().position(|known| *known == role), number.parse::<u32>().unwrap())
    });
    all
}
