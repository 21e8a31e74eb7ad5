//! The files by which programs find hosts, replaced for this process and its children alone
//! (`mount_namespaces(7)`).

use std::io::{self, Write as _};
use std::path::Path;

use nix::mount::{MsFlags, mount};

use super::network::HOSTS;

const NOTHING: Option<&str> = None;

/// Whoever is not answered by the private network's own server will not be by waiting longer. A name
/// is asked for as it is before the machine's domain is put behind it (`resolv.conf(5)`).
const RESOLVER: &str = "nameserver 127.0.0.1\noptions timeout:1 attempts:1 ndots:0\n";

/// Makes these names (beside the usual ones, and the machine's own) mean this machine, and has all
/// others asked of the name server at 127.0.0.1. A file that cannot be replaced stays as it is.
///
/// # Errors
/// The system's: this process has no mount namespace of its own.
pub fn replace(hosts: &[String]) -> io::Result<()> {
    // So that nothing of it is seen outside.
    mount(NOTHING, "/", NOTHING, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NOTHING)?;
    let own = nix::unistd::gethostname()?.to_string_lossy().into_owned();
    let _ = put("/etc/hosts", &hosts_file(hosts, &own));
    // A machine without it asks 127.0.0.1 anyway.
    let _ = put("/etc/resolv.conf", RESOLVER);
    // A machine without it looks into the file and then asks.
    let _ = std::fs::read_to_string("/etc/nsswitch.conf")
        .and_then(|current| put("/etc/nsswitch.conf", &nsswitch_file(&current)));
    Ok(())
}

/// `hosts(5)`.
fn hosts_file(hosts: &[String], own: &str) -> String {
    // What is no host name could smuggle in a line.
    let plain = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    let names: Vec<&str> =
        HOSTS.iter().copied().chain(hosts.iter().map(String::as_str)).chain([own]).filter(plain).collect();
    format!("127.0.0.1 localhost {}\n::1 localhost ip6-localhost ip6-loopback\n", names.join(" "))
}

/// `nsswitch.conf(5)`: the file and the name server alone tell hosts. Other sources (mdns, resolve,
/// myhostname) would say that there is no such host, or ask whom this network does not reach.
fn nsswitch_file(current: &str) -> String {
    let others = current.lines().filter(|line| !line.trim_start().starts_with("hosts:"));
    others.chain(["hosts: files dns"]).map(|line| format!("{line}\n")).collect()
}

/// Puts a text in the place of a file. A symbolic link is followed: what it points to is replaced.
fn put(place: &str, text: &str) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    // A worker that is killed just here leaves the name behind, for a later grader to remove.
    let mut file = tempfile::Builder::new().prefix(super::stale::PREFIX).tempfile()?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    mount(Some(file.path()), Path::new(place), NOTHING, MsFlags::MS_BIND, NOTHING)?;
    // The mount keeps the file; its name goes now.
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{hosts_file, nsswitch_file};

    #[test]
    fn a_name_cannot_smuggle_in_a_line() {
        let file = hosts_file(&["lab".to_owned(), "evil\n10.0.0.1 all".to_owned()], "machine");
        assert!(file.starts_with("127.0.0.1 localhost servername "), "{file}");
        assert!(file.contains(" lab machine\n::1 "), "{file}");
        assert!(!file.contains("evil"), "{file}");
    }

    #[test]
    fn only_the_source_of_hosts_changes() {
        let current = "passwd: files systemd\nhosts:  mymachines resolve [!UNAVAIL=return] files myhostname dns\n";
        assert_eq!(nsswitch_file(current), "passwd: files systemd\nhosts: files dns\n");
    }
}
