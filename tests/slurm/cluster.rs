//! A Slurm of two nodes on this host. All that it writes lies in one folder, and all that it starts is ended by
//! its process ID when it is dropped, also when a test fails.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use camino::Utf8PathBuf;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use tempfile::TempDir;

use crate::grader::{Ran, Room, ran};
use crate::packing;
use crate::support::within;

const LONG: Duration = Duration::from_secs(60);
const NEEDS: [&str; 5] = ["munged", "slurmctld", "slurmd", "sbatch", "squeue"];

/// One cluster at a time: there are two processors.
static TURN: Mutex<()> = Mutex::new(());

/// A cluster of `n1` and `n2`, with one processor each.
pub struct Cluster {
    path: Utf8PathBuf,
    daemons: Vec<(String, Child)>,
    _folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Cluster {
    /// Starts it. Nothing where Slurm is not installed: then the test is not tried.
    pub fn start() -> Option<Self> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lacking) = NEEDS.iter().find(|tool| find(tool).is_none()) {
            let what =
                format!("a real Slurm: `{lacking}` is not here (apt-get install slurmctld slurmd slurm-client munge)");
            assert!(std::env::var_os("CI").is_none(), "CI must have it: {what}");
            let _ = writeln!(std::io::stderr(), "not tried: {what}");
            return None;
        }
        let (folder, path) = packing::folder();
        // munged wants its socket to be open to all.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let mut cluster = Self { path, daemons: Vec::new(), _folder: folder, _turn: turn };
        cluster.configure();
        let [socket, key, log, pid, seed] =
            ["munge.sock", "munge.key", "munged.log", "munged.pid", "munge.seed"].map(|name| cluster.path.join(name));
        cluster.daemon(
            "munged",
            "munged",
            &[
                "--foreground",
                "--force",
                &format!("--socket={socket}"),
                &format!("--key-file={key}"),
                &format!("--log-file={log}"),
                &format!("--pid-file={pid}"),
                &format!("--seed-file={seed}"),
            ],
        );
        within(LONG, || socket.exists().then_some(())).expect("munged does not begin");
        cluster.daemon("slurmctld", "slurmctld", &["-D"]);
        for node in ["n1", "n2"] {
            cluster.daemon(node, "slurmd", &["-D", "-N", node]);
        }
        let idle = || (cluster.ask("sinfo", &["-h", "-N", "-o", "%T"]) == "idle\nidle\n").then_some(());
        within(LONG, idle).unwrap_or_else(|| panic!("no two idle nodes: {}", cluster.logs()));
        Some(cluster)
    }

    fn configure(&self) {
        let path = &self.path;
        let name = nix::unistd::gethostname().unwrap().to_string_lossy().into_owned();
        let host = name.split('.').next().unwrap();
        let user = User::from_uid(geteuid()).unwrap().unwrap().name;
        let sockets: Vec<TcpListener> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let [control, n1, n2] = [0, 1, 2].map(|at| sockets[at].local_addr().unwrap().port());
        for folder in ["state", "spool-n1", "spool-n2"] {
            fs::create_dir(path.join(folder)).unwrap();
        }
        let key: Vec<u8> = (0..1024).map(|_| fastrand::u8(..)).collect();
        fs::write(path.join("munge.key"), key).unwrap();
        fs::set_permissions(path.join("munge.key"), fs::Permissions::from_mode(0o400)).unwrap();
        let node = |name: &str, port: u16| {
            format!(
                "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1 RealMemory=1000 State=UNKNOWN\n"
            )
        };
        // A node that says nothing for some seconds is dead; jobs begin without delay. What is not said (accounting,
        // cgroups) is left out by default, under names that differ between versions.
        let text = format!(
            "ClusterName=sockspec\nSlurmctldHost={host}(127.0.0.1)\nSlurmctldPort={control}\nAuthType=auth/munge\n\
             AuthInfo=socket={path}/munge.sock\nCredType=cred/munge\nSlurmUser={user}\nSlurmdUser={user}\n\
             SlurmctldPidFile={path}/slurmctld.pid\nSlurmdPidFile={path}/slurmd-%n.pid\nStateSaveLocation={path}/state\n\
             SlurmdSpoolDir={path}/spool-%n\nSlurmctldLogFile={path}/slurmctld.log\nSlurmdLogFile={path}/slurmd-%n.log\n\
             ProctrackType=proctrack/linuxproc\nSchedulerType=sched/backfill\nSelectType=select/cons_tres\nSelectTypeParameters=CR_Core\n\
             ReturnToService=2\nSlurmdTimeout=5\nMessageTimeout=5\nTCPTimeout=2\nKillWait=2\n\
             SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000,sched_interval=1,bf_interval=1\n\
             SlurmdParameters=config_overrides\n{}{}PartitionName=grade Nodes=n1,n2 Default=YES State=UP\n",
            node("n1", n1),
            node("n2", n2),
        );
        fs::write(path.join("slurm.conf"), text).unwrap();
    }

    fn daemon(&mut self, name: &str, program: &str, arguments: &[&str]) {
        let log = fs::File::create(self.path.join(format!("{name}.out"))).unwrap();
        let mut command = Command::new(find(program).unwrap());
        command.args(arguments).env("SLURM_CONF", self.configuration()).current_dir(&self.path).stdin(Stdio::null());
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        self.daemons.push((name.to_owned(), child));
    }

    fn configuration(&self) -> String {
        self.path.join("slurm.conf").into_string()
    }

    /// A command of Slurm's; what it says.
    pub fn ask(&self, tool: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(tool);
        let Output { stdout, .. } = command.args(arguments).env("SLURM_CONF", self.configuration()).output().unwrap();
        String::from_utf8(stdout).unwrap()
    }

    /// The tester on a machine from which jobs are submitted.
    pub fn command(&self, room: &Room, export: &str, out: &str, more: &[&str]) -> Command {
        let arguments = [&["batch", export, "--out", out, "--assignment", "lab.yaml", "--on", "slurm"], more].concat();
        let mut command = room.command(env!("CARGO_BIN_EXE_sockspec"), &arguments);
        // What a user is used to say and to see is nothing to us.
        let theirs = [
            ("SBATCH_JOB_NAME", "mine"),
            ("SBATCH_OUTPUT", "mine.out"),
            ("SBATCH_ARRAY_INX", "7"),
            ("SBATCH_NO_REQUEUE", "1"),
            ("SQUEUE_STATES", "SUSPENDED"),
            ("SQUEUE_FORMAT", "%i"),
        ];
        command.env("SLURM_CONF", self.configuration()).envs(theirs);
        command
    }

    pub fn batch(&self, room: &Room, export: &str, out: &str, more: &[&str]) -> Ran {
        ran(&mut self.command(room, export, out, more))
    }

    /// The IDs of all jobs that have not ended.
    pub fn jobs(&self) -> Vec<String> {
        let mut jobs: Vec<String> = self.ask("squeue", &["-h", "-o", "%F"]).lines().map(str::to_owned).collect();
        jobs.sort_unstable_by_key(|job| job.parse::<u64>().unwrap());
        jobs.dedup();
        jobs
    }

    /// The shards that a node grades now.
    pub fn shards_on(&self, node: &str) -> Vec<u32> {
        let said = self.ask("squeue", &["-h", "--array", "-t", "R", "-w", node, "-o", "%K"]);
        said.lines().filter_map(|line| line.trim().parse().ok()).collect()
    }

    /// Ends a node as a power cut does: its daemon, the steps that run on it, and what they have started.
    pub fn cut_off(&mut self, node: &str) {
        let (_, daemon) = self.daemons.iter_mut().find(|(name, _)| name == node).unwrap();
        daemon.kill().unwrap();
        daemon.wait().unwrap();
        let steps = self.steps(node);
        assert!(!steps.is_empty(), "nothing runs on {node}: {}", self.logs());
        end(&steps);
    }

    /// What runs on a node: each step, and what it has started. Whatever that has started in turn goes with it.
    fn steps(&self, node: &str) -> Vec<i32> {
        let there = self.processes(&format!("SLURMD_NODENAME={node}"));
        let pairs = there.into_iter().filter_map(|pid| Some((parent(pid)?, pid)));
        pairs.filter(|(parent, _)| name_of(*parent) == "slurmstepd").flat_map(|(parent, pid)| [parent, pid]).collect()
    }

    /// Processes of this cluster that have this in their environment.
    fn processes(&self, variable: &str) -> Vec<i32> {
        let wanted = [format!("SLURM_CONF={}", self.configuration()), variable.to_owned()];
        let all = fs::read_dir("/proc").unwrap().flatten();
        let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.filter(|pid| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let has = |wanted: &String| environment.split(|byte| *byte == 0).any(|one| one == wanted.as_bytes());
            wanted.iter().all(has) && i32::try_from(std::process::id()).unwrap() != *pid
        })
        .collect()
    }

    /// What the daemons say.
    pub fn logs(&self) -> String {
        let files = fs::read_dir(&self.path).unwrap().flatten().map(|entry| entry.path());
        let logs = files.filter(|file| file.extension().is_some_and(|ending| ending == "log" || ending == "out"));
        logs.map(|file| format!("{}:\n{}\n", file.display(), fs::read_to_string(&file).unwrap_or_default())).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The steps first: they would outlive their daemon.
        ["n1", "n2"].iter().for_each(|node| end(&self.steps(node)));
        for (_, daemon) in self.daemons.iter_mut().rev() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

fn end(pids: &[i32]) {
    for pid in pids {
        let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
    }
}

fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn name_of(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

/// Daemons lie where an ordinary user's PATH does not lead.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}
