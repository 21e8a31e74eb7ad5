//! How busy the processors are that this process may use. It is known on Linux alone.

#[cfg(target_os = "linux")]
use std::fs;
use std::time::Instant;

/// Idleness since it was last asked for.
#[derive(Debug, Default)]
pub struct Load {
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "nothing is known there"))]
    last: Option<(Instant, u64)>,
}

impl Load {
    /// How many processors were idle on average since this was last asked, of those that this process may use:
    /// nothing the first time, after a moment too short to be counted, and where the system does not tell.
    pub fn idle(&mut self) -> Option<f64> {
        #[cfg(target_os = "linux")]
        {
            use nix::sched::sched_getaffinity;
            use nix::unistd::Pid;

            let stat = fs::read_to_string("/proc/stat").ok()?;
            let mask = sched_getaffinity(Pid::from_raw(0)).ok()?;
            let (busy, processors) = busy(&stat, |processor| mask.is_set(processor).unwrap_or(false));
            let now = Instant::now();
            let (then, before) = *self.last.get_or_insert((now, busy));
            let ticks = ticks() * now.duration_since(then).as_secs_f64();
            if ticks < 1.0 {
                return None;
            }
            self.last = Some((now, busy));
            // A control group may leave it less than its processors.
            let may_use = std::thread::available_parallelism().map_or(processors, |all| processors.min(all.get()));
            let used = f64::from(u32::try_from(busy.saturating_sub(before)).ok()?) / ticks;
            Some(f64::from(u32::try_from(may_use).ok()?) - used)
        }
        #[cfg(not(target_os = "linux"))]
        None
    }
}

/// For how many ticks some processors were busy since the system started, and how many they are. To wait for a
/// disk is not to be busy; what another machine on the same host took (`steal`) cannot be had.
#[cfg(target_os = "linux")]
fn busy(stat: &str, mine: impl Fn(usize) -> bool) -> (u64, usize) {
    let lines = stat.lines().filter_map(|line| {
        let (name, times) = line.split_once(' ')?;
        let number = name.strip_prefix("cpu")?.parse().ok()?;
        let times: Vec<u64> = times.split_whitespace().map_while(|time| time.parse().ok()).collect();
        // user nice system idle iowait irq softirq steal; guests' time is in user's.
        mine(number).then(|| times.iter().take(8).sum::<u64>() - times.iter().skip(3).take(2).sum::<u64>())
    });
    lines.fold((0, 0), |(busy, number), time| (busy + time, number + 1))
}

/// What `/proc/stat` counts in, in each second (`USER_HZ`, proc_stat(5)).
#[cfg(target_os = "linux")]
fn ticks() -> f64 {
    let ticks = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten();
    ticks.and_then(|ticks| u32::try_from(ticks).ok()).map_or(100.0, f64::from)
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used, reason = "a test fails by a panic")]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_a_disk_is_idle_and_others_processors_do_not_count() {
        let stat = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 1 2 4 100 200 8 16 32 1 2\ncpu1 7 7 7 7 7 7 7 7 7 7\nintr 5 6\n";
        assert_eq!(busy(stat, |number| number == 0), (63, 1));
        assert_eq!(busy(stat, |_| true), (63 + 42, 2));
    }

    #[test]
    fn this_system_tells() {
        let mut load = Load::default();
        assert_eq!(load.idle(), None, "nothing to compare with");
        let begun = Instant::now();
        // Someone is busy until a tick has been counted.
        let idle = std::iter::repeat_with(|| load.idle()).find_map(|idle| idle).unwrap();
        let all = std::thread::available_parallelism().unwrap().get();
        assert!(idle <= f64::from(u32::try_from(all).unwrap()), "{idle} of {all} after {:?}", begun.elapsed());
    }
}
