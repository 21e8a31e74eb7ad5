//! A program that is to meet others: built, and with what it wants to be started with.

use std::sync::Arc;

use crate::batch::build::{self, Builder};
use crate::batch::habits::{self, Way};
use crate::batch::places::Places;
use crate::batch::{Playing, Program, Request, Task, launch, left_out};
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

    /// Builds it, and finds out what it wants.
    pub(super) async fn ready(self, builder: Arc<Builder>, places: Places) -> Ready {
        let plan = self.program.plan.clone();
        let mut lacks = self.program.trouble.clone().map(Outcome::Untried);
        let mut command = self.program.command.clone();
        if lacks.is_none() && !self.program.builds.is_empty() {
            match builder.make(&self.program.builds, plan.role, &self.copy).await {
                build::Outcome::Built(run, _) => command = run,
                build::Outcome::Trouble(reason) => lacks = Some(Outcome::Untried(reason)),
                build::Outcome::Failed(note) => lacks = Some(unbuilt(plan.role, &note)),
            }
        }
        let mut way = Way { arguments: self.program.arguments.clone(), input: self.program.first_input.clone() };
        if lacks.is_none() && self.program.may_try && !self.player.reference {
            match self.wanted(&plan, &way, &command, builder, places).await {
                Ok(wanted) => way = wanted.unwrap_or(way),
                Err(reason) => lacks = Some(Outcome::Untried(reason)),
            }
        }
        Ready {
            role: plan.role,
            player: self.player,
            port: plan.port,
            hosts: self.hosts,
            lacks,
            copy: self.copy,
            command,
            way,
            limits: self.limits,
            isolation: self.isolation,
        }
    }

    /// How it wants to be started, where otherwise than so: as `check` finds it out, with its first scenario.
    ///
    /// # Errors
    /// Why that cannot be seen, by our fault or the machine's.
    async fn wanted(
        &self,
        plan: &Plan,
        way: &Way,
        command: &[String],
        builder: Arc<Builder>,
        places: Places,
    ) -> Result<Option<Way>, String> {
        let task = Task {
            program: self.program.clone(),
            limits: self.limits.clone(),
            hosts: self.hosts.clone(),
            isolation: self.isolation,
            seed: self.copy.digest().seed(),
            executable: builder.executable().to_owned(),
            builder,
            evidence: None,
            progress: Arc::new(|_| ()),
            places: places.clone(),
        };
        let playing = Playing { task: &task, command: command.to_vec(), copy: &self.copy, places };
        let Some(first) = playing.first(plan, way).await? else { return Ok(None) };
        for another in habits::ways(plan, &first) {
            let found = playing.first(plan, &another).await?;
            if found.is_some_and(|found| habits::succeeds(plan, &found)) {
                return Ok(Some(another));
            }
        }
        Ok(None)
    }
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
