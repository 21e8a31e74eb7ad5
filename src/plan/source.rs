//! Files that somebody wrote, as far as they can be read.

use std::fs::File;
use std::io::{self, Read as _};

use camino::Utf8Path;

use crate::plan::diagnose::Report;
use crate::span::{Mistake, Span};
use crate::spec::builtin::Embedded;
use crate::spec::node::MAX_FILE;

/// A text and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// The file's name, as it is shown.
    pub name: String,
    /// What it says.
    pub text: String,
}

impl Source {
    /// A text with a name.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// A file that is part of the binary.
    #[must_use]
    pub fn embedded(file: &Embedded) -> Self {
        Self::new(format!("specs/{}", file.name), file.text)
    }

    /// Reads a file: a regular one, of at most [`MAX_FILE`] bytes, of text.
    ///
    /// # Errors
    /// Says in words why it cannot be read.
    pub fn load(path: &Utf8Path) -> Result<Self, Report> {
        let bytes = read(path).map_err(|mistake| Report::unread(path.as_str(), mistake))?;
        let text = text(bytes).map_err(|mistake| Report::unread(path.as_str(), mistake))?;
        Ok(Self::new(path.as_str(), text))
    }
}

/// What a file holds. No more than the limit is read, whatever it says of its size.
fn read(path: &Utf8Path) -> Result<Vec<u8>, Mistake> {
    let failed = |error: io::Error| nowhere(format!("this file cannot be read: {}", crate::text::io_words(&error)));
    let what = std::fs::metadata(path).map_err(failed)?;
    if what.is_dir() {
        return Err(nowhere("this is a folder, not a file").help("name the YAML file in it"));
    }
    // A pipe or a device could keep us waiting for ever.
    if !what.is_file() {
        return Err(nowhere("this is no ordinary file").help("save it as a file first"));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        let size = what.len().max(bytes.len() as u64);
        return Err(nowhere(format!("this file is too large: {size} bytes"))
            .help(format!("at most {MAX_FILE} bytes (1 MiB) are read; is it the right file?")));
    }
    Ok(bytes)
}

/// The text that bytes are, where they are text.
fn text(bytes: Vec<u8>) -> Result<String, Mistake> {
    let help = "a suite is text in UTF-8; is it the right file?";
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(nowhere(format!("this is not text: byte {at} is a NUL")).help(help));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        nowhere(format!("this is not UTF-8: byte {at} begins no character")).help(help)
    })
}

fn nowhere(message: impl Into<String>) -> Mistake {
    Mistake::new(Span::default(), message)
}
