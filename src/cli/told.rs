//! The dialect of a program for which nobody has said it: told by its language and its port. Whether it
//! then behaves as that dialect has it is found out when it is run.

use crate::ids::{Side, Transport};
use crate::plan::Library;

/// What was told of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The dialect's name.
    pub dialect: String,
    /// The port, where it is not the dialect's.
    pub port: Option<u16>,
    /// How the dialect was told, where it is not the usual one.
    pub how: Option<String>,
}

/// The dialect whose book is in Java.
const JAVA: &str = "java";

/// Tells a program's dialect from its text.
pub fn tell(library: &Library, language: &str, text: &str, transport: Transport, side: Side) -> Told {
    let ports: Vec<(&str, u16)> = library.ports(transport).filter_map(|(name, port)| Some((name, port?))).collect();
    let named = numbers(text);
    let found: Vec<&(&str, u16)> = ports.iter().filter(|(_, port)| named.contains(port)).collect();
    let usual = library.dialects().next().map_or("", |(name, _)| name);
    let own = |name: &str| ports.iter().find(|(known, _)| *known == name).map(|(_, port)| *port);
    let by_language = language == "Java" && (transport == Transport::Udp || side == Side::Client || reads_lines(text));
    let (dialect, how) = match found.as_slice() {
        _ if by_language => (JAVA, Some("told by its language, Java".to_owned())),
        [(name, port)] if language != "Java" && *name != usual => (*name, Some(format!("told by its port, {port}"))),
        _ => (usual, None),
    };
    // A lab's port is right whichever dialect has it: nobody has said another.
    let port = match found.as_slice() {
        [(_, port)] if own(dialect) != Some(*port) => Some(*port),
        _ => None,
    };
    Told { dialect: dialect.to_owned(), port, how }
}

/// Whether a server in Java reads its sentences by lines.
fn reads_lines(text: &str) -> bool {
    ["readLine", "nextLine", ".lines()", "hasNext"].iter().any(|word| text.contains(word))
}

/// The numbers in a text that could be ports.
fn numbers(text: &str) -> Vec<u16> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_')
        .filter_map(|word| word.replace('_', "").parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn told(language: &str, text: &str, transport: Transport) -> (String, Option<u16>) {
        let told = tell(&Library::builtin().unwrap(), language, text, transport, Side::Server);
        (told.dialect, told.port)
    }

    #[test]
    fn the_dialect_is_told_by_language_and_port() {
        let python = || "python".to_owned();
        let java = || "java".to_owned();
        assert_eq!(told("Python", "bind(('', 12000))", Transport::Udp), (python(), None));
        assert_eq!(told("Python", "bind(('', 9876))", Transport::Udp), (java(), None));
        assert_eq!(told("Python", "bind(('', 8000))", Transport::Udp), (python(), None));
        assert_eq!(told("Java", "new ServerSocket(6789); readLine()", Transport::Tcp), (java(), None));
        assert_eq!(told("Java", "new ServerSocket(12_000); readLine()", Transport::Tcp), (java(), Some(12_000)));
        assert_eq!(told("Java", "new ServerSocket(12000); read(buffer)", Transport::Tcp), (python(), None));
        assert_eq!(told("Java", "new ServerSocket(6789); read(buffer)", Transport::Tcp), (python(), Some(6789)));
    }
}
