//! The programs of the tester itself that do what the textbook's do, in both of its dialects. They are
//! part of the binary, so that it needs no files.

use std::io;

use camino::Utf8Path;

/// Four programs of one dialect, in Python.
#[derive(Debug, Clone, Copy)]
pub struct Reference {
    /// What reports call it.
    pub name: &'static str,
    /// The dialect that it speaks.
    pub dialect: &'static str,
    /// Each file, its text, and the port that it names.
    files: &'static [(&'static str, &'static str, u16)],
}

macro_rules! files {
    ($folder:literal, $udp:literal, $tcp:literal) => {
        &[
            ("UDPServer.py", include_str!(concat!("../../fixtures/reference/", $folder, "/UDPServer.py")), $udp),
            ("UDPClient.py", include_str!(concat!("../../fixtures/reference/", $folder, "/UDPClient.py")), $udp),
            ("TCPServer.py", include_str!(concat!("../../fixtures/reference/", $folder, "/TCPServer.py")), $tcp),
            ("TCPClient.py", include_str!(concat!("../../fixtures/reference/", $folder, "/TCPClient.py")), $tcp),
        ]
    };
}

/// A reference for each built-in dialect.
pub const REFERENCES: [Reference; 2] = [
    Reference { name: "reference (python)", dialect: "python", files: files!("python", 12000, 12000) },
    Reference { name: "reference (java)", dialect: "java", files: files!("python-java", 9876, 6789) },
];

impl Reference {
    /// Writes the four programs into a folder. `port` says, of a file, which port it is to have.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&self, folder: &Utf8Path, port: impl Fn(&str) -> Option<u16>) -> io::Result<()> {
        for (file, text, own) in self.files {
            let text = match port(file) {
                Some(other) => text.replace(&own.to_string(), &other.to_string()),
                None => (*text).to_owned(),
            };
            std::fs::write(folder.join(file), text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_names_its_port_once() {
        for (file, text, port) in REFERENCES.iter().flat_map(|reference| reference.files) {
            assert_eq!(text.matches(&port.to_string()).count(), 1, "{file}");
        }
    }
}
