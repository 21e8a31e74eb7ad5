//! Courses for tests: submissions made of `fixtures/`, in exports of every layout.

use std::fs;
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};

use crate::packing;

/// Names that a student could choose to harm a gradebook, a terminal, a page or a job's log.
const NAMES: [&str; 6] =
    ["=1+1 Formula", "<b>Bold", "\u{202e}Backwards", "Esc\u{1b}[31m Ape", "::error::Log", "Zoë O'Neill"];

/// Folders of `fixtures/field` that take little time.
const FIELD: [&str; 5] = ["py-folders", "py-typos", "py-stderr", "py-prints-bytes", "py-port-8888"];

/// Files of `fixtures/hostile` that are right or wrong for sure.
const HOSTILE: [&str; 4] =
    ["ignores-every-signal", "prints-escapes", "forks-until-refused", "floods-the-screen-for-ever"];

pub const ROLES: [(&str, &str); 4] = [
    ("udp-server", "UDPServer.py"),
    ("tcp-server", "TCPServer.py"),
    ("udp-client", "UDPClient.py"),
    ("tcp-client", "TCPClient.py"),
];

/// What one student hands in.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Its place in the course.
    pub number: usize,
    /// Its files.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Submission {
    pub fn of(number: usize, files: &[(&str, &[u8])]) -> Self {
        Self { number, files: files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect() }
    }

    /// The student's name.
    pub fn name(&self) -> String {
        format!("{} {}", NAMES[self.number % NAMES.len()], self.number)
    }

    /// Lays its files in a folder.
    pub fn lay(&self, folder: &Utf8Path) {
        let files: Vec<(&str, &[u8])> = self.files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
        packing::write(folder, &files);
    }

    fn zip(&self) -> Vec<u8> {
        packing::zip(&self.files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect::<Vec<_>>())
    }
}

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// A file of `fixtures/`.
pub fn fixture(name: &str) -> Vec<u8> {
    fs::read(fixtures().join(name)).unwrap()
}

/// A course of so many students: references, mutants, programs of the field, and hostile ones.
pub fn course(size: usize) -> Vec<Submission> {
    (0..size).map(|number| Submission { number, files: files(number) }).collect()
}

fn files(number: usize) -> Vec<(String, Vec<u8>)> {
    match number % 8 {
        0 => folder("reference/python"),
        place @ 1..=4 => vec![mutant(place - 1, number)],
        5 => folder(&format!("field/{}", FIELD[number / 8 % FIELD.len()])),
        6 => vec![mutant(0, number), mutant(2, number + 1)],
        _ => {
            let text = fixture(&format!("hostile/{}.py", HOSTILE[number / 8 % HOSTILE.len()]));
            let role = String::from_utf8_lossy(&text)
                .lines()
                .find_map(|line| line.strip_prefix("# role: ").map(str::to_owned));
            let name = ROLES.iter().find(|(name, _)| Some(*name) == role.as_deref()).unwrap().1;
            vec![(name.to_owned(), text), ("attack.py".to_owned(), fixture("hostile/with/attack.py"))]
        }
    }
}

/// One of a role's mutants.
fn mutant(role: usize, number: usize) -> (String, Vec<u8>) {
    let (role, name) = ROLES[role];
    let mut all: Vec<PathBuf> =
        fs::read_dir(fixtures().join("mutants").join(role)).unwrap().flatten().map(|entry| entry.path()).collect();
    all.retain(|path| path.extension().is_some_and(|ending| ending == "py"));
    all.sort();
    (name.to_owned(), fs::read(&all[number * 5 % all.len()]).unwrap())
}

fn folder(name: &str) -> Vec<(String, Vec<u8>)> {
    let root = fixtures().join(name);
    let files = walkdir::WalkDir::new(&root).sort_by_file_name().into_iter().flatten();
    let files = files.filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| {
            let path = entry.path().strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            (path, fs::read(entry.path()).unwrap())
        })
        .filter(|(path, _)| !path.contains("__pycache__"))
        .collect()
}

/// How an export is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    Moodle,
    Canvas,
    Gradescope,
    Clones,
    Plain,
}

impl Layout {
    pub const ALL: [Self; 5] = [Self::Moodle, Self::Canvas, Self::Gradescope, Self::Clones, Self::Plain];

    /// The ID that a student has by it.
    pub fn id(self, number: usize) -> String {
        match self {
            Self::Moodle | Self::Canvas => (1000 + number).to_string(),
            Self::Gradescope => format!("S{number:03}"),
            Self::Clones => format!("account{number:03}"),
            Self::Plain => format!("student{number:03}"),
        }
    }

    /// The files of an export.
    fn files(self, students: &[Submission]) -> Vec<(String, Vec<u8>)> {
        let mut all = Vec::new();
        for one in students {
            let (number, id) = (one.number, self.id(one.number));
            let folder = match self {
                Self::Moodle => format!("{}_{id}_assignsubmission_file_", one.name()),
                Self::Canvas => {
                    all.push((format!("doe{number}_{id}_{}_lab.zip", 5000 + number), one.zip()));
                    continue;
                }
                Self::Gradescope => format!("submission_{}", 9000 + number),
                Self::Clones => {
                    all.push((format!("lab1-{id}/.git/HEAD"), b"ref: refs/heads/main\n".to_vec()));
                    format!("lab1-{id}")
                }
                Self::Plain => id,
            };
            all.extend(one.files.iter().map(|(name, bytes)| (format!("{folder}/{name}"), bytes.clone())));
        }
        if self == Self::Gradescope {
            all.push(("submission_metadata.yml".to_owned(), self.metadata(students).into_bytes()));
        }
        all
    }

    fn metadata(self, students: &[Submission]) -> String {
        let mut text = "---\n".to_owned();
        for one in students {
            let name = serde_json::to_string(&one.name()).unwrap();
            let (number, sid) = (9000 + one.number, self.id(one.number));
            text += &format!("submission_{number}:\n  :submitters:\n  - :name: {name}\n    :sid: {sid}\n");
        }
        text
    }

    /// Writes an export, as a folder or a zip.
    pub fn write(self, students: &[Submission], place: &Utf8Path, zipped: bool) -> Utf8PathBuf {
        let files = self.files(students);
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
        if zipped {
            let place = Utf8PathBuf::from(format!("{place}.zip"));
            fs::write(&place, packing::zip(&files)).unwrap();
            return place;
        }
        packing::write(place, &files);
        place.to_owned()
    }
}
