//! What is said, and where: standard output, standard error, files.

use std::io::{self, ErrorKind, IsTerminal as _, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use camino::Utf8Path;

use super::{Colour, Stop};
use crate::plan::{Report, diagnose};
use crate::report::layout::Paint;
use crate::text::tame;

/// Columns where nobody knows the terminal.
const USUAL_WIDTH: usize = 80;

/// The two streams, and how much they can show.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// Colours on standard output.
    pub paint: Paint,
    /// Colours on standard error.
    error_paint: Paint,
    /// Columns of the terminal.
    pub width: usize,
}

impl Screen {
    /// The streams of this process.
    #[must_use]
    pub fn new(colour: Colour) -> Self {
        let decide = |choice: ColorChoice| match colour {
            Colour::Always => true,
            Colour::Never => false,
            // Knows of terminals, NO_COLOR, CLICOLOR_FORCE, TERM=dumb and CI systems.
            Colour::Auto => choice != ColorChoice::Never,
        };
        let width = if io::stdout().is_terminal() {
            terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
        } else {
            None
        };
        Self {
            paint: Paint { colour: decide(AutoStream::choice(&io::stdout())) },
            error_paint: Paint { colour: decide(AutoStream::choice(&io::stderr())) },
            width: width.unwrap_or(USUAL_WIDTH),
        }
    }

    /// Writes to standard output. That its reader has gone (`sockspec list | head`) is no error.
    ///
    /// # Errors
    /// It cannot be written to.
    pub fn print(&self, text: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes to standard error. Nobody can be told if that fails.
    pub fn note(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// What colours there are where [`Screen::note`] writes.
    #[must_use]
    pub fn note_paint(&self) -> Paint {
        self.error_paint
    }

    /// Says what is wrong.
    pub fn error(&self, message: &str) {
        let style: Style = AnsiColor::Red.on_default().bold();
        self.note(&format!("{} {}\n", self.error_paint.on(style, "error:"), tame(message)));
    }

    /// Says what may not be meant so.
    pub fn warning(&self, message: &str) {
        let style: Style = AnsiColor::Yellow.on_default().bold();
        self.note(&format!("{} {}\n", self.error_paint.on(style, "warning:"), tame(message)));
    }

    /// Says what is wrong in files.
    pub fn mistakes(&self, reports: &[Report]) {
        self.note(&diagnose::render(reports, self.error_paint.colour));
    }
}

/// Whether a file can be written where it is wanted, asked before there is something to lose.
///
/// # Errors
/// Its folder is not there, or it is a folder itself.
pub fn can_write(file: &Utf8Path) -> Result<(), Stop> {
    let folder = folder(file);
    if !folder.is_dir() {
        return Err(Stop::Usage(format!("`{file}` cannot be written: there is no folder `{folder}`")));
    }
    if file.is_dir() {
        return Err(Stop::Usage(format!("`{file}` cannot be written: it is a folder; name a file in it")));
    }
    // A pipe or device is written to as it is; for a file, a new one is put in its place.
    if std::fs::metadata(file).is_ok_and(|known| !known.is_file()) {
        return Ok(());
    }
    if let Err(error) = tempfile::tempfile_in(folder) {
        let words = std::io::Error::from(error.kind());
        return Err(Stop::Usage(format!("`{file}` cannot be written: nothing can be put in `{folder}`: {words}")));
    }
    Ok(())
}

/// Writes a file whole or not at all: whoever reads it never sees half of it.
///
/// # Errors
/// Says which file, and the system's words.
pub fn write(file: &Utf8Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_new(file, bytes, true)
}

/// Adds to the end of a file, from a new line on.
///
/// # Errors
/// As for a new one.
pub fn add(file: &Utf8Path, bytes: &[u8]) -> anyhow::Result<()> {
    let what = || format!("`{file}` cannot be written");
    let known = std::fs::metadata(file).is_ok_and(|known| known.is_file() && known.len() > 0);
    let mut target = std::fs::OpenOptions::new().append(true).create(true).open(file).with_context(what)?;
    // In one piece, and apart from what stands there: a heading begins a paragraph of its own.
    let whole = if known { [b"\n\n", bytes].concat() } else { bytes.to_vec() };
    target.write_all(&whole).with_context(what)?;
    target.sync_all().with_context(what)
}

/// The same for one file of thousands, which can be made again: the disk is not waited for.
///
/// # Errors
/// As for one.
pub fn write_one_of_many(file: &Utf8Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_new(file, bytes, false)
}

fn write_new(file: &Utf8Path, bytes: &[u8], safe: bool) -> anyhow::Result<()> {
    let what = || format!("`{file}` cannot be written");
    // A pipe or device is written to; only an ordinary file can be put in another's place.
    if std::fs::metadata(file).is_ok_and(|known| !known.is_file()) {
        return std::fs::write(file, bytes).with_context(what);
    }
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any other new file: the process's umask takes away what it must.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut new = builder.prefix(".sockspec-").tempfile_in(folder(file)).with_context(what)?;
    new.write_all(bytes).with_context(what)?;
    if safe {
        new.as_file().sync_all().with_context(what)?;
    }
    new.persist(file).map_err(|error| error.error).with_context(what)?;
    Ok(())
}

fn folder(file: &Utf8Path) -> &Utf8Path {
    match file.parent() {
        Some(folder) if !folder.as_str().is_empty() => folder,
        _ => Utf8Path::new("."),
    }
}
