//! Every call that the compiler cannot check, behind safe functions.
//!
//! Nothing here knows about programs under test: these are the system's own calls, with the
//! system's own errors. What `std`, `nix`, `socket2` and `tokio` offer safely is used from there.

#![cfg_attr(unix, expect(unsafe_code, reason = "the one module that may: system calls that no safe crate offers"))]

use std::io;
#[cfg(unix)]
use std::process::Command;

/// Limits on a process that is about to be started; see `setrlimit(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcessLimits {
    /// Seconds of processor time (`RLIMIT_CPU`): SIGXCPU then, and SIGKILL after a hundred times as
    /// much. [`allow_cpu`] gives more in between.
    pub cpu_seconds: Option<u64>,
    /// Bytes that a file may grow to (`RLIMIT_FSIZE`).
    pub file_bytes: Option<u64>,
    /// Descriptors that may be open (`RLIMIT_NOFILE`).
    pub open_files: Option<u64>,
}

/// How gladly a process is killed for want of memory (proc_pid_oom_score_adj(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victims {
    /// As any other.
    Ordinary,
    /// Before any other.
    First,
}

/// What is done to a process between its making and its program, beside its limits.
#[derive(Debug, Default)]
pub struct Confinement {
    /// Limits.
    pub limits: ProcessLimits,
    /// Another user and group (`setresuid(2)`, `setresgid(2)`), without further groups.
    #[cfg(target_os = "linux")]
    pub identity: Option<(u32, u32)>,
    /// How gladly it is to be killed for want of memory, where that is not to be as for this process.
    #[cfg(target_os = "linux")]
    pub victims: Option<Victims>,
    /// Descriptors that it inherits beside the three standard ones, under the same numbers.
    #[cfg(target_os = "linux")]
    pub inherited: Vec<std::os::fd::RawFd>,
    /// A Landlock ruleset that it is subject to (`landlock_restrict_self(2)`).
    #[cfg(target_os = "linux")]
    pub ruleset: Option<std::os::fd::OwnedFd>,
    /// Filters of system calls (`seccomp(2)`), loaded one after the other.
    #[cfg(target_os = "linux")]
    pub filters: Vec<seccompiler::BpfProgram>,
}

/// Makes this process the parent of every descendant whose own parent ends
/// (`PR_SET_CHILD_SUBREAPER`, `prctl(2)`), so that no daemon escapes it. Does nothing elsewhere
/// than on Linux.
///
/// # Errors
/// The system's, where the kernel is older than 3.4.
#[cfg_attr(not(target_os = "linux"), expect(clippy::unnecessary_wraps, reason = "the same signature everywhere"))]
pub fn set_subreaper() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_child_subreaper(true)?;
    Ok(())
}

/// Microseconds of processors that this process has used (`getrusage(2)`); 0 where no system tells.
#[must_use]
pub fn used() -> u64 {
    #[cfg(unix)]
    {
        usage(nix::sys::resource::UsageWho::RUSAGE_SELF)
    }
    #[cfg(not(unix))]
    {
        0
    }
}

/// The same of its children that have ended, and theirs.
#[must_use]
pub fn used_by_children() -> u64 {
    #[cfg(unix)]
    {
        usage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN)
    }
    #[cfg(not(unix))]
    {
        0
    }
}

#[cfg(unix)]
fn usage(who: nix::sys::resource::UsageWho) -> u64 {
    let micros = |time: nix::sys::time::TimeVal| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        seconds * 1_000_000 + u64::try_from(time.tv_usec()).unwrap_or(0)
    };
    nix::sys::resource::getrusage(who).map_or(0, |usage| micros(usage.user_time()) + micros(usage.system_time()))
}

/// Keeps other processes of the same user from reading this one's memory and from reaching into its
/// open files (`PR_SET_DUMPABLE`, `prctl(2)`). An administrator's processes can all the same.
pub fn be_opaque() {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_dumpable(false);
}

/// Keeps what is open here, but the three standard streams, from all programs that this process
/// starts (`FD_CLOEXEC`, `fcntl(2)`): whoever started this one may have left anything open.
pub fn keep_descriptors() {
    #[cfg(unix)]
    for entry in std::fs::read_dir("/dev/fd").into_iter().flatten().flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        if let Some(number) = number.filter(|number| *number > 2) {
            // SAFETY: sets a flag of a descriptor, which is no memory; one that is closed is refused.
            unsafe { nix::libc::fcntl(number, nix::libc::F_SETFD, nix::libc::FD_CLOEXEC) };
        }
    }
}

/// Has the kernel kill this process when its parent ends (`PR_SET_PDEATHSIG`, `prctl(2)`). A worker
/// calls it first of all; a parent that ended even before is not noticed. Does nothing elsewhere
/// than on Linux.
///
/// # Errors
/// The system's.
#[cfg_attr(not(target_os = "linux"), expect(clippy::unnecessary_wraps, reason = "the same signature everywhere"))]
pub fn die_with_parent() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    Ok(())
}

/// Prepares a command such that its process leads a session (and process group) of its own
/// (`setsid(2)`), is killed when the thread that started it ends, writes no core file, and is
/// confined. A limit above the system's hard limit is lowered to that.
#[cfg(unix)]
pub fn confine(command: &mut Command, confinement: Confinement) {
    use std::os::unix::process::CommandExt as _;
    // SAFETY: between fork and exec only system calls are made (setsid, setrlimit, open, write, setresuid, prctl,
    // fcntl, landlock, seccomp); nothing is allocated and no lock is taken.
    unsafe {
        command.pre_exec(move || {
            nix::unistd::setsid()?;
            apply(confinement.limits)?;
            #[cfg(target_os = "linux")]
            if let Some(victims) = confinement.victims {
                become_victim(victims)?;
            }
            #[cfg(target_os = "linux")]
            become_another(&confinement)?;
            // After the change of the user, which undoes it.
            die_with_parent()?;
            #[cfg(target_os = "linux")]
            restrict(&confinement)?;
            Ok(())
        });
    }
}

/// Says how gladly the kernel is to kill the calling process for want of memory.
#[cfg(target_os = "linux")]
fn become_victim(victims: Victims) -> io::Result<()> {
    use nix::libc;

    let score: &[u8] = match victims {
        Victims::Ordinary => b"0",
        Victims::First => b"1000",
    };
    // SAFETY: the path ends with a NUL, the buffer is as long as is said, and the descriptor is ours.
    let written = unsafe {
        let file = libc::open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        let written = if file < 0 { -1 } else { libc::write(file, score.as_ptr().cast(), score.len()) };
        libc::close(file);
        written
    };
    if usize::try_from(written) == Ok(score.len()) { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Changes the user, and lets descriptors through.
#[cfg(target_os = "linux")]
fn become_another(confinement: &Confinement) -> io::Result<()> {
    use nix::libc;

    // SAFETY: the calls take plain numbers; an empty list of groups needs no pointer.
    let succeeded = unsafe {
        confinement.inherited.iter().all(|descriptor| libc::fcntl(*descriptor, libc::F_SETFD, 0) == 0)
            && confinement.identity.is_none_or(|(user, group)| {
                libc::setgroups(0, std::ptr::null()) == 0
                    && libc::setresgid(group, group, group) == 0
                    && libc::setresuid(user, user, user) == 0
            })
    };
    if succeeded { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Puts the calling process under a Landlock ruleset and filters of system calls, for good.
#[cfg(target_os = "linux")]
fn restrict(confinement: &Confinement) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;

    use nix::libc;

    if confinement.ruleset.is_none() && confinement.filters.is_empty() {
        return Ok(());
    }
    nix::sys::prctl::set_no_new_privs()?;
    if let Some(ruleset) = &confinement.ruleset {
        // SAFETY: the call takes plain numbers.
        let done =
            unsafe { libc::syscall(libc::SYS_landlock_restrict_self, libc::c_long::from(ruleset.as_raw_fd()), 0) };
        checked(done)?;
    }
    for filter in &confinement.filters {
        let failed = |_| io::Error::from_raw_os_error(libc::EACCES);
        seccompiler::apply_filter(filter).map_err(failed)?;
    }
    Ok(())
}

/// Limits the processes and threads of another process's user in its user namespace
/// (`RLIMIT_NPROC`, `prlimit(2)`); its children inherit that. Asked for as that user where it is not
/// ours: an administrator in a container may lack the right to (`CAP_SYS_RESOURCE`).
///
/// # Errors
/// The system's: the process is gone, or somebody else's.
#[cfg(target_os = "linux")]
pub fn limit_processes(pid: u32, most: u64, identity: Option<(u32, u32)>) -> io::Result<()> {
    let Some((user, group)) = identity else { return prlimit_processes(pid, most) };
    // Linux keeps a user for each thread (nptl(7)); this one ends right after.
    let as_another = std::thread::spawn(move || {
        use nix::libc::{SYS_setresgid, SYS_setresuid, syscall};

        // SAFETY: both calls take plain numbers, and change this thread alone.
        let changed = unsafe {
            syscall(SYS_setresgid, group, group, group) == 0 && syscall(SYS_setresuid, user, user, user) == 0
        };
        if changed { prlimit_processes(pid, most) } else { Err(io::Error::last_os_error()) }
    });
    as_another.join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))
}

#[cfg(target_os = "linux")]
fn prlimit_processes(pid: u32, most: u64) -> io::Result<()> {
    use nix::libc;

    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the structure is plain numbers and outlives the call.
    let done = unsafe { libc::prlimit(pid.cast_signed(), libc::RLIMIT_NPROC, &limit, std::ptr::null_mut()) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(unix)]
fn apply(limits: ProcessLimits) -> io::Result<()> {
    use nix::sys::resource::Resource;
    bound(Resource::RLIMIT_CORE, Some(0), 0)?;
    // The hard limit leaves room for `allow_cpu`.
    let room = limits.cpu_seconds.map_or(0, |seconds| seconds.saturating_mul(100));
    bound(Resource::RLIMIT_CPU, limits.cpu_seconds, room)?;
    bound(Resource::RLIMIT_FSIZE, limits.file_bytes, 0)?;
    bound(Resource::RLIMIT_NOFILE, limits.open_files, 0)?;
    Ok(())
}

/// Sets a soft limit, and a hard limit that is `more` above it.
#[cfg(unix)]
fn bound(resource: nix::sys::resource::Resource, limit: Option<u64>, more: u64) -> io::Result<()> {
    let Some(limit) = limit else { return Ok(()) };
    let (_, most) = nix::sys::resource::getrlimit(resource)?;
    let hard = limit.saturating_add(more).min(most);
    nix::sys::resource::setrlimit(resource, limit.min(hard), hard)?;
    Ok(())
}

/// Gives a process of the same user so many seconds of processor time from now on (`prlimit(2)`),
/// as far as its hard limit allows.
///
/// # Errors
/// The system's: the process is gone, or somebody else's.
#[cfg(target_os = "linux")]
pub fn allow_cpu(pid: u32, seconds: u64) -> io::Result<()> {
    use nix::libc;

    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split_whitespace();
    // utime and stime (proc_pid_stat(5)); a tick is a hundredth of a second on every Linux.
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    let wanted = (ticks / 100).saturating_add(1).saturating_add(seconds);
    // SAFETY: both structures are plain numbers and outlive the calls; the second call gets a soft
    // limit that is not above the hard one.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::prlimit(pid.cast_signed(), libc::RLIMIT_CPU, std::ptr::null(), &mut limit) < 0 {
            return Err(io::Error::last_os_error());
        }
        limit.rlim_cur = wanted.min(limit.rlim_max);
        if libc::prlimit(pid.cast_signed(), libc::RLIMIT_CPU, &limit, std::ptr::null_mut()) < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// A duplicate of another process's descriptor (`pidfd_open(2)`, `pidfd_getfd(2)`; Linux 5.6).
/// It refers to the same open file, so socket options can be asked of it.
///
/// # Errors
/// The system's: no such process or descriptor, or not permitted (`ptrace(2)` access is needed).
#[cfg(target_os = "linux")]
pub fn descriptor_of(pid: u32, descriptor: i32) -> io::Result<std::os::fd::OwnedFd> {
    use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

    use nix::libc;

    // SAFETY: both calls take and return plain numbers; a non-negative result is a new descriptor
    // that nobody else owns.
    unsafe {
        let process = libc::syscall(libc::SYS_pidfd_open, libc::c_long::from(pid.cast_signed()), 0);
        let process = OwnedFd::from_raw_fd(checked(process)?);
        let raw = process.as_raw_fd();
        let copy = libc::syscall(libc::SYS_pidfd_getfd, libc::c_long::from(raw), libc::c_long::from(descriptor), 0);
        Ok(OwnedFd::from_raw_fd(checked(copy)?))
    }
}

#[cfg(target_os = "linux")]
fn checked(result: nix::libc::c_long) -> io::Result<i32> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    i32::try_from(result).map_err(io::Error::other)
}

/// How many bytes a socket holds unread (of UDP: those of its next datagram). Takes nothing from it:
/// not even an error that waits in it, as a `recv` with `MSG_PEEK` does (`FIONREAD`, ioctl(2)).
///
/// # Errors
/// The system's; of a listening socket `EINVAL`.
#[cfg(target_os = "linux")]
pub fn unread(socket: &std::os::fd::OwnedFd) -> io::Result<u64> {
    use std::os::fd::AsRawFd as _;

    use nix::libc;

    let mut bytes: libc::c_int = 0;
    // SAFETY: the request writes one `int`, which outlives the call.
    if unsafe { libc::ioctl(socket.as_raw_fd(), libc::FIONREAD, &mut bytes) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// How many packets a packet socket has lost for want of room since this was last asked
/// (`PACKET_STATISTICS`, packet(7)).
///
/// # Errors
/// The system's; this is no packet socket.
#[cfg(target_os = "linux")]
pub fn packets_lost(socket: &std::os::fd::OwnedFd) -> io::Result<u32> {
    use std::os::fd::AsRawFd as _;

    use nix::libc;

    // `struct tpacket_stats`: all packets, and those of them that were lost.
    let mut counts = [0_u32; 2];
    let mut length = libc::socklen_t::try_from(size_of_val(&counts)).map_err(io::Error::other)?;
    // SAFETY: the kernel writes at most `length` bytes, which are the array's, and both outlive the call.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            counts.as_mut_ptr().cast(),
            &mut length,
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(counts[1]) }
}

/// Leaves out what this machine sends: on a loopback interface each packet would be seen twice, going
/// out and coming in (`PACKET_IGNORE_OUTGOING`, packet(7); Linux 4.20).
///
/// # Errors
/// The system's; the kernel is older.
#[cfg(target_os = "linux")]
pub fn ignore_outgoing(socket: &std::os::fd::OwnedFd) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;

    use nix::libc;

    let yes: libc::c_int = 1;
    let length = libc::socklen_t::try_from(size_of_val(&yes)).map_err(io::Error::other)?;
    // SAFETY: the kernel reads one `int`, which outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_IGNORE_OUTGOING,
            std::ptr::from_ref(&yes).cast(),
            length,
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// For tests that start programs: a program's tree is everything below this process, so only one
/// such test may run at a time in it.
#[cfg(test)]
pub(crate) static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
