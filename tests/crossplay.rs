//! `sockspec crossplay`: who speaks with whom, and why not, of real programs.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by a panic")]
#![allow(clippy::print_stderr, reason = "what is left out is said")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn run(paths: &[PathBuf], flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sockspec")).arg("crossplay").args(flags).args(paths).output().unwrap()
}

/// The JSON report, and the status. Where there is no private network, nothing can be tried, and that is
/// what must be said: then there is no report to look at.
fn played(paths: &[PathBuf], flags: &[&str]) -> Option<(Value, i32)> {
    let output = run(paths, &[flags, &["--report", "json"]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("no report: {error}\n{}", String::from_utf8_lossy(&output.stderr));
    });
    let untried = report["tables"][0]["cells"][0][0]["reason"].as_str().unwrap_or_default().to_owned();
    if untried.contains("private network") {
        assert!(std::env::var_os("CI").is_none(), "{untried}");
        assert_eq!(output.status.code(), Some(3));
        eprintln!("not tried: there is no private network here");
        return None;
    }
    Some((report, output.status.code().unwrap()))
}

fn table<'a>(report: &'a Value, transport: &str) -> &'a Value {
    let tables = report["tables"].as_array().unwrap();
    tables.iter().find(|table| table["transport"] == transport).unwrap_or_else(|| panic!("{transport} in {report:#}"))
}

fn place(players: &Value, name: &str) -> usize {
    let found = players.as_array().unwrap().iter().position(|player| player["submission"] == name);
    found.unwrap_or_else(|| panic!("{name} in {players:#}"))
}

/// The cell of a client and a server, by the names of their submissions.
fn cell<'a>(report: &'a Value, transport: &str, client: &str, server: &str) -> &'a Value {
    let table = table(report, transport);
    &table["cells"][place(&table["clients"], client)][place(&table["servers"], server)]
}

/// Why they do not speak; `speaks` where they do.
fn cause(cell: &Value) -> &str {
    cell["cause"].as_str().unwrap_or_else(|| cell["outcome"].as_str().unwrap())
}

fn copy(folder: &Path, from: &str, file: &str, change: impl Fn(String) -> String) {
    fs::create_dir_all(folder).unwrap();
    let text = fs::read_to_string(fixtures().join(from)).unwrap();
    fs::write(folder.join(file), change(text)).unwrap();
}

#[test]
fn right_programs_speak_with_each_other_and_with_their_reference() {
    let Some((report, status)) = played(&[fixtures().join("reference/python")], &[]) else { return };
    assert_eq!(status, 0);
    for transport in ["udp", "tcp"] {
        assert_eq!(cause(cell(&report, transport, "python", "python")), "speaks");
        assert_eq!(cause(cell(&report, transport, "python", "reference (python)")), "speaks");
        assert_eq!(cause(cell(&report, transport, "reference (java)", "reference (java)")), "speaks");
    }
    // The two dialects have other ports; what else they differ in is seen as well.
    let apart = cell(&report, "tcp", "python", "reference (java)");
    assert_eq!((cause(apart), cause(&apart["on_common_port"])), ("ports-differ", "waits-for-newline"));
    let by_udp = cell(&report, "udp", "python", "reference (java)");
    assert_eq!((cause(by_udp), cause(&by_udp["on_common_port"])), ("ports-differ", "speaks"));
    let table = table(&report, "udp");
    assert_eq!(table["servers"][place(&table["servers"], "reference (java)")]["port"], 9876);
}

#[test]
fn two_right_halves_that_do_not_meet_show_an_ambiguous_assignment() {
    let folder = TempDir::new().unwrap();
    let (alice, bob, carol) = (folder.path().join("alice"), folder.path().join("bob"), folder.path().join("carol"));
    copy(&alice, "reference/python/TCPClient.py", "TCPClient.py", |text| text);
    copy(&bob, "reference/python-java/TCPServer.py", "TCPServer.py", |text| text);
    copy(&carol, "reference/python-java/TCPServer.py", "TCPServer.py", |text| text.replace("6789", "12000"));
    let Some((report, status)) = played(&[alice, bob, carol], &[]) else { return };
    assert_eq!(status, 1);
    assert_eq!(cause(cell(&report, "tcp", "alice", "reference (python)")), "speaks");
    assert_eq!(cause(cell(&report, "tcp", "reference (java)", "bob")), "speaks");
    assert_eq!(cause(&cell(&report, "tcp", "alice", "bob")["on_common_port"]), "waits-for-newline");
    // On the same port it is the dialect alone.
    let carols = cell(&report, "tcp", "alice", "carol");
    assert_eq!(cause(carols), "waits-for-newline");
    assert!(carols["reason"].as_str().unwrap().contains("a newline"), "{carols}");
    let pairs = table(&report, "tcp")["ambiguous"].to_string();
    assert_eq!(pairs, r#"[{"client":0,"server":0},{"client":0,"server":1}]"#, "each server speaks with a reference");
    assert!(report["summary"]["words"].to_string().contains("ambiguous"), "{}", report["summary"]);
}

#[test]
fn a_port_of_its_own_does_not_hide_what_else_there_is() {
    let files = ["field/py-port-mismatch", "field/py-prints-bytes"].map(|name| fixtures().join(name));
    let Some((report, status)) = played(&files, &["--no-references"]) else { return };
    assert_eq!(status, 1);
    let wrong_port = cell(&report, "udp", "py-port-mismatch", "py-port-mismatch");
    assert_eq!((cause(wrong_port), cause(&wrong_port["on_common_port"])), ("ports-differ", "speaks"));
    assert!(wrong_port["reason"].as_str().unwrap().contains("12001"), "{wrong_port}");
    assert_eq!(cause(cell(&report, "udp", "py-prints-bytes", "py-port-mismatch")), "client-prints-repr");
    let tcp = table(&report, "tcp");
    assert_eq!(tcp["servers"].as_array().unwrap().len(), 0, "a client alone is no matrix, and no failure");
}

#[test]
fn each_defect_of_a_server_is_told() {
    let wanted = [
        ("no-reply", "closed"),
        ("echoes", "not-capitals"),
        ("never-listens", "server-ended"),
        ("waits-for-newline", "waits-for-newline"),
        ("bytes-repr", "server-sends-repr"),
        ("padded-to-1024", "server-pads"),
        ("buffer-of-8", "reply-cut"),
        ("wrong-port", "ports-differ"),
    ];
    let server = |(name, _): &(&str, &str)| fixtures().join(format!("mutants/tcp-server/{name}.py"));
    let mut paths: Vec<PathBuf> = wanted.iter().map(server).collect();
    paths.push(fixtures().join("reference/python/TCPClient.py"));
    let Some((report, status)) = played(&paths, &["--no-references"]) else { return };
    assert_eq!(status, 1);
    for (name, expected) in wanted {
        let one = cell(&report, "tcp", "TCPClient.py", &format!("{name}.py"));
        assert_eq!(cause(one), expected, "{name}: {one}");
    }
}

#[test]
fn each_defect_of_a_client_is_told() {
    let wanted = [
        ("prints-bytes", "client-prints-repr"),
        ("nul-sent", "client-pads"),
        ("cut-last-character", "client-sends-less"),
        ("prints-nothing", "client-prints-otherwise"),
        ("no-socket", "client-ended"),
        ("raw-input", "client-ended"),
        ("bytes-repr-sent", "client-sends-repr"),
        ("wrong-port", "ports-differ"),
    ];
    let client = |(name, _): &(&str, &str)| fixtures().join(format!("mutants/tcp-client/{name}.py"));
    let mut paths: Vec<PathBuf> = wanted.iter().map(client).collect();
    paths.push(fixtures().join("reference/python/TCPServer.py"));
    let Some((report, _)) = played(&paths, &["--no-references"]) else { return };
    for (name, expected) in wanted {
        let one = cell(&report, "tcp", &format!("{name}.py"), "TCPServer.py");
        assert_eq!(cause(one), expected, "{name}: {one}");
    }
}

#[test]
fn a_server_that_is_slow_to_start_is_waited_for() {
    let folder = TempDir::new().unwrap();
    let slow = |text: String| text.replacen("\ndef main():\n", "\ndef main():\n    __import__('time').sleep(1.2)\n", 1);
    copy(folder.path(), "reference/python/TCPServer.py", "TCPServer.py", slow);
    copy(folder.path(), "reference/python/UDPServer.py", "UDPServer.py", slow);
    copy(folder.path(), "reference/python/TCPClient.py", "TCPClient.py", |text| text);
    copy(folder.path(), "reference/python/UDPClient.py", "UDPClient.py", |text| text);
    let Some((report, status)) = played(&[folder.path().to_owned()], &["--no-references"]) else { return };
    assert_eq!(status, 0, "{report:#}");
}

#[test]
fn a_program_that_takes_its_port_gets_the_others() {
    let paths = ["field/py-argv-port", "reference/python-java"].map(|name| fixtures().join(name));
    let Some((report, _)) = played(&paths, &["--no-references"]) else { return };
    // It is told port 6789, and so the dialect alone is left.
    let one = cell(&report, "tcp", "python-java", "py-argv-port");
    assert_eq!(cause(one), "speaks", "{one}");
    assert_eq!(cause(cell(&report, "tcp", "py-argv-port", "python-java")), "waits-for-newline");
}

#[test]
fn a_c_server_that_pads_and_one_that_does_not_compile() {
    let folder = TempDir::new().unwrap();
    let padding = r#"#include <string.h>
#include <ctype.h>
#include <sys/socket.h>
#include <netinet/in.h>
int main(void) {
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(12000)}, c;
    bind(s, (struct sockaddr *)&a, sizeof a);
    for (;;) {
        char b[1024]; socklen_t n = sizeof c;
        memset(b, 0, sizeof b);
        recvfrom(s, b, sizeof b, 0, (struct sockaddr *)&c, &n);
        for (char *p = b; *p; p++) *p = toupper(*p);
        sendto(s, b, sizeof b, 0, (struct sockaddr *)&c, n);
    }
}
"#;
    let (good, bad) = (folder.path().join("pads"), folder.path().join("broken"));
    for (place, text) in [(&good, padding), (&bad, "int main(void) { return nothing; }\n// recvfrom SOCK_DGRAM bind\n")]
    {
        fs::create_dir(place).unwrap();
        fs::write(place.join("UDPServer.c"), text).unwrap();
    }
    let client = fixtures().join("reference/python/UDPClient.py");
    let Some((report, _)) = played(&[client, good, bad], &["--no-references"]) else { return };
    let one = cell(&report, "udp", "UDPClient.py", "pads");
    if one["reason"].as_str().is_some_and(|reason| reason.contains("cannot be built here")) {
        assert!(std::env::var_os("CI").is_none(), "{one}");
        eprintln!("not tried: there is no C compiler here");
        return;
    }
    assert_eq!(cause(one), "server-pads", "{one}");
    let broken = cell(&report, "udp", "UDPClient.py", "broken");
    assert_eq!(cause(broken), "server-not-built");
    assert!(broken["reason"].as_str().unwrap().contains("nothing"), "{broken}");
}

#[test]
fn hostile_names_and_texts_steer_nobody() {
    let folder = TempDir::new().unwrap();
    let name = "a\u{1b}[2J<script>alert(1)<\u{2028}script> ::error::x ]]>";
    let hostile = folder.path().join(name);
    copy(&hostile, "reference/python/UDPClient.py", "UDPClient.py", |text| text);
    fs::write(
        hostile.join("UDPServer.py"),
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('', 12000))\n\
         data, client = s.recvfrom(2048)\ns.sendto(b'\\x1b[31m<script>\\0\\xff]]>', client)\n",
    )
    .unwrap();
    let page = folder.path().join("page.html");
    let output = run(&[hostile], &["--no-references", "--report", &format!("html={}", page.display())]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    assert!(text.lines().all(|line| !line.trim_start().starts_with("::")), "{text}");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("&lt;script&gt;"), "{page}");
    assert!(!page.contains("<script") && !page.contains('\u{1b}') && !page.contains('\0'), "{page}");
}

#[test]
fn what_cannot_be_read_is_said() {
    let nothing = run(&[PathBuf::from("no-such-folder")], &[]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("no-such-folder"));
    let format = run(&[fixtures().join("reference/python")], &["--report", "hmtl=x"]);
    assert_eq!(format.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&format.stderr).contains("html"), "the nearest format is named");
    let empty = TempDir::new().unwrap();
    fs::write(empty.path().join("README"), "nothing\n").unwrap();
    let output = run(&[empty.path().to_owned()], &["--no-references"]);
    assert_eq!(output.status.code(), Some(3), "who has nothing to play with is said, and nobody is failed");
    assert!(String::from_utf8_lossy(&output.stdout).contains("there is no program in it"));
}

#[test]
fn without_a_network_of_its_own_nothing_is_tried() {
    let output = Command::new(env!("CARGO_BIN_EXE_sockspec"))
        .env("SOCKSPEC_NETWORK", "shared")
        .args(["crossplay", "--no-references"])
        .arg(fixtures().join("reference/python"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stdout).contains("sockspec doctor"));
}
