//! A cohort of real verdicts: programs of `fixtures` that were graded once, in ever new combinations.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use sockspec::event::{Event, Fact, Output};
use sockspec::ids::Role;
use sockspec::judge::submission::SubmissionRecord;
use sockspec::judge::verdict::{Missing, Verdict};
use sockspec::plan::points::Points;
use sockspec::report::Graded;
use sockspec::report::cohort::{Cohort as _, Entry, Outcome};
use sockspec::report::html::Site;
use sockspec::roster::Student;
use sockspec::text::Bytes;

const FILES: [(&str, &str); 4] = [
    ("udp-server", "UDPServer.py"),
    ("udp-client", "UDPClient.py"),
    ("tcp-server", "TCPServer.py"),
    ("tcp-client", "TCPClient.py"),
];

/// Submissions with a defect in each program, in the order of the files.
const DEFECTS: [[&str; 4]; 3] = [
    ["bytes-repr", "sends-twice", "reset-by-linger", "prints-its-own"],
    ["double-reply", "wrong-port", "close-without-parentheses", "no-socket"],
    ["fresh-socket", "prints-nothing", "strict-decode", "newline-sent"],
];

/// What a student can write to break a page.
pub const HOSTILE: &str = "<script>window.broken=1</script><img src=x onerror=\"window.broken=1\">\u{202e}desrever\u{202c}\
    \u{1b}[31mred]]>--><!-- javascript:window.broken=1 \" ' onfocus=window.broken=1 autofocus &lt;b&gt; </style></noscript>\
    <a href=\"javascript:window.broken=1\">x</a> \0 [[ATTACHMENT|/etc/passwd]]\n::error::no";

fn graded(submission: &Path, record: &Path) -> SubmissionRecord {
    let status = Command::new(env!("CARGO_BIN_EXE_sockspec"))
        .args(["check", "--seed", "42", "--record"])
        .args([record, submission])
        .output()
        .unwrap();
    assert!(record.is_file(), "{}", String::from_utf8_lossy(&status.stderr));
    serde_json::from_slice(&std::fs::read(record).unwrap()).unwrap()
}

/// The reference, and submissions with defects, each graded once.
fn bases() -> &'static [SubmissionRecord] {
    static BASES: OnceLock<Vec<SubmissionRecord>> = OnceLock::new();
    BASES.get_or_init(|| {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let room = tempfile::tempdir().unwrap();
        let mut folders = vec![fixtures.join("reference/python")];
        for (number, names) in DEFECTS.iter().enumerate() {
            let folder = room.path().join(number.to_string());
            std::fs::create_dir(&folder).unwrap();
            for ((role, file), name) in FILES.iter().zip(names) {
                let mutant = fixtures.join("mutants").join(role).join(format!("{name}.py"));
                std::fs::copy(&mutant, folder.join(file)).unwrap();
            }
            folders.push(folder);
        }
        let one = |(number, folder): (usize, &PathBuf)| graded(folder, &room.path().join(format!("{number}.json")));
        folders.iter().enumerate().map(one).collect()
    })
}

/// Names as courses have them.
const NAMES: [&str; 8] =
    ["Åsa Öberg", "Zoë de la Cruz", "محمد علي", "王小明", "Ann O’Neill", "Jürgen Groß", "María José Núñez", "Bob Lee"];

fn student(number: usize) -> Student {
    Student {
        id: format!("s{number:04}"),
        name: Some(format!("{} {number}", NAMES[number % NAMES.len()])),
        number: Some(format!("{}", 40_000 + number)),
        login: Some(format!("login{number}")),
        email: None,
        late: number % 17 == 3,
    }
}

/// A submission whose programs come from one base each.
fn mixed(number: usize, whole: bool) -> Graded {
    const CHOICE: [usize; 8] = [0, 0, 1, 0, 2, 0, 3, 0];
    let bases = bases();
    let mut record = bases[0].clone();
    record.id = format!("s{number:04}");
    record.assignment = Some("Lab 2: sockets".to_owned());
    record.programs =
        (0..4).map(|role| bases[CHOICE[(number * (2 * role + 1) + number / 8) % 8]].programs[role].clone()).collect();
    if number % 23 == 5 {
        record.programs.truncate(3);
        let (role, points) = (Role::TcpClient, Points(2500));
        let looked_for = "a file such as TCPClient.py".to_owned();
        record.missing = vec![Missing { role, looked_for, points, shown: points, kept: Vec::new() }];
    }
    let records = || record.programs.iter().map(|one| one.record.clone()).collect();
    Graded { verdict: record.judge(), records: if whole { records() } else { Vec::new() } }
}

/// So many submissions. `whole`: with their records, so that pages have diagrams.
pub fn entries(number: usize, whole: bool) -> impl Iterator<Item = Entry> {
    (0..number).map(move |number| {
        let again = format!("sockspec check export/s{number:04} --assignment lab2.yaml --seed 42");
        let outcome = if number % 40 == 9 {
            Outcome::Unread {
                reason: format!("`work{number}.zip` has a path that leads out of it: `../../etc/passwd`"),
            }
        } else {
            let mut graded = mixed(number, whole);
            if number % 29 == 7 {
                let reason = "the machine has no processor time left; grade it again".to_owned();
                let judged = &mut graded.verdict.programs[2].requirements[7];
                (judged.verdict, judged.finding, judged.earned) = (Verdict::Ungraded { reason }, None, Points(0));
            }
            Outcome::Graded(Box::new(graded))
        };
        Entry { student: student(number), members: Vec::new(), outcome, again: Some(again) }
    })
}

/// A submission in which everything that a student can choose is hostile.
pub fn hostile() -> Entry {
    let text = || HOSTILE.to_owned();
    let mut graded = mixed(18, true);
    graded.verdict.id = text();
    graded.verdict.isolation_reason = Some(text());
    for program in &mut graded.verdict.programs {
        program.path = text();
        program.notes = vec![text()];
        for finding in program.requirements.iter_mut().filter_map(|judged| judged.finding.as_mut()) {
            (finding.expected, finding.actual, finding.explanation) = (text(), text(), text());
            finding.cause = text();
        }
        let first = &mut program.requirements[0];
        (first.verdict, first.earned) = (Verdict::Ungraded { reason: text() }, Points(0));
    }
    let said = Fact::Printed { stream: Output::Stdout, bytes: Bytes(HOSTILE.as_bytes().to_vec()), cut: 0 };
    for record in graded.records.iter_mut().flat_map(|program| &mut program.records) {
        record.events.insert(0, Event { at: 0, fact: said.clone() });
    }
    let student = Student {
        id: "hostile".to_owned(),
        name: Some(text()),
        number: Some(text()),
        login: Some(text()),
        email: Some(text()),
        late: true,
    };
    Entry { student, members: Vec::new(), outcome: Outcome::Graded(Box::new(graded)), again: Some(text()) }
}

/// Writes a site to a folder of this name, where people can look at it after the test too.
pub fn write(name: &str, entries: impl Iterator<Item = Entry>) -> PathBuf {
    let folder = crate::browser::kept().join(name);
    let _ = std::fs::remove_dir_all(&folder);
    let mut site = Site::new();
    let put = |files: Vec<sockspec::report::cohort::File>| {
        for file in files {
            let path = folder.join(file.path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file.bytes).unwrap();
        }
    };
    for entry in entries {
        put(site.entry(&entry).unwrap());
    }
    put(site.end().unwrap());
    folder
}
