//! The suites and dialects that the binary carries, so that it needs no files.

/// A file that is part of the binary.
#[derive(Debug, Clone, Copy)]
pub struct Embedded {
    /// Its name below `specs/`.
    pub name: &'static str,
    /// What it says.
    pub text: &'static str,
}

macro_rules! embed {
    ($($name:literal),* $(,)?) => { &[$(Embedded { name: $name, text: include_str!(concat!("../../specs/", $name)) }),*] };
}

/// The four suites, in the order of the roles.
pub const SUITES: &[Embedded] = embed!["udp-server.yaml", "udp-client.yaml", "tcp-server.yaml", "tcp-client.yaml"];

/// The dialects; the first is the default.
pub const DIALECTS: &[Embedded] = embed!["dialects/python.yaml", "dialects/java.yaml"];
