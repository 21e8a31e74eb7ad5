//! A program that is to meet others: built, and with what it wants to be started with.

use std::sync::Arc;

use crate::batch::build::Builder;
use crate::batch::habits::Way;
use crate::batch::places::Places;
use crate::batch::task::{Playing, Task, Unready, launch, left_out};
use crate::batch::{Program, Request};
use crate::event::BuildNote;
use crate::ids::{Role, Side};
use crate::judge::crossplay::{Outcome, Player};
use crate::plan::model::Plan;
use crate::sandbox::{Level, Limits, PrivateCopy};
use crate::worker::Half;

/// What is quoted of a compiler's message.
const QUOTE: usize = 120;

/// A program, with its copy of the submission.
pub(super) struct Candidate {
    program: Program,
    pub(super) copy: PrivateCopy,
    limits: Limits,
    hosts: Vec<String>,
    isolation: Option<Level>,
    player: Player,
}

/// A program that can be started, or why not.
pub(super) struct Ready {
    pub(super) role: Role,
    pub(super) player: Player,
    /// The port that it is assigned, or seems to have.
    pub(super) port: u16,
    pub(super) hosts: Vec<String>,
    /// Why it meets nobody.
    pub(super) lacks: Option<Outcome>,
    copy: PrivateCopy,
    command: Vec<String>,
    way: Way,
    limits: Limits,
    isolation: Option<Level>,
}

impl Candidate {
    pub(super) fn new(entrant: &Request, program: &Program, reference: bool, copy: PrivateCopy) -> Self {
        let mut program = program.clone();
        program.trouble = program.trouble.or_else(|| left_out(&entrant.path, &program.path, &copy));
        let player = Player {
            name: entrant.id.clone(),
            path: program.path.clone(),
            language: program.language.clone(),
            reference,
            port: None,
        };
        let (limits, hosts) = (entrant.limits.clone(), entrant.hosts.clone());
        Self { program, copy, limits, hosts, isolation: entrant.isolation, player }
    }

    /// Notes what it cannot be run without, if that is lacking.
    pub(super) fn lack(&mut self, reason: Option<&str>) {
        if let Some(reason) = reason {
            self.program.trouble.get_or_insert(reason.to_owned());
        }
    }

    /// Builds it, and finds out what it wants: as `check` does, with its first scenario.
    pub(super) async fn ready(self, builder: Arc<Builder>, places: Places) -> Ready {
        let Self { program, copy, limits, hosts, isolation, player } = self;
        let task = Task {
            program,
            limits,
            hosts,
            isolation,
            seed: copy.digest().seed(),
            executable: builder.executable().to_owned(),
            builder,
            evidence: None,
            progress: Arc::new(|_| ()),
            places,
        };
        let plan = &task.program.plan;
        let (mut way, mut command, mut lacks) = (task.way(), Vec::new(), None);
        match task.ready(&copy).await {
            Err(Unready::Trouble(reason)) => lacks = Some(Outcome::Untried(reason)),
            Err(Unready::Unbuilt(note)) => lacks = Some(unbuilt(plan.role, &note)),
            Ok((playing, _)) => {
                if !player.reference && task.program.may_try {
                    match wanted(&playing, plan, &way).await {
                        Ok(wanted) => way = wanted.unwrap_or(way),
                        Err(reason) => lacks = Some(Outcome::Untried(reason)),
                    }
                }
                command = playing.command;
            }
        }
        let (role, port) = (plan.role, plan.port);
        Ready { role, player, port, hosts: task.hosts, lacks, copy, command, way, limits: task.limits, isolation }
    }
}

/// How a program wants to be started, where otherwise than so.
///
/// # Errors
/// Why that cannot be seen, by our fault or the machine's.
async fn wanted(playing: &Playing<'_>, plan: &Plan, way: &Way) -> Result<Option<Way>, String> {
    let Some(first) = playing.first(plan, way).await? else { return Ok(None) };
    Ok(playing.fitting_way(plan, &first, &mut Vec::new()).await?.map(|(way, _)| way))
}

/// What is said of a program that cannot be built: the program's fault.
fn unbuilt(role: Role, note: &BuildNote) -> Outcome {
    let side = if role.side() == Side::Server { "server" } else { "client" };
    let line = note.output.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no program came of it");
    let shown: String = line.chars().take(QUOTE).collect();
    Outcome::fails(&format!("{side}-not-built"), format!("the {side} cannot be built: {shown}"))
}

impl Ready {
    /// Whether it is told its port when it is started.
    pub(super) fn takes_port(&self) -> bool {
        let port = self.port.to_string();
        let typed = self.way.input.iter().flat_map(|input| input.lines());
        self.way.arguments.iter().map(String::as_str).chain(typed).any(|word| word == port)
    }

    /// What is to be started, told another port where it takes one.
    pub(super) fn half(&self, port: u16) -> Half {
        let (own, other) = (self.port.to_string(), port.to_string());
        let told = |word: &str| if word == own { other.clone() } else { word.to_owned() };
        let arguments = self.way.arguments.iter().map(|word| told(word));
        let input = self
            .way
            .input
            .as_ref()
            .map(|input| input.split_inclusive('\n').map(|line| told(line.trim_end()) + "\n").collect());
        let command = self.command.iter().cloned().chain(arguments).collect();
        let launch = launch(command, self.copy.root(), self.limits.clone());
        Half { side: self.role.side(), launch, first_input: input, isolation: self.isolation }
    }
}
