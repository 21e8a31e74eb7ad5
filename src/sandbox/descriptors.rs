//! How many files this process may have open: pipes to workers, sockets, `/proc`.

use thiserror::Error;

/// What a grading cannot do without: pipes to four workers, and in a worker a capture, a terminal and the
/// sockets of some peers. A step in which many connect at once may take more, and then says so.
const FEWEST: u64 = 64;

/// So few files may be open that nothing could be graded.
#[derive(Debug, Error)]
#[error(
    "only {allowed} files may be open at once here (`ulimit -n` says so), and grading takes {FEWEST} and more; \
     raise that limit and try again"
)]
pub struct TooFewFiles {
    allowed: u64,
}

/// Lets this process, and those that it starts, have as many files open as the system's hard limit allows
/// (`RLIMIT_NOFILE`, getrlimit(2)). A program under test has a limit of its own.
///
/// # Errors
/// The limit is too low for any grading.
pub fn allow_many_files() -> Result<(), TooFewFiles> {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};

        // Who cannot say what is allowed allows it.
        let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return Ok(()) };
        let allowed = if setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() { hard } else { soft };
        enough(allowed)
    }
    #[cfg(not(unix))]
    Ok(())
}

/// How many files this process may have open at once now; nothing where no limit is known.
#[must_use]
pub fn files_at_once() -> Option<u64> {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit};

        getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft)
    }
    #[cfg(not(unix))]
    None
}

#[cfg(unix)]
fn enough(allowed: u64) -> Result<(), TooFewFiles> {
    if allowed < FEWEST { Err(TooFewFiles { allowed }) } else { Ok(()) }
}

#[cfg(all(test, unix))]
mod tests {
    use super::{FEWEST, enough};

    #[test]
    fn too_few_are_refused_with_what_to_do() {
        assert!(enough(FEWEST).is_ok());
        let words = enough(7).map_or_else(|error| error.to_string(), |()| String::new());
        assert!(words.starts_with("only 7 files") && words.contains("`ulimit -n`"), "{words}");
    }
}
