//! Programs where namespaces are refused, as in most containers: the kernel confines what they may
//! touch all the same (landlock(7), seccomp(2)), though they share the machine's ports and see its
//! processes.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreated, RulesetCreatedAttr as _, RulesetError, Scope,
};
use seccompiler::BpfProgram;
use tempfile::TempDir;

use super::{Prepared, Start, filter, prefix};

/// What it may read beside the system's folders.
const READABLE: &[&str] = &["/proc", "/sys/fs/cgroup", "/dev/urandom", "/dev/random"];

/// What it may read of `/etc` beside what every program sees of it.
const NAMES: &[&str] = &["hosts", "resolv.conf", "nsswitch.conf", "passwd", "group"];

/// What it may read and write.
const WRITABLE: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/pts", "/dev/ptmx", "/dev/shm"];

/// The version of Landlock whose rights are asked for; of an older kernel, as many as it has.
const VERSION: ABI = ABI::V6;

/// Walls without namespaces.
#[derive(Debug)]
pub struct Confined {
    ruleset: OwnedFd,
    filters: Vec<BpfProgram>,
    /// For what it wants to put into a temporary folder.
    scratch: TempDir,
}

impl Confined {
    /// Builds the walls around a program.
    ///
    /// # Errors
    /// Why this machine does not allow that, in words.
    pub fn make(start: &Start<'_>) -> Result<Self, String> {
        let scratch = tempfile::Builder::new().prefix(super::stale::PREFIX).tempdir();
        let scratch = scratch.map_err(|error| format!("no temporary folder ({error})"))?;
        let ruleset = ruleset(start, scratch.path()).map_err(|error| format!("Landlock: {error}"))?;
        let ruleset: Option<OwnedFd> = ruleset.into();
        let ruleset = ruleset.ok_or("this kernel has no Landlock, or it is not switched on")?;
        let filters = filter::programs().map_err(|error| format!("seccomp: {error}"))?;
        Ok(Self { ruleset, filters: filters.into(), scratch })
    }

    /// Refuses to change modes and owners of files: Landlock has no rule for that.
    ///
    /// # Errors
    /// This kind of processor is not known to the compiler of filters.
    pub fn keep_modes(&mut self) -> Result<(), String> {
        self.filters.push(filter::modes().map_err(|error| format!("seccomp: {error}"))?);
        Ok(())
    }

    /// The folder for what it wants to keep for a while.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Puts a command behind them.
    ///
    /// # Errors
    /// The system's: too many descriptors are open.
    pub fn prepare(&self, mut prepared: Prepared) -> io::Result<Prepared> {
        prepared.command.env("TMPDIR", self.scratch.path()).envs(super::prefix::WITHOUT_PTRACE);
        prepared.confinement.ruleset = Some(self.ruleset.try_clone()?);
        prepared.confinement.filters.clone_from(&self.filters);
        Ok(prepared)
    }
}

fn ruleset(start: &Start<'_>, scratch: &Path) -> Result<RulesetCreated, RulesetError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(VERSION))?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?;
    let prefixes = prefix::interpreter(start).map(|file| prefix::of(&file)).unwrap_or_default();
    let system = prefix::SYSTEM.iter().chain(READABLE).map(Path::new);
    for path in system.chain(prefixes.iter().map(std::path::PathBuf::as_path)) {
        ruleset = allow(ruleset, path, false)?;
    }
    for path in prefix::etc().into_iter().chain(NAMES.iter().map(|name| Path::new("/etc").join(name))) {
        ruleset = allow(ruleset, &path, false)?;
    }
    for path in WRITABLE.iter().map(Path::new).chain([start.folder, scratch]) {
        ruleset = allow(ruleset, path, true)?;
    }
    Ok(ruleset)
}

/// Allows what is below a path, where it is there.
fn allow(ruleset: RulesetCreated, path: &Path, write: bool) -> Result<RulesetCreated, RulesetError> {
    let Ok(opened) = PathFd::new(path) else { return Ok(ruleset) };
    let mut access = if write { AccessFs::from_all(VERSION) } else { AccessFs::from_read(VERSION) };
    if !path.is_dir() {
        access &= AccessFs::from_file(VERSION);
    }
    ruleset.add_rule(PathBeneath::new(opened, access))
}
