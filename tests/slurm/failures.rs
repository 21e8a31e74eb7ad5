//! What goes wrong on a cluster, and what is said of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::cluster::Cluster;
use crate::course::{Layout, Submission, fixture};
use crate::grader::{Ran, Room, ran};
use crate::support::within;

const LONG: Duration = Duration::from_secs(60);

/// A room with an export of so many right servers.
fn room(size: usize) -> Room {
    let room = Room::new("dialect: python\nroles: [udp-server]");
    let right = fixture("reference/python/UDPServer.py");
    let students: Vec<Submission> =
        (0..size).map(|number| Submission::of(number, &[("UDPServer.py", &right)])).collect();
    Layout::Plain.write(&students, &room.path.join("export"), false);
    room
}

fn log(room: &Room, file: &str) -> String {
    fs::read_to_string(room.path.join("out/slurm").join(file)).unwrap_or_default()
}

#[test]
fn a_failed_task_is_named_and_run_again_by_the_same_command() {
    let Some(cluster) = Cluster::start() else { return };
    let room = room(6);
    // The first task finds something that is no store.
    let bad = room.path.join("out/shards/1/sockspec.db");
    fs::create_dir_all(bad.parent().unwrap()).unwrap();
    fs::write(&bad, "no database, and long enough to be seen as none: ".repeat(40)).unwrap();
    let ran = cluster.batch(&room, "export", "out", &["--shards", "2"]);
    assert_eq!(ran.status, 3, "{ran:?} {}", cluster.logs());
    for wanted in ["shard 1 of 2 failed (task ", "it is damaged", "out/slurm/1.log)", "--on slurm --shards 2\n"] {
        assert!(ran.err.contains(wanted), "{wanted}: {}", ran.err);
    }
    assert!(!ran.err.contains("shard 2 of 2 failed"), "{}", ran.err);
    assert!(ran.out.contains("Graded in 1 of 2 shards."), "the other is joined: {}", ran.out);
    fs::remove_file(&bad).unwrap();
    let before = log(&room, "2.log");
    let ran = cluster.batch(&room, "export", "out", &["--shards", "2"]);
    assert_eq!(ran.status, 0, "{ran:?} {}", cluster.logs());
    assert!(ran.err.contains("Submitted 1 shard: "), "{}", ran.err);
    assert_eq!(log(&room, "2.log"), before, "what was done is not done again");
    assert!(ran.out.contains("6 submissions\n     6  have all that is required"), "{}", ran.out);
    // All of it was told: the same command begins anew, and finds nothing to grade.
    let ran = cluster.batch(&room, "export", "out", &["--shards", "2"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(log(&room, "1.log").contains("Graded 0 in"), "{}", log(&room, "1.log"));
}

#[test]
fn jobs_that_nobody_waited_for_are_picked_up() {
    let Some(cluster) = Cluster::start() else { return };
    let room = room(6);
    let held = ["--shards", "2", "--sbatch-arg=--hold"];
    let no_wait = [&held[..], &["--no-wait"]].concat();
    let first = cluster.batch(&room, "export", "out", &no_wait);
    assert_eq!(first.status, 0, "{first:?}");
    let jobs = cluster.jobs();
    assert_eq!(jobs.len(), 2, "an array, and what joins it: {jobs:?}");
    assert!(
        first.out.contains("0 of 2 shards are done.") && first.out.contains(&format!("scancel {}", jobs.join(" ")))
    );
    let again = cluster.batch(&room, "export", "out", &no_wait);
    assert_eq!((again.status, cluster.jobs()), (0, jobs.clone()), "{again:?}");
    let other = cluster.batch(&room, "export", "out", &[&held[..], &["--seed", "3"]].concat());
    assert!(other.status == 2 && other.err.contains("scancel"), "{other:?}");
    let late = room.path.join("export/late");
    fs::create_dir(&late).unwrap();
    fs::write(late.join("UDPServer.py"), "").unwrap();
    let other = cluster.batch(&room, "export", "out", &held);
    assert!(other.status == 2 && other.err.contains("another export"), "{other:?}");
    fs::remove_dir_all(&late).unwrap();
    let other = cluster.batch(&room, "export", "out", &["--shards", "3"]);
    assert!(other.status == 2 && other.err.contains("say --shards 2"), "{other:?}");
    // Who waits may stop to.
    let mut command = cluster.command(&room, "export", "out", &held);
    let waits = command.stderr(fs::File::create(room.path.join("waits")).unwrap()).spawn().unwrap();
    let said = || fs::read_to_string(room.path.join("waits")).unwrap();
    within(LONG, || said().contains("waiting (JobHeldUser)").then_some(())).unwrap_or_else(|| panic!("{}", said()));
    let second = cluster.batch(&room, "export", "out", &held);
    assert!(second.status == 2 && second.err.contains("another sockspec waits"), "{second:?}");
    kill(Pid::from_raw(i32::try_from(waits.id()).unwrap()), Signal::SIGINT).unwrap();
    let status = waits.wait_with_output().unwrap().status;
    assert_eq!(status.code(), Some(3), "{}", said());
    assert!(said().contains("The jobs go on.") && said().contains("scancel"), "{}", said());
    // Whoever was killed before its note was written finds its jobs by their name.
    fs::remove_file(room.path.join("out/slurm/run.json")).unwrap();
    jobs.iter().for_each(|job| drop(cluster.ask("scontrol", &["release", job])));
    let last = cluster.batch(&room, "export", "out", &held);
    assert_eq!(last.status, 0, "{last:?} {}", cluster.logs());
    assert!(last.err.contains("Goes on with") && last.out.contains("6  have all"), "{last:?}");
    assert_eq!(cluster.jobs(), Vec::<String>::new());
}

#[test]
fn what_sbatch_says_is_passed_on() {
    let Some(cluster) = Cluster::start() else { return };
    let room = room(1);
    let ran = cluster.batch(&room, "export", "out", &["--shards", "1", "--sbatch-arg=--partition=nowhere"]);
    assert!(ran.status == 2 && ran.err.contains("invalid partition specified: nowhere"), "{ran:?}");
    assert_eq!((cluster.jobs(), room.path.join("out/slurm/run.json").exists()), (Vec::new(), false));
}

/// A command where there are no other commands than these.
fn with(room: &Room, tools: &[(&str, &str)], more: &[&str]) -> Ran {
    let folder = room.path.join("bin");
    fs::create_dir_all(&folder).unwrap();
    for (name, text) in tools {
        fs::write(folder.join(name), format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let arguments = [&["batch", "export", "--out", "out", "--assignment", "lab.yaml", "--on", "slurm"], more].concat();
    ran(room.command(env!("CARGO_BIN_EXE_sockspec"), &arguments).env("PATH", &folder))
}

#[test]
fn without_slurm_it_says_what_to_do() {
    let room = room(1);
    let ran = with(&room, &[], &["--shards", "1"]);
    assert_eq!(ran.status, 2, "{ran:?}");
    for wanted in ["`sbatch` cannot be run", "apt-get install slurm-client", "--on kubernetes --print"] {
        assert!(ran.err.contains(wanted), "{wanted}: {}", ran.err);
    }
    let ran = with(&room, &[("sbatch", "exit 0")], &["--shards", "1"]);
    assert!(ran.status == 2 && ran.err.contains("`squeue` cannot be run"), "{ran:?}");
    let silent =
        [("sbatch", "case $1 in --version) ;; *) echo 'sbatch: error: \x1b[31mno' >&2; exit 1;; esac"), ("squeue", "")];
    let ran = with(&room, &silent, &["--shards", "1"]);
    assert!(ran.status == 2 && ran.err.contains("sbatch refuses: ") && !ran.err.contains('\x1b'), "{ran:?}");
    let ran = with(&room, &silent, &["--shards", "1", "--sbatch-arg=--array=1-9"]);
    assert!(ran.status == 2 && ran.err.contains("sockspec's own to say"), "{ran:?}");
    assert!(!room.path.join("out/slurm/run.json").exists());
    let ran = with(&room, &[], &["--shards", "1", "--print"]);
    assert!(
        ran.status == 0 && ran.out.contains("#SBATCH --array=1-1\n") | ran.out.contains("#SBATCH --array=1\n"),
        "{ran:?}"
    );
}
