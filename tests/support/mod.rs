//! What several test files have in common.

#![allow(dead_code, reason = "each test file takes what it needs")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Asks again and again, at most for so long. `/proc` tells nobody that it has changed.
pub fn within<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() > end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Copies the grader to where everybody may start it. Another process does so: this one starts others
/// meanwhile, which would hold the file open for writing until they are started, and a program that
/// somebody writes cannot be started (`ETXTBSY`, execve(2)).
pub fn copy_grader(to: &Path) {
    let status = Command::new("install").args(["-m", "755", env!("CARGO_BIN_EXE_sockspec")]).arg(to).status();
    assert!(status.is_ok_and(|status| status.success()), "the grader cannot be copied to {}", to.display());
}
