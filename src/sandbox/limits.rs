//! What a program may use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sys::ProcessLimits;

/// What a program may use. The kernel enforces the first three (`setrlimit(2)`, for each process), in
/// a sandbox also the disk (a file system of that size) and the processes; whoever runs the program
/// looks after the rest. No core file is ever written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// Seconds of processor time that each process may use in one scenario.
    pub cpu_seconds: u64,
    /// Bytes that a file which it writes may grow to.
    pub file_bytes: u64,
    /// Descriptors that it may have open.
    pub open_files: u64,
    /// Bytes of memory of its own that all its processes may have together.
    pub memory_bytes: u64,
    /// Processes and threads that it may have.
    pub processes: u64,
    /// Bytes that all files which it writes may have together.
    pub disk_bytes: u64,
    /// Bytes of its output that are kept; what is beyond is counted.
    pub output_bytes: u64,
    /// Seconds that all its scenarios together may take.
    pub wall_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu_seconds: 60,
            file_bytes: 64 << 20,
            open_files: 1024,
            memory_bytes: 512 << 20,
            processes: 256,
            disk_bytes: 128 << 20,
            output_bytes: 1 << 20,
            wall_seconds: 900,
        }
    }
}

impl Limits {
    /// The part that the kernel enforces for each process.
    #[must_use]
    pub fn process(&self) -> ProcessLimits {
        ProcessLimits {
            cpu_seconds: Some(self.cpu_seconds),
            file_bytes: Some(self.file_bytes),
            open_files: Some(self.open_files),
        }
    }
}
