//! What is printed for Kubernetes and GitHub Actions: valid by the published schemas, and its commands do what
//! they say.

use std::fs;

use serde_json::Value;

use crate::course::{Layout, Submission, fixture};
use crate::grader::{Ran, Room, ran};
use crate::tools;

/// Kubernetes' published schemas, from PyPI.
const KUBERNETES: &str = "kubernetes-validate==1.37.0";
/// The published schema of GitHub's workflows (SchemaStore), from PyPI.
const GITHUB: &str = "check-jsonschema==0.39.0";

fn room() -> Room {
    let room = Room::new("dialect: python\nroles: [udp-server]");
    let right = fixture("reference/python/UDPServer.py");
    let students: Vec<Submission> = (0..4).map(|number| Submission::of(number, &[("UDPServer.py", &right)])).collect();
    Layout::Plain.write(&students, &room.path.join("the course's"), false);
    room
}

fn printed(room: &Room, place: &str) -> Value {
    let arguments = [
        "batch",
        "the course's",
        "--out=re sults",
        "--assignment=lab.yaml",
        "--on",
        place,
        "--shards=2",
        "--print",
        "--report=csv=gra des.csv",
    ];
    let ran = room.sockspec(&arguments);
    assert_eq!(ran.status, 0, "{ran:?}");
    fs::write(room.path.join(format!("{place}.yaml")), &ran.out).unwrap();
    serde_yaml::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}\n{}", ran.out))
}

/// A shell with the tester on its PATH, in the room.
fn shell(room: &Room, script: &str, variables: &[(&str, &str)]) -> Ran {
    let bin = room.path.join("bin");
    if !bin.exists() {
        fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sockspec"), bin.join("sockspec")).unwrap();
    }
    let mut command = room.command("bash", &["-e", "-c", script]);
    ran(command.envs(variables.iter().copied()).env("PATH", format!("{bin}:{}", std::env::var("PATH").unwrap())))
}

#[test]
fn kubernetes_takes_its_job_and_the_pods_do_the_work() {
    let room = room();
    let job = printed(&room, "kubernetes");
    let program = "import sys, yaml, kubernetes_validate as k\nk.validate(yaml.safe_load(open(sys.argv[1])), '1.37', strict=True)\nprint('valid')";
    if let Some(said) = tools::python(program, room.path.join("kubernetes.yaml").as_std_path(), &[KUBERNETES]) {
        assert_eq!(said, "valid\n");
    }
    assert_eq!((&job["spec"]["completionMode"], &job["spec"]["completions"]), (&"Indexed".into(), &2.into()));
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["volumeMounts"][0]["mountPath"], room.path.as_str());
    for index in ["0", "1"] {
        // Kubernetes makes one of two, and of nothing else anything.
        let args = container["args"][0].as_str().unwrap();
        assert!(!args.replace("$$", "").contains('$'), "{args}");
        let ran = shell(&room, &args.replace("$$", "$"), &[("JOB_COMPLETION_INDEX", index)]);
        assert_eq!(ran.status, 0, "{ran:?}");
    }
    let text = fs::read_to_string(room.path.join("kubernetes.yaml")).unwrap();
    let join = text.lines().find_map(|line| line.strip_prefix("#   ").filter(|line| line.contains("--join"))).unwrap();
    let wait = text.lines().find_map(|line| line.strip_prefix("#   until ")).unwrap();
    let checked = shell(&room, "bash -n -c \"$WAIT\"", &[("WAIT", &format!("until {wait}"))]);
    assert_eq!(checked.status, 0, "{checked:?}");
    let ran = shell(&room, join, &[]);
    assert_eq!((ran.status, room.verdicts("re sults").len()), (0, 4), "{ran:?}");
    assert!(room.path.join("gra des.csv").is_file());
}

/// A task that breaks down is no job that has succeeded; a student who fails is.
#[test]
fn a_job_fails_with_its_task_and_not_with_a_student() {
    let room = room();
    let wrong = fixture("mutants/udp-server/newline-added.py");
    Layout::Plain.write(&[Submission::of(9, &[("UDPServer.py", &wrong)])], &room.path.join("the course's"), false);
    let workflow = printed(&room, "github");
    let steps = workflow["jobs"]["grade"]["steps"].as_array().unwrap();
    let grade = steps.iter().filter_map(|step| step["run"].as_str()).find(|run| run.starts_with("sockspec ")).unwrap();
    for shard in ["1", "2"] {
        let ran = shell(&room, grade, &[("SHARD", shard)]);
        assert_eq!(ran.status, 0, "{ran:?}");
        fs::remove_dir_all(room.path.join("part")).unwrap();
    }
    fs::write(room.path.join("part"), "no folder").unwrap();
    assert_eq!(shell(&room, grade, &[("SHARD", "1")]).status, 3);
}

#[test]
fn github_takes_its_workflow_and_the_jobs_do_the_work() {
    let room = room();
    let workflow = printed(&room, "github");
    let program = "import sys, runpy; sys.argv[:] = ['', '--builtin-schema', 'vendor.github-workflows', sys.argv[1]]; \
                   runpy.run_module('check_jsonschema', run_name='__main__')";
    if let Some(said) = tools::python(program, room.path.join("github.yaml").as_std_path(), &[GITHUB]) {
        assert_eq!(said, "ok -- validation done\n");
    }
    assert_eq!(workflow["jobs"]["grade"]["strategy"]["matrix"]["shard"], serde_json::json!([1, 2]));
    let ours = |job: &str| -> Vec<String> {
        let steps = workflow["jobs"][job]["steps"].as_array().unwrap().iter();
        steps
            .filter_map(|step| step["run"].as_str())
            .filter(|run| run.starts_with("sockspec "))
            .map(str::to_owned)
            .collect()
    };
    for shard in ["1", "2"] {
        let ran = shell(&room, &ours("grade")[0], &[("SHARD", shard)]);
        assert_eq!(ran.status, 0, "{ran:?}");
        // As the artifact does, up and down.
        let part = room.path.join("parts").join(format!("part-{shard}"));
        fs::create_dir_all(&part).unwrap();
        fs::rename(room.path.join("part/sockspec.db"), part.join("sockspec.db")).unwrap();
        assert!(!room.path.join("part/sockspec.db-wal").exists(), "one file is all of it");
        fs::remove_dir_all(room.path.join("part")).unwrap();
    }
    for step in ours("join") {
        let ran = shell(&room, &step, &[]);
        assert_eq!(ran.status, 0, "{ran:?}");
    }
    assert_eq!(room.verdicts("re sults").len(), 4);
    assert!(room.path.join("gra des.csv").is_file());
    let steps = workflow["jobs"]["join"]["steps"].as_array().unwrap();
    let whole = steps.last().unwrap()["run"].as_str().unwrap();
    assert_eq!(workflow["jobs"]["join"]["env"]["GRADED"], "${{ needs.grade.result }}");
    let is_whole = |graded: &str| shell(&room, whole, &[("GRADED", graded)]);
    assert_eq!((is_whole("success").status, is_whole("failure").status), (0, 1));
    fs::remove_dir_all(room.path.join("parts/part-2")).unwrap();
    let ran = is_whole("success");
    assert!(ran.status == 1 && ran.out.contains("1 of 2 shards"), "{ran:?}");
    let result = steps[steps.len() - 2]["with"]["path"].as_str().unwrap();
    let lost: Vec<&str> = result.lines().filter(|file| !room.path.join(file).exists()).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn what_cannot_be_printed_is_refused_with_what_to_do() {
    let room = room();
    let refused = |more: &[&str], wanted: &str| {
        let ran = room.sockspec(&[&["batch", "the course's", "--assignment=lab.yaml"], more].concat());
        assert!(ran.status == 2 && ran.err.contains(wanted), "{wanted}: {ran:?}");
    };
    refused(&["--out=o", "--on=kubernetes", "--shards=2"], "say --print");
    refused(&["--out=/o", "--on=kubernetes", "--shards=2", "--print"], "no folder in common");
    refused(&["--out=../o", "--on=github", "--shards=2", "--print"], "root of the repository");
    refused(&["--out=o", "--on=github", "--shards=257", "--print"], "256");
    refused(&["--out=${{x}}", "--on=github", "--shards=2", "--print"], "rename it");
    refused(&["--out=a\nb", "--on=slurm", "--shards=2", "--print"], "rename it");
    refused(&["--out=o", "--on=slurm"], "--shards");
}
