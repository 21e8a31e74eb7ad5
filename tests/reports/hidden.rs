//! What an assignment hides from students shows neither in an exit status nor by what needs it; and a report
//! that is added to what others wrote.

use std::fs;
use std::path::PathBuf;

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use tempfile::TempDir;

use crate::runs::sockspec;

fn folder(assignment: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::Builder::new().prefix("sockspec-hidden-").tempdir().unwrap();
    let file = folder.path().join("lab.yaml");
    fs::write(&file, format!("assignment: lab\n{assignment}\n")).unwrap();
    (folder, file)
}

/// A server that fails nothing but TCPS-3, asked for that and what it needs.
fn check(assignment: &PathBuf) -> Command {
    let mut command = sockspec();
    command.args(["check", "fixtures/mutants/tcp-server/newline-added.py", "--role", "tcp-server"]);
    command.args(["--only", "TCPS-2,TCPS-3", "--assignment"]).arg(assignment);
    command
}

#[test]
fn the_status_tells_no_more_than_what_is_written() {
    let (folder, hidden) = folder("requirements: { TCPS-3: { visibility: hidden } }");
    let (record, json) = (folder.path().join("record.json"), folder.path().join("all.json"));
    let all_json = format!("json={}", json.display());
    let seen = check(&hidden).args(["--report", "junit=/dev/null", "--record"]).arg(&record).assert().code(0);
    seen.stdout(contains("All that is shown here holds.").and(contains("exactly as many").not()));
    let judge = |more: &[&str]| sockspec().arg("judge").arg(&record).args(more).assert();
    judge(&[]).code(0);
    judge(&["--report", &all_json]).code(1);
    let report: serde_json::Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert!(report.to_string().contains("trailing-newline"), "{report:#}");
    judge(&["--report", "csv=/dev/null"]).code(1);
    judge(&["--report", "gradescope=/dev/null"]).code(1);
    fs::write(&hidden, "assignment: lab\n").unwrap();
    judge(&["--assignment", &hidden.display().to_string()]).code(1).stdout(contains("TCPS-3"));
}

#[test]
fn a_platform_that_takes_1_for_a_breakdown_gets_0_and_2_and_3_stay() {
    let (folder, plain) = folder("");
    let report = folder.path().join("result.json");
    let wanted = format!("classroom50={}", report.display());
    check(&plain).args(["--exit-zero", "--report", &wanted]).assert().code(0).stdout(contains("TCPS-3"));
    assert!(fs::read_to_string(report).unwrap().contains("\"passed\": false"));
    check(&plain).assert().code(1);
    check(&plain).args(["--exit-zero", "--report", "junti"]).assert().code(2);
    let mut lacking = sockspec();
    lacking.args(["check", "fixtures/mutants/tcp-server/newline-added.py", "--role", "tcp-server", "--exit-zero"]);
    // Whoever has no interpreter grades nothing.
    lacking.args(["--only", "TCPS-2"]).env("PATH", folder.path()).assert().code(3);
}

#[test]
fn lint_says_what_is_hidden_with_others() {
    let (_folder, file) = folder("requirements: { TCPS-5: { visibility: after_due_date } }\ndialect: python");
    let lint = sockspec().arg("lint").arg(&file).assert().success();
    let words = "warning: {file}: TCPS-6 is hidden from students until the assignment is due together with TCPS-5";
    lint.stderr(contains(words.replace("{file}", &file.display().to_string())));
    fs::write(&file, "assignment: lab\nrequirements: { TCPS-6: { visibility: hidden } }\n").unwrap();
    sockspec().arg("lint").arg(&file).assert().success().stderr("");
}

#[test]
fn the_summary_of_a_step_is_added_to_what_is_there() {
    let (folder, plain) = folder("");
    let [summary, other] = ["summary.md", "other.md"].map(|name| folder.path().join(name));
    fs::write(&summary, "# Of another command\n").unwrap();
    fs::write(&other, "stays not\n").unwrap();
    let wanted = [&summary, &other].map(|file| format!("github-summary={}", file.display()));
    let junit = format!("junit={}", folder.path().join("j.xml").display());
    let mut command = check(&plain);
    command.env("GITHUB_STEP_SUMMARY", &summary).args(["--report", &wanted[0], "--report", &wanted[1]]);
    command.args(["--report", &junit]).assert().code(1);
    let [added, alone] = [&summary, &other].map(|file| fs::read_to_string(file).unwrap());
    assert!(alone.contains("TCPS-3") && !alone.contains("stays not"), "{alone}");
    assert_eq!(added, format!("# Of another command\n\n\n{alone}"));
}

#[test]
fn a_file_for_the_summary_that_is_not_there_yet_is_made() {
    let (folder, plain) = folder("");
    let summary = folder.path().join("summary.md");
    let wanted = format!("github-summary={}", summary.display());
    check(&plain).env("GITHUB_STEP_SUMMARY", &summary).args(["--report", &wanted]).assert().code(1);
    assert!(fs::read_to_string(summary).unwrap().starts_with("**"), "nothing stands before it");
}
