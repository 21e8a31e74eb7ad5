//! The grader at work on a cohort: run to its end, watched, killed; and what it has left.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use camino::Utf8PathBuf;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::packing;
use crate::support::within;

/// How soon all must be gone once the grader is.
const SOON: Duration = Duration::from_secs(15);

/// A folder with all that a grader reads and writes.
pub struct Room {
    pub path: Utf8PathBuf,
    _keep: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Room {
    /// With an assignment of these lines.
    pub fn new(assignment: &str) -> Self {
        let (keep, path) = packing::folder();
        for folder in ["tmp", "cache"] {
            fs::create_dir(path.join(folder)).unwrap();
        }
        let room = Self { path, _keep: keep };
        room.assign("lab.yaml", assignment);
        room
    }

    /// Writes an assignment.
    pub fn assign(&self, file: &str, lines: &str) {
        fs::write(self.path.join(file), format!("assignment: lab\n{lines}\n")).unwrap();
    }

    /// A command that begins in the room.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.path).stdin(Stdio::null());
        command.env("TMPDIR", self.path.join("tmp")).env("XDG_CACHE_HOME", self.path.join("cache"));
        command
    }

    pub fn sockspec(&self, arguments: &[&str]) -> Ran {
        ran(&mut self.command(env!("CARGO_BIN_EXE_sockspec"), arguments))
    }

    /// Grades an export into a folder, under the assignment.
    pub fn batch(&self, export: &str, out: &str, more: &[&str]) -> Ran {
        self.sockspec(&[&["batch", export, "--out", out, "--assignment", "lab.yaml"], more].concat())
    }

    /// The same, to be watched.
    pub fn watch(&self, export: &str, out: &str, more: &[&str]) -> Watched {
        let arguments = [&["batch", export, "--out", out, "--assignment", "lab.yaml"], more].concat();
        let mut command = self.command(env!("CARGO_BIN_EXE_sockspec"), &arguments);
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        Watched { child, lines }
    }

    /// What a store says of each submission: its verdicts, or why there are none.
    pub fn verdicts(&self, out: &str) -> BTreeMap<String, Value> {
        let file = self.path.join(format!("{}.json", out.replace('/', "-")));
        let ran = self.sockspec(&["report", out, "--report", &format!("json={file}")]);
        assert_eq!(ran.status, 0, "{ran:?}");
        let report: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let graded = report["submissions"].as_array().unwrap().iter().map(|one| (text(&one["id"]), essence(one)));
        let unread = report["unread"].as_array().into_iter().flatten();
        graded.chain(unread.map(|one| (text(&one["id"]), one["reason"].clone()))).collect()
    }

    /// Processes that this room's graders have left.
    pub fn left(&self) -> Vec<String> {
        let left = || -> Vec<String> {
            let all = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
            let ours = all.filter(|folder| {
                // Programs have no environment of ours, and see their files below other names: mounts tell.
                ["environ", "cmdline", "mountinfo"].iter().any(|what| {
                    let said = fs::read(folder.join(what)).unwrap_or_default();
                    said.windows(self.path.as_str().len()).any(|part| part == self.path.as_str().as_bytes())
                })
            });
            ours.map(|folder| {
                format!("{}: {}", folder.display(), fs::read_to_string(folder.join("comm")).unwrap_or_default())
            })
            .collect()
        };
        within(SOON, || left().is_empty().then_some(())).map_or_else(left, |()| Vec::new())
    }
}

pub fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What must not depend on when and beside whom a submission was graded.
pub fn essence(one: &Value) -> Value {
    let requirement = |it: &Value| {
        let keys = ["id", "verdict", "points", "earned", "blocked_by", "cause"];
        json!(keys.map(|key| it[key].clone()))
    };
    let program = |it: &Value| {
        let judged = it["requirements"].as_array().unwrap().iter().map(requirement).collect::<Vec<_>>();
        json!([it["role"], it["path"], it["language"], it["dialect"], it["score"], judged])
    };
    let programs = one["programs"].as_array().unwrap().iter().map(program).collect::<Vec<_>>();
    let missing = one["missing"].as_array().into_iter().flatten().map(|it| it["role"].clone()).collect::<Vec<_>>();
    json!({ "seed": one["seed"], "score": one["score"], "status": one["status"], "programs": programs, "missing": missing })
}

/// The IDs of the submissions that lines of the line mode tell of, in their order.
pub fn told(lines: &str) -> Vec<String> {
    lines.lines().filter_map(id_of).collect()
}

fn id_of(line: &str) -> Option<String> {
    let (place, rest) = line.split_once(' ')?;
    let (at, of) = place.split_once('/')?;
    (at.parse::<usize>().is_ok() && of.parse::<usize>().is_ok()).then(|| rest.split_once(':').unwrap().0.to_owned())
}

/// A batch that is watched.
pub struct Watched {
    pub child: Child,
    lines: BufReader<ChildStderr>,
}

impl Watched {
    /// The ID that the next line tells of; nothing at the end.
    pub fn next(&mut self) -> Option<String> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(id) = id_of(&line) {
                return Some(id);
            }
        }
    }

    /// The processes below it now.
    pub fn workers(&self) -> String {
        let pid = self.child.id();
        fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default()
    }

    /// Kills it; what it had told.
    pub fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.end().1
    }

    /// Waits for its end: the status, and what it told since.
    pub fn end(&mut self) -> (Option<i32>, Vec<String>) {
        let mut rest = Vec::new();
        // What a killed grader leaves may hold its standard error for a moment longer.
        self.lines.read_to_end(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), told(&String::from_utf8_lossy(&rest)))
    }
}
