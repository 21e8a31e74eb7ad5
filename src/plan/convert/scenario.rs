//! One scenario: its values, its steps in order, then its checks.

use std::collections::BTreeMap;

use crate::ids::{ScenarioId, Side, Transport};
use crate::plan::convert::letters::Letters;
use crate::plan::convert::peers::Peers;
use crate::plan::convert::scope::Scope;
use crate::plan::convert::step::Program;
use crate::plan::convert::{Settings, check, cover, step};
use crate::plan::model;
use crate::plan::settings;
use crate::span::{Mistake, Span};
use crate::spec::dialect::Closer;
use crate::spec::placed::Placed;
use crate::spec::suite::{Name, Scenario, Suite};

/// The most steps of one scenario, those of a `repeat` counted each time.
const MOST_STEPS: u64 = 100_000;

/// What is known at a point of a scenario.
#[derive(Debug, Clone)]
pub(super) struct Scene<'a> {
    /// The suite.
    pub suite: &'a Suite,
    /// The assigned port.
    pub port: u16,
    /// Who closes a connection first.
    pub closer: Closer,
    /// What templates can name.
    pub scope: Scope<'a>,
    /// The peers.
    pub peers: Peers,
    /// What `mark` has named.
    pub marks: Moments,
    /// What `look` has named.
    pub looks: Moments,
    /// What each peer has sent.
    pub sent: BTreeMap<String, Letters>,
    /// How far the program is.
    pub program: Program,
    /// The ports that our side binds.
    pub ports: Vec<(Transport, u16)>,
    /// How many `repeat` and `at-once` this is in.
    pub depth: usize,
    /// Whether this is done several times.
    pub repeated: bool,
    /// Whether this is done at the same time as other steps.
    pub parallel: bool,
    /// What was found wrong.
    pub notes: Vec<Mistake>,
}

/// Moments of a scenario that have a name.
#[derive(Debug, Clone, Default)]
pub(super) struct Moments {
    /// The name, and whether its place among the others is certain.
    known: Vec<(String, bool)>,
}

impl Moments {
    /// The names.
    pub fn names(&self) -> Vec<&str> {
        self.known.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Whether there is one of this name.
    pub fn has(&self, name: &str) -> bool {
        self.known.iter().any(|(known, _)| known == name)
    }

    /// Whether the first certainly comes before the second, or may.
    pub fn in_order(&self, first: &str, second: &str) -> bool {
        let place = |name: &str| self.known.iter().position(|(known, certain)| known == name && *certain);
        match (place(first), place(second)) {
            (Some(first), Some(second)) => first < second,
            _ => true,
        }
    }

    /// Adds one.
    pub fn add(&mut self, name: &Name, certain: bool, notes: &mut Vec<Mistake>) {
        settings::name(&name.value, name.span, "a moment's name", notes);
        if self.has(&name.value) {
            notes.push(Mistake::new(name.span, format!("another moment has the name `{}`", name.value)));
        }
        self.known.push((name.value.clone(), certain));
    }
}

/// All scenarios of a suite that the dialect does not rule out.
pub(super) fn all<'a>(
    suite: &'a Suite,
    text: &'a str,
    settings: &Settings,
    port: u16,
    faults: &[Mistake],
    notes: &mut Vec<Mistake>,
) -> Vec<model::Scenario> {
    let mut left = Vec::new();
    let starts: Vec<usize> = suite.scenarios.iter().filter_map(|part| Some(part.0.as_ref()?.span.start)).collect();
    let mut seen: Vec<&str> = Vec::new();
    for scenario in suite.scenarios.iter().filter_map(|part| part.0.as_ref()) {
        id(&scenario.id, &mut seen, notes);
        let end = starts.iter().copied().filter(|start| *start > scenario.span.start).min().unwrap_or(usize::MAX);
        let whole = scenario.span.start..end;
        let faulty = faults.iter().any(|fault| whole.contains(&fault.span.start));
        let scope = Scope::new(text, &settings.dialect, port);
        let mut own = Vec::new();
        let converted = one(suite, scenario, scope, settings, port, &mut own);
        notes.extend(own.into_iter().filter(|mistake| !(faulty && mistake.if_whole)));
        if settings.match_when(scenario.when.as_ref()) {
            left.push(converted);
        }
    }
    cover::check(suite, notes);
    if suite.scenarios.is_empty() {
        notes.push(Mistake::new(suite.suite.span, "this suite has no scenario, so it tests nothing"));
    }
    left
}

fn id<'a>(name: &'a Name, seen: &mut Vec<&'a str>, notes: &mut Vec<Mistake>) {
    settings::name(&name.value, name.span, "a scenario's name", notes);
    if seen.contains(&name.value.as_str()) {
        notes.push(Mistake::new(name.span, format!("another scenario has the name `{}`", name.value)));
    }
    seen.push(&name.value);
}

fn one<'a>(
    suite: &'a Suite,
    scenario: &'a Placed<Scenario>,
    scope: Scope<'a>,
    settings: &Settings,
    port: u16,
    notes: &mut Vec<Mistake>,
) -> model::Scenario {
    let mut scene = Scene::new(suite, scope, port, settings.dialect.closes_first);
    let values = scene.enter(&scenario.values);
    if step::total(&scenario.steps) > MOST_STEPS {
        let message = format!("these are more than {MOST_STEPS} steps, repetitions counted");
        scene.notes.push(Mistake::new(scenario.id.span, message).help("repeat less often"));
    }
    let steps = scene.steps(&scenario.steps);
    scene.whole(&scenario.id, scenario.id.span, scenario.steps.is_empty());
    let checks = check::all(&mut scene, &scenario.checks, settings);
    if scenario.checks.is_empty() {
        scene.notes.push(Mistake::new(scenario.id.span, "this scenario checks nothing").if_whole());
    }
    notes.append(&mut scene.notes);
    scene.ports.sort_unstable();
    scene.ports.dedup();
    model::Scenario {
        id: ScenarioId(scenario.id.value.clone()),
        title: scenario.title.clone(),
        fresh: scenario.fresh,
        covers: scenario.covers.iter().map(|name| ScenarioId(name.value.clone())).collect(),
        values,
        steps,
        checks,
        ports: scene.ports,
    }
}

impl<'a> Scene<'a> {
    fn new(suite: &'a Suite, scope: Scope<'a>, port: u16, closer: Closer) -> Self {
        let server = suite.side() == Side::Server;
        Self {
            suite,
            port,
            closer,
            scope,
            peers: Peers::default(),
            marks: Moments::default(),
            looks: Moments::default(),
            sent: BTreeMap::new(),
            program: Program::new(server),
            ports: vec![(suite.role.transport(), port)],
            depth: 0,
            repeated: false,
            parallel: false,
            notes: Vec::new(),
        }
    }

    /// What is wrong with a scenario as a whole, once its steps are known.
    fn whole(&mut self, id: &Name, span: Span, empty: bool) {
        if self.suite.side() == Side::Client && !self.program.started() {
            let message = format!("`{}` never starts the program", id.value);
            let mistake = Mistake::new(span, message).help("a client's scenario has a step `start: { input: … }`");
            self.notes.push(mistake.if_whole());
        } else if empty {
            let mistake = Mistake::new(span, format!("`{}` has no steps", id.value)).help("`- settle` is one");
            self.notes.push(mistake.if_whole());
        }
    }
}
