//! All suites and dialects that are known: the built-in ones, and what an assignment adds.

use crate::ids::{Role, Transport};
use crate::plan::assignment::{Loaded, Resolved};
use crate::plan::convert::{self, Settings};
use crate::plan::diagnose::Report;
use crate::plan::model::Plan;
use crate::plan::source::Source;
use crate::plan::{lint, settings};
use crate::span::{Mistake, Span, nearest, suggest};
use crate::spec::builtin::{DIALECTS, SUITES};
use crate::spec::dialect::Dialect;
use crate::spec::node;
use crate::spec::reader;
use crate::spec::suite::Suite;

/// A file with what it says.
#[derive(Debug, Clone)]
pub struct Known<T> {
    /// The file.
    pub source: Source,
    /// What it says.
    pub written: T,
}

/// Suites and dialects, read once.
#[derive(Debug, Clone)]
pub struct Library {
    /// One suite a role, in the order of the roles.
    suites: Vec<Known<Suite>>,
    /// Built-in suites whose place an assignment's have taken. Dialects still name their IDs.
    replaced: Vec<Known<Suite>>,
    dialects: Vec<Known<Dialect>>,
}

/// The name that stands for a dialect that is to be told from each program.
pub const AUTO: &str = "auto";

/// Under what a plan is made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice<'a> {
    /// The dialect, instead of the assignment's or the default one.
    pub dialect: Option<&'a str>,
    /// The assignment.
    pub assignment: Option<&'a Loaded>,
    /// The port, instead of what the others say.
    pub port: Option<u16>,
}

impl Library {
    /// The built-in suites and dialects.
    ///
    /// # Errors
    /// What is wrong with their form. (A test sees to it that nothing is.)
    pub fn builtin() -> Result<Self, Vec<Report>> {
        let sources = |files: &[_]| files.iter().map(Source::embedded).collect::<Vec<_>>();
        Self::of(sources(SUITES), sources(DIALECTS))
    }

    /// These suites and dialects; the first dialect is the default.
    ///
    /// # Errors
    /// What is wrong with their form.
    pub fn of(suites: Vec<Source>, dialects: Vec<Source>) -> Result<Self, Vec<Report>> {
        let (suites, mut reports) = all(suites);
        let (dialects, more) = all(dialects);
        reports.extend(more);
        if reports.is_empty() { Ok(Self { suites, replaced: Vec::new(), dialects }) } else { Err(reports) }
    }

    /// The built-in suites and dialects with an assignment's further suites, everything that the
    /// assignment says checked against them.
    ///
    /// # Errors
    /// Every mistake of the assignment and of its suites.
    pub fn for_assignment(assignment: &Loaded) -> Result<Self, Vec<Report>> {
        Self::builtin()?.with(assignment)
    }

    /// The same with an assignment's further suites. One whose role a suite has already takes the
    /// place of that suite.
    ///
    /// # Errors
    /// Every mistake of the assignment and of its suites.
    pub fn with(mut self, assignment: &Loaded) -> Result<Self, Vec<Report>> {
        let mut reports = Vec::new();
        let mut mistakes = Vec::new();
        let mut taken: Vec<Role> = Vec::new();
        for file in &assignment.written.suites {
            let path = assignment.folder().join(&file.value);
            match Source::load(&path).and_then(|source| lint::suite(source, &self.dialects)) {
                Ok(suite) if taken.contains(&suite.written.role) => {
                    let message = format!("another of these suites is for the role {} already", suite.written.role);
                    mistakes.push(Mistake::new(file.span, message).help("name one suite a role"));
                }
                Ok(suite) => {
                    taken.push(suite.written.role);
                    self.put(suite);
                }
                Err(report) => {
                    if report.source.text.is_empty() {
                        let message = report.mistakes.first().map_or("this suite cannot be read", |m| &m.message);
                        mistakes.push(Mistake::new(file.span, message));
                    } else {
                        reports.push(report);
                    }
                }
            }
        }
        mistakes.extend(assignment.written.suites.first().and_then(|first| self.mixed_up(first.span)));
        mistakes.extend(settings::mistakes(&self, assignment, reports.is_empty()));
        if !mistakes.is_empty() {
            reports.insert(0, Report::new(assignment.source.clone(), mistakes));
        }
        let choice = Choice { assignment: Some(assignment), ..Choice::default() };
        let mut plans = Vec::new();
        if reports.is_empty() {
            for role in Role::ALL {
                match self.plan(role, &choice) {
                    Ok(plan) => plans.push(plan),
                    Err(more) if taken.contains(&role) => reports.extend(more),
                    // No suite for it.
                    Err(_) => {}
                }
            }
        }
        if reports.is_empty() {
            let mistakes = settings::unbalanced(&assignment.written, &plans);
            if !mistakes.is_empty() {
                reports.push(Report::new(assignment.source.clone(), mistakes));
            }
        }
        if reports.is_empty() { Ok(self) } else { Err(reports) }
    }

    /// Notes two suites that nobody could tell apart by name, or by the IDs of their requirements.
    fn mixed_up(&self, span: Span) -> Option<Mistake> {
        let two = |a: &Suite, b: &Suite| {
            if a.suite == b.suite {
                return Some(format!(
                    "the suites for {} and for {} are both named `{}`",
                    a.role, b.role, a.suite.value
                ));
            }
            let id = a.requirements.keys().find(|id| b.requirements.contains_key(id.value.as_str()))?;
            Some(format!(
                "the suites `{}` and `{}` both have a requirement `{}`",
                a.suite.value, b.suite.value, id.value
            ))
        };
        let all: Vec<&Suite> = self.suites().collect();
        let mut pairs = all.iter().enumerate().flat_map(|(index, a)| all[index + 1..].iter().map(move |b| (a, b)));
        let message = pairs.find_map(|(a, b)| two(a, b))?;
        Some(Mistake::new(span, message).help("rename it in one of them: what is said of it would be said of both"))
    }

    /// Puts a suite in the place of the one for its role.
    fn put(&mut self, suite: Known<Suite>) {
        match self.suites.iter_mut().find(|known| known.written.role == suite.written.role) {
            Some(known) => self.replaced.push(std::mem::replace(known, suite)),
            None => self.suites.push(suite),
        }
        self.suites.sort_by_key(|known| known.written.role);
    }

    /// The suites, one a role, in the order of the roles.
    pub fn suites(&self) -> impl Iterator<Item = &Suite> {
        self.suites.iter().map(|known| &known.written)
    }

    /// The dialects' names and titles; the first is the default.
    pub fn dialects(&self) -> impl Iterator<Item = (&str, &str)> {
        self.dialects.iter().map(|known| (known.written.dialect.value.as_str(), known.written.title.as_str()))
    }

    /// The IDs of all requirements of all suites that are known.
    #[must_use]
    pub fn ids(&self) -> Vec<&str> {
        self.suites
            .iter()
            .chain(&self.replaced)
            .flat_map(|known| known.written.requirements.keys())
            .map(|id| id.value.as_str())
            .collect()
    }

    /// What is asked of the program of a role.
    ///
    /// # Errors
    /// Every mistake of the suite, and a dialect that is not known.
    pub fn plan(&self, role: Role, choice: &Choice<'_>) -> Result<Plan, Vec<Report>> {
        let Some(known) = self.suites.iter().find(|known| known.written.role == role) else {
            return Err(vec![Report::plain(format!("there is no suite for the role {role}"), None)]);
        };
        self.convert(known, choice)
    }

    /// What is asked by the suite of this name.
    ///
    /// # Errors
    /// A suite that is not known, every mistake of it, and a dialect that is not known.
    pub fn plan_named(&self, suite: &str, choice: &Choice<'_>) -> Result<Plan, Vec<Report>> {
        match self.suites.iter().find(|known| known.written.suite.value == suite) {
            Some(known) => self.convert(known, choice),
            None => {
                let names: Vec<&str> = self.suites().map(|suite| suite.suite.value.as_str()).collect();
                Err(vec![Report::plain(format!("there is no suite `{suite}`"), suggest(suite, &names))])
            }
        }
    }

    /// The plans of all roles that are graded, in their order.
    ///
    /// # Errors
    /// Every mistake of every suite.
    pub fn plans(&self, choice: &Choice<'_>) -> Result<Vec<Plan>, Vec<Report>> {
        let mut plans = Vec::new();
        let mut reports = Vec::new();
        for role in self.resolve(choice)?.roles {
            match self.plan(role, choice) {
                Ok(plan) => plans.push(plan),
                Err(more) => reports.extend(more),
            }
        }
        if reports.is_empty() { Ok(plans) } else { Err(reports) }
    }

    /// What the assignment asks of the floors above.
    ///
    /// # Errors
    /// A dialect that is not known.
    pub fn resolve(&self, choice: &Choice<'_>) -> Result<Resolved, Vec<Report>> {
        Ok(settings::resolved(&self.dialect(choice)?.written, choice))
    }

    fn convert(&self, known: &Known<Suite>, choice: &Choice<'_>) -> Result<Plan, Vec<Report>> {
        let settings: Settings = settings::settings(&self.dialect(choice)?.written, known.written.role, choice);
        convert::plan(&known.written, &known.source.text, &settings)
            .map_err(|mistakes| vec![Report::new(known.source.clone(), mistakes)])
    }

    /// The dialect that is chosen: by flag, by the assignment, or the default.
    pub(crate) fn dialect(&self, choice: &Choice<'_>) -> Result<&Known<Dialect>, Vec<Report>> {
        let written = choice.assignment.and_then(|assignment| assignment.written.dialect.as_ref());
        let wanted = choice.dialect.or(written.map(|name| name.value.as_str())).filter(|name| *name != AUTO);
        let Some(name) = wanted else {
            return self.dialects.first().ok_or_else(|| vec![Report::plain("there is no dialect", None)]);
        };
        self.dialects.iter().find(|known| known.written.dialect.value == name).ok_or_else(|| {
            let mistake = self.no_dialect(name);
            vec![match (choice.dialect, choice.assignment, written) {
                (None, Some(assignment), Some(written)) => {
                    Report::new(assignment.source.clone(), vec![Mistake { span: written.span, ..mistake }])
                }
                _ => Report::plain(mistake.message, mistake.help),
            }]
        })
    }

    /// The dialects' names, with the port of each for a transport where it says one.
    pub fn ports(&self, transport: Transport) -> impl Iterator<Item = (&str, Option<u16>)> {
        self.dialects.iter().map(move |known| {
            let port = match transport {
                Transport::Udp => known.written.properties.udp_port,
                Transport::Tcp => known.written.properties.tcp_port,
            };
            (known.written.dialect.value.as_str(), port)
        })
    }

    /// What is said of a dialect that is not known.
    pub(crate) fn no_dialect(&self, name: &str) -> Mistake {
        let names: Vec<&str> = self.dialects().map(|(name, _)| name).collect();
        Mistake {
            help: suggest(name, &names),
            ..Mistake::new(Span::default(), format!("there is no dialect `{name}`"))
        }
    }

    /// What is said of a requirement that no suite has.
    pub(crate) fn no_requirement(&self, id: &str) -> Mistake {
        let mut mistake = Mistake::new(Span::default(), format!("no suite has a requirement `{id}`"));
        mistake.help = nearest(id, self.ids()).map(|near| format!("did you mean `{near}`?"));
        mistake
    }

    /// All known dialects.
    pub(crate) fn known_dialects(&self) -> &[Known<Dialect>] {
        &self.dialects
    }
}

fn one<T: serde::de::DeserializeOwned + schemars::JsonSchema>(source: Source) -> Result<Known<T>, Report> {
    let read = node::parse(&source.text)
        .map_err(|mistake| vec![mistake])
        .and_then(|(tree, mistakes)| if mistakes.is_empty() { reader::read(&tree) } else { Err(mistakes) });
    match read {
        Ok(written) => Ok(Known { source, written }),
        Err(mistakes) => Err(Report::new(source, mistakes)),
    }
}

/// Reads them side by side: to read the built-in ones is most of what a short command does.
fn all<T>(sources: Vec<Source>) -> (Vec<Known<T>>, Vec<Report>)
where
    T: serde::de::DeserializeOwned + schemars::JsonSchema + Send,
{
    use std::thread::Builder;

    let outcomes = std::thread::scope(|scope| {
        let readers = sources.into_iter().map(|source| {
            let copy = source.clone();
            // Where there is no thread to be had, this one reads.
            Builder::new().spawn_scoped(scope, move || one(copy)).map_err(|_| one(source))
        });
        let readers: Vec<_> = readers.collect();
        let outcome = |reader: Result<std::thread::ScopedJoinHandle<'_, _>, _>| match reader {
            Ok(reader) => reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(outcome) => outcome,
        };
        readers.into_iter().map(outcome).collect::<Vec<_>>()
    });
    let mut known = Vec::new();
    let mut reports = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(file) => known.push(file),
            Err(report) => reports.push(report),
        }
    }
    (known, reports)
}
