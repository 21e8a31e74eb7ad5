//! Threads that are not the student's own.

/// A language's runtime, some of whose threads keep house: they wake by timers of their own and never
/// serve anybody. Names are as the kernel cuts them, to 15 characters, and stand for all that begin so.
#[derive(Debug, Clone, Copy)]
pub struct Runtime {
    /// What the files begin with that such processes run; any, where none are named.
    pub executables: &'static [&'static str],
    /// Threads that never count.
    pub housekeeping: &'static [&'static str],
    /// Threads that stop the whole program while they run (a garbage collection), for all others then
    /// seem to wait for ever. They count while they are at work.
    pub stopping: &'static [&'static str],
}
