//! Formats of platforms that publish no reader: checked by the keys that they document.

use serde_json::{Value, json};

use super::runs::{hostile, mutant, read_json, sockspec};

/// Says what a closed schema refuses.
fn follows(schema: &Value, report: &Value) {
    let validator = jsonschema::validator_for(schema).unwrap();
    let wrong: Vec<String> = validator.iter_errors(report).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:#?} in {report:#}");
}

fn gradescope_schema() -> Value {
    let visibility = json!({ "enum": ["hidden", "after_due_date", "after_published", "visible"] });
    let format = json!({ "enum": ["text", "html", "simple_format", "md", "ansi"] });
    let test = json!({
        "type": "object", "additionalProperties": false, "required": ["name", "score", "max_score"],
        "properties": {
            "name": { "type": "string", "minLength": 1 }, "name_format": format, "number": { "type": "string" },
            "score": { "type": "number", "minimum": 0 }, "max_score": { "type": "number", "minimum": 0 },
            "status": { "enum": ["passed", "failed"] }, "output": { "type": "string" }, "output_format": format,
            "tags": { "type": "array", "items": { "type": "string" } }, "visibility": visibility, "extra_data": { "type": "object" },
        },
    });
    json!({
        "type": "object", "additionalProperties": false, "required": ["tests"],
        "properties": {
            "score": { "type": "number" }, "execution_time": { "type": "number", "minimum": 0 },
            "output": { "type": "string" }, "output_format": format, "test_output_format": format,
            "test_name_format": format, "visibility": visibility, "stdout_visibility": visibility,
            "extra_data": { "type": "object" }, "tests": { "type": "array", "items": test },
        },
    })
}

#[test]
fn gradescope_has_the_keys_that_it_documents() {
    for one in [mutant(), hostile()] {
        follows(&gradescope_schema(), &one.json("gradescope"));
    }
    let report = mutant().json("gradescope");
    let tests = report["tests"].as_array().unwrap();
    let visible = |visibility: &str| tests.iter().filter(|test| test["visibility"] == visibility).count();
    assert_eq!((visible("hidden"), visible("after_due_date")), (1, 1));
    let score: f64 = tests.iter().filter_map(|test| test["score"].as_f64()).sum();
    let teachers = mutant().json("json")["submissions"][0]["score"].as_f64().unwrap();
    assert!((score - teachers).abs() < 1e-9, "the tests add up to the score: {score} {teachers}");
}

fn classroom50_schema() -> Value {
    let test = json!({
        "type": "object", "required": ["test-name", "passed", "score", "max-score"], "additionalProperties": false,
        "properties": {
            "test-name": { "type": "string", "minLength": 1 }, "passed": { "type": "boolean" },
            "score": { "type": "integer", "minimum": 0 }, "max-score": { "type": "integer", "minimum": 0 },
        },
    });
    let text = json!({ "type": "string", "minLength": 1 });
    json!({
        "type": "object", "additionalProperties": false,
        "required": ["schema", "classroom", "assignment", "submission", "commit", "release", "review", "datetime", "score", "max-score", "tests"],
        "properties": {
            "schema": { "const": "classroom50/result/v1" }, "classroom": text, "assignment": text,
            "submission": { "type": "string", "pattern": "^submit/" }, "commit": text, "release": text, "review": text,
            "datetime": { "type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$" },
            "score": { "type": "integer", "minimum": 0 }, "max-score": { "type": "integer", "minimum": 0 },
            "tests": { "type": "array", "items": test },
        },
    })
}

#[test]
fn classroom50_has_the_keys_that_it_documents() {
    for one in [mutant(), hostile()] {
        let report = one.json("classroom50");
        follows(&classroom50_schema(), &report);
        let sum =
            |key: &str| report["tests"].as_array().unwrap().iter().map(|test| test[key].as_u64().unwrap()).sum::<u64>();
        assert_eq!(
            (Some(sum("score")), Some(sum("max-score"))),
            (report["score"].as_u64(), report["max-score"].as_u64())
        );
        assert!(sum("score") <= sum("max-score"));
    }
    assert!(!mutant().text("classroom50").contains("TCPS-3 "), "it is published");
}

#[test]
fn classroom50_is_told_by_its_runner_where_it_is() {
    let file = mutant().record.with_file_name("result.json");
    let mut command = sockspec();
    command.arg("judge").arg(&mutant().record).arg("--report").arg(format!("classroom50={}", file.display()));
    for (name, value) in [("CLASSROOM", "cs-net"), ("ASSIGNMENT", "lab-2"), ("SUBMISSION_TAG", "submit/2026-a1b2c3d")] {
        command.env(name, value);
    }
    command.env("COMMIT_URL", "https://example.org/commit").env("RELEASE_URL", "https://example.org/release");
    command.assert().code(1);
    let report = read_json(&file);
    follows(&classroom50_schema(), &report);
    assert_eq!((&report["classroom"], &report["submission"]), (&json!("cs-net"), &json!("submit/2026-a1b2c3d")));
    assert_eq!(report["review"], "https://example.org/commit");
}

/// The lines that a runner of GitHub Actions obeys.
fn live_commands(log: &str) -> Vec<&str> {
    let mut stopped: Option<&str> = None;
    let mut live = Vec::new();
    for line in log.split(['\n', '\r']).map(str::trim_start) {
        match stopped {
            Some(token)
                if line.trim_end().strip_prefix("::").and_then(|rest| rest.strip_suffix("::")) == Some(token) =>
            {
                stopped = None;
            }
            Some(_) => {}
            None if line.starts_with("::stop-commands::") => stopped = line.strip_prefix("::stop-commands::"),
            None if line.starts_with("::") || line.contains("##[") => live.push(line),
            None => {}
        }
    }
    assert_eq!(stopped, None, "commands are taken again at the end");
    live
}

#[test]
fn github_obeys_no_line_of_a_program() {
    for one in [mutant(), hostile()] {
        let log = one.text("github");
        for line in live_commands(&log) {
            let ours = ["::error title=", "::notice title=", "::warning title=", "::group::", "::endgroup::"];
            assert!(ours.iter().any(|start| line.starts_with(start)) && !line.contains("##["), "{line}");
        }
        assert!(!log.contains("TCPS-3") && !log.contains('\u{1b}'), "{log}");
    }
    assert!(hostile().text("github").contains("::error::evil"), "what it printed is there, and fenced");
}

#[test]
fn a_check_annotates_the_file_that_failed() {
    let mut command = sockspec();
    command.args(["check", "fixtures/mutants/udp-server/newline-added.py", "--role", "udp-server", "--only", "UDPS-3"]);
    let output = command.args(["--report", "github"]).assert().code(1).get_output().stdout.clone();
    let log = String::from_utf8(output).unwrap();
    let wanted = "::error file=fixtures/mutants/udp-server/newline-added.py,line=1,title=UDPS-3 ";
    assert!(live_commands(&log).iter().any(|line| line.starts_with(wanted)), "{log}");
}

#[test]
fn what_a_format_is_not_for_is_said_before_anything_runs() {
    let mut command = sockspec();
    command.args(["check", "fixtures/textbook/python", "--report", "csv-moodle=m.csv"]);
    let output = command.assert().code(2).get_output().stderr.clone();
    let said = String::from_utf8(output).unwrap();
    assert!(said.contains("`csv-moodle` is a gradebook") && said.contains("`csv`"), "{said}");
    let mut command = sockspec();
    command.arg("judge").args([&mutant().record, &mutant().record]).args(["--report", "markdown"]);
    let said = String::from_utf8(command.assert().code(2).get_output().stderr.clone()).unwrap();
    assert!(said.contains("about one submission"), "{said}");
}

#[test]
fn what_is_hidden_is_in_the_teachers_reports_alone() {
    let one = mutant();
    assert!(one.text("json").contains("\"TCPS-3\"") && one.text("csv").contains("TCPS-3"));
    for format in ["junit", "classroom50", "github", "github-summary", "ctrf", "tap", "markdown"] {
        let report = one.text(format);
        for secret in ["TCPS-3", "TCPS-4", "trailing-newline"] {
            assert!(!report.contains(secret), "{secret} in {format}: {report}");
        }
        assert!(report.contains("UDP client"), "{format}: the missing program is named");
    }
    assert!(one.json("json")["submissions"][0].get("student").is_none(), "nobody has a list here");
}
