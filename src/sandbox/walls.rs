//! The levels of isolation behind one interface: from a program's command to the command that starts
//! it behind its walls.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Command;

use thiserror::Error;

use super::Level;
#[cfg(target_os = "linux")]
use super::bubblewrap::{self, Bubblewrap, Sentry};
#[cfg(target_os = "linux")]
use super::confined::Confined;
use super::limits::Limits;
use super::network::Network;
use super::trial::Trial;
use crate::sys::{Confinement, ProcessLimits};

/// A program that is to be started.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// Its command line.
    pub command: &'a [String],
    /// The folder with its copy of the submission.
    pub folder: &'a Path,
    /// The folder in that one in which it is started; empty for that one itself.
    pub inside: &'a Path,
    /// Its environment, as it is without walls.
    pub environment: &'a BTreeMap<String, String>,
    /// What the kernel limits for each of its processes.
    pub limits: ProcessLimits,
}

/// A command that is ready to be started.
#[derive(Debug)]
pub struct Prepared {
    /// The command.
    pub command: Command,
    /// What is done to its process first.
    pub confinement: Confinement,
    /// Who watches over it.
    #[cfg(target_os = "linux")]
    pub sentry: Option<Sentry>,
}

/// A level of isolation cannot be had here.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("isolation level {level} cannot be had here: {reason}; `sockspec doctor` says what to do")]
pub struct Unavailable {
    /// The level.
    pub level: Level,
    /// Why, in words.
    pub reason: String,
}

/// The walls of one program.
#[derive(Debug)]
pub enum Sandbox {
    /// None but limits.
    Plain,
    /// See [`Level::Confined`].
    #[cfg(target_os = "linux")]
    Confined(Confined),
    /// See [`Level::PrivateNetwork`].
    #[cfg(target_os = "linux")]
    Bubblewrap(Box<Bubblewrap>),
}

impl Sandbox {
    /// The best that can be had, or exactly the level that is wanted; and why it is no better one.
    ///
    /// # Errors
    /// What is wanted cannot be had.
    #[cfg(target_os = "linux")]
    pub fn make(
        wanted: Option<Level>,
        network: Network,
        start: &Start<'_>,
        limits: &Limits,
    ) -> Result<(Self, Option<Unavailable>), Unavailable> {
        let mut reason = None;
        for level in Level::ALL {
            if wanted.is_some_and(|wanted| wanted != level) {
                continue;
            }
            match Self::of(level, network, start, limits) {
                Ok(sandbox) => return Ok((sandbox, reason)),
                Err(why) if wanted.is_some() => return Err(Unavailable { level, reason: why }),
                Err(why) => reason = reason.or(Some(Unavailable { level, reason: why })),
            }
        }
        // Plain is always there.
        Ok((Self::Plain, reason))
    }

    /// Elsewhere there are no walls.
    ///
    /// # Errors
    /// Some are wanted.
    #[cfg(not(target_os = "linux"))]
    pub fn make(
        wanted: Option<Level>,
        _network: Network,
        _start: &Start<'_>,
        _limits: &Limits,
    ) -> Result<(Self, Option<Unavailable>), Unavailable> {
        match wanted.filter(|level| *level != Level::Plain) {
            Some(level) => Err(Unavailable { level, reason: "this system is not Linux".to_owned() }),
            None => Ok((Self::Plain, None)),
        }
    }

    #[cfg(target_os = "linux")]
    fn of(level: Level, network: Network, start: &Start<'_>, limits: &Limits) -> Result<Self, String> {
        match level {
            Level::PrivateNetwork => {
                if network != Network::Private {
                    return Err("this system allows no network namespace".to_owned());
                }
                let program = bubblewrap::find().ok_or(bubblewrap::MISSING)?;
                Bubblewrap::make(program, start, limits)
                    .map(|made| Self::Bubblewrap(Box::new(made)))
                    .map_err(|error| format!("bubblewrap does not work here ({error})"))
            }
            Level::Confined => Confined::make(start).map(Self::Confined),
            Level::Plain => Ok(Self::Plain),
        }
    }

    /// Its level.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::Plain => Level::Plain,
            #[cfg(target_os = "linux")]
            Self::Confined(_) => Level::Confined,
            #[cfg(target_os = "linux")]
            Self::Bubblewrap(_) => Level::PrivateNetwork,
        }
    }

    /// What is known of bubblewrap, where that is what it is made of: its start takes so many microseconds.
    #[must_use]
    pub fn trial(&self, micros: u64) -> Option<Trial> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Bubblewrap(walls) => Some(Trial { seals: walls.seals(), micros }),
            _ => {
                let _ = micros;
                None
            }
        }
    }

    /// Whether a command's first word names something that can be started. The walls hide why not:
    /// whoever sets them up starts it and says so in words of their own.
    ///
    /// # Errors
    /// The system's: it is not there, or may not be executed.
    pub fn can_start(&self, program: &str) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Bubblewrap(walls) => walls.can_start(program),
            _ => {
                let _ = program;
                Ok(())
            }
        }
    }

    /// Whether the kernel has ended a process of the program for want of memory, since this was last
    /// asked.
    #[must_use]
    pub fn has_killed(&self) -> bool {
        match self {
            #[cfg(target_os = "linux")]
            Self::Bubblewrap(walls) => walls.has_killed(),
            _ => false,
        }
    }

    /// Refuses to change whose a file is and what may be done with it, where the walls would not: for a
    /// program, which never needs that; a linker does.
    ///
    /// # Errors
    /// This kind of processor is not known to the compiler of filters.
    pub fn keep_modes(&mut self) -> Result<(), String> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Confined(walls) => walls.keep_modes(),
            _ => Ok(()),
        }
    }

    /// Bytes of disk that the program's files take, where nothing else keeps them from being more than
    /// `enough`; up to there it need not be exact.
    #[must_use]
    pub fn unbounded_disk(&self, folder: &Path, enough: u64) -> Option<u64> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Bubblewrap(_) => None,
            #[cfg(target_os = "linux")]
            Self::Confined(walls) => {
                let files = super::disk::taken(folder, enough);
                Some(files + super::disk::taken(walls.scratch(), enough.saturating_sub(files)))
            }
            Self::Plain => Some(super::disk::taken(folder, enough)),
        }
    }

    /// Puts what a build has made into the copy of the submission, where the program had another one.
    ///
    /// # Errors
    /// The system's.
    pub fn give_back(&self) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Bubblewrap(walls) => walls.give_back(),
            _ => Ok(()),
        }
    }

    /// The command that starts a program behind these walls.
    ///
    /// # Errors
    /// The system's.
    pub fn prepare(&self, start: &Start<'_>) -> io::Result<Prepared> {
        match self {
            Self::Plain => Ok(open(start)),
            #[cfg(target_os = "linux")]
            Self::Confined(walls) => walls.prepare(open(start)),
            #[cfg(target_os = "linux")]
            Self::Bubblewrap(walls) => walls.prepare(start),
        }
    }
}

/// Without walls.
fn open(start: &Start<'_>) -> Prepared {
    let (program, arguments) = start.command.split_first().map_or(("", [].as_slice()), |(p, a)| (p.as_str(), a));
    let mut command = Command::new(program);
    command.args(arguments).current_dir(start.folder.join(start.inside)).env_clear().envs(start.environment);
    Prepared {
        command,
        confinement: Confinement { limits: start.limits, ..Confinement::default() },
        #[cfg(target_os = "linux")]
        sentry: None,
    }
}
