//! What is done often: a suite is read, a record is judged, it is seen that a program rests, a cohort is
//! reported on. `cargo bench` says how long each takes, and how that has changed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot go on fails")]

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use sockspec::judge::submission::SubmissionRecord;
use sockspec::observe::{Budget, Purpose, Watch};
use sockspec::plan::Library;
use sockspec::report::cohort::{CohortOptions, Entry, Outcome, Shape, cohort};
use sockspec::report::{Format, Graded, Options};
use sockspec::roster::Student;

/// The textbook's programs, graded once.
fn record() -> SubmissionRecord {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record");
    let root = env!("CARGO_MANIFEST_DIR");
    let mut check = Command::new(env!("CARGO_BIN_EXE_sockspec"));
    check.current_dir(root).args(["check", "fixtures/textbook/python", "--record"]).arg(&file);
    check.stdout(Stdio::null()).status().unwrap();
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn suites(criterion: &mut Criterion) {
    criterion.bench_function("read the built-in suites", |bench| bench.iter(|| Library::builtin().unwrap()));
}

fn judging(criterion: &mut Criterion) {
    let record = record();
    criterion.bench_function("judge the records of four programs", |bench| bench.iter(|| record.judge()));
}

/// A program that sends back what it gets.
struct Echo(Child);

impl Echo {
    fn start() -> Self {
        Self(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    fn ask(&mut self) {
        let mut answer = [0; 6];
        self.0.stdin.as_mut().unwrap().write_all(b"hello\n").unwrap();
        self.0.stdout.as_mut().unwrap().read_exact(&mut answer).unwrap();
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn quiescence(criterion: &mut Criterion) {
    let mut program = Echo::start();
    let mut watch = Watch::new(Vec::new(), Vec::new());
    criterion.bench_function("see that a program rests again", |bench| {
        bench.iter(|| {
            program.ask();
            watch.begin(Purpose::Settle, Budget::SETTLE);
            while watch.look().is_none() {
                std::thread::sleep(watch.pace());
            }
        });
    });
    criterion.bench_function("one look at a program", |bench| {
        bench.iter_custom(|times| {
            let one = |_| {
                watch.begin(Purpose::Pause, Budget::SETTLE);
                // What has just begun is not looked at.
                std::thread::sleep(Duration::from_millis(1));
                let begun = Instant::now();
                std::hint::black_box(watch.look());
                begun.elapsed()
            };
            (0..times).map(one).sum()
        });
    });
}

/// A report of a cohort of so many, all alike.
fn report(format: Format, shape: Shape, entry: &Entry, size: usize) -> usize {
    let mut report = cohort(format, &CohortOptions { shape, formats: Options::default() }).unwrap();
    let mut bytes = 0;
    for number in 0..size {
        let student = Student { id: format!("student{number}"), ..Student::default() };
        let files = report.entry(&Entry { student, ..entry.clone() }).unwrap();
        bytes += files.iter().map(|file| file.bytes.len()).sum::<usize>();
    }
    bytes + report.end().unwrap().iter().map(|file| file.bytes.len()).sum::<usize>()
}

fn reports(criterion: &mut Criterion) {
    let record = record();
    let graded = Graded {
        verdict: record.judge(),
        records: record.programs.iter().map(|program| program.record.clone()).collect(),
    };
    let outcome = Outcome::Graded(Box::new(graded));
    let entry = Entry { student: Student::default(), members: Vec::new(), outcome, again: None };
    let mut group = criterion.benchmark_group("reports of 2000 submissions");
    group.sample_size(10);
    for (format, shape) in [(Format::Csv, Shape::File), (Format::Junit, Shape::File), (Format::Html, Shape::Folder)] {
        group.bench_function(format.to_string(), |bench| bench.iter(|| report(format, shape, &entry, 2000)));
    }
}

criterion_group!(benches, suites, judging, quiescence, reports);
criterion_main!(benches);
