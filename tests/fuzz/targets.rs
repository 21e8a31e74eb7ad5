//! What must hold of every input, whatever is in it: one function for each reader of what others have written.
//! Called by `main.rs` on stable Rust, with real inputs that are damaged, and by cargo-fuzz (`fuzz_targets/`).

use std::collections::BTreeSet;
use std::io::{Cursor, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use sockspec::batch::export::{self, Layout, UnpackLimits};
use sockspec::judge::submission::SubmissionRecord;
use sockspec::plan::{Choice, Library, Source, assignment, diagnose, lint};
use sockspec::report::{Format, Graded, Options, fits, render, sanitize, terminal};
use sockspec::text;
use sockspec::worker::{Message, Task};

/// A target's name, and it.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const ALL: [Target; 8] = [
    ("suite", suite),
    ("assignment", assignment),
    ("record", record),
    ("archive", archive),
    ("layout", layout),
    ("quote", quote),
    ("packet", packet),
    ("name", name),
];

/// Nothing in it steers a terminal.
fn tame(what: &str, text: &str) {
    let control = text.chars().find(|c| c.is_control() && *c != '\n' && *c != '\t');
    assert!(control.is_none(), "{what} has {control:?} in it: {text:?}");
}

/// A suite or dialect is read, or every mistake in it is told in tame words.
pub fn suite(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let source = Source::new("fuzzed.yaml", text);
    if let Err(reports) = lint::text("fuzzed.yaml".into(), source.clone()) {
        assert!(!reports.is_empty(), "refused without a word");
        tame("a diagnosis", &diagnose::render(&reports, false));
    }
    let Ok(library) = Library::of(vec![source], Vec::new()) else { return };
    if let Err(reports) = library.plans(&Choice::default()) {
        tame("a diagnosis", &diagnose::render(&reports, false));
    }
}

/// An assignment is read and resolved, or every mistake in it is told in tame words.
pub fn assignment(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let loaded = match assignment::read("/nowhere/sockspec.yaml".into(), Source::new("sockspec.yaml", text)) {
        Ok(loaded) => loaded,
        Err(report) => return tame("a diagnosis", &report.render(false)),
    };
    let resolved = Library::for_assignment(&loaded)
        .and_then(|library| library.resolve(&Choice { assignment: Some(&loaded), ..Choice::default() }).map(drop));
    if let Err(reports) = resolved {
        tame("a diagnosis", &diagnose::render(&reports, false));
    }
}

/// What a worker says, a job, a record: refused, or judged and shown in every format. JSON stays JSON, and what a
/// terminal gets is tame.
pub fn record(bytes: &[u8]) {
    let _ = serde_json::from_slice::<Message>(bytes);
    let _ = serde_json::from_slice::<Task>(bytes);
    let Ok(record) = serde_json::from_slice::<SubmissionRecord>(bytes) else { return };
    let records = record.programs.iter().map(|recorded| recorded.record.clone()).collect();
    let graded = [Graded { verdict: record.judge(), records }];
    assert!(graded[0].verdict.score() <= graded[0].verdict.max_score(), "more points than there are");
    for format in Format::ALL.into_iter().filter(|format| fits(*format, 1).is_ok()) {
        let Ok(bytes) = render(format, &graded, &Options::default()) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        if format.name() == "json" || format.name() == "ctrf" || format.name() == "gradescope" {
            assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok(), "{} is no JSON", format.name());
        }
        assert!(!text.contains("[[ATTACHMENT|"), "{} has a directive in it", format.name());
        tame(format.name(), &text.replace('\r', ""));
    }
    let options = terminal::Options { colour: false, width: 80, again: None };
    tame("the terminal", &terminal::render(&graded[0], &options));
}

/// A temporary folder, and its path.
fn folder() -> Option<(tempfile::TempDir, Utf8PathBuf)> {
    let keep = tempfile::tempdir().ok()?;
    let path = Utf8PathBuf::from_path_buf(keep.path().canonicalize().ok()?).ok()?;
    Some((keep, path))
}

/// All names below a folder.
fn names(root: &Utf8Path) -> BTreeSet<String> {
    let all = walkdir::WalkDir::new(root).into_iter().flatten();
    all.map(|entry| entry.path().to_string_lossy().into_owned()).collect()
}

/// An archive that a student hands in is unpacked into its folder and nowhere else, or refused and nothing is left.
pub fn archive(bytes: &[u8]) {
    let limits = UnpackLimits { files: 200, bytes: 1 << 20, ..UnpackLimits::default() };
    for ending in ["zip", "tar", "tar.gz"] {
        let Some((_keep, root)) = folder() else { return };
        let student = root.join("course/jane");
        if std::fs::create_dir_all(&student)
            .and_then(|()| std::fs::write(student.join(format!("lab.{ending}")), bytes))
            .is_err()
        {
            return;
        }
        let Ok(export) = export::open(&root.join("course"), Some(Layout::Plain)) else { continue };
        let before = names(&root);
        let into = root.join("into");
        let Some(one) = export.submissions.first() else { continue };
        let unpacked = one.unpack(&into, &limits);
        let _ = one.digest();
        let after = names(&root);
        let inside = |name: &&String| Utf8Path::new(name.as_str()).starts_with(&into);
        assert!(after.iter().filter(|name| !inside(name)).eq(before.iter()), "something was written elsewhere");
        let links = walkdir::WalkDir::new(&into).into_iter().flatten().filter(|entry| entry.path_is_symlink()).count();
        assert_eq!(links, 0, "a link was laid");
        if let Err(refused) = unpacked {
            tame("a refusal", &refused.to_string());
            assert!(after.iter().filter(inside).count() <= 1, "something is left of what was refused");
        }
    }
}

/// The names of an export, a line each, in whatever layout: each submission has an ID of its own, which is tame.
pub fn layout(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for name in text.lines().take(100) {
        if writer.start_file(name, zip::write::SimpleFileOptions::default()).is_ok() {
            let _ = writer.write_all(b"import socket\n");
        }
    }
    let (Ok(packed), Some((_keep, root))) = (writer.finish(), folder()) else { return };
    let file = root.join("export.zip");
    if std::fs::write(&file, packed.into_inner()).is_err() {
        return;
    }
    let layouts = ["moodle", "canvas", "gradescope", "plain"].map(|name| name.parse::<Layout>().ok());
    for layout in layouts.into_iter().chain([None]) {
        match export::open(&file, layout) {
            Err(error) => tame("a refusal", &error.to_string()),
            Ok(export) => {
                let ids: BTreeSet<&String> = export.submissions.iter().map(|one| &one.student.id).collect();
                assert_eq!(ids.len(), export.submissions.len(), "an ID twice");
                export.notes.iter().for_each(|note| tame("a note", note));
                export.ignored.iter().for_each(|one| tame("what is nobody's", &format!("{} {}", one.name, one.reason)));
            }
        }
    }
}

/// However text is shown, it does nothing but be read; and what is written in hexadecimal digits comes back.
pub fn quote(bytes: &[u8]) {
    let lossy = String::from_utf8_lossy(bytes);
    for limit in [0, 1, 7, 80, 100_000] {
        let quoted = text::quote(bytes, limit);
        tame("a quotation", &quoted);
        assert!(!quoted.contains('\n'), "a quotation has more than one line: {quoted:?}");
    }
    tame("a tamed text", &text::tame(&lossy));
    assert_eq!(text::unhex(&text::hex(bytes)).ok().as_deref(), Some(bytes), "hexadecimal digits there and back");
    let _ = text::unhex(&lossy);
    tame("text in XML", &sanitize::xml_text(&lossy));
    let data = sanitize::cdata(&lossy);
    // Two sections, where one would end too soon; what is on both sides of that is not to be read together.
    assert!(!data.replace("]]]]><![CDATA[>", " ").contains("]]>"), "a section ends too soon: {data:?}");
    let attribute = sanitize::attribute(&lossy);
    assert!(attribute.chars().count() <= sanitize::ATTRIBUTE_LIMIT && !attribute.contains('\n'), "{attribute:?}");
    for line in sanitize::xml_text(&lossy).lines() {
        assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "a command: {line:?}");
    }
    if let Ok(document) = serde_json::to_string(&sanitize::json_text(&lossy)) {
        let spelt = sanitize::json_document(&document);
        let read: Option<String> = serde_json::from_str(&spelt).ok();
        assert_eq!(read.as_deref(), Some(sanitize::json_text(&lossy).as_str()), "another text for JSON's readers");
    }
}

/// A packet is read or left out; what is read of it is in it.
pub fn packet(bytes: &[u8]) {
    #[cfg(target_os = "linux")]
    if let Some(sockspec::event::Fact::Packet { length, bytes: kept, .. }) = sockspec::observe::capture::decode(bytes) {
        assert!(kept.0.len() <= length as usize && length as usize <= bytes.len(), "more than there was");
        assert!(bytes.windows(kept.0.len().max(1)).any(|part| part == kept.0) || kept.0.is_empty(), "it was not there");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = bytes;
}

/// A question for a name is answered or left unanswered, with a reply that can be read.
pub fn name(bytes: &[u8]) {
    let mut answers = sockspec::peer::Answers::default();
    let mut seen = Vec::new();
    let from = std::net::SocketAddr::from(([127, 0, 0, 1], 40_000));
    for _ in 0..2 {
        if let Some(reply) = answers.to(bytes, from, &mut seen) {
            let read = simple_dns::Packet::parse(&reply);
            assert!(read.is_ok_and(|read| read.questions.len() == 1 && bytes.starts_with(&read.id().to_be_bytes())));
        }
    }
}
