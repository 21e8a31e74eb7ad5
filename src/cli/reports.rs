//! What reports need to know of where they are made.

use std::env;
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};

use super::Stop;
use crate::report::{self, Format, Options, Wanted, classroom50, github};

/// The `--report` help, so that commands say the same.
pub const HELP: &str = "Write a report to FILE or standard output: junit, json, html, gradescope, classroom50, github, \
                        github-summary, ctrf, tap, markdown, csv";

/// Whether the formats can be about so many submissions, asked before there is something to lose.
///
/// # Errors
/// One cannot.
pub fn fit(wanted: &[Wanted], submissions: usize) -> Result<(), Stop> {
    wanted
        .iter()
        .try_for_each(|wanted| report::fits(wanted.format, submissions))
        .map_err(|error| Stop::Usage(error.to_string()))
}

/// What is known of a submission's surroundings: its folder in the repository of a GitHub job, and what
/// Classroom 50's runner says.
#[must_use]
pub fn surroundings(folder: Option<&Utf8Path>) -> Options {
    let said = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    Options {
        github: github::Place { folder: folder.map(in_repository) },
        classroom50: classroom50::Environment {
            classroom: said("CLASSROOM"),
            assignment: said("ASSIGNMENT"),
            submission: said("SUBMISSION_TAG"),
            commit: said("COMMIT_URL"),
            release: said("RELEASE_URL"),
            review: said("REVIEW_URL"),
        },
        ..Options::default()
    }
}

/// Whether a report is added to what its file has: the summary of a step of a GitHub job, to which others may
/// have written already
/// (<https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary>).
#[must_use]
pub fn is_added(format: Format, file: &Utf8Path) -> bool {
    let named = env::var_os("GITHUB_STEP_SUMMARY").map(PathBuf::from).filter(|named| !named.as_os_str().is_empty());
    let same = |named: &Path| {
        named == file.as_std_path() || matches!((named.canonicalize(), file.canonicalize()), (Ok(a), Ok(b)) if a == b)
    };
    format == Format::GithubSummary && named.is_some_and(|named| same(&named))
}

/// The folder as GitHub names it: relative to the repository, which is the job's working folder unless a
/// step has moved.
fn in_repository(folder: &Utf8Path) -> Utf8PathBuf {
    let workspace = env::var("GITHUB_WORKSPACE").ok().and_then(|root| Utf8PathBuf::from(root).canonicalize_utf8().ok());
    let inside = workspace.and_then(|root| {
        let folder = folder.canonicalize_utf8().ok()?;
        folder.strip_prefix(root).ok().map(Utf8Path::to_owned)
    });
    let plain = || folder.components().filter(|part| part.as_str() != ".").collect();
    inside.unwrap_or_else(plain)
}
