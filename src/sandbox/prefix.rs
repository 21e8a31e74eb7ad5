//! What an interpreter needs of the machine beside the system's own folders.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Start, may_be_executed};

/// The system's own folders, which every program sees (file-hierarchy(7)).
pub const SYSTEM: &[&str] =
    &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"];

/// What a program sees of `/etc`, where it is there: what the C library and runtimes want.
const ETC: &[&str] = &[
    "host.conf",
    "gai.conf",
    "services",
    "protocols",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "alternatives",
    "localtime",
    "timezone",
    "locale.alias",
    "mime.types",
    "ssl/certs",
    "ssl/openssl.cnf",
    "ca-certificates",
    "pki",
    "java",
    "perl",
    "mono",
    "dotnet",
];

/// And of what begins so, all: Debian's Java has its settings there, behind symbolic links.
const ETC_BEGINNING: [&str; 2] = ["java-", "python3"];

/// What makes leak checkers do without ptrace(2), which is refused: they would end a right program with
/// status 1.
pub const WITHOUT_PTRACE: [(&str, &str); 2] = [("ASAN_OPTIONS", "detect_leaks=0"), ("LSAN_OPTIONS", "detect_leaks=0")];

/// The files of `/etc` that a program sees.
#[must_use]
pub fn etc() -> Vec<PathBuf> {
    let named = ETC.iter().map(|name| Path::new("/etc").join(name));
    let all = fs::read_dir("/etc").into_iter().flatten().flatten().map(|entry| entry.path());
    let begins = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        ETC_BEGINNING.iter().any(|beginning| name.starts_with(beginning))
    };
    named.chain(all.filter(begins)).filter(|path| path.exists()).collect()
}

/// The file that starts a program.
#[must_use]
pub fn interpreter(start: &Start<'_>) -> Option<PathBuf> {
    start.command.first().and_then(|word| look_up(word, start.folder))
}

/// The file that a command's first word stands for: absolute, relative to a folder, or on the path.
#[must_use]
pub fn look_up(word: &str, folder: &Path) -> Option<PathBuf> {
    if word.contains('/') {
        // Relative to the folder; an absolute one replaces it.
        return Some(folder.join(word)).filter(|file| file.is_file());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(word)).find(|file| may_be_executed(file))
}

/// The folders that hold an interpreter with what it comes with, where the system's own do not:
/// `/opt/python` of `/opt/python/bin/python3`, and what a virtual environment rests on.
#[must_use]
pub fn of(interpreter: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let real = interpreter.canonicalize().unwrap_or_else(|_| interpreter.to_owned());
    for file in [interpreter, real.as_path()] {
        if !is_of_system(file) {
            found.extend(around(file));
        }
    }
    let bases: Vec<PathBuf> = found.iter().filter_map(|prefix| base_of(prefix)).collect();
    for base in bases {
        found.extend(base.canonicalize().into_iter().filter(|base| !is_of_system(base)));
        if !is_of_system(&base) {
            found.insert(base);
        }
    }
    found
}

/// Whether a path lies in the system's own folders.
#[must_use]
pub fn is_of_system(path: &Path) -> bool {
    SYSTEM.iter().any(|folder| path.starts_with(folder))
}

/// The folders of an interpreter, by where its file lies.
fn around(file: &Path) -> Vec<PathBuf> {
    let Some(folder) = file.parent() else { return Vec::new() };
    let Some(prefix) = folder.parent().filter(|_| folder.ends_with("bin") || folder.ends_with("sbin")) else {
        // Whatever else lies beside it is somebody's own, unless it is a runtime's.
        let runtime = ["lib", "pyvenv.cfg", "lib64"].iter().any(|sign| folder.join(sign).exists());
        return vec![if runtime { folder.to_owned() } else { file.to_owned() }];
    };
    // Somebody's home, or all that they have installed there, is more than an interpreter.
    let broad = prefix.components().count() < 2
        || prefix.ends_with(".local")
        || prefix.parent().is_some_and(|above| above.ends_with("home") || above == Path::new("/"))
            && !prefix.starts_with("/opt");
    if broad { vec![folder.to_owned(), prefix.join("lib")] } else { vec![prefix.to_owned()] }
}

/// What a virtual environment of Python rests on (`home` in `pyvenv.cfg`, PEP 405).
fn base_of(prefix: &Path) -> Option<PathBuf> {
    let written = fs::read_to_string(prefix.join("pyvenv.cfg")).ok()?;
    let home = written.lines().find_map(|line| line.split_once('=').filter(|(key, _)| key.trim() == "home"))?.1;
    Path::new(home.trim()).parent().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn an_interpreter_comes_with_its_prefix() {
        assert!(of(Path::new("/usr/bin/env")).is_empty());
        assert_eq!(around(Path::new("/opt/python/bin/python3")), [Path::new("/opt/python")]);
        assert_eq!(around(Path::new("/opt/tool")), [Path::new("/opt/tool")]);
    }

    #[test]
    fn a_home_is_no_prefix() {
        for (file, home) in [
            ("/home/ann/bin/py", "/home/ann"),
            ("/root/bin/py", "/root"),
            ("/home/ann/.local/bin/py", "/home/ann/.local"),
        ] {
            assert!(!around(Path::new(file)).contains(&PathBuf::from(home)), "{file}");
        }
    }

    #[test]
    fn a_virtual_environment_rests_on_another() {
        let folder = tempfile::tempdir().unwrap();
        let (environment, base) = (folder.path().join("venv"), folder.path().join("python"));
        for prefix in [&environment, &base] {
            fs::create_dir_all(prefix.join("bin")).unwrap();
        }
        fs::write(base.join("bin/python3"), "").unwrap();
        std::os::unix::fs::symlink(base.join("bin/python3"), environment.join("bin/python3")).unwrap();
        fs::write(environment.join("pyvenv.cfg"), format!("home = {}/bin\nversion = 3\n", base.display())).unwrap();
        let found = of(&environment.join("bin/python3"));
        assert!(found.contains(&environment) && found.contains(&base), "{found:?}");
    }
}
