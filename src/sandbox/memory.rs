//! How much memory could be had.

#[cfg(target_os = "linux")]
use std::fs;
#[cfg(target_os = "linux")]
use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
use super::cgroup;

/// The share of the memory that could be had without giving up anything in use: of the machine's
/// (`MemAvailable`, proc_meminfo(5)), or of a control group's that this process is in, where that has less.
#[cfg(target_os = "linux")]
#[must_use]
pub fn free_memory() -> Option<f64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kibibytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    let machine = kibibytes("MemAvailable:")? / kibibytes("MemTotal:")?;
    let groups = fs::read_to_string(cgroup::OWN).unwrap_or_default();
    Some(folders(&groups).iter().filter_map(|folder| left(folder)).fold(machine, f64::min))
}

/// Nothing is known of it here.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn free_memory() -> Option<f64> {
    None
}

/// The folders of the groups that limit this process's memory: its own and those around it. Of a container only
/// the outermost may be there, as the root.
#[cfg(target_os = "linux")]
fn folders(groups: &str) -> Vec<PathBuf> {
    let own = cgroup::own(groups).filter_map(|(mounts, path)| Some((Path::new(mounts.first()?), path)));
    let around = |(mount, path): (&'static Path, &str)| {
        let whole = mount.join(path);
        whole.ancestors().take_while(|folder| folder.starts_with(mount)).map(Path::to_owned).collect::<Vec<_>>()
    };
    own.flat_map(around).collect()
}

/// The share of its memory that a group has left: what it holds of files that nobody uses can be had, too.
/// Nothing where it has no limit.
#[cfg(target_os = "linux")]
fn left(folder: &Path) -> Option<f64> {
    let number = |file: &str| fs::read_to_string(folder.join(file)).ok()?.trim().parse::<f64>().ok();
    let (most, used) = number("memory.max")
        .zip(number("memory.current"))
        .or_else(|| number("memory.limit_in_bytes").zip(number("memory.usage_in_bytes")))?;
    let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let files = ["total_inactive_file ", "inactive_file "]
        .iter()
        .find_map(|name| stat.lines().find_map(|line| line.strip_prefix(name))?.trim().parse::<f64>().ok());
    Some((most - used + files.unwrap_or(0.0)) / most)
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used, reason = "a test fails by a panic")]
mod tests {
    use super::*;

    #[test]
    fn a_group_and_those_around_it_limit_memory() {
        let groups = "5:cpu,cpuacct:/x\n4:memory:/a/b\n0::/c\n";
        let of = |root: &str, paths: &[&str]| {
            paths.iter().map(|path| PathBuf::from(format!("{root}{path}"))).collect::<Vec<_>>()
        };
        let wanted = [of("/sys/fs/cgroup/memory", &["/a/b", "/a", "/"]), of("/sys/fs/cgroup", &["/c", "/"])].concat();
        assert_eq!(folders(groups), wanted);
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(left(folder.path()), None);
        write("memory.max", "max\n");
        write("memory.current", "600\n");
        write("memory.stat", "anon 1\ninactive_file 100\n");
        assert_eq!(left(folder.path()), None, "no limit");
        write("memory.max", "1000\n");
        assert_eq!(left(folder.path()), Some(0.5));
    }

    #[test]
    fn this_system_tells() {
        assert!(free_memory().is_some_and(|free| (0.0..=1.0).contains(&free)));
    }
}
