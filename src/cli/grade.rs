//! From a path to records: which programs there are, what is asked of them, and the grading.
//! The one place where the command line meets `batch`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};

use super::args::Shelf;
use super::{Stop, Suites, told};
use crate::batch::places::Places;
use crate::batch::room::Room;
use crate::batch::{self, Progress};
use crate::ids::{RequirementId, Role};
use crate::judge::submission::SubmissionRecord;
use crate::judge::verdict::Missing;
use crate::plan::model::Plan;
use crate::plan::{Choice, Resolved};
use crate::program::find::{self, Candidate, FindError, Found};
use crate::program::language::{self, Build, Language, Recipe, Run, Source};
use crate::report::Graded;
use crate::sandbox::{Level, Limits};
use crate::span::nearest;
use crate::spec::dialect::{LimitsChange, ProgramChange};

/// What `check` is asked to do.
#[derive(Debug, Clone, Default)]
pub struct CheckRequest {
    /// The submission: a file or a folder.
    pub path: Utf8PathBuf,
    /// The only role, where one is named.
    pub role: Option<Role>,
    /// Assignment and dialect.
    pub suites: Suites,
    /// Patterns of the IDs that are tested; all if there are none.
    pub only: Vec<String>,
    /// What nonces are drawn from.
    pub seed: Option<u64>,
    /// For how many programs at the same time there is room; for twice as many as there are processors if
    /// not said, and more while they wait.
    pub places: Option<Places>,
    /// What a role's program is may stay open: then that role is ungraded, and the others are not.
    pub lenient: bool,
    /// The level of isolation that is asked for; the best that can be had if none is.
    pub isolation: Option<Level>,
    /// The command line that starts the program, instead of what is found.
    pub command: Vec<String>,
    /// The folder for files of captured packets.
    pub evidence: Option<Utf8PathBuf>,
}

/// Grades a submission.
///
/// # Errors
/// Wrong usage, a wrong suite, or a submission that cannot be read. What goes wrong later is in
/// the record.
pub fn grade(request: &CheckRequest, progress: Arc<dyn Fn(Progress) + Send + Sync>) -> Result<SubmissionRecord, Stop> {
    let prepared = prepare(request)?;
    super::runtime()?.block_on(batch::grade(prepared, progress)).map_err(|error| Stop::Trouble(error.into()))
}

/// The verdicts on a record, with what they rest on.
#[must_use]
pub fn judged(record: &SubmissionRecord) -> Graded {
    Graded {
        verdict: record.judge(),
        records: record.programs.iter().map(|recorded| recorded.record.clone()).collect(),
    }
}

/// Whether packets were written for each program that was run.
#[must_use]
pub fn has_evidence(record: &SubmissionRecord, folder: &Utf8Path) -> bool {
    record.programs.iter().map(|recorded| &recorded.record).filter(|record| !record.records.is_empty()).all(|record| {
        let shelf = folder.join(record.role.name());
        record.records.iter().any(|one| shelf.join(format!("{}.pcapng", one.scenario)).is_file())
    })
}

/// Finds the programs of a submission, and what is asked of them.
///
/// # Errors
/// Wrong usage, a wrong suite, or a submission that cannot be read.
pub fn prepare(request: &CheckRequest) -> Result<batch::Request, Stop> {
    prepare_on(&request.suites.load(Some(&request.path))?, request)
}

/// What is to be graded of a submission, under what was read before.
///
/// # Errors
/// As for [`grade`].
pub fn prepare_on(shelf: &Shelf, request: &CheckRequest) -> Result<batch::Request, Stop> {
    let what = std::fs::metadata(&request.path).map_err(|error| {
        Stop::Usage(format!("`{}` cannot be read: {}", request.path, crate::text::io_words(&error)))
    })?;
    let resolved = shelf.library.resolve(&shelf.choice())?;
    let roles = match request.role {
        Some(role) => vec![role],
        None => resolved.roles.clone(),
    };
    let plans = plans(shelf, &roles, &request.only, what.is_dir())?;
    let evidence = request.evidence.as_ref().map(|folder| shelves(folder, plans.values())).transpose()?;
    let search = Search { request, resolved: &resolved, shelf, plans };
    let (programs, missing): (Vec<batch::Program>, Vec<Missing>) = if !request.command.is_empty() {
        (vec![search.commanded()?], Vec::new())
    } else if what.is_dir() {
        search.folder()?
    } else {
        (vec![search.file(shelf)?], Vec::new())
    };
    Ok(batch::Request {
        id: name(&request.path),
        path: request.path.clone(),
        silent: if what.is_dir() && request.command.is_empty() {
            search.silent(&programs, &missing)
        } else {
            Vec::new()
        },
        programs,
        missing,
        assignment: resolved.name.clone(),
        only: request.only.clone(),
        isolation: request.isolation,
        limits: limits(&resolved.limits),
        hosts: resolved.hosts.clone(),
        seed: request.seed,
        places: request.places.clone().unwrap_or_else(|| Places::alone(Room::wide(processors()))),
        executable: std::env::current_exe().context("this program does not know its own file")?,
        evidence,
    })
}

/// Makes a folder for each role's files of packets, and removes those of an earlier run.
fn shelves<'a>(folder: &Utf8Path, plans: impl Iterator<Item = &'a Plan>) -> Result<Utf8PathBuf, Stop> {
    let failed =
        |error: std::io::Error| Stop::Usage(format!("`{folder}` cannot be written: {}", crate::text::io_words(&error)));
    for plan in plans {
        let shelf = folder.join(plan.role.name());
        std::fs::create_dir_all(&shelf).map_err(failed)?;
        for scenario in &plan.scenarios {
            match std::fs::remove_file(shelf.join(format!("{}.pcapng", scenario.id))) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
    }
    folder.canonicalize_utf8().map_err(failed)
}

/// How many this process may use: what its affinity and its cgroup leave it, and where Slurm binds no task to
/// what it was given, so many (<https://slurm.schedmd.com/sbatch.html#SECTION_OUTPUT-ENVIRONMENT-VARIABLES>).
#[must_use]
pub fn processors() -> usize {
    let all = all_processors();
    let given = |name| std::env::var(name).ok()?.parse::<usize>().ok();
    let given = given("SLURM_CPUS_PER_TASK").or_else(|| given("SLURM_CPUS_ON_NODE"));
    given.map_or(all, |given| given.clamp(1, all))
}

/// The same without Slurm's word.
fn all_processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// For how many programs of a cohort there is room. Of processors that are others' by Slurm's word, though nothing
/// keeps this process from them, none is idle.
#[must_use]
pub fn room() -> Room {
    let (all, mine) = (all_processors(), processors());
    if mine < all { Room::fixed(2 * mine) } else { Room::elastic(mine) }
}

/// What a submission is called: its folder's or file's name.
fn name(path: &Utf8Path) -> String {
    let whole = path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned());
    whole.file_name().unwrap_or(path.as_str()).to_owned()
}

fn limits(change: &LimitsChange) -> Limits {
    let usual = Limits::default();
    Limits {
        cpu_seconds: change.cpu_seconds.unwrap_or(usual.cpu_seconds),
        file_bytes: change.file_bytes.unwrap_or(usual.file_bytes),
        open_files: change.open_files.unwrap_or(usual.open_files),
        output_bytes: change.output_bytes.unwrap_or(usual.output_bytes),
        memory_bytes: change.memory_bytes.unwrap_or(usual.memory_bytes),
        processes: change.processes.unwrap_or(usual.processes),
        disk_bytes: change.disk_bytes.unwrap_or(usual.disk_bytes),
        wall_seconds: change.wall_seconds.unwrap_or(usual.wall_seconds),
    }
}

/// The plans of roles, narrowed to what is wanted. `--only TCPS-5` asks nothing of other roles.
fn plans(shelf: &Shelf, roles: &[Role], only: &[String], narrow_roles: bool) -> Result<BTreeMap<Role, Plan>, Stop> {
    let mut plans = BTreeMap::new();
    for role in roles {
        plans.insert(*role, shelf.plan(*role, &shelf.choice())?);
    }
    if only.is_empty() {
        return Ok(plans);
    }
    let ids: Vec<String> = plans.values().flat_map(|plan| &plan.requirements).map(|one| one.id.0.clone()).collect();
    if let Some(vain) = only.iter().find(|pattern| !ids.iter().any(|id| matches(pattern, id))) {
        let known: Vec<&str> = ids.iter().map(String::as_str).collect();
        let advice = nearest(vain, known)
            .map_or("`sockspec list` shows all of them".to_owned(), |near| format!("did you mean {near}?"));
        return Err(Stop::Usage(format!("--only {vain}: there is no such requirement here; {advice}")));
    }
    for plan in plans.values_mut() {
        narrow(plan, only);
    }
    plans.retain(|_, plan| !plan.requirements.is_empty() || !narrow_roles);
    Ok(plans)
}

/// Leaves what is wanted in a plan, and what that needs: without it nothing could be said.
pub fn narrow(plan: &mut Plan, only: &[String]) {
    if only.is_empty() {
        return;
    }
    let wanted = |id: &RequirementId| only.iter().any(|pattern| matches(pattern, &id.0));
    let mut kept: BTreeSet<RequirementId> = plan.requirements.iter().map(|one| one.id.clone()).filter(wanted).collect();
    loop {
        let needed = plan.requirements.iter().filter(|one| kept.contains(&one.id)).flat_map(|one| one.needs.clone());
        let more: Vec<RequirementId> = needed.filter(|need| !kept.contains(need)).collect();
        if more.is_empty() {
            break;
        }
        kept.extend(more);
    }
    plan.requirements.retain(|requirement| kept.contains(&requirement.id));
    for scenario in &mut plan.scenarios {
        scenario.checks.retain(|check| kept.contains(&check.requirement));
    }
    plan.scenarios.retain(|scenario| !scenario.checks.is_empty());
}

/// Whether an ID is like a pattern in which `*` stands for any text.
fn matches(pattern: &str, id: &str) -> bool {
    let (pattern, id) = (pattern.to_uppercase(), id.to_uppercase());
    match pattern.split_once('*') {
        None => pattern == id,
        Some((start, end)) => id
            .strip_prefix(start)
            .is_some_and(|rest| (0..=rest.len()).any(|at| rest.is_char_boundary(at) && matches(end, &rest[at..]))),
    }
}

/// Finds the programs and says how they are started.
struct Search<'a> {
    request: &'a CheckRequest,
    resolved: &'a Resolved,
    shelf: &'a Shelf,
    plans: BTreeMap<Role, Plan>,
}

impl Search<'_> {
    fn folder(&self) -> Result<(Vec<batch::Program>, Vec<Missing>), Stop> {
        let changes = &self.resolved.programs;
        let patterns = changes.iter().map(|(role, change)| (*role, change.files.clone())).collect();
        let any: Vec<Role> = changes.iter().filter(|(_, change)| change.run.is_some()).map(|(role, _)| *role).collect();
        let roles: Vec<Role> = self.plans.keys().copied().collect();
        let mut found = find::in_folder(&self.request.path, &roles, &patterns, &any);
        let (mut programs, mut missing) = (Vec::new(), Vec::new());
        for (role, plan) in &self.plans {
            let Some(found) = found.remove(role) else { continue };
            if let (true, Found::Unclear(candidates)) = (self.request.lenient, &found) {
                programs.extend(self.undecided(plan, candidates));
                continue;
            }
            match found.decided(*role, &self.request.path)? {
                Ok(candidate) => programs.push(self.program(plan, &candidate)),
                Err(looked_for) => missing.push(Missing::of(plan, looked_for)),
            }
        }
        Ok((programs, missing))
    }

    /// What could be a program that is missing, though nothing in it says so; where nobody has said either
    /// what the file is called.
    fn silent(&self, programs: &[batch::Program], missing: &[Missing]) -> Vec<batch::Program> {
        let named = |role: &Role| self.resolved.programs.get(role).is_some_and(|change| !change.files.is_empty());
        let by_text = programs.iter().filter(|program| program.by_text).map(|program| program.plan.role);
        let roles = missing.iter().map(|one| one.role).chain(by_text);
        let roles: Vec<Role> = roles.filter(|role| !named(role)).collect();
        if roles.is_empty() {
            return Vec::new();
        }
        let files = find::silent(&self.request.path);
        let pairs = files.iter().flat_map(|file| roles.iter().map(move |role| (*role, file)));
        pairs
            .filter_map(|(role, (path, language))| {
                let candidate = Candidate {
                    role,
                    path: path.clone(),
                    language: Some(*language),
                    fit: 1,
                    mixed_up: false,
                    by_text: false,
                };
                let mut program = self.program(self.plans.get(&role)?, &candidate);
                program.notes.push(format!(
                    "neither the name nor the text of `{path}` tells what it is; its sockets do, when it runs"
                ));
                Some(program)
            })
            .collect()
    }

    /// A role for which several files fit alike: whose marks are at stake is not asked which one is meant.
    fn undecided(&self, plan: &Plan, candidates: &[Candidate]) -> Option<batch::Program> {
        let mut program = self.program(plan, candidates.first()?);
        let files: Vec<&str> = candidates.iter().map(|candidate| candidate.path.as_str()).collect();
        program.trouble = Some(format!(
            "several files could be the {}: {}; the assignment's `programs: {{ {}: {{ files: […] }} }}` says which one is meant",
            plan.role.words(),
            files.join(", "),
            plan.role
        ));
        Some(program)
    }

    fn file(&self, shelf: &Shelf) -> Result<batch::Program, Stop> {
        let path = &self.request.path;
        let candidate = match self.request.role {
            None => find::role_of(path)?,
            Some(role) => {
                let language = Language::of_file(path);
                let told = self.resolved.programs.get(&role).is_some_and(|change| change.run.is_some());
                if language.is_none() && !told {
                    return Err(FindError::NoLanguage { path: path.clone() }.into());
                }
                let file = path.file_name().unwrap_or_default();
                Candidate { role, path: file.into(), language, fit: 1000, mixed_up: false, by_text: false }
            }
        };
        match self.plans.get(&candidate.role) {
            Some(plan) if plan.requirements.is_empty() => Err(Stop::Usage(format!(
                "--only {}: nothing of that is asked of `{path}`, which seems to be a {}",
                self.request.only.join(","),
                candidate.role
            ))),
            Some(plan) => Ok(self.program(plan, &candidate)),
            None => {
                let roles: Vec<&str> = self.plans.keys().map(|role| role.name()).collect();
                let assignment = shelf.name().unwrap_or_default();
                Err(Stop::Usage(format!(
                    "`{path}` seems to be a {}, which the assignment {assignment} does not ask for (it asks for {}); \
                     --role says what it is",
                    candidate.role,
                    roles.join(", ")
                )))
            }
        }
    }

    /// What is asked of a program in the dialect that it speaks: in the one that somebody has said, or in
    /// the one that is told from its text, with others that its behaviour may show.
    fn spoken(&self, plan: &Plan, language: &str, text: &str) -> (Plan, Vec<Plan>, Option<String>) {
        if !self.shelf.tells_dialect() {
            return (plan.clone(), Vec::new(), None);
        }
        let library = &self.shelf.library;
        let found = told::tell(library, language, text, plan.role.transport(), plan.role.side());
        let wanted = |dialect: &str, port| {
            let choice = Choice { dialect: Some(dialect), port, ..self.shelf.choice() };
            let mut plan = self.shelf.plan(plan.role, &choice).ok()?;
            narrow(&mut plan, &self.request.only);
            Some(plan)
        };
        // Nobody need tell what is said.
        let said = self.shelf.assignment.as_ref().is_some_and(|one| one.says_port(plan.role.transport()));
        let Some(spoken) = wanted(&found.dialect, found.port.filter(|_| !said)) else {
            return (plan.clone(), Vec::new(), None);
        };
        let names: Vec<&str> = library.dialects().map(|(name, _)| name).filter(|name| *name != found.dialect).collect();
        let others = names.into_iter().filter_map(|name| wanted(name, Some(spoken.port))).collect();
        (spoken, others, found.how)
    }

    /// The folder that is copied.
    fn folder_of(&self) -> Utf8PathBuf {
        let path = &self.request.path;
        if path.is_dir() { path.clone() } else { path.parent().map_or_else(|| ".".into(), Utf8Path::to_owned) }
    }

    fn commanded(&self) -> Result<batch::Program, Stop> {
        let Some(plan) = self.request.role.and_then(|role| self.plans.get(&role)) else {
            return Err(Stop::Usage(
                "a command needs its role: sockspec check PATH --role udp-server -- COMMAND…".to_owned(),
            ));
        };
        let command = self.request.command.clone();
        let path = command.join(" ");
        let file = command.iter().find_map(|word| Language::of(word));
        let (plan, others, told) = self.spoken(plan, "", "");
        Ok(batch::Program {
            plan,
            others,
            told,
            notes: Vec::new(),
            may_try: false,
            path,
            language: file.map_or_else(|| "command".to_owned(), |language| language.name.to_owned()),
            builds: Vec::new(),
            command: language::without_shim(command),
            arguments: Vec::new(),
            first_input: None,
            trouble: None,
            by_text: false,
        })
    }

    fn program(&self, plan: &Plan, candidate: &Candidate) -> batch::Program {
        let plan_role = plan.role;
        let nothing = ProgramChange::default();
        let change = self.resolved.programs.get(&candidate.role).unwrap_or(&nothing);
        let file = candidate.path.as_str();
        let folder = self.folder_of();
        let source = Source::read(&folder, &candidate.path, candidate.role);
        let (plan, others, told) =
            self.spoken(plan, candidate.language.map_or("", |language| language.name), &source.text);
        let fill = |word: &String| filled(word, file, &plan);
        let mut recipe = Recipe::default();
        let mut trouble = None;
        let build = change.build.iter().map(|command| command.0.iter().map(fill).collect()).collect::<Vec<_>>();
        match (&change.run, candidate.language) {
            (Some(run), _) if build.is_empty() => recipe.run = run.iter().map(fill).collect(),
            (Some(run), _) => recipe.builds = vec![Build::told(build, Run::Command(run.iter().map(fill).collect()))],
            (None, _) if !build.is_empty() => {
                let stem = candidate.path.file_stem().unwrap_or_default().to_owned();
                recipe.builds = vec![Build::told(
                    build,
                    Run::Executable {
                        names: vec![stem],
                        beside: candidate.path.parent().map_or("", Utf8Path::as_str).to_owned(),
                    },
                )];
            }
            (None, Some(language)) => match language.recipe(&source) {
                Ok(found) => recipe = found,
                Err(none) => trouble = Some(none.to_string()),
            },
            (None, None) => trouble = Some(format!("it is not known how to run `{file}`")),
        }
        let arguments = if change.run.is_some() { Vec::new() } else { change.arguments.iter().map(fill).collect() };
        let first_input = change.input.as_ref().map(fill);
        let language =
            candidate.language.map_or_else(|| "unknown language".to_owned(), |language| language.name.to_owned());
        batch::Program {
            plan,
            others,
            told,
            notes: candidate.mixed_up.then(|| mixed_up(plan_role, file)).into_iter().collect(),
            may_try: change.run.is_none() && change.arguments.is_empty() && change.input.is_none(),
            path: file.to_owned(),
            language,
            builds: recipe.builds,
            command: recipe.run,
            arguments,
            first_input,
            trouble,
            by_text: candidate.by_text,
        }
    }
}

/// What is said of a file whose name says that it is something else.
fn mixed_up(role: Role, file: &str) -> String {
    format!("it is graded as what its sockets make it, a {}, though `{file}` is another's name", role.words())
}

fn filled(word: &str, file: &str, plan: &Plan) -> String {
    word.replace("{file}", file).replace("{host}", "127.0.0.1").replace("{port}", &plan.port.to_string())
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_of_ids() {
        for (pattern, id, wanted) in [
            ("TCPS-5", "TCPS-5", true),
            ("tcps-5", "TCPS-5", true),
            ("TCPS-5", "TCPS-15", false),
            ("TCPS-1*", "TCPS-12", true),
            ("*-5", "UDPC-5", true),
            ("*S-*", "UDPS-16", true),
            ("*S-*", "UDPC-1", false),
        ] {
            assert_eq!(matches(pattern, id), wanted, "{pattern} {id}");
        }
    }
}
