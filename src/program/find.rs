//! Finding the programs of a submission.
//!
//! A file's name says what it is meant to be: `UDPServer.py`, in another case, with a typo
//! (`UPDClient`), abbreviated (`s-tcp.py`), or plain `server.py` in a folder `udp`. What it does
//! with sockets helps out where the name says too little, but never overrules it: a server that
//! opens the wrong kind of socket is to be graded as what it is meant to be.
//!
//! A guess that could be wrong is none: then the candidates are named, and the flag that decides.

mod clues;

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use clues::{Clues, folders};
use thiserror::Error;
use walkdir::WalkDir;

use crate::ids::Role;
use crate::program::language::{EXECUTABLE, LANGUAGES, Language};
use crate::text::shell_word;

/// Folders that are no part of what was written by hand.
const SKIPPED: [&str; 7] = ["node_modules", "__pycache__", "venv", "env", "target", "site-packages", "__MACOSX"];
/// A submission is searched so deep, and no further than so many files.
const DEPTH: usize = 6;
const FILES: usize = 5000;
/// So many files are run to see what they are.
const SILENT: usize = 4;
/// A winner is clear if it is better by this much.
const CLEAR: u32 = 5;

/// A file that could be the program of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The role.
    pub role: Role,
    /// The file, relative to the submission.
    pub path: Utf8PathBuf,
    /// Its language; none only where an assignment says how it is run.
    pub language: Option<&'static Language>,
    /// How well it fits, from 1 to 1000.
    pub fit: u32,
    /// Whether its name says that it is on the other side.
    pub mixed_up: bool,
    /// Whether nothing but its text says what it is: that may be a helper's.
    pub by_text: bool,
}

/// What was found for a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// One file that fits clearly best.
    Clear(Candidate),
    /// Several that fit alike, best first.
    Unclear(Vec<Candidate>),
    /// None.
    Missing {
        /// What was looked for, in words.
        looked_for: String,
    },
}

/// Why it is not known which file is which program.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FindError {
    /// Several files could be a role's program.
    #[error("{}", unclear(*role, candidates))]
    Unclear {
        /// The role.
        role: Role,
        /// The files, best first.
        candidates: Vec<Utf8PathBuf>,
    },
    /// Nothing tells what a file is meant to be.
    #[error(
        "neither its name nor its content tells which program `{path}` is; \
         say it: sockspec check {} --role ROLE (udp-server, udp-client, tcp-server or tcp-client)",
        shell_word(path.as_str())
    )]
    NoRole {
        /// The file.
        path: Utf8PathBuf,
    },
    /// It is in no language that is known.
    #[error(
        "it is not known how to run `{path}` (known: {}); say how: sockspec check {} --role ROLE -- COMMAND…",
        known_endings(),
        shell_word(path.as_str())
    )]
    NoLanguage {
        /// The file.
        path: Utf8PathBuf,
    },
}

fn unclear(role: Role, candidates: &[Utf8PathBuf]) -> String {
    let files: String = candidates.iter().map(|path| format!("\n  {path}")).collect();
    let first = shell_word(candidates.first().map_or("PATH", |path| path.as_str()));
    format!(
        "several files could be the {}:{files}\nsay which one is meant: sockspec check {first} --role {role}",
        role.words()
    )
}

fn known_endings() -> String {
    let ending = |language: &Language| {
        let endings: Vec<String> = language.extensions.iter().map(|ending| format!(".{ending}")).collect();
        format!("{} ({})", language.name, endings.join(", "))
    };
    LANGUAGES.iter().map(ending).collect::<Vec<_>>().join(", ")
}

impl Found {
    /// The file, if it is clear; what was looked for, if there is none.
    ///
    /// # Errors
    /// Several fit alike; `root` is put before their names.
    pub fn decided(self, role: Role, root: &Utf8Path) -> Result<Result<Candidate, String>, FindError> {
        match self {
            Self::Clear(candidate) => Ok(Ok(candidate)),
            Self::Missing { looked_for } => Ok(Err(looked_for)),
            Self::Unclear(candidates) => {
                let candidates = candidates.into_iter().map(|candidate| joined(root, &candidate.path)).collect();
                Err(FindError::Unclear { role, candidates })
            }
        }
    }
}

fn joined(root: &Utf8Path, path: &Utf8Path) -> Utf8PathBuf {
    if root == "." || root.as_str().is_empty() { path.to_owned() } else { root.join(path) }
}

/// The programs of a folder, one answer a role. `patterns` are the file names that an assignment
/// asks for, by role, in order; `any_language` are the roles for which it says how a file is run.
#[must_use]
pub fn in_folder(
    root: &Utf8Path,
    roles: &[Role],
    patterns: &BTreeMap<Role, Vec<String>>,
    any_language: &[Role],
) -> BTreeMap<Role, Found> {
    let files = files(root);
    let clues: Vec<Clues> = files.iter().map(|path| Clues::of(root, path)).collect();
    roles
        .iter()
        .map(|role| {
            let known = |clues: &&Clues| clues.language.is_some() || any_language.contains(role);
            let clues: Vec<&Clues> = clues.iter().filter(known).collect();
            let found = match patterns.get(role) {
                Some(patterns) if !patterns.is_empty() => by_pattern(*role, patterns, &clues),
                _ => by_name(*role, &clues),
            };
            (*role, found)
        })
        .collect()
}

/// Files in known languages of which neither name nor content says what they are: a helper, or a program whose
/// sockets are in another file. What they open when they run tells.
#[must_use]
pub fn silent(root: &Utf8Path) -> Vec<(Utf8PathBuf, &'static Language)> {
    let clues = files(root).into_iter().map(|path| Clues::of(root, &path));
    let silent = clues.filter(|clues| clues.ranked().is_empty());
    silent.filter_map(|clues| Some((clues.path, clues.language?))).take(SILENT).collect()
}

/// What a single file is meant to be: by its name, else by its content.
///
/// # Errors
/// Neither tells, or it is in no known language.
pub fn role_of(file: &Utf8Path) -> Result<Candidate, FindError> {
    let root = file.parent().unwrap_or_else(|| Utf8Path::new(""));
    let name = file.file_name().unwrap_or_default();
    // The folders that it lies in say as much as they do inside a submission.
    let whole = file.canonicalize_utf8().unwrap_or_else(|_| file.to_owned());
    let mut clues = Clues::of(root, Utf8Path::new(name));
    clues.folders = folders(&nearest_folders(&whole));
    let language = clues.language.ok_or_else(|| FindError::NoLanguage { path: file.to_owned() })?;
    let ranked = clues.ranked();
    match ranked.as_slice() {
        [(role, fit), rest @ ..] if rest.first().is_none_or(|(_, second)| fit - second >= CLEAR) => Ok(Candidate {
            role: *role,
            path: Utf8PathBuf::from(name),
            language: Some(language),
            fit: *fit,
            mixed_up: clues.is_mixed_up(),
            by_text: clues.is_by_text(),
        }),
        _ => Err(FindError::NoRole { path: file.to_owned() }),
    }
}

/// The end of a path: folders far above are about other things.
fn nearest_folders(file: &Utf8Path) -> Utf8PathBuf {
    let parts: Vec<_> = file.components().collect();
    parts[parts.len().saturating_sub(4)..].iter().collect()
}

/// Whether a file's name says that it is a role's program.
#[must_use]
pub fn name_fits(stem: &str, role: Role) -> bool {
    clues::name_says(stem) == (Some(role.transport()), Some(role.side()))
}

/// Whether a file's name says a role's side, and nothing against the role.
#[must_use]
pub fn name_leans(stem: &str, role: Role) -> bool {
    clues::name_says(stem).1 == Some(role.side()) && !name_forbids(stem, role)
}

/// Whether a file's name says that it is another's program.
#[must_use]
pub fn name_forbids(stem: &str, role: Role) -> bool {
    let (transport, side) = clues::name_says(stem);
    transport.is_some_and(|said| said != role.transport()) || side.is_some_and(|said| said != role.side())
}

fn by_name(role: Role, clues: &[&Clues]) -> Found {
    let mut candidates: Vec<Candidate> = clues.iter().filter_map(|clues| clues.candidate(role)).collect();
    // Beside its source, a compiled program is what an earlier build has left.
    let compiled = |candidate: &Candidate| candidate.language == Some(&EXECUTABLE);
    if !candidates.iter().all(compiled) {
        candidates.retain(|candidate| !compiled(candidate));
    }
    // A file that fits another role far better is no candidate for this one.
    candidates.retain(|candidate| {
        let best =
            clues.iter().find(|clues| clues.path == candidate.path).and_then(|clues| clues.ranked().first().copied());
        best.is_none_or(|(_, fit)| fit <= candidate.fit)
    });
    decide(candidates, || {
        let name = match role {
            Role::UdpServer => "UDPServer",
            Role::UdpClient => "UDPClient",
            Role::TcpServer => "TCPServer",
            Role::TcpClient => "TCPClient",
        };
        format!("a file such as {name}.{}", LANGUAGES.first().map_or("*", |language| language.extensions[0]))
    })
}

/// The first pattern that some file matches decides.
fn by_pattern(role: Role, patterns: &[String], clues: &[&Clues]) -> Found {
    for pattern in patterns {
        let matching: Vec<&&Clues> = clues.iter().filter(|clues| matches(pattern, &clues.path)).collect();
        if let [one] = matching.as_slice() {
            return Found::Clear(Candidate {
                role,
                path: one.path.clone(),
                language: one.language,
                fit: 1000,
                mixed_up: false,
                by_text: false,
            });
        }
        if !matching.is_empty() {
            let fit = |clues: &Clues| clues.candidate(role).map_or(1, |candidate| candidate.fit);
            let candidate = |clues: &&&Clues| Candidate {
                role,
                path: clues.path.clone(),
                language: clues.language,
                fit: fit(clues),
                mixed_up: false,
                by_text: false,
            };
            return decide(matching.iter().map(candidate).collect(), String::new);
        }
    }
    Found::Missing { looked_for: patterns.join(", ") }
}

fn decide(mut candidates: Vec<Candidate>, looked_for: impl Fn() -> String) -> Found {
    candidates.sort_by(|a, b| b.fit.cmp(&a.fit).then_with(|| a.path.cmp(&b.path)));
    match candidates.as_slice() {
        [] => Found::Missing { looked_for: looked_for() },
        [first, rest @ ..] if rest.first().is_none_or(|second| first.fit - second.fit >= CLEAR) => {
            Found::Clear(first.clone())
        }
        [first, ..] => {
            let best = first.fit;
            candidates.retain(|candidate| best - candidate.fit < CLEAR);
            Found::Unclear(candidates)
        }
    }
}

/// Whether a path is like a pattern in which `*` stands for any text. A pattern without `/` is
/// about the file's name alone. Case does not matter: names are typed by hand.
fn matches(pattern: &str, path: &Utf8Path) -> bool {
    let text = if pattern.contains('/') { path.as_str() } else { path.file_name().unwrap_or_default() };
    let (pattern, text) = (pattern.trim_start_matches("./").to_lowercase(), text.to_lowercase().replace('\\', "/"));
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// All files of a submission, relative to it, in order.
fn files(root: &Utf8Path) -> Vec<Utf8PathBuf> {
    let walk = WalkDir::new(root).max_depth(DEPTH).sort_by_file_name().into_iter().filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !(name.starts_with('.') || entry.file_type().is_dir() && SKIPPED.contains(&name.as_ref()))
    });
    walk.filter_map(Result::ok)
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| Utf8PathBuf::from_path_buf(entry.into_path()).ok())
        .filter_map(|path| path.strip_prefix(root).ok().map(Utf8Path::to_owned))
        .take(FILES)
        .collect()
}

#[cfg(test)]
mod tests;
