//! Submissions that are graded once, and reported in every format.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;
use sockspec::judge::submission::SubmissionRecord;
use sockspec::report::Graded;
use tempfile::TempDir;

/// The last resort: nothing here waits so long.
const PATIENCE: Duration = Duration::from_secs(300);

const ASSIGNMENT: &str = "assignment: lab-2
roles: [tcp-server, udp-client]
requirements:
  TCPS-3: { visibility: hidden }
  TCPS-4: { visibility: after_due_date }
";

/// A graded submission, kept as a record.
pub struct Run {
    _folder: TempDir,
    pub record: PathBuf,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn sockspec() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockspec"));
    for variable in ["CLASSROOM", "ASSIGNMENT", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL", "REVIEW_URL"] {
        command.env_remove(variable);
    }
    for variable in ["CI", "GITHUB_WORKSPACE", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    command.current_dir(root()).timeout(PATIENCE);
    command
}

fn check(program: &str, more: &[&str]) -> Run {
    let folder = tempfile::Builder::new().prefix("sockspec-reports-").tempdir().unwrap();
    let lab = folder.path().join("lab");
    fs::create_dir(&lab).unwrap();
    fs::copy(root().join(program), lab.join("TCPServer.py")).unwrap();
    fs::write(folder.path().join("sockspec.yaml"), ASSIGNMENT).unwrap();
    let record = folder.path().join("record.json");
    let mut command = sockspec();
    command.arg("check").arg(&lab).arg("--record").arg(&record).args(more);
    command.assert().code(1);
    Run { _folder: folder, record }
}

/// Its replies end with a newline: the requirement on that is hidden. A second program is missing.
pub fn mutant() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| check("fixtures/mutants/tcp-server/newline-added.py", &[]))
}

/// It prints and sends what breaks reports.
pub fn hostile() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| check("fixtures/hostile/prints-escapes.py", &["--only", "TCPS-2,TCPS-7"]))
}

impl Run {
    /// The report in a format, as a file.
    pub fn report(&self, format: &str) -> PathBuf {
        let file = self.record.with_file_name(format!("report.{format}"));
        let mut command = sockspec();
        command.arg("judge").arg(&self.record).arg("--report").arg(format!("{format}={}", file.display()));
        command.assert().code(1);
        file
    }

    pub fn text(&self, format: &str) -> String {
        fs::read_to_string(self.report(format)).expect("UTF-8")
    }

    pub fn json(&self, format: &str) -> Value {
        read_json(&self.report(format))
    }

    /// The verdicts and what they rest on.
    pub fn graded(&self) -> Graded {
        let record: SubmissionRecord = serde_json::from_slice(&fs::read(&self.record).unwrap()).unwrap();
        let records = record.programs.iter().map(|recorded| recorded.record.clone()).collect();
        Graded { verdict: record.judge(), records }
    }

    /// How many programs are missing.
    pub fn missing(&self) -> usize {
        self.json("json")["submissions"][0]["missing"].as_array().unwrap().len()
    }

    /// How many requirements a student may see, with how many verdicts of a name.
    pub fn shown(&self, verdict: &str) -> usize {
        let report = self.json("json");
        let requirements = report["submissions"][0]["programs"][0]["requirements"].as_array().unwrap();
        requirements.iter().filter(|one| one["visibility"] == "visible" && one["verdict"] == verdict).count()
    }
}

pub fn read_json(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}
