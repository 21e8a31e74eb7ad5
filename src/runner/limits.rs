//! Limits that are ours to look after: memory, processes.

use std::time::Duration;

use super::Stage;
use crate::event::Fact;

/// How often a look is taken at one that runs. A program that does nothing but allocate fills some 20 MiB in it.
const EVERY: Duration = Duration::from_millis(10);

/// How often its files are measured, where their file system does not limit them: that is dearer.
const FILES_EVERY: Duration = Duration::from_secs(1);

impl Stage<'_> {
    /// Ends a program that has more memory or processes than it may have; notes it where the kernel
    /// keeps it from having more.
    pub(super) fn heed_limits(&mut self) {
        if self.live.as_ref().is_none_or(|live| live.measured.elapsed() < EVERY) {
            return;
        }
        self.note_kill();
        let Some(live) = self.live.as_mut() else { return };
        live.measured = std::time::Instant::now();
        let limits = &self.launch.limits;
        let (memory, threads) = live.watch.usage(limits.memory_bytes);
        if memory > limits.memory_bytes {
            live.running.kill();
            self.note_memory();
        } else if threads >= limits.processes && !live.crowded {
            live.crowded = true;
            let words = format!("more than {} processes and threads", limits.processes);
            // A sandbox refuses them; elsewhere nothing else would.
            let stopped = threads > limits.processes;
            self.log.push(Fact::Overstepped { words, stopped });
            if stopped {
                live.running.kill();
            }
        }
        self.heed_disk();
    }

    /// Ends a program whose files take more than they may.
    fn heed_disk(&mut self) {
        let Some(live) = self.live.as_mut().filter(|live| live.files_measured.elapsed() >= FILES_EVERY) else { return };
        live.files_measured = std::time::Instant::now();
        let most = self.launch.limits.disk_bytes;
        let taken = self.terms.sandbox.unbounded_disk(self.launch.cwd.as_std_path(), most);
        if taken.is_some_and(|taken| taken > most) {
            live.running.kill();
            let words = format!("more than {} of files", size(most));
            self.log.push(Fact::Overstepped { words, stopped: true });
        }
    }

    /// Notes that the kernel has ended a process of the program for want of memory.
    pub(super) fn note_kill(&mut self) {
        if self.terms.sandbox.has_killed() {
            self.note_memory();
        }
    }

    fn note_memory(&mut self) {
        let words = format!("more than {} of memory", size(self.launch.limits.memory_bytes));
        self.log.push(Fact::Overstepped { words, stopped: true });
    }
}

/// Bytes in the largest unit that they are whole in.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = UNITS.iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{bytes} bytes"), |(unit, name)| format!("{} {name}", bytes / unit))
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_whole() {
        assert_eq!(size(512 << 20), "512 MiB");
        assert_eq!(size(2 << 30), "2 GiB");
        assert_eq!(size(1000), "1000 bytes");
    }
}
