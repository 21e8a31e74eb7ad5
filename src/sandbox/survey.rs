//! What this machine allows, found out by trying.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Level;

/// Which levels can be had here, the best first, each with why not, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// Each level; `None` where it can be had.
    pub levels: Vec<(Level, Option<String>)>,
    /// Whether a control group can count a program's memory.
    pub cgroup: bool,
}

impl Survey {
    /// Tries all of them. Changes this process for good (it moves into namespaces), so it is one made
    /// for this alone, and must not have threads.
    #[must_use]
    pub fn take() -> Self {
        #[cfg(target_os = "linux")]
        let levels = try_all();
        #[cfg(not(target_os = "linux"))]
        let levels = {
            let reason = |level: Level| (level != Level::Plain).then(|| "this system is not Linux".to_owned());
            Level::ALL.map(|level| (level, reason(level))).to_vec()
        };
        #[cfg(target_os = "linux")]
        let cgroup = super::cgroup::Cgroup::make(64 << 20).is_some();
        #[cfg(not(target_os = "linux"))]
        let cgroup = false;
        Self { levels, cgroup }
    }

    /// The best level.
    #[must_use]
    pub fn best(&self) -> Level {
        self.levels.iter().find(|(_, reason)| reason.is_none()).map_or(Level::Plain, |(level, _)| *level)
    }

    /// What to do for a better one, as far as that can be told from this machine.
    #[must_use]
    pub fn advice(&self) -> Vec<String> {
        let Some(reason) = self.levels.first().and_then(|(_, reason)| reason.as_deref()) else { return Vec::new() };
        if reason.contains("not installed") {
            return vec!["install bubblewrap: apt-get install bubblewrap (Fedora: dnf install bubblewrap)".to_owned()];
        }
        let mut advice = Vec::new();
        let setting = |file: &str, wrong: &str| std::fs::read_to_string(file).is_ok_and(|text| text.trim() == wrong);
        let settings = [
            (
                "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
                "1",
                "kernel.apparmor_restrict_unprivileged_userns=0",
            ),
            ("/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
            ("/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces=10000"),
        ];
        for (file, wrong, right) in settings {
            if setting(file, wrong) {
                advice.push(format!("let ordinary users make namespaces: sudo sysctl -w {right}"));
            }
        }
        if ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| Path::new(mark).exists()) {
            advice.push(
                "start the container with --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
                 --security-opt systempaths=unconfined (podman: --security-opt seccomp=unconfined \
                 --security-opt unmask=ALL)"
                    .to_owned(),
            );
        }
        advice
    }
}

#[cfg(target_os = "linux")]
fn try_all() -> Vec<(Level, Option<String>)> {
    use super::{Limits, Sandbox, Start};

    let network = super::network::enter(&[]);
    let (command, environment) = (["true".to_owned()], std::collections::BTreeMap::new());
    let try_level = |level: Level| -> Option<String> {
        let folder = match tempfile::Builder::new().prefix(super::stale::PREFIX).tempdir() {
            Ok(folder) => folder,
            Err(error) => return Some(format!("no temporary folder can be made ({error})")),
        };
        let limits = Limits::default();
        let start = Start {
            command: &command,
            folder: folder.path(),
            inside: std::path::Path::new(""),
            environment: &environment,
            limits: limits.process(),
        };
        Sandbox::make(Some(level), network, &start, &limits).err().map(|unavailable| unavailable.reason)
    };
    Level::ALL.map(|level| (level, try_level(level))).to_vec()
}
