//! Arguments that several commands have in common.

use std::cell::RefCell;
use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, ValueEnum};

use super::Stop;
use crate::ids::Role;
use crate::plan::diagnose::Report;
use crate::plan::model::Plan;
use crate::plan::{AUTO, Choice, Library, Loaded, assignment, lint};

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Under what programs are judged.
#[derive(Debug, Clone, Default, Args)]
pub struct Suites {
    /// The assignment [default: sockspec.yaml there or above]
    #[arg(long, value_name = "FILE")]
    pub assignment: Option<Utf8PathBuf>,

    /// The dialect: python, java, or auto, which tells it from each program [default: the assignment's,
    /// or auto]
    #[arg(long, value_name = "NAME")]
    pub dialect: Option<String>,
}

/// Whose plan: the role, in which dialect, at which port, where these are said.
type Wanted = (Role, Option<String>, Option<u16>);

/// Suites, dialects and an assignment, read.
#[derive(Debug)]
pub struct Shelf {
    /// All suites and dialects.
    pub library: Library,
    /// The assignment.
    pub assignment: Option<Loaded>,
    dialect: Option<String>,
    plans: RefCell<BTreeMap<Wanted, Plan>>,
}

impl Suites {
    /// Whether anything is asked for.
    #[must_use]
    pub fn is_said(&self) -> bool {
        self.assignment.is_some() || self.dialect.is_some()
    }

    /// Reads what is asked for; `near` is where an assignment is looked for if none is named.
    ///
    /// # Errors
    /// Every mistake in the assignment and its suites.
    pub fn load(&self, near: Option<&Utf8Path>) -> Result<Shelf, Stop> {
        let file = self.assignment.clone().or_else(|| near.and_then(assignment::find_upwards));
        // A look through it finds every mistake, where reading it stops at the first stage with one.
        let all = |file: &Utf8Path, first: Vec<Report>| lint::assignment_file(file).err().unwrap_or(first);
        let assignment = match &file {
            Some(file) => Some(assignment::load(file).map_err(|report| all(file, vec![report]))?),
            None => None,
        };
        let library = match &assignment {
            Some(loaded) => Library::for_assignment(loaded).map_err(|reports| all(&loaded.path, reports))?,
            None => Library::builtin()?,
        };
        Ok(Shelf { library, assignment, dialect: self.dialect.clone(), plans: RefCell::default() })
    }
}

impl Shelf {
    /// Under what plans are made.
    #[must_use]
    pub fn choice(&self) -> Choice<'_> {
        let dialect = self.dialect.as_deref().filter(|name| *name != AUTO);
        Choice { dialect, assignment: self.assignment.as_ref(), port: None }
    }

    /// The dialect that was asked for on the command line, by name or `auto`.
    #[must_use]
    pub fn asked_dialect(&self) -> Option<&str> {
        self.dialect.as_deref()
    }

    /// Whether each program's dialect is to be told from the program.
    #[must_use]
    pub fn tells_dialect(&self) -> bool {
        match &self.dialect {
            Some(name) => name == AUTO,
            None => self.assignment.as_ref().is_none_or(Loaded::tells_dialect),
        }
    }

    /// What is asked of a role, made once for each dialect and port: a cohort's records ask for the same again
    /// and again.
    ///
    /// # Errors
    /// Every mistake in the assignment and its suites.
    pub fn plan(&self, role: Role, choice: &Choice<'_>) -> Result<Plan, Stop> {
        let key = (role, choice.dialect.map(str::to_owned), choice.port);
        if let Some(plan) = self.plans.borrow().get(&key) {
            return Ok(plan.clone());
        }
        let plan = self.library.plan(role, choice)?;
        self.plans.borrow_mut().insert(key, plan.clone());
        Ok(plan)
    }

    /// The dialects in which a program may turn out to speak.
    ///
    /// # Errors
    /// Every mistake in the assignment.
    pub fn spoken(&self) -> Result<Vec<String>, Stop> {
        if self.tells_dialect() {
            return Ok(self.library.dialects().map(|(name, _)| name.to_owned()).collect());
        }
        Ok(vec![self.library.resolve(&self.choice())?.dialect])
    }

    /// The assignment's name.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        self.assignment.as_ref().map(|loaded| loaded.written.assignment.value.clone())
    }
}
