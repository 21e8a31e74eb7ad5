//! A network of its own for the worker and its program, where the system allows one: no port is
//! then shared with anybody, and nothing of an earlier run lingers on it.

/// How the network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// This process and its children have it to themselves.
    Private,
    /// It was left, but the new one could not be set up: this process can reach nobody.
    Broken,
    /// It is the machine's; ports are taken in turn (see [`super::PortLocks`]).
    Shared,
}

/// The variable that keeps workers in the machine's network (`shared`), for machines where a
/// private one does harm, and to test the other way.
pub const VARIABLE: &str = "SOCKSPEC_NETWORK";

/// Names that textbooks and courses give to the other side; programs are answered under them.
pub const HOSTS: &[&str] = &["servername", "serverName", "hostname", "server"];

/// Moves this process into a network namespace of its own (network_namespaces(7)), in which these
/// host names (beside the [usual ones](HOSTS)) mean this machine; as an ordinary user into a user
/// namespace first (user_namespaces(7)). Must be called before there are threads.
#[cfg(target_os = "linux")]
#[must_use]
pub fn enter(hosts: &[String]) -> Network {
    if std::env::var(VARIABLE).is_ok_and(|wanted| wanted == "shared") {
        return Network::Shared;
    }
    let mut left = false;
    match unshared(&mut left) {
        Ok(()) => {
            // Without it, a name that only this file knows is unknown to the program, which says so.
            let _ = super::etc::replace(hosts);
            Network::Private
        }
        Err(_) if left => Network::Broken,
        Err(_) => Network::Shared,
    }
}

/// Elsewhere there are none.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn enter(_hosts: &[String]) -> Network {
    Network::Shared
}

/// For a process whose parent has [entered](enter) a private network: it stays in there, and gets a
/// mount namespace of its own, as an ordinary user by another user namespace (a process that is started
/// by another one keeps none of the rights that this had in its own, capabilities(7)). Must be called
/// before there are threads.
///
/// # Errors
/// The system's.
#[cfg(target_os = "linux")]
pub fn share() -> std::io::Result<()> {
    use nix::sched::{CloneFlags, unshare};

    match nix::unistd::Uid::effective().is_root() {
        true => Ok(unshare(CloneFlags::CLONE_NEWNS)?),
        false => become_owner(CloneFlags::CLONE_NEWNS, &mut false),
    }
}

/// Elsewhere there is no such parent.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn share() -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Moves this process, an ordinary user's, into a user namespace in which it may do everything with
/// these other namespaces. `left` says whether it has left its old ones.
#[cfg(target_os = "linux")]
fn become_owner(others: nix::sched::CloneFlags, left: &mut bool) -> std::io::Result<()> {
    use std::fs;

    use nix::unistd::{Gid, Uid};

    let (user, group) = (Uid::effective(), Gid::effective());
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUSER | others)?;
    *left = true;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
}

#[cfg(target_os = "linux")]
fn unshared(left: &mut bool) -> std::io::Result<()> {
    use nix::sched::{CloneFlags, unshare};

    let flags = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS;
    if nix::unistd::Uid::effective().is_root() {
        unshare(flags)?;
        *left = true;
    } else {
        become_owner(flags, left)?;
    }
    super::loopback::set_up()?;
    free_low_ports();
    Ok(())
}

/// Lets every user bind ports below 1024 in this network (ip(7), ip_unprivileged_port_start): a server on
/// port 80 has a wrong port, and nothing else against it.
#[cfg(target_os = "linux")]
fn free_low_ports() {
    // Where this may not be set, bind(2) says so.
    let _ = std::fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
}

/// Leaves the private network, with all that lingers in it, for another one that is as new. This must
/// be the thread that starts the program, for a network namespace is a thread's own; other threads
/// stay where they are. Where it fails, this thread stays as well.
///
/// # Errors
/// The system's: there may be no more namespaces (`user.max_net_namespaces`, namespaces(7)).
#[cfg(target_os = "linux")]
pub fn renew() -> std::io::Result<()> {
    use nix::sched::{CloneFlags, setns, unshare};

    let old = std::fs::File::open("/proc/thread-self/ns/net")?;
    unshare(CloneFlags::CLONE_NEWNET)?;
    super::loopback::set_up().inspect_err(|_| {
        // Allowed, for this thread has come from there.
        let _ = setns(&old, CloneFlags::CLONE_NEWNET);
    })?;
    free_low_ports();
    Ok(())
}

/// Elsewhere there is none.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn renew() -> std::io::Result<()> {
    Ok(())
}

/// Whether the kernel of a private network keeps what is left of a closed connection (TIME_WAIT,
/// FIN_WAIT_2). It should not, for the next start of the program wants the port; but where it is
/// tested how a program copes with just that, it must.
pub fn keep_remains(kept: bool) {
    // The default depends on the memory; a few hundred are enough here. tcp(7), tcp_max_tw_buckets.
    let most = if kept { "1024" } else { "0" };
    // Where this may not be set, a remainder is waited for.
    let _ = std::fs::write("/proc/sys/net/ipv4/tcp_max_tw_buckets", most);
}
