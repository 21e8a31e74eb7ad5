//! What a blocked thread waits for: the number and arguments of its system call, decoded.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use super::threads::{Call, Limit};

#[derive(Clone, Copy)]
enum How {
    /// Waits on the descriptor in its first argument, without a limit of its own.
    Descriptor,
    /// Waits on something else, without a limit.
    Untimed,
    /// Milliseconds in this argument; negative is for ever.
    Millis(usize),
    /// A `struct timespec` that this argument points to; null is for ever.
    Timespec(usize),
    /// A `struct timeval` that this argument points to; null is for ever.
    Timeval(usize),
    /// futex(2).
    Futex,
    /// futex_waitv(2), futex_wait(2): until a moment, on the clock that the next argument names.
    Until(usize),
    /// clock_nanosleep(2).
    ClockSleep,
    /// io_uring_enter(2).
    Ring,
    /// May have a limit that is not shown: what was interrupted by a stop and goes on, or the opening
    /// of a file, which may wait for a server of the file system as well as for a pipe's other end.
    Resumed,
}

#[cfg(target_arch = "x86_64")]
const TABLE: &[(u64, &str, How)] = &[
    (0, "read", How::Descriptor),
    (1, "write", How::Descriptor),
    (7, "poll", How::Millis(2)),
    (19, "read", How::Descriptor),
    (20, "write", How::Descriptor),
    (23, "select", How::Timeval(4)),
    (34, "pause", How::Untimed),
    (35, "sleep", How::Timespec(0)),
    (42, "connect", How::Descriptor),
    (43, "accept", How::Descriptor),
    (44, "send", How::Descriptor),
    (45, "recv", How::Descriptor),
    (46, "send", How::Descriptor),
    (47, "recv", How::Descriptor),
    (61, "wait", How::Untimed),
    (72, "lock", How::Descriptor),
    (73, "lock", How::Descriptor),
    (128, "wait for a signal", How::Timespec(2)),
    (130, "pause", How::Untimed),
    (202, "lock", How::Futex),
    (230, "sleep", How::ClockSleep),
    (232, "poll", How::Millis(3)),
    (247, "wait", How::Untimed),
    (270, "select", How::Timespec(4)),
    (271, "poll", How::Timespec(2)),
    (281, "poll", How::Millis(3)),
    (288, "accept", How::Descriptor),
    (299, "recv", How::Timespec(4)),
    (2, "open", How::Resumed),
    (40, "send", How::Descriptor),
    (65, "wait", How::Untimed),
    (70, "wait", How::Untimed),
    (219, "sleep", How::Resumed),
    (220, "wait", How::Timespec(3)),
    (257, "open", How::Resumed),
    (307, "send", How::Descriptor),
    (426, "poll", How::Ring),
    (441, "poll", How::Timespec(3)),
    (449, "lock", How::Until(3)),
    (455, "lock", How::Until(4)),
];

#[cfg(target_arch = "aarch64")]
const TABLE: &[(u64, &str, How)] = &[
    (22, "poll", How::Millis(3)),
    (25, "lock", How::Descriptor),
    (32, "lock", How::Descriptor),
    (63, "read", How::Descriptor),
    (64, "write", How::Descriptor),
    (65, "read", How::Descriptor),
    (66, "write", How::Descriptor),
    (72, "select", How::Timespec(4)),
    (73, "poll", How::Timespec(2)),
    (95, "wait", How::Untimed),
    (98, "lock", How::Futex),
    (101, "sleep", How::Timespec(0)),
    (115, "sleep", How::ClockSleep),
    (133, "pause", How::Untimed),
    (137, "wait for a signal", How::Timespec(2)),
    (202, "accept", How::Descriptor),
    (203, "connect", How::Descriptor),
    (206, "send", How::Descriptor),
    (207, "recv", How::Descriptor),
    (211, "send", How::Descriptor),
    (212, "recv", How::Descriptor),
    (242, "accept", How::Descriptor),
    (243, "recv", How::Timespec(4)),
    (260, "wait", How::Untimed),
    (56, "open", How::Resumed),
    (71, "send", How::Descriptor),
    (128, "sleep", How::Resumed),
    (188, "wait", How::Untimed),
    (192, "wait", How::Timespec(3)),
    (193, "wait", How::Untimed),
    (269, "send", How::Descriptor),
    (426, "poll", How::Ring),
    (441, "poll", How::Timespec(3)),
    (449, "lock", How::Until(3)),
    (455, "lock", How::Until(4)),
];

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const TABLE: &[(u64, &str, How)] = &[];

/// poll(2) and ppoll(2), whose first two arguments are an array and its length.
#[cfg(target_arch = "x86_64")]
const POLLS: &[u64] = &[7, 271];
#[cfg(not(target_arch = "x86_64"))]
const POLLS: &[u64] = &[73];

/// Decodes `/proc/PID/task/TID/syscall`: number, six arguments, stack pointer, program counter.
/// `None` where the thread is in no call that is known.
pub fn decode(line: &str, pid: u32) -> Option<Call> {
    let mut fields = line.split_whitespace();
    let number: u64 = fields.next()?.parse().ok()?;
    let arguments: Vec<u64> =
        fields.map(|field| u64::from_str_radix(field.trim_start_matches("0x"), 16).ok()).collect::<Option<_>>()?;
    let (_, name, how) = TABLE.iter().find(|(known, ..)| *known == number)?;
    let argument = |index: usize| arguments.get(index).copied().unwrap_or(0);
    let polled = match *name {
        "poll" if POLLS.contains(&number) && argument(1) == 1 => sole(pid, argument(0)),
        _ => None,
    };
    let named = matches!(how, How::Descriptor) || *name == "recv";
    let bare = match *name {
        "sleep" | "lock" | "wait" => true,
        "poll" => POLLS.contains(&number) && argument(1) == 0,
        "select" => argument(0) == 0,
        _ => false,
    };
    let limit = limit(*how, &argument, pid);
    let lasts = match limit {
        Some(Limit::Within(whole)) if bare => u64::try_from(whole.as_nanos()).unwrap_or(u64::MAX),
        _ => 0,
    };
    Some(Call {
        name,
        descriptor: named.then(|| narrow(argument(0))).or(polled),
        limit,
        bare,
        signature: [number, argument(0), argument(6), argument(7), lasts],
    })
}

/// The one descriptor that a `struct pollfd` of the program names.
fn sole(pid: u32, address: u64) -> Option<i32> {
    let mut bytes = [0; 4];
    File::open(format!("/proc/{pid}/mem")).ok()?.read_exact_at(&mut bytes, address).ok()?;
    Some(i32::from_ne_bytes(bytes))
}

/// The low half of a register, as the `int` that the call takes it for.
fn narrow(register: u64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "the kernel looks at the low 32 bits alone")]
    let value = register as i32;
    value
}

/// `IORING_ENTER_EXT_ARG`: the argument that may hold a time limit is there.
const RING_EXTENDED: u64 = 8;

fn limit(how: How, argument: &impl Fn(usize) -> u64, pid: u32) -> Option<Limit> {
    let spec = |index: usize, unit: u64| match argument(index) {
        0 => None,
        address => Some(read_time(pid, address, unit).map_or(Limit::Unknown, Limit::Within)),
    };
    match how {
        How::Descriptor | How::Untimed => None,
        How::Millis(index) => {
            u64::try_from(narrow(argument(index))).ok().map(|millis| Limit::Within(Duration::from_millis(millis)))
        }
        How::Timespec(index) => spec(index, 1),
        How::Timeval(index) => spec(index, 1000),
        // The low bits say what is done: waiting (0, 9) has a limit in the fourth argument; what
        // else can block (6, 13: priority-inheriting locks) has it there too.
        How::Futex => match (argument(1) & 0x7f, argument(3)) {
            (_, 0) => None,
            (0, address) => Some(read_time(pid, address, 1).map_or(Limit::Unknown, Limit::Within)),
            (_, address) => Some(until(pid, address, argument(1) & 0x100 != 0)),
        },
        How::Until(index) => match argument(index) {
            0 => None,
            address => Some(until(pid, address, argument(index + 1) == 0)),
        },
        How::Ring => (argument(3) & RING_EXTENDED != 0).then_some(Limit::Unknown),
        How::Resumed => Some(Limit::Unknown),
        How::ClockSleep => match argument(1) & 1 {
            0 => spec(2, 1),
            _ => Some(until(pid, argument(2), argument(0) == 0)),
        },
    }
}

/// How long it is until a moment that the program's memory holds.
fn until(pid: u32, address: u64, realtime: bool) -> Limit {
    let clock = if realtime { nix::time::ClockId::CLOCK_REALTIME } else { nix::time::ClockId::CLOCK_MONOTONIC };
    match (read_time(pid, address, 1), nix::time::clock_gettime(clock)) {
        (Some(then), Ok(now)) => Limit::Left(then.saturating_sub(Duration::from(now))),
        _ => Limit::Unknown,
    }
}

/// Seconds and a fraction (in units of so many nanoseconds) from the program's memory.
fn read_time(pid: u32, address: u64, unit: u64) -> Option<Duration> {
    let mut bytes = [0; 16];
    File::open(format!("/proc/{pid}/mem")).ok()?.read_exact_at(&mut bytes, address).ok()?;
    let (seconds, fraction) = bytes.split_at(8);
    let number = |half: &[u8]| half.try_into().ok().map(u64::from_ne_bytes);
    Some(Duration::from_secs(number(seconds)?) + Duration::from_nanos(number(fraction)?.checked_mul(unit)?))
}
