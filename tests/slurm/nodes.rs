//! A cohort on two nodes, of which one dies on the way.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::course::{Layout, course};
use crate::grader::Room;
use crate::support::within;

const LONG: Duration = Duration::from_secs(120);

fn progress(room: &Room, shard: u32) -> Option<Value> {
    serde_json::from_slice(&fs::read(room.path.join(format!("out/shards/{shard}.json"))).ok()?).ok()
}

/// A shard that the node has begun and not ended.
fn begun(cluster: &Cluster, room: &Room, node: &str) -> Option<u32> {
    cluster.shards_on(node).into_iter().find(|shard| {
        progress(room, *shard)
            .is_some_and(|it| it["done"].as_u64() > Some(0) && it["done"].as_u64() < it["of"].as_u64())
    })
}

#[test]
fn a_node_that_dies_costs_nobody_a_point() {
    let Some(mut cluster) = Cluster::start() else { return };
    // What runs under a scheduler finds blanks, percent signs and quotes in names.
    let room = Room::new("roles: [udp-server]");
    Layout::Moodle.write(&course(24), &room.path.join("the 100% course's"), true);
    let more = ["--shards", "3", "--report", "csv=grades.csv"];
    let mut command = cluster.command(&room, "the 100% course's.zip", "out", &more);
    let waiting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let shard =
        within(LONG, || begun(&cluster, &room, "n1")).unwrap_or_else(|| panic!("nothing begins: {}", cluster.logs()));
    cluster.cut_off("n1");
    let requeued = || {
        let line = cluster.ask("squeue", &["-h", "--array", "-t", "PD", "-o", "%K %r"]);
        line.lines().any(|line| line.trim() == format!("{shard} BeginTime")).then_some(())
    };
    within(LONG, requeued).unwrap_or_else(|| panic!("it is not queued again: {}", cluster.logs()));
    // Slurm lets what it has queued again wait for two minutes; the test need not.
    let array = &cluster.jobs()[0];
    cluster.ask("scontrol", &["update", &format!("JobId={array}_{shard}"), "StartTime=now"]);
    let ended = waiting.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert_eq!(ended.status.code(), Some(1), "{out}\n{err}\n{}", cluster.logs());
    assert!(out.contains("24 submissions") && out.contains("Graded in 3 shards."), "{out}\n{err}");
    let log = fs::read_to_string(room.path.join(format!("out/slurm/{shard}.log"))).unwrap();
    assert!(log.contains("known from before") && !log.contains("0 known from before"), "it goes on: {log}");
    let whole = room.batch("the 100% course's.zip", "whole", &[]);
    assert_eq!(whole.status, 1, "{whole:?}");
    assert_eq!(room.verdicts("out"), room.verdicts("whole"));
    assert_eq!(fs::read_to_string(room.path.join("grades.csv")).unwrap().lines().count(), 25);
    assert_eq!(room.left(), Vec::<String>::new());
}
