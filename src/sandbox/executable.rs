//! What the system itself can start.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

/// Whether a file begins as a program does: a compiled one, or a script that names its interpreter
/// (execve(2)).
///
/// # Errors
/// It cannot be read.
pub fn begins_like_a_program(file: &Path) -> io::Result<bool> {
    let mut start = Vec::with_capacity(4);
    fs::File::open(file)?.take(4).read_to_end(&mut start)?;
    Ok(start == *b"\x7fELF" || start.starts_with(b"#!"))
}

/// Whether a file may be executed: its mode says so, or its name where there are no modes.
#[must_use]
pub fn may_be_executed(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(file).is_ok_and(|what| what.is_file() && what.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    {
        let ending = file.extension().unwrap_or_default();
        ["exe", "bat", "cmd"].iter().any(|known| ending.eq_ignore_ascii_case(known)) && file.is_file()
    }
}
