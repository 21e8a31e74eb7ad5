//! What a file says about which program it is: its name, its folders, and what it does with sockets.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;

use camino::{Utf8Path, Utf8PathBuf};

use super::Candidate;
use crate::ids::{Role, Side, Transport};
use crate::program::language::Language;

/// So much of a file is read to see what it does.
const CONTENT: u64 = 256 << 10;

/// How surely something says a transport or a side, in parts of a thousand.
type Sure<T> = Option<(T, u32)>;

/// What a file says about which program it is.
#[derive(Debug)]
pub(super) struct Clues {
    pub(super) path: Utf8PathBuf,
    pub(super) language: Option<&'static Language>,
    name: Said,
    pub(super) folders: Said,
    content: Said,
    /// What speaks against it: it is an old one, or lies deep.
    against: u32,
}

/// What one source says.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Said {
    transport: Sure<Transport>,
    side: Sure<Side>,
}

impl Clues {
    pub(super) fn of(root: &Utf8Path, path: &Utf8Path) -> Self {
        let stem = path.file_stem().unwrap_or_default();
        let language = Language::of_file(&root.join(path));
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

    pub(super) fn candidate(&self, role: Role) -> Option<Candidate> {
        let fit = self.fit(role)?;
        Some(Candidate {
            role,
            path: self.path.clone(),
            language: self.language,
            fit,
            mixed_up: self.is_mixed_up(),
            by_text: self.is_by_text(),
        })
    }

    /// Whether it surely is on the other side than its name says: then the name is a slip. A wrong kind of
    /// socket alone is a mistake in the program, and it is graded as what it is meant to be.
    pub(super) fn is_mixed_up(&self) -> bool {
        match (self.name.side, self.content.side, self.content.transport) {
            (Some((named, _)), Some((side, 900..)), Some((_, 1000))) => named != side,
            _ => false,
        }
    }

    /// Whether neither its name nor its folders say anything.
    pub(super) fn is_by_text(&self) -> bool {
        let says = |said: &Said| said.transport.is_some() || said.side.is_some();
        !says(&self.name) && !says(&self.folders)
    }

    /// The roles that it could have, best first.
    pub(super) fn ranked(&self) -> Vec<(Role, u32)> {
        let mut ranked: Vec<(Role, u32)> =
            Role::ALL.into_iter().filter_map(|role| Some((role, self.fit(role)?))).collect();
        ranked.sort_by_key(|(_, fit)| std::cmp::Reverse(*fit));
        ranked
    }

    /// How well it fits a role: the name counts most, then the folders, then the content. Where one
    /// of them speaks of a transport or side at all, those after it are not asked.
    pub(super) fn fit(&self, role: Role) -> Option<u32> {
        let sources = if self.is_mixed_up() {
            [(self.content, 500), (self.folders, 0), (self.name, 0)]
        } else {
            [(self.name, 500), (self.folders, 400), (self.content, 250)]
        };
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

/// The transport and side that a name says.
pub(super) fn name_says(stem: &str) -> (Option<Transport>, Option<Side>) {
    let said = said_by_name(stem);
    (said.transport.map(|(transport, _)| transport), said.side.map(|(side, _)| side))
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
pub(super) fn folders(path: &Utf8Path) -> Said {
    let mut said = Said::default();
    for name in path.parent().into_iter().flat_map(Utf8Path::ancestors).filter_map(Utf8Path::file_name) {
        let here = said_by_name(name);
        said.transport = said.transport.or(here.transport);
        said.side = said.side.or(here.side);
    }
    said
}

/// What is written where a UDP socket is used, in one language or another.
const UDP: [&str; 14] = [
    "SOCK_DGRAM",
    "DatagramSocket",
    "DatagramPacket",
    "create_datagram_endpoint",
    "UDPServer(",
    "UDPSocket",
    "UdpSocket",
    "UdpClient",
    "ListenUDP",
    "ListenPacket(\"udp",
    "Dial(\"udp",
    "DialUDP",
    "dgram",
    "'udp'",
];

/// A TCP socket.
const TCP: [&str; 18] = [
    "SOCK_STREAM",
    "create_connection(",
    "create_server(",
    "open_connection(",
    "start_server(",
    "TCPServer(",
    "TCPServer.new",
    "TCPSocket",
    "ServerSocket(",
    "new Socket(",
    "TcpListener",
    "TcpStream",
    "TcpClient",
    "Listen(\"tcp",
    "Dial(\"tcp",
    "require('net')",
    "require(\"net\")",
    "'tcp'",
];

/// What only servers do.
const SERVES: [&str; 15] = [
    ".listen(",
    ".accept(",
    ".Accept(",
    " listen(",
    "create_server(",
    "start_server(",
    "serve_forever(",
    "ServerSocket(",
    "createServer(",
    "TcpListener",
    "TCPServer.new",
    "ListenUDP",
    "ListenPacket(",
    "net.Listen(",
    "Listen =>",
];

/// What only clients do.
const ASKS: [&str; 14] = [
    ".connect(",
    ".connect_ex(",
    " connect(",
    "(connect(",
    "create_connection(",
    "open_connection(",
    "createConnection(",
    "TcpStream::connect",
    "TCPSocket.new",
    "TCPSocket.open",
    "Dial(\"",
    "DialUDP",
    "PeerAddr",
    "net.Socket(",
];

/// The side of a UDP program: who has a port of its own that others know, and who speaks first.
fn datagrams(text: &str) -> Sure<Side> {
    let first = |words: &[&str]| words.iter().filter_map(|word| text.find(word)).min().unwrap_or(usize::MAX);
    let sends = first(&["sendto(", "send_to(", ".send(", "WriteTo(", "Send(", "SendAsync("]);
    let receives =
        first(&["recvfrom(", "recv_from(", ".receive(", "ReadFrom(", "on('message'", "on(\"message\"", "Receive("]);
    let bare = text.contains("DatagramSocket()");
    let library = ["UDPServer(", "local_addr", "ListenPacket(", "ListenUDP", "serve_forever("];
    if library.iter().any(|word| text.contains(word)) {
        return Some((Side::Server, 900));
    }
    let binds = text.contains("bind(") || text.contains("DatagramSocket(") && !bare;
    // Where only one of the two is written out, a library does the other.
    let sure = if sends.max(receives) == usize::MAX { 600 } else { 900 };
    match (binds, sends < receives) {
        (true, false) => Some((Side::Server, sure)),
        (false, true) => Some((Side::Client, sure)),
        // Clients of some languages must bind as well.
        (true, true) => Some((Side::Client, 600)),
        (false, false) => None,
    }
}

/// What a program does with sockets, as far as its text says so.
fn said_by_content(file: &Utf8Path) -> Said {
    let mut bytes = Vec::new();
    if File::open(file).and_then(|file| file.take(CONTENT).read_to_end(&mut bytes)).is_err() {
        return Said::default();
    }
    if bytes.starts_with(b"\x7fELF") { said_by_symbols(&bytes) } else { said_by_text(&String::from_utf8_lossy(&bytes)) }
}

/// What a compiled program wants of the C library: its names stand in it, each between NULs (elf(5),
/// "String and symbol tables"). One that is linked statically says nothing.
fn said_by_symbols(bytes: &[u8]) -> Said {
    let names: HashSet<&[u8]> = bytes.split(|byte| *byte == 0).filter(|name| name.len() < 16).collect();
    let has = |name: &str| names.contains(name.as_bytes());
    match (has("listen"), has("recvfrom"), has("bind"), has("connect")) {
        (true, false, ..) => Said { transport: Some((Transport::Tcp, 1000)), side: Some((Side::Server, 1000)) },
        (false, true, true, _) => Said { transport: Some((Transport::Udp, 1000)), side: Some((Side::Server, 800)) },
        (false, true, false, _) => Said { transport: Some((Transport::Udp, 1000)), side: Some((Side::Client, 800)) },
        (false, false, false, true) => {
            Said { transport: Some((Transport::Tcp, 700)), side: Some((Side::Client, 1000)) }
        }
        _ => Said::default(),
    }
}

fn said_by_text(text: &str) -> Said {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let either = |udp: bool, tcp: bool| match (udp, tcp) {
        (true, false) => Some((Transport::Udp, 1000)),
        (false, true) => Some((Transport::Tcp, 1000)),
        _ => None,
    };
    let udp = has(&UDP);
    let tcp = has(&TCP);
    let transport = either(udp, tcp);
    let serves = has(&SERVES);
    let asks = has(&ASKS) || text.contains("new Socket(") && !serves;
    let side = match (serves, asks) {
        // To connect a UDP socket says little: servers learn their own address so.
        _ if udp && !tcp => datagrams(text).or_else(|| serves.then_some((Side::Server, 800))),
        (true, false) => Some((Side::Server, 1000)),
        (false, true) => Some((Side::Client, 1000)),
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
