//! Threads that are not the student's own.

/// A language's runtime, some of whose threads keep house: they wake by timers of their own and never
/// serve anybody. Names are as the kernel cuts them, to 15 characters, and stand for all that begin so.
#[derive(Debug, Clone, Copy)]
pub struct Runtime {
    /// What the files begin with that such processes run; any, where none are named.
    pub executables: &'static [&'static str],
    /// Threads that do not count while they sleep, whatever they wait for.
    pub housekeeping: &'static [&'static str],
    /// Threads that stop the whole program while they are at work (a garbage collection, its end), when
    /// all others seem to wait for ever. They do not count while they wait for a lock.
    pub stopping: &'static [&'static str],
    /// Signals that it catches for itself, so that to catch them, or to have a timer that sends them,
    /// says nothing of the program.
    pub signals: &'static [u32],
}

impl Runtime {
    /// Whether a process is one of this runtime's.
    #[cfg(target_os = "linux")]
    pub(super) fn runs(&self, pid: u32) -> bool {
        self.executables.is_empty()
            || std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                self.executables.iter().any(|known| name.starts_with(known))
            })
    }
}
