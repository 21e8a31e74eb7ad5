//! Finding the programs of a submission.
//!
//! A file's name says what it is meant to be: `UDPServer.py`, in another case, with a typo
//! (`UPDClient`), abbreviated (`s-tcp.py`), or plain `server.py` in a folder `udp`. What it does
//! with sockets helps out where the name says too little, but never overrules it: a server that
//! opens the wrong kind of socket is to be graded as what it is meant to be.
//!
//! A guess that could be wrong is none: then the candidates are named, and the flag that decides.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;
use walkdir::WalkDir;

use crate::ids::{Role, Side, Transport};
use crate::program::language::{LANGUAGES, Language};

/// Folders that are no part of what was written by hand.
const SKIPPED: [&str; 7] = ["node_modules", "__pycache__", "venv", "env", "target", "site-packages", "__MACOSX"];
/// A submission is searched so deep, and no further than so many files.
const DEPTH: usize = 6;
const FILES: usize = 5000;
/// So much of a file is read to see what it does.
const CONTENT: u64 = 256 << 10;
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
         say it: sockspec check {path} --role ROLE (udp-server, udp-client, tcp-server or tcp-client)"
    )]
    NoRole {
        /// The file.
        path: Utf8PathBuf,
    },
    /// It is in no language that is known.
    #[error(
        "it is not known how to run `{path}` (known: {}); say how: sockspec check {path} --role ROLE -- COMMAND…",
        known_endings()
    )]
    NoLanguage {
        /// The file.
        path: Utf8PathBuf,
    },
}

fn unclear(role: Role, candidates: &[Utf8PathBuf]) -> String {
    let files: String = candidates.iter().map(|path| format!("\n  {path}")).collect();
    let first = candidates.first().map_or("PATH", |path| path.as_str());
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
        [(role, fit), rest @ ..] if rest.first().is_none_or(|(_, second)| fit - second >= CLEAR) => {
            Ok(Candidate { role: *role, path: Utf8PathBuf::from(name), language: Some(language), fit: *fit })
        }
        _ => Err(FindError::NoRole { path: file.to_owned() }),
    }
}

/// The end of a path: folders far above are about other things.
fn nearest_folders(file: &Utf8Path) -> Utf8PathBuf {
    let parts: Vec<_> = file.components().collect();
    parts[parts.len().saturating_sub(4)..].iter().collect()
}

fn by_name(role: Role, clues: &[&Clues]) -> Found {
    let mut candidates: Vec<Candidate> = clues.iter().filter_map(|clues| clues.candidate(role)).collect();
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
            return Found::Clear(Candidate { role, path: one.path.clone(), language: one.language, fit: 1000 });
        }
        if !matching.is_empty() {
            let fit = |clues: &Clues| clues.candidate(role).map_or(1, |candidate| candidate.fit);
            let candidate = |clues: &&&Clues| Candidate {
                role,
                path: clues.path.clone(),
                language: clues.language,
                fit: fit(clues),
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

/// How surely something says a transport or a side, in parts of a thousand.
type Sure<T> = Option<(T, u32)>;

/// What a file says about which program it is.
#[derive(Debug)]
struct Clues {
    path: Utf8PathBuf,
    language: Option<&'static Language>,
    name: Said,
    folders: Said,
    content: Said,
    /// What speaks against it: it is an old one, or lies deep.
    against: u32,
}

/// What one source says.
#[derive(Debug, Default, Clone, Copy)]
struct Said {
    transport: Sure<Transport>,
    side: Sure<Side>,
}

impl Clues {
    fn of(root: &Utf8Path, path: &Utf8Path) -> Self {
        let stem = path.file_stem().unwrap_or_default();
        let language = Language::of(path.as_str());
        let depth = u32::try_from(path.components().count()).unwrap_or(u32::MAX).saturating_sub(1);
        Self {
            path: path.to_owned(),
            language,
            name: said_by_name(stem),
            folders: folders(path),
            content: if language.is_some() { said_by_content(&root.join(path)) } else { Said::default() },
            against: depth.min(10) * 6 + ballast(stem) + if is_old(path) { 150 } else { 0 },
        }
    }

    fn candidate(&self, role: Role) -> Option<Candidate> {
        let fit = self.fit(role)?;
        Some(Candidate { role, path: self.path.clone(), language: self.language, fit })
    }

    /// The roles that it could have, best first.
    fn ranked(&self) -> Vec<(Role, u32)> {
        let mut ranked: Vec<(Role, u32)> =
            Role::ALL.into_iter().filter_map(|role| Some((role, self.fit(role)?))).collect();
        ranked.sort_by_key(|(_, fit)| std::cmp::Reverse(*fit));
        ranked
    }

    /// How well it fits a role: the name counts most, then the folders, then the content. Where one
    /// of them speaks of a transport or side at all, those after it are not asked.
    fn fit(&self, role: Role) -> Option<u32> {
        let sources = [(self.name, 500), (self.folders, 400), (self.content, 250)];
        let transport = sources.iter().find_map(|(said, weight)| said.transport.map(|said| (said, *weight)));
        let side = sources.iter().find_map(|(said, weight)| said.side.map(|said| (said, *weight)));
        let (((transport, sure), weight), ((side, side_sure), side_weight)) = (transport?, side?);
        if transport != role.transport() || side != role.side() {
            return None;
        }
        let content = |agrees: bool| if agrees { 20 } else { 0 };
        let bonus = content(self.content.transport.is_some_and(|(said, _)| said == role.transport()))
            + content(self.content.side.is_some_and(|(said, _)| said == role.side()));
        let sum = weight * sure / 1000 + side_weight * side_sure / 1000;
        Some((sum.saturating_sub(40) + bonus).saturating_sub(self.against).max(1))
    }
}

/// Words that say a transport or a side, with how surely.
const TRANSPORTS: [(&str, Transport, u32); 6] = [
    ("udp", Transport::Udp, 1000),
    ("tcp", Transport::Tcp, 1000),
    ("upd", Transport::Udp, 900),
    ("tpc", Transport::Tcp, 900),
    ("datagram", Transport::Udp, 800),
    ("stream", Transport::Tcp, 700),
];
const SIDES: [(&str, Side, u32); 7] = [
    ("server", Side::Server, 1000),
    ("client", Side::Client, 1000),
    ("servidor", Side::Server, 950),
    ("cliente", Side::Client, 950),
    ("serveur", Side::Server, 950),
    ("sever", Side::Server, 900),
    ("receiver", Side::Server, 500),
];
/// Shorter ones, which are parts of other words as well (`eclipse`), so they must stand alone.
const SHORT: [(&str, Side); 6] = [
    ("serv", Side::Server),
    ("srv", Side::Server),
    ("svr", Side::Server),
    ("clnt", Side::Client),
    ("clt", Side::Client),
    ("cli", Side::Client),
];
/// Words that have one of the above in them and mean something else.
const OTHERS: [&str; 3] = ["update", "http", "upstream"];

/// Reads a name: words in it, then typos of them, then a single letter beside the transport.
fn said_by_name(stem: &str) -> Said {
    let lower = OTHERS.iter().fold(stem.to_lowercase(), |text, word| text.replace(word, " "));
    let transport = contained(&lower, &TRANSPORTS);
    let left = transport.map_or(lower.clone(), |(_, _, word)| lower.replacen(word, " ", 1));
    let side = contained(&left, &SIDES)
        .map(|(side, sure, _)| (side, sure))
        .or_else(|| short(&left))
        .or_else(|| misspelt(&left))
        .or_else(|| transport.and_then(|_| letter(&left)));
    Said { transport: transport.map(|(transport, sure, _)| (transport, sure)), side }
}

fn contained<T: Copy>(text: &str, words: &[(&'static str, T, u32)]) -> Option<(T, u32, &'static str)> {
    words.iter().find(|(word, ..)| text.contains(word)).map(|(word, said, sure)| (*said, *sure, *word))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty())
}

fn short(text: &str) -> Sure<Side> {
    words(text).find_map(|word| SHORT.iter().find(|(known, _)| *known == word)).map(|(_, side)| (*side, 850))
}

/// A word that is nearly `server` or `client`: `cleint`, `TCPCLinet`, `srever`.
fn misspelt(text: &str) -> Sure<Side> {
    let right = [("server", Side::Server), ("client", Side::Client)];
    words(text)
        .filter(|word| word.len() >= 4)
        .flat_map(|word| right.map(|(right, side)| (strsim::osa_distance(word, right), side)))
        .filter(|(distance, _)| *distance <= 2)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, side)| (side, 800))
}

/// `UDPS`, `s-tcp`, `tcp_c`: one letter is all that is left beside the transport.
fn letter(left: &str) -> Sure<Side> {
    let mut words = words(left);
    match (words.next(), words.next()) {
        (Some("s"), None) => Some((Side::Server, 800)),
        (Some("c"), None) => Some((Side::Client, 800)),
        _ => None,
    }
}

/// What the folders say, the nearest first.
fn folders(path: &Utf8Path) -> Said {
    let mut said = Said::default();
    for name in path.parent().into_iter().flat_map(Utf8Path::ancestors).filter_map(Utf8Path::file_name) {
        let here = said_by_name(name);
        said.transport = said.transport.or(here.transport);
        said.side = said.side.or(here.side);
    }
    said
}

/// What a program does with sockets, as far as its text says so.
fn said_by_content(file: &Utf8Path) -> Said {
    let mut bytes = Vec::new();
    if File::open(file).and_then(|file| file.take(CONTENT).read_to_end(&mut bytes)).is_err() {
        return Said::default();
    }
    said_by_text(&String::from_utf8_lossy(&bytes))
}

fn said_by_text(text: &str) -> Said {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let either = |udp: bool, tcp: bool| match (udp, tcp) {
        (true, false) => Some((Transport::Udp, 1000)),
        (false, true) => Some((Transport::Tcp, 1000)),
        _ => None,
    };
    let udp = has(&["SOCK_DGRAM", "DatagramSocket", "create_datagram_endpoint", "UDPServer("]);
    let tcp = has(&[
        "SOCK_STREAM",
        "create_connection(",
        "create_server(",
        "open_connection(",
        "start_server(",
        "TCPServer(",
    ]);
    let transport = either(udp, tcp);
    let serves = has(&[".listen(", ".accept(", "create_server(", "start_server(", "serve_forever("]);
    let asks = has(&[".connect(", ".connect_ex(", "create_connection(", "open_connection("]);
    let side = match (serves, asks, udp) {
        (true, false, _) => Some((Side::Server, 1000)),
        (false, true, _) => Some((Side::Client, 1000)),
        (false, false, true) if has(&[".bind("]) => Some((Side::Server, 900)),
        (false, false, true) if has(&[".sendto("]) => Some((Side::Client, 900)),
        _ => None,
    };
    Said { transport, side }
}

/// Letters that say nothing of transport or side: `UDPServer` is nearer than `UDPServerTest`. What
/// distinguishes versions counts little, so that two of them are unclear.
fn ballast(stem: &str) -> u32 {
    const VERSIONS: [&str; 10] =
        ["final", "new", "fixed", "improved", "better", "threaded", "multi", "version", "python", "uppercase"];
    let mut rest = stem.to_lowercase();
    let words = TRANSPORTS.iter().map(|(word, ..)| *word).chain(SIDES.iter().map(|(word, ..)| *word)).chain(VERSIONS);
    for word in words {
        rest = rest.replacen(word, " ", 1);
    }
    let letters = rest.split(|c: char| !c.is_alphabetic()).filter(|word| word.len() > 1).map(str::len).sum::<usize>();
    u32::try_from(letters).unwrap_or(u32::MAX).min(12) * 3
}

/// Whether a name says that it is not what is handed in.
fn is_old(path: &Utf8Path) -> bool {
    const WORDS: [&str; 10] = ["old", "backup", "bak", "copy", "orig", "original", "test", "tests", "example", "draft"];
    path.as_str().to_lowercase().split(|c: char| !c.is_ascii_alphabetic()).any(|word| WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "a test fails by a panic")]

    use std::fs;

    use super::*;

    fn named(name: &str) -> Option<Role> {
        let clues = Clues::of(Utf8Path::new("/nowhere"), Utf8Path::new(name));
        clues.ranked().first().map(|(role, _)| *role)
    }

    /// A submission with these files, all without content unless one is given.
    fn submission(files: &[(&str, &str)]) -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).expect("UTF-8");
        for (name, content) in files {
            let file = root.join(name);
            fs::create_dir_all(file.parent().expect("a parent")).expect("made");
            fs::write(file, content).expect("written");
        }
        (folder, root)
    }

    fn find(files: &[&str], role: Role) -> Found {
        let files: Vec<(&str, &str)> = files.iter().map(|name| (*name, "")).collect();
        let (_folder, root) = submission(&files);
        in_folder(&root, &Role::ALL, &BTreeMap::new(), &[]).remove(&role).expect("an answer")
    }

    fn paths(found: Found) -> Vec<String> {
        match found {
            Found::Clear(candidate) => vec![candidate.path.to_string()],
            Found::Unclear(candidates) => candidates.into_iter().map(|candidate| candidate.path.to_string()).collect(),
            Found::Missing { .. } => Vec::new(),
        }
    }

    #[test]
    fn names_are_read_as_they_are_typed() {
        let names = [
            (
                Role::UdpServer,
                &[
                    "UDPServer.py",
                    "udpserver.py",
                    "udp_server.py",
                    "UDPS.py",
                    "s-udp.py",
                    "ServerUDP.py",
                    "UPDServer.py",
                    "udp_server_v2.py",
                    "UDP Server.py",
                    "udp_srv.py",
                    "udp/server.py",
                    "UDP/Sever.py",
                    "server/udp.py",
                    "lab2/udp/server/main.py",
                    "UDPSrever.py",
                ][..],
            ),
            (
                Role::UdpClient,
                &[
                    "UDPClient.py",
                    "UPDClient.py",
                    "UDPC.py",
                    "c_udp.py",
                    "udp-cleint.py",
                    "udp/client.py",
                    "part1-udp/myclient.py",
                    "UdpCliente.py",
                ][..],
            ),
            (
                Role::TcpServer,
                &[
                    "TCPServer.py",
                    "s-tcp.py",
                    "TCPS.py",
                    "tcp_server_final.py",
                    "TPCServer.py",
                    "TCPSever.py",
                    "tcp/server.py",
                ][..],
            ),
            (
                Role::TcpClient,
                &[
                    "TCPClient.py",
                    "TCPCLient.py",
                    "c-tcp.py",
                    "TCPC.py",
                    "TCPClinet.py",
                    "tcp/client.py",
                    "TCP/TCPClient.py",
                    "tcp_c.py",
                ][..],
            ),
        ];
        for (role, names) in names {
            for name in names {
                assert_eq!(named(name), Some(role), "{name}");
            }
        }
    }

    #[test]
    fn other_names_say_nothing() {
        for name in [
            "main.py",
            "server.py",
            "client.py",
            "udp.py",
            "util.py",
            "update_server.py",
            "eclipse_udp.py",
            "climbing/udp.py",
        ] {
            assert_eq!(named(name), None, "{name}");
        }
    }

    #[test]
    fn the_nearer_name_wins() {
        assert_eq!(paths(find(&["UDPServer.py", "UDPServerHelpers.py"], Role::UdpServer)), ["UDPServer.py"]);
        assert_eq!(paths(find(&["UDPServer.py", "UDPServer_old.py"], Role::UdpServer)), ["UDPServer.py"]);
        assert_eq!(paths(find(&["UDPServer.py", "deep/er/UDPServer.py"], Role::UdpServer)), ["UDPServer.py"]);
        assert_eq!(paths(find(&["UDPServer.py", "server.py"], Role::UdpServer)), ["UDPServer.py"]);
    }

    #[test]
    fn what_fits_alike_is_unclear_and_names_the_flag() {
        let found = find(&["udp_server.py", "udp_server_v2.py", "TCPServer.py"], Role::UdpServer);
        assert_eq!(paths(found.clone()), ["udp_server.py", "udp_server_v2.py"]);
        let error = found.decided(Role::UdpServer, Utf8Path::new("lab")).expect_err("unclear").to_string();
        assert!(error.contains("lab/udp_server_v2.py"), "{error}");
        assert!(error.contains("sockspec check lab/udp_server.py --role udp-server"), "{error}");
        assert_eq!(paths(find(&["a/TCPClient.py", "b/TCPClient.py"], Role::TcpClient)).len(), 2);
    }

    #[test]
    fn only_known_languages_count_and_hidden_files_do_not() {
        let files = ["UDPServer.java", "UDPServer.pyc", ".git/UDPServer.py", "venv/UDPServer.py", "._UDPServer.py"];
        let found = find(&files, Role::UdpServer);
        assert_eq!(found, Found::Missing { looked_for: "a file such as UDPServer.py".to_owned() });
    }

    #[test]
    fn the_content_helps_out_where_the_name_says_too_little() {
        let udp = "s = socket(AF_INET, SOCK_DGRAM)\ns.bind(('', 12000))\n";
        let tcp = "s = socket(AF_INET, SOCK_STREAM)\ns.bind(('', 12000))\ns.listen(1)\n";
        let (_folder, root) = submission(&[("server1.py", udp), ("server2.py", tcp)]);
        let mut found = in_folder(&root, &Role::ALL, &BTreeMap::new(), &[]);
        assert_eq!(paths(found.remove(&Role::UdpServer).expect("found")), ["server1.py"]);
        assert_eq!(paths(found.remove(&Role::TcpServer).expect("found")), ["server2.py"]);
        assert_eq!(role_of(&root.join("server2.py")).map(|candidate| candidate.role), Ok(Role::TcpServer));
    }

    #[test]
    fn the_name_outweighs_the_content() {
        let (_folder, root) = submission(&[("UDPServer.py", "s = socket(AF_INET, SOCK_STREAM)\ns.listen(1)\n")]);
        assert_eq!(role_of(&root.join("UDPServer.py")).map(|candidate| candidate.role), Ok(Role::UdpServer));
    }

    #[test]
    fn a_file_that_says_nothing_asks_for_the_flag() {
        let (_folder, root) = submission(&[("main.py", "print('hello')"), ("main.c", "")]);
        let error = role_of(&root.join("main.py")).expect_err("no role").to_string();
        assert!(error.contains("--role ROLE"), "{error}");
        let error = role_of(&root.join("main.c")).expect_err("no language").to_string();
        assert!(error.contains("-- COMMAND") && error.contains("Python (.py)"), "{error}");
    }

    #[test]
    fn an_assignments_patterns_come_first() {
        let (_folder, root) =
            submission(&[("UDPServer.py", ""), ("part1.py", ""), ("src/Part2.py", ""), ("run.sh", "")]);
        let patterns = BTreeMap::from([
            (Role::UdpServer, vec!["part1.*".to_owned()]),
            (Role::TcpServer, vec!["nothing.py".to_owned(), "src/*2.py".to_owned()]),
            (Role::TcpClient, vec!["*.sh".to_owned()]),
            (Role::UdpClient, vec!["*.sh".to_owned()]),
        ]);
        let mut found = in_folder(&root, &Role::ALL, &patterns, &[Role::TcpClient]);
        assert_eq!(paths(found.remove(&Role::UdpServer).expect("found")), ["part1.py"]);
        assert_eq!(paths(found.remove(&Role::TcpServer).expect("found")), ["src/Part2.py"]);
        assert_eq!(paths(found.remove(&Role::TcpClient).expect("found")), ["run.sh"]);
        assert_eq!(found.remove(&Role::UdpClient), Some(Found::Missing { looked_for: "*.sh".to_owned() }));
    }

    #[test]
    fn patterns_are_globs() {
        for (pattern, path, wanted) in [
            ("*Server*.py", "a/UDPServer2.py", true),
            ("server.py", "a/Server.py", true),
            ("server.py", "a/xserver.py", false),
            ("a/*.py", "a/b.py", true),
            ("*", "x", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, Utf8Path::new(path)), wanted, "{pattern} {path}");
        }
    }
}
