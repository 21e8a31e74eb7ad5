//! System calls that a lab's program never needs, refused (seccomp(2)).
//!
//! What is not named here is allowed: the sandbox's walls are namespaces (or Landlock), and this
//! keeps what has often been used to climb them out of reach.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// Refused whatever the arguments.
const REFUSED: &[libc::c_long] = &[
    // Mounts and namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_quotactl,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    // Other processes' insides.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_perf_event_open,
    // The kernel's insides.
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    // The machine's clock and name.
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_kexec_file_load,
];

/// Refused as if the kernel did not know them, so that a runtime takes the older way: `clone3` hides
/// its flags from a filter, `io_uring` hides system calls from whoever watches.
const UNKNOWN: &[libc::c_long] =
    &[libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

/// Whose a file is and what may be done with it, by a path. By a descriptor it is allowed: what a program
/// may not open it cannot change.
const MODES: &[libc::c_long] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    libc::SYS_fchmodat,
    libc::SYS_fchmodat2,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
];

/// Flags of clone(2) that make a namespace.
const NAMESPACES: i32 = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

/// Socket families of a lab (socket(2)): of these, raw sockets are refused. `AF_NETLINK` is how the C
/// library learns the addresses of the host.
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// The two programs that are to be loaded one after the other.
///
/// # Errors
/// This kind of processor is not known to the compiler of filters.
pub fn programs() -> Result<[BpfProgram; 2], Error> {
    Ok([program(refused()?, libc::EPERM)?, program(every(UNKNOWN), libc::ENOSYS)?])
}

/// What keeps a program without namespaces from the files of whoever runs the grader, and from signalling
/// all of that user's processes at once (`kill(-1)`, `kill(2)`).
///
/// # Errors
/// As for the others.
pub fn modes() -> Result<BpfProgram, Error> {
    let mut rules = every(MODES);
    let everyone = SeccompRule::new(vec![is(0, SeccompCmpOp::Eq, u64::from(u32::MAX))?])?;
    rules.insert(libc::SYS_kill, vec![everyone]);
    program(rules, libc::EPERM)
}

fn program(rules: BTreeMap<libc::c_long, Vec<SeccompRule>>, error: i32) -> Result<BpfProgram, Error> {
    let refuse = SeccompAction::Errno(error.unsigned_abs());
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    Ok(SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?.try_into()?)
}

/// Calls with whatever arguments.
fn every(calls: &[libc::c_long]) -> BTreeMap<libc::c_long, Vec<SeccompRule>> {
    calls.iter().map(|call| (*call, Vec::new())).collect()
}

fn refused() -> Result<BTreeMap<libc::c_long, Vec<SeccompRule>>, BackendError> {
    let mut rules = every(REFUSED);
    let flag = |flag: i32| {
        let bit = u64::from(flag.unsigned_abs());
        SeccompRule::new(vec![is(0, SeccompCmpOp::MaskedEq(bit), bit)?])
    };
    // Each bit alone: one rule with all of them would ask for all of them.
    let bits = (0..31).map(|bit| 1 << bit).filter(|bit| NAMESPACES & bit != 0);
    rules.insert(libc::SYS_clone, bits.map(flag).collect::<Result<_, BackendError>>()?);
    let number = |value: i32| u64::from(value.unsigned_abs());
    let family = |family: &i32| is(0, SeccompCmpOp::Ne, number(*family));
    let others = SeccompRule::new(FAMILIES.iter().map(family).collect::<Result<_, BackendError>>()?)?;
    // The upper bits are SOCK_NONBLOCK and SOCK_CLOEXEC.
    let kind = |kind: i32| is(1, SeccompCmpOp::MaskedEq(0xf), number(kind));
    let netlink = is(0, SeccompCmpOp::Ne, number(libc::AF_NETLINK))?;
    let raw = SeccompRule::new(vec![kind(libc::SOCK_RAW)?, netlink])?;
    // SOCK_PACKET of old, which libc calls deprecated.
    let packet = SeccompRule::new(vec![kind(10)?])?;
    rules.insert(libc::SYS_socket, vec![others, raw, packet]);
    // Text put into the grader's terminal as if it had been typed.
    let typed = SeccompRule::new(vec![is(1, SeccompCmpOp::Eq, libc::TIOCSTI)?])?;
    rules.insert(libc::SYS_ioctl, vec![typed]);
    Ok(rules)
}

fn is(argument: u8, how: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, how, value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    #[test]
    fn the_filters_compile() {
        for program in super::programs().unwrap().into_iter().chain([super::modes().unwrap()]) {
            assert!(!program.is_empty() && program.len() < 4096);
        }
    }
}
