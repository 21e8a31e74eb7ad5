//! The attacks in `fixtures/hostile`: each is graded while a right submission is graded beside it. None
//! gets what it wants, all runs end with a verdict, nothing is left of them, and the right submission
//! keeps every point.
//!
//! An attack's header says what must be said of it:
//!
//! ```text
//! # attack: what it does
//! # role: udp-server
//! # only: UDPS-2            (the requirement that it is graded for, where all would take too long)
//! # level: private-network  (the level of isolation that stops it; `plain`: every level does)
//! # limits: { … }           (of the assignment that it is graded under)
//! # links: NAME=TARGET …    (symbolic links that it is handed in with)
//! # wants: what it would get
//! # proof: what proves that it did not
//! # verdict: full (it keeps every point), lost (it does not), any
//! # says: a text that the terminal's report has
//! # open: why the attack gets what it wants all the same, where memory is in no control group
//! ```
//!
//! Of an attack with `# open:`, what it prints after `LEAK:` is what is expected on a machine where the
//! grader may make no control group (`sockspec doctor` says so); once there is nothing, the line must go.
//! All else must hold of it as of the others.
//!
//! What an attack finds out it prints after `LEAK:`, and secrets are planted where it looks: neither may
//! be in any output. Ends of endless attacks (3 GiB, 3000 processes) are in the fixtures, so that a
//! sandbox with a hole costs a failed test and no machine.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by a panic")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::Write as _;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use serde_json::{Value, json};

use support::{copy_grader, within};

/// How long a grading may take at most, beside what its `limits` say.
const PATIENCE: Duration = Duration::from_secs(90);

/// How soon all must be gone once the grader is.
const SOON: Duration = Duration::from_secs(10);

/// How often `/proc` is looked at while an attack runs.
const GLANCE: Duration = Duration::from_millis(40);

/// How many attacks run at a time. Each has a grading beside it, and some fill what memory they get.
const AT_A_TIME: usize = 3;

/// The most bytes of memory that a grader may take, and of a record, whatever it is told.
const MOST_MEMORY_KIB: u64 = 1 << 20;
const MOST_RECORD: u64 = 48 << 20;

/// Who owns nothing.
const NOBODY: u32 = 65534;

/// What a program writes over what it should not.
const OVERWRITTEN: &str = "OVERWRITTEN";

/// One test for each attack and user, so that a failure has its name.
macro_rules! attacks {
    ($($name:ident)*) => {
        /// As whoever runs the tests.
        mod attack {
            $(
                #[test]
                fn $name() {
                    super::fails_in_vain(stringify!($name), super::Who::Oneself);
                }
            )*
        }

        /// As an ordinary user who owns nothing, where the tests are run as root.
        mod attack_as_nobody {
            $(
                #[test]
                fn $name() {
                    super::fails_in_vain(stringify!($name), super::Who::Nobody);
                }
            )*
        }

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

attacks! {
    a_thousand_connections eats_memory eats_memory_in_many eats_memory_in_sockets eats_memory_unmapped
    fills_the_disk fills_the_disk_with_names floods_the_screen floods_the_screen_for_ever follows_links
    forges_its_end forks_until_refused forks_while_it_is_killed forks_without_end hides_in_a_daemon
    ignores_every_signal is_a_daemon kills_everyone kills_its_keeper kills_what_it_sees
    leaves_shared_memory locks_its_folders nests_folders one_byte_a_second opens_every_descriptor
    prints_escapes reaches_other_networks reads_secrets reads_the_grader reads_the_siblings
    replaces_its_files sends_a_gigabyte sends_a_gigabyte_back sends_a_gigabyte_of_datagrams
    spins_in_many stops_itself takes_the_port_first_by_tcp takes_the_port_first_by_udp
    threads_without_end tries_system_calls writes_a_gigabyte writes_the_results writes_to_the_terminal
}

#[test]
fn each_attack_has_a_test_and_a_whole_header() {
    let known: BTreeSet<String> = NAMES.iter().map(|name| name.replace('_', "-")).collect();
    let files = fs::read_dir(folder_of_fixtures()).unwrap().flatten().map(|entry| entry.path());
    let there: BTreeSet<String> = files
        .filter(|path| path.is_file())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(known, there);
    for name in there {
        let attack = Attack::read(&name);
        for (key, value) in [("attack", &attack.what), ("wants", &attack.wants), ("proof", &attack.proof)] {
            assert!(!value.is_empty(), "{name} does not say `# {key}:`");
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Oneself,
    Nobody,
}

/// What a fixture's header says.
#[derive(Debug)]
struct Attack {
    name: String,
    what: String,
    role: String,
    only: Option<String>,
    level: String,
    limits: Option<String>,
    links: Vec<(String, String)>,
    wants: String,
    proof: String,
    verdict: String,
    says: Vec<String>,
    open: Option<String>,
}

impl Attack {
    fn read(name: &str) -> Self {
        let text = fs::read_to_string(folder_of_fixtures().join(format!("{name}.py"))).unwrap();
        let all = |key: &str| -> Vec<String> {
            let lines = text.lines().take_while(|line| line.starts_with('#'));
            lines
                .filter_map(|line| line.strip_prefix(&format!("# {key}:")))
                .map(|value| value.trim().to_owned())
                .collect()
        };
        let one = |key: &str| all(key).into_iter().next();
        let must = |key: &str| one(key).unwrap_or_else(|| panic!("{name} does not say `# {key}:`"));
        let level = must("level");
        assert!(["plain", "private-network"].contains(&level.as_str()), "{name}: level {level}");
        let verdict = must("verdict");
        assert!(["full", "lost", "any"].contains(&verdict.as_str()), "{name}: verdict {verdict}");
        let links = one("links").unwrap_or_default();
        Self {
            name: name.to_owned(),
            what: must("attack"),
            role: must("role"),
            only: one("only"),
            level,
            limits: one("limits"),
            links: links
                .split_whitespace()
                .map(|link| link.split_once('=').unwrap())
                .map(|(name, target)| (name.to_owned(), target.to_owned()))
                .collect(),
            wants: must("wants"),
            proof: must("proof"),
            verdict,
            says: all("says"),
            open: one("open"),
        }
    }
}

fn folder_of_fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hostile")
}

/// Runs an attack, and fails with all that it got.
fn fails_in_vain(test: &str, who: Who) {
    let attack = Attack::read(&test.replace('_', "-"));
    if who == Who::Nobody && !Uid::effective().is_root() {
        return say(&format!("{}: not tried as another user, for these tests are not run as root", attack.name));
    }
    if attack.level != "plain" && level() != "private-network" {
        let why = format!("{} can only be stopped at level private-network; here it is {}", attack.name, level());
        assert!(!is_there("bwrap"), "{why}, though bubblewrap is installed");
        assert!(std::env::var_os("CI").is_none(), "{why}, for bubblewrap (bwrap) is missing: install it");
        return say(&format!("{why}: not tried. Install bubblewrap (bwrap)"));
    }
    let _turn = Turn::wait();
    let stage = Stage::set(&attack, who);
    let mut complaints = stage.play();
    if attack.open.is_some() && !has_control_group(who) {
        let all = complaints.len();
        complaints.retain(|complaint| !complaint.contains("LEAK:"));
        if complaints.len() == all {
            complaints.push("it gets nothing any more: take `# open:` out of its header".to_owned());
        }
    }
    assert!(
        complaints.is_empty(),
        "{} ({}, wants {}):\n- {}\n",
        attack.name,
        attack.what,
        attack.wants,
        complaints.join("\n- ")
    );
}

fn say(text: &str) {
    // Past the test harness, which shows nothing of a test that passes.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn is_there(command: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(command).is_file())
}

/// Whether the grader has a control group for the memory of a program, as it says itself.
fn has_control_group(who: Who) -> bool {
    let doctor = Command::new(env!("CARGO_BIN_EXE_sockspec")).args(["doctor", "--json"]).output().unwrap();
    let found: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    // What an administrator may, somebody who owns nothing may not.
    who == Who::Oneself && found["memory"] == "control group"
}

/// The level of isolation on this machine, as a report names it.
fn level() -> &'static str {
    static LEVEL: OnceLock<String> = OnceLock::new();
    LEVEL.get_or_init(|| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/python/UDPServer.py");
        let output = Command::new(env!("CARGO_BIN_EXE_sockspec"))
            .args(["check", "--only", "UDPS-1", "--report", "json"])
            .arg(file)
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["isolation"].as_str().unwrap().to_owned()
    })
}

/// A place among those that run.
struct Turn;

static RUNNING: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

impl Turn {
    fn wait() -> Self {
        let lock = RUNNING.0.lock().unwrap();
        let mut running = RUNNING.1.wait_while(lock, |running| *running >= AT_A_TIME).unwrap();
        *running += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *RUNNING.0.lock().unwrap() -= 1;
        RUNNING.1.notify_one();
    }
}

/// Everything around one attack: who is graded, what may not be read or changed, who listens.
struct Stage<'a> {
    attack: &'a Attack,
    who: Who,
    folder: PathBuf,
    /// Stands in the command line of the program, and in the names of all that it may leave.
    token: String,
    /// Stands in all that must not be read.
    canary: String,
    key: i32,
    /// What must be as it was, with its content.
    planted: BTreeMap<PathBuf, Vec<u8>>,
    listeners: Vec<TcpListener>,
    datagrams: Vec<UdpSocket>,
    unix: Vec<UnixListener>,
    /// Left open for whoever is started, as a careless caller does: a secret.
    left_open: Option<File>,
    mounts: BTreeSet<String>,
}

impl<'a> Stage<'a> {
    fn set(attack: &'a Attack, who: Who) -> Self {
        let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
        let folder = tempfile::Builder::new().prefix("sockspec-attacked-").tempdir().unwrap().keep();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let mut stage = Self {
            attack,
            who,
            folder,
            token: format!("attack{random:016x}"),
            canary: format!("CANARY{:016x}", random.rotate_left(20)),
            key: i32::try_from(random & 0x3fff_ffff).unwrap() | 0x4000_0000,
            planted: BTreeMap::new(),
            listeners: Vec::new(),
            datagrams: Vec::new(),
            unix: Vec::new(),
            left_open: None,
            mounts: mounts(),
        };
        stage.plant();
        stage.listen();
        stage.write_map();
        stage.link();
        if who == Who::Nobody {
            fs::create_dir(stage.at("bin")).unwrap();
            copy_grader(&stage.at("bin/sockspec"));
            give_away(&stage.folder);
        }
        stage
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    fn program(&self) -> PathBuf {
        self.at("course/attacker/submission").join(format!("{}-{}.py", self.attack.name, self.token))
    }

    fn executable(&self) -> PathBuf {
        match self.who {
            Who::Oneself => env!("CARGO_BIN_EXE_sockspec").into(),
            Who::Nobody => self.at("bin/sockspec"),
        }
    }

    /// Writes what must not change.
    fn put(&mut self, path: PathBuf, content: impl AsRef<[u8]>) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content.as_ref()).unwrap();
        self.planted.insert(path, content.as_ref().to_vec());
    }

    fn plant(&mut self) {
        let canary = self.canary.clone();
        self.put(self.at("home/secret.txt"), format!("{canary}-home"));
        self.put(self.at("home/.ssh/id_ed25519"), format!("{canary}-key"));
        self.put(self.at("results/old.json"), format!("\"{canary}-results\""));
        self.put(self.at("course/good/notes.txt"), format!("{canary}-sibling"));
        let limits = self.attack.limits.as_deref().unwrap_or("{ wall_seconds: 60 }");
        self.put(
            self.at("course/attacker/sockspec.yaml"),
            format!("# {canary}-assignment\nassignment: attacked\nlimits: {limits}\n"),
        );
        let references = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/python");
        for entry in fs::read_dir(references).unwrap().flatten().filter(|entry| entry.path().is_file()) {
            let right = fs::read(entry.path()).unwrap();
            self.put(self.at("course/attacker/submission").join(entry.file_name()), &right);
            let marked = [format!("# {canary}-copy\n").as_bytes(), &right].concat();
            self.put(self.at("course/good").join(entry.file_name()), marked);
        }
        let fixture = fs::read(folder_of_fixtures().join(format!("{}.py", self.attack.name))).unwrap();
        self.put(self.program(), fixture);
        let shared = fs::read(folder_of_fixtures().join("with/attack.py")).unwrap();
        self.put(self.at("course/attacker/submission/attack.py"), shared);
        let secret = File::open(self.at("home/secret.txt")).unwrap();
        fcntl(&secret, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
        self.left_open = Some(secret);
        fs::create_dir(self.at("temporary")).unwrap();
        fs::create_dir(self.at("sockets")).unwrap();
    }

    fn listen(&mut self) {
        for address in addresses() {
            let listener = TcpListener::bind((address.as_str(), 0)).unwrap();
            listener.set_nonblocking(true).unwrap();
            let socket = UdpSocket::bind((address.as_str(), listener.local_addr().unwrap().port())).unwrap();
            socket.set_nonblocking(true).unwrap();
            self.listeners.push(listener);
            self.datagrams.push(socket);
        }
        let path = UnixListener::bind(self.at("sockets/listener")).unwrap();
        let name = SocketAddr::from_abstract_name(&self.token).unwrap();
        self.unix = vec![path, UnixListener::bind_addr(&name).unwrap()];
        self.unix.iter().for_each(|listener| listener.set_nonblocking(true).unwrap());
    }

    /// What an attacker who knows everything knows.
    fn write_map(&mut self) {
        let listeners: Vec<Value> = self
            .listeners
            .iter()
            .map(|listener| listener.local_addr().unwrap())
            .map(|address| json!([address.ip().to_string(), address.port()]))
            .collect();
        let mut secrets: Vec<PathBuf> =
            ["home/secret.txt", "home/.ssh/id_ed25519", "results/old.json", "course/good/notes.txt"]
                .into_iter()
                .chain(["course/attacker/sockspec.yaml", "course/good/TCPServer.py"])
                .map(|path| self.at(path))
                .collect();
        let house = Path::new(env!("CARGO_MANIFEST_DIR"));
        secrets.extend([house.join(format!("specs/{}.yaml", self.attack.role)), self.executable()]);
        let targets: Vec<PathBuf> =
            ["old.json", "attack.json", "attack.xml", "attack.record", "attack.out", "good.json", "good.out"]
                .iter()
                .map(|name| self.at("results").join(name))
                .chain([self.program(), self.at("course/attacker/sockspec.yaml")])
                .chain(
                    ["home/secret.txt", "course/good/TCPServer.py", "course/good/notes.txt"].map(|path| self.at(path)),
                )
                .collect();
        let map = json!({
            "token": self.token,
            "role": self.attack.role,
            "home": self.at("home"),
            "temporary": self.at("temporary"),
            "secrets": secrets,
            "targets": targets,
            "listeners": listeners,
            "abstract": self.token,
            "unix": self.at("sockets/listener"),
            "key": self.key,
        });
        self.put(self.at("course/attacker/submission/map.json"), map.to_string());
    }

    fn link(&self) {
        for (name, target) in &self.attack.links {
            let own = self.program().file_name().unwrap().to_str().unwrap().to_owned();
            let target = target
                .replace("{home}", self.at("home").to_str().unwrap())
                .replace("{sibling}", self.at("course/good").to_str().unwrap())
                .replace("{self}", &own);
            std::os::unix::fs::symlink(target, self.at("course/attacker/submission").join(name)).unwrap();
        }
    }

    fn grader(&self, what: &str, path: &Path, arguments: &[String]) -> Grader {
        let output = File::create(self.at("results").join(format!("{what}.out"))).unwrap();
        let errors = File::create(self.at("results").join(format!("{what}.err"))).unwrap();
        let mut command = Command::new(self.executable());
        command
            .arg("check")
            .arg(path)
            .args(arguments)
            .arg("--report")
            .arg(format!("json={}", self.at("results").join(format!("{what}.json")).display()))
            .current_dir(&self.folder)
            .env("HOME", self.at("home"))
            .env("TMPDIR", self.at("temporary"))
            .env("SOCKSPEC_TEST_SECRET", format!("{}-environment", self.canary))
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors);
        if self.who == Who::Nobody {
            command.uid(NOBODY).gid(NOBODY).env("PATH", "/usr/local/bin:/usr/bin:/bin");
        }
        Grader { child: command.spawn().unwrap(), status: None }
    }

    /// Grades the attack, and a right submission beside it. What is wrong with what came of it.
    fn play(&self) -> Vec<String> {
        let begun = Instant::now();
        let seconds = self.attack.limits.as_ref().map_or(60, |limits| {
            let number: String = limits.chars().filter(char::is_ascii_digit).collect();
            number.parse().unwrap()
        });
        let limit = PATIENCE + Duration::from_secs(seconds);
        let mut arguments = vec!["--role".to_owned(), self.attack.role.clone()];
        arguments.extend(["--record".to_owned(), self.at("results/attack.record").display().to_string()]);
        arguments.extend(["--report".to_owned(), format!("junit={}", self.at("results/attack.xml").display())]);
        self.attack.only.iter().for_each(|id| arguments.extend(["--only".to_owned(), id.clone()]));
        let mut attacker = self.grader("attack", &self.program(), &arguments);
        let mut good: Option<Grader> = None;
        let mut seen = Seen::default();
        let mut complaints = Vec::new();
        loop {
            seen.look(attacker.child.id(), &self.token);
            let over = attacker.has_ended();
            // The other begins once the attack has.
            if good.is_none() && (over || seen.program) {
                good = Some(self.grader("good", &self.at("course/good"), &[]));
            }
            if over && good.as_mut().is_some_and(Grader::has_ended) {
                break;
            }
            if begun.elapsed() > limit {
                complaints.push(format!(
                    "after {} s {} still runs",
                    limit.as_secs(),
                    if over { "the grading beside it" } else { "it" }
                ));
                break;
            }
            std::thread::sleep(GLANCE);
        }
        complaints.extend(self.nothing_is_left(&seen));
        complaints.extend(self.nothing_was_got(&seen));
        complaints.extend(self.a_verdict_was_given(attacker.status));
        complaints.extend(self.the_good_one_kept_its_points(good.and_then(|good| good.status)));
        say(&format!("{} as {:?}: {:.1} s", self.attack.name, self.who, begun.elapsed().as_secs_f64()));
        complaints
    }

    /// No process, namespace, mount or file.
    fn nothing_is_left(&self, seen: &Seen) -> Vec<String> {
        let mut complaints = Vec::new();
        let processes = || -> Vec<Process> {
            let all = processes();
            let left = all.iter().filter(|process| {
                seen.processes.contains(&(process.pid, process.start)) || self.is_marked(process.pid)
            });
            left.filter(|process| process.state != 'Z').cloned().collect()
        };
        if within(SOON, || processes().is_empty().then_some(())).is_none() {
            for process in processes() {
                complaints.push(format!("left process {process:?}: {}", words(process.pid).join(" ")));
                let _ = kill(Pid::from_raw(process.pid.cast_signed()), Signal::SIGKILL);
            }
        }
        if within(SOON, || seen.namespaces_left().is_empty().then_some(())).is_none() {
            complaints.extend(seen.namespaces_left());
        }
        let fresh: Vec<String> = mounts().difference(&self.mounts).cloned().collect();
        if !fresh.is_empty() {
            complaints.push(format!("left mounts {fresh:?}"));
        }
        let left = || names(&self.at("temporary"));
        if within(SOON, || left().is_empty().then_some(())).is_none() {
            complaints.push(format!("left in the temporary folder {:?}", left()));
        }
        for folder in ["/tmp", "/var/tmp", "/dev/shm", "/run", "/dev/mqueue", "/", "/root", "/home"] {
            let left: Vec<String> =
                names(Path::new(folder)).into_iter().filter(|name| name.contains(&self.token)).collect();
            if !left.is_empty() {
                complaints.push(format!("left in {folder} {left:?}"));
            }
        }
        for kind in ["shm", "msg", "sem"] {
            let all = fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap_or_default();
            if all.lines().any(|line| line.split_whitespace().next() == Some(self.key.to_string().as_str())) {
                complaints.push(format!("left in /proc/sysvipc/{kind} the key {}", self.key));
            }
        }
        complaints
    }

    /// Whether a process bears the token, but is none that was told the program's path.
    fn is_marked(&self, pid: u32) -> bool {
        is_program(&words(pid), &self.token)
    }

    /// No secret was read, nothing was changed, nobody was reached, and the grader stayed small.
    fn nothing_was_got(&self, seen: &Seen) -> Vec<String> {
        let mut complaints = Vec::new();
        for name in names(&self.at("results")).iter().filter(|name| name.starts_with("attack.")) {
            let content = fs::read(self.at("results").join(name)).unwrap();
            if let Some(at) = find(&content, self.canary.as_bytes()) {
                let around = &content[at.saturating_sub(200)..content.len().min(at + 60)];
                complaints.push(format!("a secret is in {name}: {}", String::from_utf8_lossy(around)));
            }
        }
        complaints.extend(self.leaks());
        for (path, content) in &self.planted {
            match fs::read(path) {
                Ok(now) if now == *content => {}
                Ok(now) => complaints.push(format!("{} is now {}", path.display(), shown(&now))),
                Err(error) => complaints.push(format!("{} is gone: {error}", path.display())),
            }
        }
        let results = names(&self.at("results"));
        let known = ["old.json", "attack.json", "attack.xml", "attack.record", "attack.out", "attack.err"];
        let known: BTreeSet<&str> = known.into_iter().chain(["good.json", "good.out", "good.err"]).collect();
        let folders = ["home", "course", "course/good", "course/attacker/submission", "."];
        let strange = results.iter().filter(|name| !known.contains(name.as_str())).cloned();
        let written = folders.iter().flat_map(|folder| names(&self.at(folder)));
        let strange: Vec<String> = strange.chain(written.filter(|name| name.contains(OVERWRITTEN))).collect();
        if !strange.is_empty() {
            complaints.push(format!("made {strange:?}"));
        }
        for listener in &self.listeners {
            if let Ok((_, from)) = listener.accept() {
                complaints.push(format!("{from} connected to {}", listener.local_addr().unwrap()));
            }
        }
        for socket in &self.datagrams {
            if let Ok((length, from)) = socket.recv_from(&mut [0; 100]) {
                complaints.push(format!("{from} sent {length} bytes to {}", socket.local_addr().unwrap()));
            }
        }
        for listener in &self.unix {
            if listener.accept().is_ok() {
                complaints.push(format!("somebody connected to {:?}", listener.local_addr().unwrap()));
            }
        }
        let size = fs::metadata(self.at("results/attack.record")).map_or(0, |what| what.len());
        if size > MOST_RECORD {
            complaints.push(format!("the record has {size} bytes"));
        }
        if seen.memory > MOST_MEMORY_KIB {
            complaints.push(format!("grader or worker took {} MiB", seen.memory >> 10));
        }
        complaints
    }

    /// What the program says that it has got, on its screens and over the network.
    fn leaks(&self) -> Vec<String> {
        let Some(record) = self.json("attack.record") else { return Vec::new() };
        let mut leaks = BTreeSet::new();
        for played in record["programs"][0]["record"]["records"].as_array().into_iter().flatten() {
            let mut streams: BTreeMap<String, Vec<u8>> = BTreeMap::new();
            for event in played["events"].as_array().into_iter().flatten() {
                for (kind, whose) in [("printed", "stream"), ("received", "peer")] {
                    let fact = &event["fact"][kind];
                    streams.entry(fact[whose].to_string()).or_default().extend(bytes(&fact["bytes"]));
                }
            }
            for said in streams.into_values() {
                let said = String::from_utf8_lossy(&said).into_owned();
                leaks.extend(said.lines().filter(|line| line.contains("LEAK:")).map(str::trim_end).map(str::to_owned));
            }
        }
        leaks.into_iter().take(25).map(|leak| leak.chars().take(400).collect()).collect()
    }

    /// The run ended as it should, and the reports say how, in a form that nothing breaks.
    fn a_verdict_was_given(&self, status: Option<ExitStatus>) -> Vec<String> {
        let mut complaints = Vec::new();
        let said = fs::read(self.at("results/attack.out")).unwrap();
        let errors = fs::read_to_string(self.at("results/attack.err")).unwrap();
        let code = status.and_then(|status| status.code());
        if !matches!(code, Some(0 | 1 | 3)) {
            complaints.push(format!("the grader ended with {status:?}: {errors}"));
        }
        let Ok(said) = String::from_utf8(said) else {
            complaints.push("the terminal's report is no UTF-8".to_owned());
            return complaints;
        };
        if let Some(control) = said.chars().find(|c| c.is_control() && *c != '\n') {
            complaints.push(format!("the terminal's report has {control:?}"));
        }
        if said.lines().any(|line| line.trim_start().starts_with("::") || line.contains("##[")) {
            complaints.push("the terminal's report has a command for a CI system".to_owned());
        }
        let Some(report) = self.json("attack.json") else {
            complaints.push(format!("there is no report: {said}{errors}"));
            return complaints;
        };
        let submission = &report["submissions"][0];
        let (score, most) = (submission["score"].as_f64(), submission["max_score"].as_f64());
        let requirements: Vec<&Value> =
            submission["programs"][0]["requirements"].as_array().into_iter().flatten().collect();
        let ungraded: Vec<String> = requirements
            .iter()
            .filter(|one| one["verdict"] == "ungraded")
            .map(|one| format!("{}: {}", one["id"], one["reason"]))
            .collect();
        match self.attack.verdict.as_str() {
            "full" if score != most || code != Some(0) => {
                complaints.push(format!("it must keep every point, and has {score:?} of {most:?}:\n{said}"));
            }
            "lost" if score >= most || code != Some(1) || !ungraded.is_empty() => complaints
                .push(format!("it must lose points, and has {score:?} of {most:?}, status {code:?}, {ungraded:?}")),
            _ => {}
        }
        for one in requirements.iter().filter(|one| one["verdict"] == "failed") {
            if one["explanation"].as_str().is_none_or(|text| text.len() < 10) {
                complaints.push(format!("{} is not explained", one["id"]));
            }
        }
        for text in self.attack.says.iter().filter(|text| !said.contains(*text)) {
            complaints.push(format!("the report must say {text:?}:\n{said}{errors}"));
        }
        let junit = fs::read_to_string(self.at("results/attack.xml")).unwrap_or_default();
        if !junit.contains("<testsuite") || junit.contains("[[ATTACHMENT|") || junit.contains("\n::error") {
            complaints.push(format!("the JUnit report is missing or broken: {}", shown(junit.as_bytes())));
        }
        if is_there("xmllint") {
            let lint = Command::new("xmllint").arg("--noout").arg(self.at("results/attack.xml")).output().unwrap();
            if !lint.status.success() {
                complaints.push(format!("the JUnit report is no XML: {}", String::from_utf8_lossy(&lint.stderr)));
            }
        }
        complaints
    }

    fn the_good_one_kept_its_points(&self, status: Option<ExitStatus>) -> Vec<String> {
        let said = || {
            let read = |name: &str| fs::read_to_string(self.at("results").join(name)).unwrap_or_default();
            read("good.out") + &read("good.err")
        };
        let Some(report) = self.json("good.json") else {
            return vec![format!("of the right submission there is no report, {status:?}: {}", said())];
        };
        let submission = &report["submissions"][0];
        let programs: Vec<&Value> = submission["programs"].as_array().unwrap().iter().collect();
        let all = || programs.iter().flat_map(|program| program["requirements"].as_array().unwrap());
        let right = programs.len() == 4
            && submission["score"] == 100.0
            && submission["max_score"] == 100.0
            && all().all(|one| one["verdict"] == "passed")
            && status.and_then(|status| status.code()) == Some(0);
        if right { Vec::new() } else { vec![format!("the right submission lost points, {status:?}:\n{}", said())] }
    }

    fn json(&self, name: &str) -> Option<Value> {
        serde_json::from_slice(&fs::read(self.at("results").join(name)).ok()?).ok()
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        if std::env::var_os("SOCKSPEC_KEEP").is_some() {
            return say(&format!("kept {}", self.folder.display()));
        }
        // What an attack has left may be deeper than the standard library goes, and locked.
        let _ = Command::new("chmod").args(["-R", "u+rwX"]).arg(&self.folder).stderr(Stdio::null()).status();
        let _ = Command::new("rm").arg("-rf").arg(&self.folder).status();
    }
}

/// A grader that runs. Dropped, it is ended; its worker and the program end with it.
struct Grader {
    child: Child,
    status: Option<ExitStatus>,
}

impl Grader {
    fn has_ended(&mut self) -> bool {
        if self.status.is_none() {
            self.status = self.child.try_wait().unwrap();
        }
        self.status.is_some()
    }
}

impl Drop for Grader {
    fn drop(&mut self) {
        if !self.has_ended() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[derive(Debug, Clone)]
struct Process {
    pid: u32,
    parent: u32,
    state: char,
    /// When it was started, in ticks: tells it from a later one with its number.
    start: u64,
}

/// What was seen of a grading while it ran.
#[derive(Debug, Default)]
struct Seen {
    /// All descendants of the grader, by number and start.
    processes: BTreeSet<(u32, u64)>,
    /// Namespaces that they were in and this process is not. Held open, so that the kernel gives their
    /// numbers to no others.
    namespaces: BTreeMap<String, File>,
    /// Whether the program itself was among them.
    program: bool,
    /// The most memory of grader or worker, in KiB.
    memory: u64,
}

impl Seen {
    fn look(&mut self, grader: u32, token: &str) {
        let all = processes();
        let mut below = BTreeSet::from([grader]);
        // A child may have a lower number than its parent.
        loop {
            let more: Vec<u32> = all
                .iter()
                .filter(|process| below.contains(&process.parent) && !below.contains(&process.pid))
                .map(|process| process.pid)
                .collect();
            if more.is_empty() {
                break;
            }
            below.extend(more);
        }
        let own: BTreeSet<String> = namespaces(std::process::id()).into_keys().collect();
        for process in all.iter().filter(|process| below.contains(&process.pid)) {
            let words = words(process.pid);
            let ours = words.get(1).is_some_and(|word| word == "check" || word == "worker");
            if ours {
                self.memory = self.memory.max(peak(process.pid));
            }
            self.program |= is_program(&words, token);
            let fresh = process.pid != grader && self.processes.insert((process.pid, process.start));
            // A worker moves into its namespaces after it has begun.
            if fresh || ours {
                let strange = namespaces(process.pid).into_iter().filter(|(name, _)| !own.contains(name));
                strange.for_each(|(name, path)| self.hold(name, &path));
            }
        }
    }

    fn hold(&mut self, name: String, path: &Path) {
        if self.namespaces.contains_key(&name) {
            return;
        }
        // The process may be gone, or another one have its number.
        let Ok(file) = File::open(path) else { return };
        let held = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
        if held.as_os_str() == name.as_str() {
            self.namespaces.insert(name, file);
        }
    }

    /// Processes that are in them.
    fn namespaces_left(&self) -> Vec<String> {
        let inside = |process: &Process| {
            let all = namespaces(process.pid).into_keys();
            let shared: Vec<String> = all.filter(|name| self.namespaces.contains_key(name)).collect();
            let words = words(process.pid).join(" ");
            (!shared.is_empty()).then(|| format!("left in {shared:?} process {}: {words}", process.pid))
        };
        processes().iter().filter(|process| process.state != 'Z').filter_map(inside).collect()
    }
}

/// Whether a command line is the program's: not the grader's, which was told its path.
fn is_program(words: &[String], token: &str) -> bool {
    let told =
        words.get(1).is_some_and(|word| word == "check") || words.first().is_some_and(|word| word.ends_with("bwrap"));
    !told && words.iter().any(|word| word.contains(token))
}

fn processes() -> Vec<Process> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat).into_owned();
        // The name in parentheses may have anything in it.
        let rest: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some(Process {
            pid,
            parent: rest.get(1)?.parse().ok()?,
            state: rest.first()?.chars().next()?,
            start: rest.get(19)?.parse().ok()?,
        })
    })
    .collect()
}

/// The words of a process's command line; none if it is gone, or a zombie.
fn words(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// The namespaces of a process: how `/proc` names them, and where.
fn namespaces(pid: u32) -> BTreeMap<String, PathBuf> {
    ["user", "net", "mnt", "pid", "ipc", "uts", "cgroup"]
        .iter()
        .map(|kind| PathBuf::from(format!("/proc/{pid}/ns/{kind}")))
        .filter_map(|path| Some((fs::read_link(&path).ok()?.to_string_lossy().into_owned(), path)))
        .collect()
}

/// The most memory that a process has had, in KiB.
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn mounts() -> BTreeSet<String> {
    fs::read_to_string("/proc/self/mounts").unwrap().lines().map(str::to_owned).collect()
}

/// Addresses of this machine: the loopback's, and the one that it speaks to others with.
fn addresses() -> Vec<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent by this (connect(2)); the address is TEST-NET-1's (RFC 5737).
    let outward =
        socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr()).map(|address| address.ip().to_string());
    let mut all = vec!["127.0.0.1".to_owned()];
    all.extend(outward.ok().filter(|address| address != "127.0.0.1"));
    all
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Bytes as a record has them: text, or `{"hex": …}`.
fn bytes(value: &Value) -> Vec<u8> {
    if let Some(text) = value.as_str() {
        return text.as_bytes().to_vec();
    }
    let hex = value["hex"].as_str().unwrap_or_default();
    (0..hex.len() / 2).filter_map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()).collect()
}

fn find(content: &[u8], wanted: &[u8]) -> Option<usize> {
    content.windows(wanted.len()).position(|window| window == wanted)
}

fn shown(content: &[u8]) -> String {
    String::from_utf8_lossy(&content[..content.len().min(300)]).into_owned()
}

fn give_away(path: &Path) {
    let all = walkdir::WalkDir::new(path).into_iter().flatten();
    for entry in all {
        std::os::unix::fs::lchown(entry.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
}
