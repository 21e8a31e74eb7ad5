//! Programs as students hand them in, in many languages and habits, unedited: each folder of
//! `fixtures/field` is graded as it is, and each program in it must be found, told, built, and judged as
//! its header says. The references in other languages must pass everything.
//!
//! What a program's language needs may be missing on a machine: then it must be said to be ungraded for
//! that. Where the tests run for all (`CI`), only what no Debian package brings may be missing.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;

/// Languages that no package of Debian's stable release brings.
const NOT_IN_DEBIAN: [&str; 1] = ["Python 2"];

/// So many folders are graded at the same time.
const AT_A_TIME: usize = 3;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What a program's header says.
#[derive(Debug)]
struct Header {
    /// Relative to the folder.
    file: String,
    values: BTreeMap<String, String>,
}

impl Header {
    fn read(folder: &Path, file: &Path) -> Option<Self> {
        let text = String::from_utf8(std::fs::read(file).ok()?).ok()?;
        let lines = text.lines().skip_while(|line| line.starts_with("#!"));
        let lines = lines.map_while(|line| line.strip_prefix("//").or_else(|| line.strip_prefix('#')));
        let values: BTreeMap<String, String> = lines
            .filter_map(|line| line.trim().split_once(':'))
            .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
            .collect();
        let file = file.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        values.contains_key("field").then_some(Self { file, values })
    }

    fn one(&self, key: &str) -> &str {
        self.values.get(key).map_or("", String::as_str)
    }

    fn ids(&self, key: &str) -> BTreeSet<String> {
        self.one(key).split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect()
    }
}

fn headers(folder: &Path) -> Vec<Header> {
    let mut found = Vec::new();
    let mut next = vec![folder.to_owned()];
    while let Some(place) = next.pop() {
        for entry in std::fs::read_dir(place).unwrap().flatten() {
            if entry.path().is_dir() {
                next.push(entry.path());
            } else {
                found.extend(Header::read(folder, &entry.path()));
            }
        }
    }
    found
}

fn report(folder: &Path, more: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_sockspec"))
        .args(["check", "--report", "json"])
        .args(more)
        .arg(folder)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        serde_json::json!({ "error": format!("{error}: {words}") })
    })
}

fn complaints_of(folder: &Path) -> Vec<String> {
    let report = report(folder, &[]);
    if let Some(error) = report["error"].as_str() {
        return vec![error.to_owned()];
    }
    let programs = report["submissions"][0]["programs"].as_array().cloned().unwrap_or_default();
    let headers = headers(folder);
    assert!(!headers.is_empty(), "{} has no header", folder.display());
    let mut complaints = Vec::new();
    for header in &headers {
        let program =
            programs.iter().find(|one| one["role"] == header.one("role") && one["path"] == header.file.as_str());
        match program {
            None => complaints.push(format!(
                "{} is no {}: found were {:?}",
                header.file,
                header.one("role"),
                programs.iter().map(|one| format!("{} {}", one["role"], one["path"])).collect::<Vec<_>>()
            )),
            Some(program) => {
                complaints.extend(
                    complaints_about(header, program).into_iter().map(|text| format!("{}: {text}", header.file)),
                );
            }
        }
    }
    complaints
}

fn complaints_about(header: &Header, program: &Value) -> Vec<String> {
    let requirements = program["requirements"].as_array().unwrap();
    let of = |verdict: &str| -> BTreeSet<String> {
        let some = requirements.iter().filter(|one| one["verdict"] == verdict);
        some.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let language = header.one("language");
    let mut complaints = Vec::new();
    if program["language"] != language {
        complaints.push(format!("its language is {language}, told was {}", program["language"]));
    }
    let ungraded = of("ungraded");
    if !ungraded.is_empty() {
        let reason = requirements.iter().find_map(|one| one["reason"].as_str()).unwrap_or_default();
        let allowed = NOT_IN_DEBIAN.contains(&language) || std::env::var_os("CI").is_none();
        if reason.contains(&format!("{language} programs cannot be")) && allowed {
            // Past the test harness, which shows nothing of a test that passes.
            let _ = writeln!(std::io::stderr(), "{}: not tried: {reason}", header.file);
            return complaints;
        }
        complaints.push(format!("ungraded: {reason}"));
        return complaints;
    }
    let (failed, blocked) = (of("failed"), of("blocked"));
    if program["dialect"] != header.one("dialect") {
        complaints.push(format!("its dialect is {}, told was {}", header.one("dialect"), program["dialect"]));
    }
    if failed != header.ids("fails") {
        let why: Vec<String> = requirements
            .iter()
            .filter(|one| one["verdict"] == "failed" && !header.ids("fails").contains(one["id"].as_str().unwrap()))
            .map(|one| format!("\n    {}: {} ({})", one["id"], one["explanation"], one["cause"]))
            .collect();
        complaints.push(format!("must fail {:?}, failed {failed:?}{}", header.ids("fails"), why.concat()));
    }
    let allowed = header.ids("blocks");
    if !allowed.contains("*") && !blocked.is_subset(&allowed) {
        complaints.push(format!("may block {allowed:?}, blocked {blocked:?}"));
    }
    let cause = header.one("cause");
    if !cause.is_empty() && !requirements.iter().any(|one| one["cause"] == cause) {
        let said: BTreeSet<&str> = requirements.iter().filter_map(|one| one["cause"].as_str()).collect();
        complaints.push(format!("the cause is {cause}, said was {said:?}"));
    }
    complaints
}

/// Each thing is done for every folder, a few at a time; all complaints come together.
fn all(folders: &[PathBuf], complaints: impl Fn(&Path) -> Vec<String> + Sync) {
    let queue = Mutex::new(folders.iter());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let Some(folder) = queue.lock().unwrap().next() else { return };
                    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
                    let found = complaints(folder).into_iter().map(|text| format!("{name}: {text}"));
                    wrong.lock().unwrap().extend(found);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} complaints about {} folders:\n{}", wrong.len(), folders.len(), wrong.join("\n"));
}

/// The folders in a folder of fixtures; `SOCKSPEC_FIELD` names one of them.
fn folders(place: &str) -> Vec<PathBuf> {
    let wanted = std::env::var("SOCKSPEC_FIELD").ok();
    let entries = std::fs::read_dir(root().join("fixtures").join(place)).unwrap().flatten();
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .filter(|path| {
            wanted.as_deref().is_none_or(|wanted| path.file_name().unwrap().to_str().unwrap().starts_with(wanted))
        })
        .collect();
    folders.sort();
    folders
}

#[test]
fn programs_from_the_field_are_judged_as_their_headers_say() {
    all(&folders("field"), complaints_of);
}

#[test]
fn references_in_every_language_pass_everything() {
    let others: Vec<PathBuf> = folders("reference").into_iter().filter(|path| !path.ends_with("python-java")).collect();
    all(&others, |folder| {
        let report = report(folder, &[]);
        let programs = report["submissions"][0]["programs"].as_array().cloned().unwrap_or_default();
        let mut complaints = Vec::new();
        if programs.len() != 4 {
            complaints.push(format!("{} programs were found: {report}", programs.len()));
        }
        for program in &programs {
            let dialect = if folder.ends_with("java") { "java" } else { "python" };
            // By UDP, what Java speaks is Java's dialect, on whatever port.
            let udp = program["role"].as_str().unwrap().starts_with("udp");
            if program["dialect"] != dialect && !udp {
                complaints
                    .push(format!("{}: its dialect is {dialect}, told was {}", program["path"], program["dialect"]));
            }
            let requirements = program["requirements"].as_array().unwrap();
            for one in requirements.iter().filter(|one| one["verdict"] != "passed") {
                let reason = one["reason"].as_str().unwrap_or_default();
                let missing = reason.contains("programs cannot be");
                let allowed =
                    NOT_IN_DEBIAN.iter().any(|name| program["language"] == *name) || std::env::var_os("CI").is_none();
                if missing && allowed {
                    continue;
                }
                complaints.push(format!(
                    "{}: {} {} {reason} {}",
                    program["path"], one["id"], one["verdict"], one["explanation"]
                ));
            }
        }
        complaints
    });
}
