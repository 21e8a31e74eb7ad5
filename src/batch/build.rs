//! Building programs, once for each content: what was built of the same files, by the same commands and
//! tools, is taken from a folder of earlier builds.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use crate::event::BuildNote;
use crate::ids::Role;
use crate::program::find::{name_fits, name_forbids};
use crate::program::language::{Build, OUT, Run};
use crate::program::launch::Launch;
use crate::sandbox::{Level, Limits, PrivateCopy, may_be_executed};
use crate::text::tame;
use crate::worker::{self, BuildJob, Built};

/// What a build may use: compilers take more than a lab's programs.
const LIMITS: Limits = Limits {
    cpu_seconds: 120,
    file_bytes: 256 << 20,
    open_files: 4096,
    memory_bytes: 2 << 30,
    processes: 512,
    disk_bytes: 1 << 30,
    output_bytes: 256 << 10,
    wall_seconds: 300,
};

/// So many builds are kept.
const KEPT: usize = 2000;

/// What is said of a build's output at most.
const LINES: usize = 12;

/// What became of a build.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The program can be started by this command line.
    Built(Vec<String>, BuildNote),
    /// It cannot be built: the program's fault.
    Failed(BuildNote),
    /// Our fault, or the machine's.
    Trouble(String),
}

/// A build that was made before.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    built: Built,
    /// The files that came, relative to the submission.
    files: Vec<Utf8PathBuf>,
}

/// Builds the programs of submissions.
#[derive(Debug)]
pub(super) struct Builder {
    executable: PathBuf,
    isolation: Option<Level>,
    /// Where builds are kept; none where there is no such place.
    store: Option<PathBuf>,
}

/// Who builds what at the moment: the same is not built twice at the same time, whosever it is.
static RUNNING: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>> = Mutex::new(BTreeMap::new());

/// Somebody's turn to build something, or to wait for who does.
struct Turn {
    key: String,
    lock: Arc<tokio::sync::Mutex<()>>,
}

impl Turn {
    fn of(key: &str) -> Self {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        Self { key: key.to_owned(), lock: Arc::clone(running.entry(key.to_owned()).or_default()) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody else waits: the list's own, and this one.
        if Arc::strong_count(&self.lock) <= 2 {
            running.remove(&self.key);
        }
    }
}

impl Builder {
    pub(super) fn new(executable: PathBuf, isolation: Option<Level>) -> Self {
        Self { executable, isolation, store: folder_of_builds() }
    }

    /// This binary.
    pub(super) fn executable(&self) -> &Path {
        &self.executable
    }

    /// Builds a program in its copy of the submission, by the first way that leads to one.
    pub(super) async fn make(&self, builds: &[Build], role: Role, copy: &PrivateCopy) -> Outcome {
        let mut failed: Vec<BuildNote> = Vec::new();
        for build in builds {
            let (built, files) = match self.once(build, copy).await {
                Ok(found) => found,
                Err(reason) => return Outcome::Trouble(reason),
            };
            let command = build.commands.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join(" && ");
            let isolation = built.level.map_or("", Level::name).to_owned();
            let note = BuildNote { command, output: readable(&built.output, copy.root()), isolation };
            match built.complete.then(|| started(&build.run, role, copy.root(), &files)).flatten() {
                Some(run) => return Outcome::Built(run, note),
                None => failed.push(note),
            }
        }
        let of_file = |note: &&BuildNote| note.output.contains("error");
        let note = failed.iter().find(of_file).or_else(|| failed.last()).cloned().unwrap_or_default();
        Outcome::Failed(BuildNote { output: shortened(&note.output), ..note })
    }

    /// One build, or what was kept of it.
    async fn once(&self, build: &Build, copy: &PrivateCopy) -> Result<(Built, Vec<Utf8PathBuf>), String> {
        let key = key(build, copy, self.isolation);
        let turn = Turn::of(&key);
        let _held = turn.lock.lock().await;
        let place = self.store.as_ref().map(|store| store.join(&key));
        if let Some(kept) = place.as_deref().and_then(|place| recall(place, copy.root())) {
            return Ok((kept.built, kept.files));
        }
        let failed = |error: io::Error| format!("the copy of the submission cannot be written: {error}");
        fs::create_dir_all(copy.root().join(&build.folder).join(OUT)).map_err(failed)?;
        for (file, text) in &build.files {
            let file = copy.root().join(file);
            file.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
            fs::write(file, text).map_err(failed)?;
        }
        let before = snapshot(copy.root());
        let launch = Launch {
            command: build.commands.first().cloned().unwrap_or_default(),
            cwd: copy.root().to_owned(),
            inside: Utf8PathBuf::from(&build.folder),
            env: [("TERM", "dumb"), ("NO_COLOR", "1"), ("GCC_COLORS", "")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into_iter()
                .chain(build.env.iter().cloned())
                .collect(),
            limits: LIMITS,
        };
        let job = BuildJob { launch, commands: build.commands.clone(), isolation: self.isolation };
        let built = worker::build(&self.executable, &job).await.map_err(|error| error.to_string())?;
        let after = snapshot(copy.root());
        let files: Vec<Utf8PathBuf> =
            after.into_iter().filter(|(file, state)| before.get(file) != Some(state)).map(|(file, _)| file).collect();
        let kept = Kept { built, files };
        // What fails may do so for want of something that no key names.
        if kept.built.complete
            && let Some(place) = &place
        {
            // Without it, it is built again.
            let _ = keep(place, &kept, copy.root());
        }
        Ok((kept.built, kept.files))
    }
}

/// The user's cache folder (XDG Base Directory Specification).
fn folder_of_builds() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))?;
    Some(cache.join("sockspec").join("builds"))
}

/// What a build depends on, as far as that is known: the files with their modes, the commands, the first
/// tool of each, and this program's version.
fn key(build: &Build, copy: &PrivateCopy, isolation: Option<Level>) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    add(env!("CARGO_PKG_VERSION"));
    add(&copy.digest().to_string());
    for (file, runs) in modes(copy.root()) {
        add(&format!("{file} {runs}"));
    }
    add(isolation.map_or("best", Level::name));
    add(&serde_json::to_string(build).unwrap_or_default());
    for tool in build.commands.iter().filter_map(|command| command.first()) {
        if let Ok(what) = fs::metadata(tool) {
            let changed = what.modified().ok().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
            add(&format!("{} {:?}", what.len(), changed));
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// Which files of a submission may be executed.
fn modes(root: &Utf8Path) -> Vec<(Utf8PathBuf, bool)> {
    let files = snapshot(root).into_keys().filter(|file| !file.starts_with(OUT));
    files.map(|file| (file.clone(), may_be_executed(root.join(&file).as_std_path()))).collect()
}

type State = (u64, Option<SystemTime>);

fn snapshot(root: &Utf8Path) -> BTreeMap<Utf8PathBuf, State> {
    WalkDir::new(root)
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file())
        .filter_map(|entry| {
            let what = entry.metadata().ok()?;
            let path = Utf8Path::from_path(entry.path())?.strip_prefix(root).ok()?.to_owned();
            Some((path, (what.len(), what.modified().ok())))
        })
        .collect()
}

/// Keeps a build: whole or not at all.
fn keep(place: &Path, kept: &Kept, root: &Utf8Path) -> io::Result<()> {
    let store = place.parent().ok_or(io::ErrorKind::NotFound)?;
    fs::create_dir_all(store)?;
    prune(store);
    let draft = tempfile::Builder::new().prefix("draft-").tempdir_in(store)?;
    for (number, file) in kept.files.iter().enumerate() {
        fs::copy(root.join(file), draft.path().join(number.to_string()))?;
    }
    fs::write(draft.path().join("kept.json"), serde_json::to_vec(kept)?)?;
    // Another grader may have been quicker.
    match fs::rename(draft.path(), place) {
        Err(_) if place.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            // It has another name now.
            let _ = draft.keep();
            Ok(())
        }
    }
}

/// Puts what was kept of a build into a copy of the submission.
fn recall(place: &Path, root: &Utf8Path) -> Option<Kept> {
    let kept: Kept = serde_json::from_slice(&fs::read(place.join("kept.json")).ok()?).ok()?;
    for (number, file) in kept.files.iter().enumerate() {
        let target = root.join(file);
        fs::create_dir_all(target.parent()?).ok()?;
        // An earlier way may have left a link there, which leads out.
        let inside = target.parent()?.canonicalize_utf8().ok()?.starts_with(root);
        if !inside || target.symlink_metadata().is_ok_and(|what| !what.is_file()) {
            return None;
        }
        fs::copy(place.join(number.to_string()), target).ok()?;
    }
    // What is used is young.
    let _ = fs::File::open(place.join("kept.json")).and_then(|file| file.set_modified(SystemTime::now()));
    Some(kept)
}

/// Removes the builds that were not used for longest, where there are too many.
fn prune(store: &Path) {
    let Ok(entries) = fs::read_dir(store) else { return };
    let used = |path: &Path| fs::metadata(path.join("kept.json")).and_then(|what| what.modified()).ok();
    let mut all: Vec<_> = entries.flatten().map(|entry| (used(&entry.path()), entry.path())).collect();
    if all.len() <= KEPT {
        return;
    }
    all.sort();
    for (_, path) in &all[..all.len() - KEPT] {
        let _ = fs::remove_dir_all(path);
    }
}

/// The command line of what was built.
fn started(run: &Run, role: Role, root: &Utf8Path, files: &[Utf8PathBuf]) -> Option<Vec<String>> {
    let (names, beside) = match run {
        Run::Command(command) => return Some(command.clone()),
        Run::Executable { names, beside } => (names, beside),
    };
    let programs = |files: &[Utf8PathBuf]| -> Vec<Utf8PathBuf> {
        files.iter().filter(|file| is_program(&root.join(file))).cloned().collect()
    };
    let mut executables = programs(files);
    if executables.is_empty() {
        // What was handed in with its binary may be built to the same bytes.
        executables = programs(&snapshot(root).into_keys().collect::<Vec<_>>());
    }
    let stem = |file: &Utf8PathBuf| file.file_stem().unwrap_or_default().to_lowercase();
    let sole = |some: Vec<&Utf8PathBuf>| -> Option<Utf8PathBuf> {
        let near: Vec<&&Utf8PathBuf> =
            some.iter().filter(|file| file.parent().is_some_and(|at| at == Utf8Path::new(beside))).collect();
        match (some.as_slice(), near.as_slice()) {
            ([one], _) => Some((*one).clone()),
            (_, [one]) => Some((**one).clone()),
            _ => None,
        }
    };
    let named = |file: &&Utf8PathBuf| names.iter().any(|name| name.to_lowercase() == stem(file));
    let fitting = |file: &&Utf8PathBuf| name_fits(&stem(file), role);
    let possible = |file: &&Utf8PathBuf| !name_forbids(&stem(file), role);
    let found = sole(executables.iter().filter(named).collect())
        .or_else(|| sole(executables.iter().filter(fitting).collect()))
        .or_else(|| sole(executables.iter().filter(possible).collect()))?;
    Some(vec![format!("./{found}")])
}

/// Whether a file is an executable program, and neither library nor script.
fn is_program(file: &Utf8Path) -> bool {
    let mut start = [0; 2];
    let read = fs::File::open(file).and_then(|mut file| file.read_exact(&mut start));
    let script = read.is_err() || start == *b"#!";
    may_be_executed(file.as_std_path()) && !script && file.extension().is_none_or(|ending| ending != "so")
}

/// What a compiler printed, with the places of files as the student knows them.
fn readable(output: &str, root: &Utf8Path) -> String {
    let text = output.replace(&format!("{root}/"), "").replace("/submission/", "").replace('\r', "");
    tame(&text).into_owned()
}

/// What matters in a compiler's message: from the first error on, without warnings.
fn shortened(output: &str) -> String {
    let lines: Vec<&str> = output.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    const SIGNS: [&str; 5] = ["error", "Error", "undefined reference", "multiple definition", "ld: "];
    let is_error = |line: &&str| SIGNS.iter().any(|sign| line.contains(sign));
    let first = lines.iter().position(is_error).unwrap_or(0);
    let mut kept: Vec<&str> = Vec::new();
    let mut skipping = false;
    for line in &lines[first..] {
        // A message begins with a file and a line; what follows belongs to it.
        let begins = line.split(':').nth(1).is_some_and(|part| part.trim().parse::<u32>().is_ok());
        if begins {
            skipping = line.contains("warning:") || line.contains("note:");
        }
        if !skipping {
            kept.push(line);
        }
    }
    let cut = kept.len() > LINES;
    kept.truncate(LINES);
    kept.join("\n") + if cut { "\n…" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_what_matters_of_an_output() {
        let output = "a.c: In function 'main':\na.c:3:5: warning: unused\n    3 | x\n      | ^\na.c:4:1: error: expected ';'\n    4 | }\n      | ^\na.c:9:9: note: see\n  9 | y\n";
        assert_eq!(shortened(output), "a.c:4:1: error: expected ';'\n    4 | }\n      | ^");
        assert_eq!(shortened("make: *** No targets.\n"), "make: *** No targets.");
    }

    #[test]
    fn places_are_relative_to_the_submission() {
        let root = Utf8Path::new("/tmp/sockspec-copy-1");
        assert_eq!(readable("/submission/a.c:1 /tmp/sockspec-copy-1/b.c:2\r\n", root), "a.c:1 b.c:2\n");
    }
}
