//! Where no packets can be captured.

use std::io;

use super::{Packets, Sighting};
use crate::event::Fact;

/// There is none on this system.
#[derive(Debug)]
pub enum Capture {}

impl Capture {
    /// Never succeeds.
    ///
    /// # Errors
    /// Always.
    pub fn open(_keeps_frames: bool) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// See Linux.
    pub fn begin(&mut self) {
        match *self {}
    }

    /// See Linux.
    pub fn drain(&mut self) -> Vec<Sighting> {
        match *self {}
    }

    /// See Linux.
    pub fn missing(&mut self) -> Option<Fact> {
        match *self {}
    }

    /// See Linux.
    pub fn caption(&mut self, _words: impl FnOnce() -> String) {
        match *self {}
    }

    /// See Linux.
    pub fn take(&mut self) -> Packets {
        match *self {}
    }
}
