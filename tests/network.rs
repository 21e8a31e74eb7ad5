//! The private network: whatever address or host name a program has been told, the grader answers
//! there; each process finds a network that nobody has used; nothing of it is left. All of that as
//! root, where the tests are run by root, and as an ordinary user.
//!
//! Where a machine allows no network namespaces, these tests say so and end; with `CI` set they fail.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by a panic")]
#![allow(clippy::print_stderr, reason = "what is left out is said")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Seek as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::unistd::Uid;
use serde_json::Value;

/// The user and group `nobody` of Debian and most others.
const NOBODY: u32 = 65534;

/// How a client finds its server: what is done before, the kind of socket, and the host.
const HOSTS: &[(&str, &str, &str, &str)] = &[
    ("an IPv4 address", "pass", "AF_INET", "'10.1.2.3'"),
    ("an IPv6 address", "pass", "AF_INET6", "'2001:db8::5'"),
    ("a textbook's name", "pass", "AF_INET", "'servername'"),
    ("a name that nobody knows", "pass", "AF_INET", "'no-such-host.example'"),
    ("a name without a dot", "pass", "AF_INET", "'no-such-host'"),
    ("a name for IPv6", "host = getaddrinfo('six.example', 12000, AF_INET6)[0][4][0]", "AF_INET6", "host"),
    ("either kind of address", "kind, _, _, _, to = getaddrinfo('www.example', 12000)[0]", "kind", "to[0]"),
    ("the machine's own name", "pass", "AF_INET", "gethostbyname(gethostname())"),
    (
        "the address of a route",
        "route = socket(AF_INET, SOCK_DGRAM); route.connect(('8.8.8.8', 80)); own = route.getsockname()[0]; route.close()",
        "AF_INET",
        "own",
    ),
];

const UDP_CLIENT: &str = "from socket import *
BEFORE
client = socket(FAMILY, SOCK_DGRAM)
sentence = input('Type a sentence in lower case: ')
client.connect((HOST, 12000))
client.send(sentence.encode())
print(client.recv(2048).decode())
client.close()
";

const TCP_CLIENT: &str = "from socket import *
BEFORE
client = socket(FAMILY, SOCK_STREAM)
sentence = input('Type a sentence in lower case: ')
client.connect((HOST, 12000))
client.send(sentence.encode())
print(client.recv(2048).decode())
client.close()
";

/// Says in which network it is, where nobody minds.
const TELLS: &str = "import os, sys
print('network', os.readlink('/proc/self/ns/net'), file=sys.stderr)
";

/// Who grades.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum User {
    /// Whoever runs the tests.
    Own,
    /// An ordinary user, where root runs the tests.
    Nobody,
}

/// A folder with a grader and programs that the user can read, and nothing else.
struct Lab {
    user: User,
    folder: tempfile::TempDir,
}

impl Lab {
    fn new(user: User) -> Self {
        let folder = tempfile::Builder::new().prefix("sockspec-network-").tempdir().unwrap();
        let lab = Self { user, folder };
        // What is copied lies beside what is written.
        let folders = [lab.path().to_owned(), lab.path().join("programs"), lab.scratch()];
        folders[1..].iter().for_each(|folder| fs::create_dir(folder).unwrap());
        if user == User::Nobody {
            folders.iter().for_each(|folder| chown(folder, Some(NOBODY), Some(NOBODY)).unwrap());
            // The folder of the build may be root's alone.
            support::copy_grader(&lab.path().join("grader"));
        }
        lab
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the grader writes.
    fn scratch(&self) -> PathBuf {
        self.path().join("scratch")
    }

    fn write(&self, name: &str, code: &str) -> PathBuf {
        let path = self.path().join("programs").join(name);
        fs::write(&path, code).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        path
    }

    fn command(&self, program: &str) -> Command {
        let mut command = match self.user {
            User::Own => Command::new(program.replace("GRADER", env!("CARGO_BIN_EXE_sockspec"))),
            User::Nobody => {
                let grader = self.path().join("grader");
                let mut command = Command::new(program.replace("GRADER", grader.to_str().unwrap()));
                // An interpreter in somebody's home is not for everybody.
                command.uid(NOBODY).gid(NOBODY).env("PATH", "/usr/local/bin:/usr/bin:/bin");
                command
            }
        };
        command.current_dir(self.path()).env("TMPDIR", self.scratch()).env("HOME", self.scratch());
        command.env_remove("SOCKSPEC_NETWORK").stdin(Stdio::null());
        command
    }

    fn check(&self, role: &str, program: &Path, extra: &[&str]) -> Value {
        self.start(role, program, extra).end()
    }

    fn start(&self, role: &str, program: &Path, extra: &[&str]) -> Grading {
        let (said, complained) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let mut command = self.command("GRADER");
        command.args(["check", "--role", role, "--dialect", "python", "--report", "json", "--jobs", "1"]).args(extra);
        command.arg(program).stdout(said.try_clone().unwrap()).stderr(complained.try_clone().unwrap());
        Grading { child: command.spawn().unwrap(), said, complained }
    }

    /// The facts of a run: in a list for each scenario.
    fn facts(&self, role: &str, program: &Path) -> BTreeMap<String, Vec<Value>> {
        let record = self.scratch().join(format!("{role}.json"));
        let _ = fs::remove_file(&record);
        self.check(role, program, &["--record", record.to_str().unwrap()]);
        let record: Value = serde_json::from_slice(&fs::read(record).unwrap()).unwrap();
        let mut scenarios = Vec::new();
        collect(&record, &mut scenarios);
        let facts = |scenario: &Value| {
            scenario["events"].as_array().unwrap().iter().map(|event| event["fact"].clone()).collect()
        };
        scenarios.iter().map(|one| (one["scenario"].as_str().unwrap().to_owned(), facts(one))).collect()
    }
}

/// All records of scenarios in a file of records.
fn collect(within: &Value, found: &mut Vec<Value>) {
    match within {
        Value::Object(fields) if fields.contains_key("scenario") && fields.contains_key("events") => {
            found.push(within.clone());
        }
        Value::Object(fields) => fields.values().for_each(|value| collect(value, found)),
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// A grader that runs, and the files that it writes to.
struct Grading {
    child: Child,
    said: fs::File,
    complained: fs::File,
}

impl Grading {
    fn end(self) -> Value {
        let Self { mut child, said, complained } = self;
        let status = child.wait().unwrap();
        let all = |mut file: fs::File| {
            file.rewind().unwrap();
            std::io::read_to_string(file).unwrap()
        };
        let report = serde_json::from_str(&all(said));
        report.unwrap_or_else(|error| panic!("{status}, {error}: {}", all(complained)))
    }
}

/// The points of the one program, and the requirements that it does not meet.
fn result(report: &Value) -> (f64, Vec<String>) {
    let requirements = report["submissions"][0]["programs"][0]["requirements"].as_array().unwrap();
    let lacking = requirements.iter().filter(|one| one["verdict"] != "passed");
    let lacking = lacking.map(|one| format!("{}: {} ({})", one["id"], one["verdict"], one["explanation"]));
    (report["submissions"][0]["score"].as_f64().unwrap(), lacking.collect())
}

/// The users that can grade here in a network of their own. The test's own user must be able to, or
/// the machine does not allow it.
fn users() -> Vec<User> {
    let wanted = if Uid::effective().is_root() { vec![User::Own, User::Nobody] } else { vec![User::Own] };
    wanted.into_iter().filter(|user| can(*user)).collect()
}

fn can(user: User) -> bool {
    let lab = Lab::new(user);
    let root = user == User::Own && Uid::effective().is_root();
    let flags = if root { "-nm" } else { "-Urnm" };
    let output = lab.command("unshare").args([flags, "true"]).output();
    let lacking = match output {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => format!("unshare (Debian package util-linux): {error}"),
    };
    assert!(std::env::var_os("CI").is_none(), "CI must allow namespaces: {lacking}");
    eprintln!("left out for {user:?}: this machine allows no network namespaces: {lacking}");
    false
}

fn client(code: &str, (_, before, family, host): &(&str, &str, &str, &str)) -> String {
    code.replace("BEFORE", before).replace("FAMILY", family).replace("HOST", host)
}

/// Every client must do as well as one that has been told `localhost`.
fn answers_everywhere(role: &str, code: &str) {
    for user in users() {
        let lab = Lab::new(user);
        let at_home = client(code, &("", "pass", "AF_INET", "'localhost'"));
        let (wanted, _) = result(&lab.check(role, &lab.write("home.py", &at_home), &[]));
        assert!(wanted > 0.0);
        for (index, host) in HOSTS.iter().enumerate() {
            let program = lab.write(&format!("client{index}.py"), &client(code, host));
            let (score, lacking) = result(&lab.check(role, &program, &[]));
            assert!((score - wanted).abs() < 0.01, "{role}, {user:?}, {}: {score} of {wanted}: {lacking:#?}", host.0);
        }
    }
}

#[test]
fn a_udp_client_is_answered_wherever_it_looks_for_its_server() {
    answers_everywhere("udp-client", UDP_CLIENT);
}

#[test]
fn a_tcp_client_is_answered_wherever_it_looks_for_its_server() {
    answers_everywhere("tcp-client", TCP_CLIENT);
}

#[test]
fn it_is_noted_which_host_was_looked_for() {
    for user in users() {
        let lab = Lab::new(user);
        for (host, wanted) in [("'no-such-host'", Some("no-such-host")), ("'localhost'", None)] {
            let program = lab.write("client.py", &client(UDP_CLIENT, &("", "pass", "AF_INET", host)));
            for (scenario, facts) in lab.facts("udp-client", &program) {
                let starts = facts.iter().filter(|fact| fact.get("started").is_some()).count();
                let names: Vec<&str> = facts.iter().filter_map(|fact| fact["looked-up"]["name"].as_str()).collect();
                // Once for each start, as long as there was one to type a sentence for.
                let fed = facts.iter().any(|fact| fact.get("fed").is_some());
                assert!(names.len() <= starts, "{scenario}: {names:?}");
                assert!(names.iter().all(|name| Some(*name) == wanted), "{scenario}: {names:?}");
                assert!(wanted.is_none() || !fed || !names.is_empty(), "{user:?}, {scenario}: {facts:#?}");
            }
        }
    }
}

#[test]
fn who_reaches_nobody_is_told_which_host_was_looked_for() {
    for user in users() {
        let lab = Lab::new(user);
        // To another port it would be answered there, so it sends nothing at all.
        let code = "import socket\ninput()\nsocket.gethostbyname('no-such-host')\ninput()\n";
        let (_, lacking) = result(&lab.check("udp-client", &lab.write("client.py", code), &[]));
        let told = |one: &String| one.contains("It looked for the host") && one.contains("no-such-host");
        assert!(lacking.iter().any(told), "{user:?}: {lacking:#?}");
    }
}

/// The networks that the starts in a scenario told of.
fn networks(facts: &[Value]) -> Vec<String> {
    let printed = facts.iter().filter(|fact| fact["printed"]["stream"] == "stderr");
    let text: String = printed.map(|fact| fact["printed"]["bytes"].to_string()).collect();
    text.split("net:[").skip(1).map(|rest| rest.chars().take_while(char::is_ascii_digit).collect()).collect()
}

#[test]
fn every_process_finds_a_network_that_nobody_has_used_but_a_restart_keeps_it() {
    for user in users() {
        let lab = Lab::new(user);
        let own = client(TCP_CLIENT, &("", "pass", "AF_INET", "'localhost'"));
        let program = lab.write("client.py", &format!("{TELLS}{own}"));
        let mut seen = BTreeSet::new();
        let scenarios = lab.facts("tcp-client", &program);
        for (scenario, facts) in &scenarios {
            let here: BTreeSet<String> = networks(facts).into_iter().collect();
            assert_eq!(here.len(), 1, "{user:?}, {scenario}: {here:?}");
            seen.extend(here);
        }
        // A number may be given again once its network is gone; most of them are still going.
        assert!(scenarios.len() > 3 && seen.len() > 1, "{user:?}: {seen:?} in {} scenarios", scenarios.len());

        let textbook = fs::read_to_string(textbook("TCPServer.py")).unwrap();
        let program = lab.write("server.py", &format!("{TELLS}{textbook}"));
        let restarts = lab.facts("tcp-server", &program).into_values().map(|facts| networks(&facts));
        let restarts: Vec<Vec<String>> = restarts.filter(|networks| networks.len() > 1).collect();
        assert!(!restarts.is_empty(), "no scenario restarts the server");
        for networks in restarts {
            assert!(networks.windows(2).all(|two| two[0] == two[1]), "{user:?}: {networks:?}");
        }
    }
}

fn textbook(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/textbook/python").join(name)
}

/// The processes below these, each with its network namespace.
fn below(tops: &[u32]) -> BTreeSet<(u32, PathBuf)> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let pids = pids.filter(|pid| is_below(*pid, tops));
    pids.filter_map(|pid| Some((pid, namespace(pid)?))).collect()
}

/// `None` where the process has ended, or hides it.
fn namespace(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/net")).ok()
}

fn is_below(pid: u32, tops: &[u32]) -> bool {
    let parent = |pid: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split_whitespace().nth(1)?.parse().ok()
    };
    std::iter::successors(parent(pid), |pid| parent(*pid)).any(|ancestor| tops.contains(&ancestor))
}

#[test]
fn many_gradings_at_once_share_no_port_and_leave_no_network() {
    const GRADINGS: usize = 20;
    for user in users() {
        let lab = Lab::new(user);
        let program = lab.write("server.py", &fs::read_to_string(textbook("TCPServer.py")).unwrap());
        let mut all: Vec<Grading> = (0..GRADINGS).map(|_| lab.start("tcp-server", &program, &[])).collect();
        let tops: Vec<u32> = all.iter().map(|grading| grading.child.id()).collect();
        let mut seen = BTreeSet::new();
        while all.iter_mut().any(|grading| grading.child.try_wait().unwrap().is_none()) {
            seen.extend(below(&tops));
            // `/proc` tells nobody that it has changed.
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let results: Vec<_> = all.into_iter().map(|grading| result(&grading.end())).collect();
        let networks: BTreeSet<&PathBuf> = seen.iter().map(|(_, network)| network).collect();
        assert!(networks.len() >= GRADINGS, "{user:?}: {seen:?}");
        let alike = |two: &[(f64, Vec<String>)]| two[0].0 == two[1].0 && two[0].1.len() == two[1].1.len();
        assert!(results.windows(2).all(alike), "{user:?}: {results:#?}");
        assert!(results[0].1.iter().all(|one| !one.contains("ungraded")), "{user:?}: {results:#?}");
        // A network's number is given again, to other graders on this machine too; so its holders count.
        let left: Vec<_> = seen.iter().filter(|(pid, network)| namespace(*pid).as_ref() == Some(network)).collect();
        assert!(left.is_empty(), "{user:?}: these still hold a network: {left:?}");
    }
}
