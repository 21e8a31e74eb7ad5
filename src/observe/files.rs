//! Files of `/proc` that are read again and again: kept open, for to open one costs more than to read it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;

/// As much as the kernel gives of such a file at once.
const PAGE: usize = 4096;

/// So many are kept open: those of a program with a few threads.
const MOST: usize = 32;

/// The files that were read before. One that is open belongs to its process, and to no later one of the same
/// number: once that has ended, it has nothing to read (`ESRCH`), and is opened anew.
#[derive(Debug, Default)]
pub struct Files {
    open: RefCell<HashMap<String, File>>,
}

impl Files {
    /// A file that is shorter than a page and never empty.
    ///
    /// # Errors
    /// The system's: it is not there, or nobody may read it.
    pub fn short(&self, path: &str) -> io::Result<String> {
        self.read(path, false)
    }

    /// A file of short lines or words, and mostly few of them; it may be empty, so that it does not tell that its
    /// process has ended. It is kept only while that one's own file is that does, where one is named.
    ///
    /// # Errors
    /// As for a short one.
    pub fn whole(&self, path: &str, with: Option<&str>) -> io::Result<String> {
        if with.is_some_and(|with| !self.open.borrow().contains_key(with)) {
            self.open.borrow_mut().remove(path);
            return all_of(&self.fresh(path)?);
        }
        self.read(path, true)
    }

    /// Opens a file; those that are kept make room for it where too many are open.
    fn fresh(&self, path: &str) -> io::Result<File> {
        File::open(path).or_else(|error| match error.raw_os_error().map(nix::errno::Errno::from_raw) {
            Some(nix::errno::Errno::EMFILE | nix::errno::Errno::ENFILE) => {
                self.open.borrow_mut().clear();
                File::open(path)
            }
            _ => Err(error),
        })
    }

    fn read(&self, path: &str, may_be_empty: bool) -> io::Result<String> {
        let known = self.open.borrow().get(path).map(all_of);
        match known {
            Some(Ok(text)) if may_be_empty || !text.is_empty() => return Ok(text),
            Some(_) => self.forget(path),
            None => {}
        }
        let file = self.fresh(path)?;
        let text = all_of(&file)?;
        let mut open = self.open.borrow_mut();
        if open.len() < MOST {
            open.insert(path.to_owned(), file);
        }
        Ok(text)
    }

    /// Closes all files of the process that one belongs to, or that one.
    fn forget(&self, path: &str) {
        self.open.borrow_mut().retain(|other, _| owner(other).ne(owner(path)));
    }
}

/// Whose a file is: the first parts of its path.
fn owner(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').take(3)
}

/// What is in a file, with as few system calls as can be.
fn all_of(file: &File) -> io::Result<String> {
    let mut page = [0; PAGE];
    let length = file.read_at(&mut page, 0)?;
    if length <= PAGE / 2 {
        return Ok(String::from_utf8_lossy(&page[..length]).into_owned());
    }
    // What does not fit into a page any more is left for the next read.
    let mut text = page[..length].to_vec();
    loop {
        let length = file.read_at(&mut page, text.len() as u64)?;
        if length == 0 {
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
        text.extend(&page[..length]);
    }
}

/// A file of `/proc` that is shorter than a page, read once.
///
/// # Errors
/// The system's.
pub fn short(path: &str) -> io::Result<String> {
    let mut page = [0; PAGE];
    let length = File::open(path)?.read(&mut page)?;
    Ok(String::from_utf8_lossy(&page[..length]).into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_has_changed_is_read_anew() {
        let files = Files::default();
        let path = format!("/proc/{}/comm", std::process::id());
        let before = files.short(&path).unwrap();
        std::fs::write(&path, "another").unwrap();
        assert_eq!(files.short(&path).unwrap(), "another\n");
        std::fs::write(&path, before.trim_end()).unwrap();
    }

    #[test]
    fn one_that_has_ended_has_nothing_to_read() {
        let files = Files::default();
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let path = |file: &str| format!("/proc/{}/{file}", child.id());
        let (stat, children) = (path("stat"), path(&format!("task/{}/children", child.id())));
        assert!(files.short(&stat).is_ok() && files.whole(&children, Some(&stat)).is_ok());
        assert_eq!(files.open.borrow().len(), 2);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(files.short(&stat).is_err());
        assert!(files.open.borrow().is_empty(), "nothing of it is kept for another of its number");
    }
}
