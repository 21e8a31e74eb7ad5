//! The files that people write: mistakes and how they are shown, the schemas, the guide.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod bad;
mod good;
mod hostile;
mod readme;
mod schema;

use std::path::{Path, PathBuf};

/// The crate's folder.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder whose names end like this, in order.
fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .follow_links(true)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file() && entry.file_name().to_string_lossy().ends_with(end))
        .map(walkdir::DirEntry::into_path)
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no {end} below {}", folder.display());
    found
}

/// Compares a text with the file that has it, or writes it there when `SOCKSPEC_BLESS=1` says so.
fn same(file: &Path, text: &str) -> Result<(), String> {
    if std::env::var_os("SOCKSPEC_BLESS").is_some() {
        return std::fs::write(file, text).map_err(|error| error.to_string());
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default().replace("\r\n", "\n");
    if kept == text {
        return Ok(());
    }
    let changes = similar::TextDiff::from_lines(kept.as_str(), text).unified_diff().to_string();
    Err(format!("{} is stale (SOCKSPEC_BLESS=1 cargo test --test lint writes it anew):\n{changes}", file.display()))
}
