//! The command line as its callers see it: exit statuses, what is printed where, reports, records.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by a panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::{contains, is_match};
use serde_json::Value;
use tempfile::TempDir;

/// The last resort: nothing here waits so long.
const PATIENCE: Duration = Duration::from_secs(300);

/// What breaks terminals, XML and CI systems, as a Python literal.
const HOSTILE: &str = r"'\0 \x07 \x1b[31m\x1b]0;title\x07 \x9b2J \u202e ]]> <testcase name=\'forged\'/> \
<failure/> &#0; [[ATTACHMENT|/etc/passwd]]\r\n::error::forged\n##[error]forged'";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The binary, with nothing in its environment that decides about colours.
fn sockspec() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockspec"));
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI", "TERM"] {
        command.env_remove(variable);
    }
    command.current_dir(root()).timeout(PATIENCE);
    command
}

fn textbook() -> PathBuf {
    root().join("fixtures/textbook/python")
}

fn mutant(name: &str) -> PathBuf {
    root().join("fixtures/mutants").join(name)
}

/// One small scenario of one program: for tests that need a grading, whichever.
fn small_check() -> Command {
    let mut command = sockspec();
    command.arg("check").arg(textbook().join("UDPServer.py")).args(["--only", "UDPS-2"]);
    command
}

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("sockspec-cli-").tempdir().unwrap()
}

fn write(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(bytes)))
}

fn read_json(file: &Path) -> Value {
    json(&fs::read(file).unwrap())
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// All verdicts of a report.
fn requirements(report: &Value) -> Vec<&Value> {
    let programs = array(&report["submissions"]).iter().flat_map(|submission| array(&submission["programs"]));
    programs.flat_map(|program| array(&program["requirements"])).collect()
}

fn ids(requirements: &[&Value]) -> BTreeSet<String> {
    requirements.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

/// Fails where a terminal would do anything but show text and begin new lines.
fn must_be_calm(output: &Output) {
    for (name, bytes) in [("standard output", &output.stdout), ("standard error", &output.stderr)] {
        let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let wild = text.chars().find(|c| c.is_control() && *c != '\n' || matches!(c, '\u{202a}'..='\u{202e}'));
        assert!(wild.is_none(), "{name} has {wild:?}: {text}");
    }
}

/// Whether `xmllint` reads a file without a complaint, and what an XPath finds there. A machine may
/// lack it; CI may not.
fn xpath(file: &Path, path: &str) -> Option<String> {
    let output = std::process::Command::new("xmllint").args(["--nonet", "--noent", "--xpath", path]).arg(file).output();
    match output {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
        }
        Err(error) => {
            assert!(cfg!(windows) || std::env::var_os("CI").is_none(), "CI must have xmllint: {error}");
            None
        }
    }
}

/// What `tshark` says of each packet of a file, a line each, after it has read the file without a
/// complaint. A machine may lack it; CI may not.
fn packets(file: &Path) -> Option<String> {
    let fields = ["frame.protocols", "tcp.flags.str", "frame.comment"].map(|field| ["-e", field]);
    let output = std::process::Command::new("tshark")
        .args(["-T", "fields"])
        .args(fields.as_flattened())
        .arg("-r")
        .arg(file)
        .output();
    match output {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            // As root it always says so.
            let complaints: Vec<&str> = said.lines().filter(|line| !line.starts_with("Running as user")).collect();
            assert!(output.status.success() && complaints.is_empty(), "{}: {complaints:?}", file.display());
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "CI must have tshark: {error}");
            None
        }
    }
}

// Exit statuses

#[test]
fn the_textbooks_programs_end_with_status_0() {
    let output = sockspec().arg("check").arg(textbook()).assert().code(0).get_output().clone();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    for words in ["UDP server", "UDP client", "TCP server", "TCP client", "UDPS-1", "TCPC-1", "100 / 100"] {
        assert!(text.contains(words), "{words} is not in {text}");
    }
    must_be_calm(&output);
}

#[test]
fn a_program_with_a_defect_ends_with_status_1_and_is_told_why() {
    sockspec()
        .args(["check", "--role", "tcp-server", "--only", "TCPS-3"])
        .arg(mutant("tcp-server/newline-added.py"))
        .assert()
        .code(1)
        .stdout(contains("✗ TCPS-3").and(contains("\\n")).and(contains("Again: sockspec check")));
}

#[test]
fn wrong_usage_ends_with_status_2_and_says_what_is_right() {
    let roles = || contains("udp-server, udp-client, tcp-server, tcp-client");
    sockspec().assert().code(2);
    sockspec().arg("chekc").assert().code(2).stderr(contains("check"));
    sockspec().args(["check", ".", "--role", "tcp-sever"]).assert().code(2).stderr(roles());
    sockspec().args(["check", ".", "--seed", "x"]).assert().code(2).stderr(contains("--seed"));
    sockspec().args(["check", ".", "--report", "jnuit"]).assert().code(2).stderr(contains("junit"));
    sockspec().args(["check", ".", "--report", "json="]).assert().code(2).stderr(contains("FORMAT=FILE"));
    sockspec().args(["check", ".", "--dialect", "pyhton"]).assert().code(2).stderr(contains("python"));
    sockspec().args(["check", ".", "--", "true"]).assert().code(2).stderr(contains("--role"));
    sockspec().args(["judge"]).assert().code(2).stderr(contains("RECORD"));
}

#[test]
fn an_unknown_pattern_ends_with_status_2_and_names_the_nearest() {
    let nearest = is_match(r"did you mean TCPS-\d+\?").unwrap();
    let mut command = sockspec();
    command.arg("check").arg(textbook()).args(["--only", "TCPS-2,TCPS-55"]);
    command.assert().code(2).stdout("").stderr(contains("--only TCPS-55").and(nearest));
    small_check().args(["--only", "NOTHING-*"]).assert().code(2).stdout("").stderr(contains("sockspec list"));
}

#[test]
fn a_pattern_that_asks_nothing_of_the_program_ends_with_status_2() {
    // Else nothing would be tested, and all would hold.
    let check = |arguments: &[&str]| {
        let mut command = sockspec();
        command.arg("check").args(arguments).args(["--only", "TCPS-5"]);
        command.assert().code(2).stdout("").stderr(contains("--only TCPS-5"));
    };
    check(&["fixtures/textbook/python", "--role", "udp-server"]);
    check(&["fixtures/textbook/python/UDPServer.py"]);
}

#[test]
fn a_path_that_is_not_there_ends_with_status_2() {
    let folder = folder();
    let nowhere = folder.path().join("nowhere");
    let run = |arguments: &[&str], path: &Path| {
        let output = sockspec().args(arguments).arg(path).assert().code(2).stdout("").get_output().clone();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("nowhere"), "{text}");
    };
    run(&["check"], &nowhere);
    run(&["judge"], &nowhere);
    run(&["lint"], &nowhere);
    run(&["check", "fixtures/textbook/python", "--assignment"], &nowhere);
    let beyond = format!("json={}", nowhere.join("report.json").display());
    small_check().args(["--report", &beyond]).assert().code(2).stdout("").stderr(contains("there is no folder"));
}

#[test]
fn a_bad_assignment_ends_with_status_2_at_the_place_of_each_mistake() {
    let folder = folder();
    let file = write(&folder, "sockspec.yaml", "assignment: lab\nrols: [udp-server]\npoints: { udp-server: many }\n");
    for arguments in [["check", "fixtures/textbook/python"], ["explain", "TCPS-5"], ["list", "--json"]] {
        let places = contains("sockspec.yaml:2:1")
            .and(contains("rols"))
            .and(contains("roles"))
            .and(contains("sockspec.yaml:3:"));
        sockspec().args(arguments).arg("--assignment").arg(&file).assert().code(2).stdout("").stderr(places);
    }
}

#[test]
fn help_and_version_end_with_status_0() {
    sockspec().arg("--help").assert().code(0).stdout(contains("Exit status"));
    sockspec().arg("--version").assert().code(0).stdout(contains(env!("CARGO_PKG_VERSION")));
    for command in ["check", "judge", "list", "explain", "lint"] {
        let output = sockspec().args([command, "--help"]).assert().code(0).get_output().clone();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("Examples:"), "{command}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{command}: 80 columns suffice: {text}");
    }
}

// list, explain, lint

/// The IDs that a suite's file defines.
fn defined() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for role in ["udp-server", "udp-client", "tcp-server", "tcp-client"] {
        let text = fs::read_to_string(root().join(format!("specs/{role}.yaml"))).unwrap();
        let ids = text.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
        found.extend(ids.filter(|id| id.starts_with(['U', 'T'])).map(str::to_owned));
    }
    assert!(found.len() > 60, "{found:?}");
    found
}

fn listed(dialect: &str) -> Value {
    json(&sockspec().args(["list", "--json", "--dialect", dialect]).assert().code(0).get_output().stdout)
}

#[test]
fn the_list_has_every_requirement_of_all_four_suites() {
    let mut seen = BTreeSet::new();
    for dialect in ["python", "java"] {
        let list = listed(dialect);
        let suites = array(&list["suites"]);
        let roles: Vec<&str> = suites.iter().map(|suite| suite["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["udp-server", "udp-client", "tcp-server", "tcp-client"], "{dialect}");
        for suite in suites {
            let all: Vec<&Value> = array(&suite["requirements"]).iter().collect();
            let here = ids(&all);
            let tested: BTreeSet<String> = array(&suite["scenarios"])
                .iter()
                .flat_map(|scenario| array(&scenario["requirements"]))
                .map(|id| id.as_str().unwrap().to_owned())
                .collect();
            assert_eq!(tested, here, "each requirement has a scenario");
            seen.extend(here);
            let points: f64 = all.iter().map(|one| one["points"].as_f64().unwrap()).sum();
            assert!((points - 25.0).abs() < 1e-9, "{dialect}: {points}");
        }
    }
    assert_eq!(seen, defined());
}

#[test]
fn the_list_for_people_has_them_too_in_80_columns() {
    let output = sockspec().args(["list", "--dialect", "java"]).assert().code(0).get_output().clone();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let list = listed("java");
    for one in array(&list["suites"]).iter().flat_map(|suite| array(&suite["requirements"])) {
        let id = format!(" {} ", one["id"].as_str().unwrap());
        assert!(text.contains(&id), "{id}");
    }
    let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    must_be_calm(&output);
}

#[test]
fn a_list_of_one_role_has_no_other() {
    let output = sockspec().args(["list", "--json", "--role", "tcp-client"]).assert().code(0).get_output().clone();
    let list = json(&output.stdout);
    assert_eq!(array(&list["suites"]).len(), 1);
    assert!(
        array(&list["suites"][0]["requirements"]).iter().all(|one| one["id"].as_str().unwrap().starts_with("TCPC-"))
    );
}

#[test]
fn a_requirement_is_explained_with_its_reason_remedy_source_and_scenario() {
    let words = contains("closes the connection after its reply")
        .and(contains("why"))
        .and(contains("to fix it"))
        .and(contains("Kurose"))
        .and(contains("Scenario"))
        .and(is_match(r"(?m)^   → ").unwrap());
    sockspec().args(["explain", "TCPS-5"]).assert().code(0).stderr("").stdout(words);
    sockspec().args(["explain", "tcps-5"]).assert().code(0).stdout(contains("TCPS-5"));
}

#[test]
fn every_requirement_can_be_explained() {
    for id in defined() {
        let output = sockspec().args(["explain", &id]).assert().code(0).get_output().clone();
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(text.starts_with(&format!("{id} ")) && text.contains("Scenario"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "80 columns suffice: {text}");
        must_be_calm(&output);
    }
}

#[test]
fn an_unknown_requirement_ends_with_status_2_and_names_the_nearest() {
    let nearest = is_match(r"`TCPS-55`; did you mean TCPS-1?5\?").unwrap();
    sockspec().args(["explain", "TCPS-55"]).assert().code(2).stdout("").stderr(nearest);
    sockspec().args(["explain", "\u{1b}[2Jx"]).assert().code(2).stderr(contains("\u{1b}").not());
}

#[test]
fn lint_is_content_with_what_is_right() {
    let files = ["udp-server", "udp-client", "tcp-server", "tcp-client", "dialects/python", "dialects/java"]
        .map(|name| root().join(format!("specs/{name}.yaml")));
    let assert =
        sockspec().arg("lint").args(&files).arg("specs/examples/echo/sockspec.yaml").assert().code(0).stderr("");
    let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    assert_eq!(text.matches("has no mistakes").count(), 7, "{text}");
}

#[test]
fn lint_names_all_mistakes_of_all_files_with_their_places() {
    let folder = folder();
    let one = write(&folder, "one.yaml", "assignment: one\ndialetc: python\nshow: everything\n");
    let two = write(&folder, "two.yaml", "assignment: two\nrequirements:\n  TCPS-55: { level: extra }\n");
    let right = write(&folder, "right.yaml", "assignment: right\n");
    let places = contains("one.yaml:2:1")
        .and(contains("dialect"))
        .and(contains("one.yaml:3:7"))
        .and(contains("two.yaml:3:3"))
        .and(contains("^"));
    sockspec().arg("lint").args([one, two, right]).assert().code(2).stdout(contains("right.yaml")).stderr(places);
}

// Reports

#[test]
fn the_json_report_has_the_shape_that_was_promised() {
    let folder = folder();
    let (junit_file, json_file) = (folder.path().join("junit.xml"), folder.path().join("report.json"));
    sockspec()
        .args(["check", "--role", "udp-server", "--seed", "7"])
        .arg(mutant("udp-server/newline-added.py"))
        .args(["--report", &format!("junit={}", junit_file.display())])
        .args(["--report", &format!("json={}", json_file.display())])
        .assert()
        .code(1)
        .stdout(contains("UDPS-3"));
    let report = read_json(&json_file);
    assert_eq!(report["format"], "sockspec/1");
    assert_eq!(report["seed"], 7);
    assert!(report["isolation"].is_string());
    let [submission] = array(&report["submissions"]) else { panic!("{report:#}") };
    assert!(submission["id"].is_string());
    let [program] = array(&submission["programs"]) else { panic!("{report:#}") };
    assert_eq!(
        [&program["role"], &program["path"], &program["language"]],
        ["udp-server", "newline-added.py", "Python"]
    );
    let all = requirements(&report);
    assert!(all.len() > 10);
    let (mut earned, mut points) = (0.0, 0.0);
    for one in &all {
        let keys = ["id", "title", "level", "verdict", "points", "earned", "expected", "actual", "explanation", "hint"];
        for key in keys {
            assert!(one.get(key).is_some(), "{key}: {one:#}");
        }
        let verdict = one["verdict"].as_str().unwrap();
        assert!(["passed", "failed", "blocked", "ungraded"].contains(&verdict), "{verdict}");
        assert!(["required", "extra"].contains(&one["level"].as_str().unwrap()));
        let told = ["expected", "actual", "explanation", "hint"].map(|key| one[key].is_string());
        assert_eq!(told, [verdict == "failed"; 4], "{one:#}");
        assert_eq!(one["blocked_by"].is_string(), verdict == "blocked", "{one:#}");
        let worth = if verdict == "passed" { &one["points"] } else { &Value::from(0) };
        assert_eq!(&one["earned"], worth, "{one:#}");
        earned += one["earned"].as_f64().unwrap();
        points += one["points"].as_f64().unwrap();
    }
    let failed: Vec<&&Value> = all.iter().filter(|one| one["verdict"] == "failed").collect();
    assert_eq!(failed.iter().map(|one| one["id"].as_str().unwrap()).collect::<Vec<_>>(), ["UDPS-3"]);
    assert!((submission["score"].as_f64().unwrap() - earned).abs() < 1e-9);
    assert!((submission["max_score"].as_f64().unwrap() - points).abs() < 1e-9);
    assert!((points - 25.0).abs() < 1e-9);

    let Some(counts) = xpath(&junit_file, "concat(count(//testsuite), ' ', count(//testcase), ' ', count(//failure))")
    else {
        return;
    };
    assert_eq!(counts, format!("1 {} 1", all.len()));
}

#[test]
fn a_report_on_standard_output_stands_there_alone() {
    let output = small_check().args(["--report", "json"]).assert().code(0).get_output().clone();
    assert_eq!(json(&output.stdout)["format"], "sockspec/1");
    assert!(String::from_utf8(output.stderr.clone()).unwrap().contains("UDPS-2"), "people read standard error then");
    let output = small_check().args(["--report", "junit"]).assert().code(0).get_output().clone();
    assert!(output.stdout.starts_with(b"<?xml"), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn only_what_is_wanted_is_tested_and_what_that_needs() {
    let output = small_check().args(["--only", "UDPS-1*", "--report", "json"]).assert().get_output().clone();
    let report = json(&output.stdout);
    let tested = ids(&requirements(&report));
    assert!(tested.contains("UDPS-1") && tested.contains("UDPS-2") && tested.contains("UDPS-16"), "{tested:?}");
    assert!(!tested.contains("UDPS-7"), "{tested:?}");
}

/// What a clock says in a report; all else is the program's. The place of an event among all others depends
/// on how many of them a segment's acknowledgement or a line's parts made, and how often a program is started
/// on how many workers a busy machine shares its scenarios out to.
const CLOCKS: [&str; 4] = ["graded_at", "milliseconds", "event", "starts"];

/// A report without the lines that a clock made, to the byte.
fn without_clocks(report: &[u8]) -> String {
    let text = std::str::from_utf8(report).unwrap();
    let clock = |line: &&str| CLOCKS.iter().any(|key| line.trim_start().starts_with(&format!("\"{key}\":")));
    text.lines().filter(|line| !clock(line)).map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_same_seed_gives_the_same_report_twice() {
    for program in ["tcp-server/hides-digits.py", "udp-client/prints-bytes.py"] {
        let path = mutant(program);
        assert!(path.exists(), "{program}");
        let run = |seed: &str| {
            let role = program.split('/').next().unwrap();
            let arguments = ["check", "--role", role, "--seed", seed, "--report", "json"];
            let output = sockspec().args(arguments).arg(&path).output().unwrap();
            assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
            without_clocks(&output.stdout)
        };
        let first = run("1234567");
        assert_eq!(first, run("1234567"), "{program}");
        assert_ne!(first, run("7654321"), "{program}: another seed draws other texts");
    }
}

#[test]
fn without_a_seed_the_content_gives_one_and_it_is_printed() {
    let seed = |command: &mut Command| {
        let output = command.args(["--report", "json"]).assert().code(0).get_output().clone();
        let seed = json(&output.stdout)["seed"].as_u64().unwrap();
        assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("--seed {seed}")));
        seed
    };
    assert_eq!(seed(&mut small_check()), seed(&mut small_check()));
    let folder = folder();
    let mut code = fs::read_to_string(textbook().join("UDPServer.py")).unwrap();
    code.push_str("# another content\n");
    let other = write(&folder, "UDPServer.py", code);
    assert_ne!(seed(&mut small_check()), seed(sockspec().arg("check").arg(other).args(["--only", "UDPS-2"])));
}

// Records

/// A record of a whole program that fails something, and the report of the same run.
fn recorded(folder: &TempDir) -> (PathBuf, Vec<u8>) {
    let record = folder.path().join("run.json");
    let output = sockspec()
        .args(["check", "--role", "tcp-server", "--report", "json", "--record"])
        .arg(&record)
        .arg(mutant("tcp-server/newline-added.py"))
        .assert()
        .code(1)
        .get_output()
        .clone();
    (record, output.stdout)
}

#[test]
fn a_record_is_judged_again_to_the_byte_and_under_other_points() {
    let folder = folder();
    let (record, report) = recorded(&folder);
    let judged = sockspec().arg("judge").arg(&record).args(["--report", "json"]).assert().code(1).get_output().clone();
    assert!(
        judged.stdout == report,
        "{}\n{}",
        String::from_utf8_lossy(&judged.stdout),
        String::from_utf8_lossy(&report)
    );

    let assignment = "assignment: other\npoints: { tcp-server: 50 }\n\
                      requirements: { TCPS-3: { points: 10 }, TCPS-2: { level: extra } }\n";
    let assignment = write(&folder, "other.yaml", assignment);
    let command = |extra: &[&str]| {
        let mut command = sockspec();
        command.arg("judge").arg(&record).arg("--assignment").arg(&assignment).args(["--report", "json"]).args(extra);
        json(&command.assert().code(1).get_output().stdout)
    };
    let (old, new) = (json(&report), command(&[]));
    assert_eq!(old["submissions"][0]["max_score"], 25);
    assert_eq!(new["submissions"][0]["max_score"], 50);
    assert_eq!(new["submissions"][0]["assignment"], "other");
    let verdicts = |report: &Value| -> Vec<(Value, Value)> {
        requirements(report).iter().map(|one| (one["id"].clone(), one["verdict"].clone())).collect()
    };
    assert_eq!(verdicts(&old), verdicts(&new));
    let one = |id: &str| requirements(&new).into_iter().find(|one| one["id"] == id).unwrap().clone();
    assert_eq!(one("TCPS-3")["points"], 10);
    assert_eq!(one("TCPS-3")["earned"], 0);
    assert_eq!(one("TCPS-2")["level"], "extra");
    assert_eq!(one("TCPS-2")["points"], 0);
}

#[test]
fn what_is_no_record_ends_with_status_2() {
    let folder = folder();
    let rubbish = write(&folder, "rubbish.json", b"\x00\x1b[31m{");
    let other = write(&folder, "other.json", "{\"format\":\"\u{1b}[31msockspec/1\"}");
    let half = {
        let (record, _) = recorded(&folder);
        let bytes = fs::read(record).unwrap();
        write(&folder, "half.json", &bytes[..bytes.len() / 2])
    };
    for file in [rubbish, other, half] {
        let output = sockspec().arg("judge").arg(&file).assert().code(2).stdout("").get_output().clone();
        assert!(String::from_utf8_lossy(&output.stderr).contains("no record of sockspec"), "{output:?}");
        must_be_calm(&output);
    }
}

// Colours

#[test]
fn a_pipe_gets_no_escapes_unless_it_wants_them() {
    must_be_calm(small_check().assert().code(0).get_output());
    must_be_calm(small_check().env("TERM", "xterm-256color").assert().code(0).get_output());
    must_be_calm(small_check().env("NO_COLOR", "1").env("TERM", "xterm").assert().code(0).get_output());
    small_check().args(["--color", "never"]).assert().stdout(contains("\u{1b}").not());
    small_check().args(["--color", "always"]).assert().stdout(contains("\u{1b}["));
}

#[cfg(unix)]
#[test]
fn a_terminal_gets_colours_unless_no_color_is_set() {
    let plain = at_a_terminal(&[("NO_COLOR", "1")], &["list", "--role", "udp-server"]);
    assert!(plain.contains("UDPS-1") && !plain.contains('\u{1b}'), "{plain:?}");
    let dumb = at_a_terminal(&[("TERM", "dumb")], &["list", "--role", "udp-server"]);
    assert!(dumb.contains("UDPS-1") && !dumb.contains('\u{1b}'), "{dumb:?}");
    let colourful = at_a_terminal(&[], &["list", "--role", "udp-server"]);
    assert!(colourful.contains("UDPS-1") && colourful.contains("\u{1b}["), "{colourful:?}");
}

/// What the binary writes to a terminal.
#[cfg(unix)]
fn at_a_terminal(environment: &[(&str, &str)], arguments: &[&str]) -> String {
    use std::io::Read as _;

    let terminal = nix::pty::openpty(None, None).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sockspec"));
    // A CI is taken to show colours whatever its terminal is called.
    for variable in ["CI", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    command.env("TERM", "xterm").envs(environment.iter().copied()).args(arguments).current_dir(root());
    command.stdin(std::process::Stdio::null()).stdout(terminal.slave.try_clone().unwrap()).stderr(terminal.slave);
    let mut child = command.spawn().unwrap();
    // It holds the other end of the terminal, which would never end.
    drop(command);
    let mut text = Vec::new();
    // Linux says EIO, not end-of-file, when the last one has gone.
    let _ = fs::File::from(terminal.master).read_to_end(&mut text);
    assert!(child.wait().unwrap().success());
    String::from_utf8(text).unwrap()
}

// Hostile and unclear submissions

#[test]
fn hostile_output_breaks_neither_the_terminal_nor_a_report() {
    let folder = folder();
    let begin = format!("import socket, sys\nHOSTILE = {HOSTILE}\nprint(HOSTILE)\nsys.stderr.write(HOSTILE + '\\n')\n");
    let server = "s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)\ns.bind(('', 12000))\ns.listen(1)\n\
                  c, _ = s.accept()\nc.recv(1024)\nc.send(HOSTILE.encode('utf-8', 'replace') + bytes(range(256)))\n\
                  raise RuntimeError(HOSTILE)\n";
    let client = "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
                  s.sendto(HOSTILE.encode() + bytes(range(256)), ('127.0.0.1', 12000))\n\
                  raise SystemExit(HOSTILE)\n";
    write(&folder, "TCPServer.py", format!("{begin}{server}"));
    write(&folder, "UDPClient.py", format!("{begin}{client}"));
    let (junit_file, json_file) = (folder.path().join("junit.xml"), folder.path().join("report.json"));
    let output = sockspec()
        .arg("check")
        .arg(folder.path())
        .args(["--report", &format!("junit={}", junit_file.display())])
        .args(["--report", &format!("json={}", json_file.display())])
        .assert()
        .code(1)
        .get_output()
        .clone();
    must_be_calm(&output);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("forged"), "it was printed, so it is shown: {shown}");
    for line in shown.lines() {
        assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "a CI system would obey: {line}");
    }

    let junit = fs::read_to_string(&junit_file).unwrap();
    assert!(junit.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
    assert!(!junit.contains("[[ATTACHMENT|"), "Jenkins would attach that file");
    assert!(junit.contains("forged"), "it was printed, so it is reported");
    let all = requirements(&read_json(&json_file)).len();
    let missing = array(&read_json(&json_file)["submissions"][0]["missing"]).len();
    assert!(all > 20 && missing == 2);
    let Some(cases) = xpath(&junit_file, "count(//testcase[@name and contains(@name, '-')])") else { return };
    let cases: usize = cases.parse().unwrap();
    assert!((all..=all + missing).contains(&cases), "{cases} of {all}");
    assert_eq!(xpath(&junit_file, "count(//testcase[contains(@name, 'forged')])").unwrap(), "0");
    assert_eq!(xpath(&junit_file, "count(//failure) > 0").unwrap(), "true");
}

#[cfg(unix)]
#[test]
fn a_hostile_file_name_is_shown_as_text() {
    let folder = folder();
    let code = fs::read(textbook().join("UDPServer.py")).unwrap();
    let path = write(&folder, "UDPServer\u{1b}[31m\n::error::.py", code);
    let junit = folder.path().join("junit.xml");
    let output = sockspec()
        .args(["check", "--role", "udp-server", "--only", "UDPS-2", "--report", &format!("junit={}", junit.display())])
        .arg(path)
        .assert()
        .code(0)
        .get_output()
        .clone();
    must_be_calm(&output);
    assert!(!String::from_utf8(output.stdout).unwrap().lines().any(|line| line.trim_start().starts_with("::")));
    assert!(!fs::read_to_string(&junit).unwrap().contains('\u{1b}'));
    assert_eq!(xpath(&junit, "count(//testcase)").unwrap_or("2".to_owned()), "2");
}

#[test]
fn an_empty_folder_lacks_all_programs() {
    let folder = folder();
    let output =
        sockspec().arg("check").arg(folder.path()).args(["--report", "json"]).assert().code(1).get_output().clone();
    let report = json(&output.stdout);
    let submission = &report["submissions"][0];
    assert_eq!((&submission["score"], &submission["max_score"]), (&Value::from(0), &Value::from(100)));
    assert_eq!(array(&submission["missing"]).len(), 4);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("missing") && text.contains("UDPServer.py") && text.contains("TCPClient.py"), "{text}");
}

#[test]
fn a_binary_file_is_graded_where_it_has_a_programs_name_and_else_asked_about() {
    let folder = folder();
    let rubbish: Vec<u8> = (0..4096u32).map(|number| u8::try_from(number * 197 % 256).unwrap()).collect();
    let nameless = write(&folder, "a.bin", &rubbish);
    let output = sockspec().arg("check").arg(&nameless).assert().code(2).stdout("").get_output().clone();
    assert!(String::from_utf8_lossy(&output.stderr).contains("--role"), "{output:?}");
    let output =
        sockspec().args(["check", "--role", "udp-server"]).arg(&nameless).assert().code(2).get_output().clone();
    assert!(String::from_utf8_lossy(&output.stderr).contains("-- COMMAND"), "{output:?}");
    must_be_calm(&output);

    let named = write(&folder, "UDPServer.py", &rubbish);
    let output = sockspec().arg("check").arg(&named).args(["--report", "json"]).assert().code(1).get_output().clone();
    must_be_calm(&output);
    let report = json(&output.stdout);
    let first = requirements(&report)[0];
    assert_eq!((&first["id"], &first["verdict"]), (&Value::from("UDPS-1"), &Value::from("failed")));
    assert!(requirements(&report).iter().all(|one| one["verdict"] == "failed" || one["verdict"] == "blocked"));
    // What Python says of such a file differs from version to version; that it ended does not.
    let explanation = first["explanation"].as_str().unwrap();
    assert!(explanation.contains("Error") || explanation.contains("exit status 1"), "{first:#}");
}

#[test]
fn of_two_candidates_neither_is_chosen_and_both_are_named() {
    let folder = folder();
    let code = fs::read(textbook().join("TCPServer.py")).unwrap();
    write(&folder, "first/TCPServer.py", &code);
    write(&folder, "second/TCPServer.py", &code);
    let words = contains("TCP server")
        .and(is_match(r"first.TCPServer\.py").unwrap())
        .and(is_match(r"second.TCPServer\.py").unwrap())
        .and(contains("--role tcp-server"));
    sockspec().arg("check").arg(folder.path()).assert().code(2).stdout("").stderr(words);
    // What is advised helps.
    let one = folder.path().join("second/TCPServer.py");
    sockspec().arg("check").arg(one).args(["--role", "tcp-server", "--only", "TCPS-1"]).assert().code(0);
}

#[test]
fn a_command_is_run_as_the_program_of_its_role() {
    let folder = folder();
    let right = fs::read_to_string(textbook().join("UDPClient.py")).unwrap();
    let code = format!("import sys\nassert sys.argv[1:] == ['a b', '']\n{right}");
    write(&folder, "whatever.txt", code);
    let python = if cfg!(windows) { "python" } else { "python3" };
    let output = sockspec()
        .arg("check")
        .arg(folder.path())
        .args(["--role", "udp-client", "--only", "UDPC-3", "--report", "json"])
        .args(["--", python, "whatever.txt", "a b", ""])
        .assert()
        .code(0)
        .get_output()
        .clone();
    let report = json(&output.stdout);
    let [program] = array(&report["submissions"][0]["programs"]) else { panic!("{report:#}") };
    assert_eq!(program["role"], "udp-client");
    assert!(program["path"].as_str().unwrap().contains("whatever.txt"));
    let again = String::from_utf8(output.stderr).unwrap();
    assert!(again.contains("'a b' ''"), "the way to do it again is quoted for a shell: {again}");
}

#[test]
fn nothing_is_changed_in_the_submission() {
    let folder = folder();
    let code = fs::read_to_string(textbook().join("UDPServer.py")).unwrap();
    let path =
        write(&folder, "UDPServer.py", format!("open('made', 'w').write('x')\nopen(__file__, 'a').write('#')\n{code}"));
    let before = fs::read(&path).unwrap();
    sockspec().arg("check").arg(folder.path()).args(["--role", "udp-server", "--only", "UDPS-2"]).assert().code(0);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// The requirements and levels that `list` gives with these arguments.
fn levels(arguments: &[&str]) -> BTreeSet<(String, String)> {
    let output = sockspec().args(["list", "--json"]).args(arguments).assert().success().get_output().stdout.clone();
    let list = json(&output);
    let suites = array(&list["suites"]).iter().flat_map(|suite| array(&suite["requirements"]));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    suites.map(|one| (text(&one["id"]), text(&one["level"]))).collect()
}

#[test]
fn an_assignment_that_sets_a_property_asks_what_a_dialect_with_it_asks() {
    let folder = folder();
    let java = "assignment: a\nproperties: { framing: line, closes_first: client }\n\
                requirements: { UDPS-3: { level: extra }, TCPS-10: { level: extra } }\n";
    let file = write(&folder, "java.yaml", java);
    assert_eq!(levels(&["--assignment", file.to_str().unwrap()]), levels(&["--dialect", "java"]));
    let file = write(&folder, "line.yaml", "assignment: a\nproperties: { framing: line }\n");
    let line = levels(&["--assignment", file.to_str().unwrap()]);
    for id in ["TCPS-15", "TCPS-16", "TCPC-9", "TCPC-13", "TCPS-5", "TCPS-6"] {
        assert!(line.contains(&(id.to_owned(), "required".to_owned())), "{id}");
    }
}

#[test]
fn a_requirement_that_means_nothing_in_the_dialect_is_not_silently_left_out() {
    let folder = folder();
    let text = "assignment: a\ndialect: python\nrequirements: { TCPS-15: { level: required } }\n";
    let file = write(&folder, "a.yaml", text);
    let lint = sockspec().arg("lint").arg(file).assert().code(2);
    lint.stderr(contains("a.yaml:3:17").and(contains("framing: line")));
}

#[test]
fn a_file_is_run_with_what_its_folder_holds() {
    let folder = folder();
    write(&folder, "UDPServer.py", "import parts.serve\n");
    write(&folder, "parts/serve.py", fs::read_to_string(textbook().join("UDPServer.py")).unwrap());
    sockspec().arg("check").arg(folder.path().join("UDPServer.py")).args(["--only", "UDPS-2"]).assert().success();
}

#[cfg(unix)]
#[test]
fn a_file_whose_folder_cannot_be_copied_is_not_blamed_for_what_it_misses() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = folder();
    write(&folder, "UDPServer.py", "import parts.serve\n");
    write(&folder, "parts/serve.py", fs::read_to_string(textbook().join("UDPServer.py")).unwrap());
    fs::write(folder.path().join("parts").join(std::ffi::OsStr::from_bytes(b"\xff.txt")), "").unwrap();
    let check = sockspec().arg("check").arg(folder.path().join("UDPServer.py")).args(["--only", "UDPS-2"]).assert();
    check.code(3).stdout(contains("folder of its own"));
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_of_the_submission_is_named() {
    let (folder, elsewhere) = (folder(), folder());
    let real = write(&elsewhere, "real.py", fs::read_to_string(textbook().join("UDPServer.py")).unwrap());
    std::os::unix::fs::symlink(real, folder.path().join("UDPServer.py")).unwrap();
    let check = sockspec().arg("check").arg(folder.path()).args(["--role", "udp-server"]).assert();
    check.code(3).stdout(contains("leads out of the submission"));
}

#[test]
fn a_narrowed_record_is_judged_the_same_under_the_same_assignment() {
    let folder = folder();
    let assignment = write(&folder, "a.yaml", "assignment: a\nrequirements: { UDPS-2: { points: 9 } }\n");
    let (record, first) = (folder.path().join("r.json"), folder.path().join("1.json"));
    let report = |file: &Path| format!("json={}", file.display());
    let mut check = small_check();
    check.arg("--assignment").arg(&assignment).arg("--record").arg(&record);
    check.args(["--report", &report(&first)]).assert().success();
    let second = folder.path().join("2.json");
    let mut judge = sockspec();
    judge.arg("judge").arg(&record).arg("--assignment").arg(&assignment);
    judge.args(["--report", &report(&second)]).assert().success();
    assert_eq!(fs::read(first).unwrap(), fs::read(second).unwrap());
}

#[test]
fn a_record_is_judged_for_the_roles_that_are_asked_for() {
    let folder = folder();
    let record = folder.path().join("r.json");
    let mut check = sockspec();
    check.arg("check").arg(textbook()).args(["--only", "UDPS-2", "--only", "UDPC-3", "--record"]).arg(&record);
    check.assert().success();
    let one = write(&folder, "one.yaml", "assignment: one\nroles: [udp-server]\n");
    let judge = sockspec().arg("judge").arg(&record).arg("--assignment").arg(one).args(["--report", "json"]).assert();
    let report = json(&judge.success().get_output().stdout.clone());
    assert_eq!(array(&report["submissions"][0]["programs"]).len(), 1);
    let none = write(&folder, "none.yaml", "assignment: none\nroles: [tcp-server]\n");
    sockspec().arg("judge").arg(&record).arg("--assignment").arg(none).assert().code(2).stderr(contains("tcp-server"));
}

#[test]
fn what_is_beyond_the_kept_output_costs_no_points() {
    let folder = folder();
    let loud = "import socket\nclient = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
                client.sendto(input().encode(), ('127.0.0.1', 12000))\nreply = client.recv(2048).decode()\n\
                print('x' * 5000)\nprint(reply)\n";
    write(&folder, "UDPClient.py", loud);
    let assignment = write(&folder, "a.yaml", "assignment: a\nlimits: { output_bytes: 1000 }\n");
    let mut check = sockspec();
    check.arg("check").arg(folder.path().join("UDPClient.py")).args(["--only", "UDPC-3", "--report", "json"]);
    let report = json(&check.arg("--assignment").arg(assignment).assert().code(3).get_output().stdout.clone());
    let judged = requirements(&report);
    let printed = judged.iter().find(|one| one["id"] == "UDPC-3").unwrap();
    assert_eq!(printed["verdict"], "ungraded");
    assert!(printed["reason"].as_str().unwrap().contains("output_bytes"), "{printed}");
    assert_eq!(report["submissions"][0]["score"], report["submissions"][0]["max_score"], "it costs nothing");
}

#[test]
fn a_program_that_takes_too_long_altogether_keeps_what_it_has() {
    let folder = folder();
    let slow = "import socket, time\nserver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
                server.bind(('', 12000))\nwhile True:\n    request, client = server.recvfrom(2048)\n\
                \x20   time.sleep(0.5)\n    server.sendto(request.upper(), client)\n";
    write(&folder, "UDPServer.py", slow);
    let assignment = write(&folder, "a.yaml", "assignment: a\nlimits: { wall_seconds: 2 }\n");
    let mut check = sockspec();
    check.arg("check").arg(folder.path().join("UDPServer.py")).args(["--report", "json"]);
    let report = json(&check.arg("--assignment").arg(assignment).assert().code(3).get_output().stdout.clone());
    let judged = requirements(&report);
    assert!(judged.iter().any(|one| one["id"] == "UDPS-2" && one["verdict"] == "passed"), "{report:#}");
    assert!(judged.iter().all(|one| one["verdict"] == "passed" || one["verdict"] == "ungraded"), "{report:#}");
}

#[test]
fn where_something_is_hidden_not_all_that_is_required_is_said_to_hold() {
    let folder = folder();
    let text = "assignment: a\nrequirements: { UDPS-3: { visibility: hidden } }\n";
    let assignment = write(&folder, "a.yaml", text);
    let mut check = small_check();
    check.args(["--only", "UDPS-3", "--assignment"]).arg(assignment);
    check.assert().success().stdout(contains("All that is shown here holds."));
}

/// Lines without what a clock decides: numbers, and the space that they take.
fn without_numbers(text: &str) -> Vec<String> {
    let word = |word: &str| if word.parse::<f64>().is_ok() { "#".to_owned() } else { word.to_owned() };
    text.lines().map(|line| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn the_readme_shows_what_is_printed() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let block = readme.split("```console\n").nth(1).unwrap().split("```").next().unwrap();
    let (command, shown) = block.split_once('\n').unwrap();
    let arguments = command.strip_prefix("$ sockspec ").unwrap().split(' ');
    let output = sockspec().args(arguments).assert().code(1).get_output().stdout.clone();
    let printed = String::from_utf8(output).unwrap();
    // Where no packets can be captured, a connection is one line.
    let captured = printed.contains("SYN, ACK");
    let handshake = |line: &String| ["connects ──", "SYN, ACK ──", "── ACK ──"].iter().any(|part| line.contains(part));
    let isolated = printed.contains("Isolation: private-network.");
    // The level, and why it is no better, are the machine's.
    let level = |line: &String| !isolated && !line.starts_with("Again: ");
    let lines = |text: &str| {
        let mut lines = without_numbers(text);
        lines.retain(|line| captured || !handshake(line));
        let begun = lines.iter().position(|line| line.starts_with("Isolation: ")).unwrap();
        let mut index = 0..;
        lines.retain(|line| index.next().unwrap() < begun || !level(line));
        lines
    };
    let (printed, shown): (Vec<String>, Vec<String>) = (lines(&printed), lines(shown));
    assert_eq!(printed, shown);
}

// Packets

/// All files of packets below a folder.
fn captures(folder: &Path) -> Vec<PathBuf> {
    let shelves = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        shelves.flat_map(|shelf| fs::read_dir(shelf).unwrap()).map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn packets_of_each_scenario_are_kept_for_wireshark() {
    let folder = folder();
    let evidence = folder.path().join("evidence");
    let output = sockspec().arg("check").arg(textbook()).arg("--evidence").arg(&evidence).assert().code(0);
    let files = captures(&evidence);
    if files.is_empty() {
        assert!(String::from_utf8_lossy(&output.get_output().stderr).contains("No packets are in"));
        return;
    }
    assert!(files.len() >= 40, "{files:?}");
    for file in &files {
        if let Some(packets) = packets(file) {
            assert!(packets.lines().count() > 0, "{}", file.display());
        }
    }
    let Some(packets) = packets(&evidence.join("tcp-server/one-sentence.pcapng")) else { return };
    assert!(packets.lines().all(|packet| packet.contains("raw:ip:tcp") && packet.contains("step: ")), "{packets}");
    assert!(packets.contains("step: alice sends "), "{packets}");
}

#[test]
fn the_packet_at_which_a_requirement_fails_says_so_and_a_second_run_replaces_the_first() {
    let folder = folder();
    let stale = write(&folder, "tcp-server/one-sentence.pcapng", "of an earlier run");
    let mut check = sockspec();
    check.args(["check", "--role", "tcp-server", "--only", "TCPS-6", "--evidence"]).arg(folder.path());
    let output = check.arg(mutant("tcp-server/reset-by-linger.py")).assert().code(1);
    if !stale.exists() {
        assert!(String::from_utf8_lossy(&output.get_output().stderr).contains("No packets are in"));
        return;
    }
    let all: Vec<String> = captures(folder.path()).iter().filter_map(|file| packets(file)).collect();
    assert!(all.is_empty() || all.iter().any(|packets| packets.contains("TCPS-6 fails: ")), "{all:?}");
}

// Isolation

#[test]
fn doctor_says_what_can_be_had() {
    let found = json(&sockspec().args(["doctor", "--json"]).assert().success().get_output().stdout.clone());
    let levels = found["levels"].as_array().unwrap();
    let best = levels.iter().find(|level| level["available"] == true).unwrap();
    assert_eq!(found["isolation"], best["level"]);
    assert!(levels.iter().all(|level| level["available"] == true || level["reason"].is_string()), "{found:#}");
    // A grading has what it says.
    let report = json(&small_check().args(["--report", "json"]).assert().success().get_output().stdout.clone());
    assert_eq!(report["isolation"], found["isolation"]);
    let text = String::from_utf8(sockspec().arg("doctor").assert().success().get_output().stdout.clone()).unwrap();
    assert!(text.starts_with(&format!("Isolation: {}", found["isolation"].as_str().unwrap())), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_level_that_cannot_be_had_is_no_fault_of_the_program() {
    // Python is on this path, and bubblewrap is not.
    let path = folder();
    let python = std::process::Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let python = String::from_utf8(python.unwrap().stdout).unwrap();
    std::os::unix::fs::symlink(python.trim(), path.path().join("python3")).unwrap();
    let check = small_check().env("PATH", path.path()).args(["--isolation", "private-network"]).assert().code(3);
    check.stdout(contains("isolation level private-network cannot be had here"));
    sockspec()
        .args(["check", ".", "--isolation", "castle"])
        .assert()
        .code(2)
        .stderr(contains("private-network, confined, plain"));
}

#[test]
fn a_level_that_is_asked_for_is_had() {
    let plain = small_check().args(["--isolation", "plain"]).assert().success();
    plain.stdout(contains("Isolation: plain. ").and(contains("--isolation plain")));
}
