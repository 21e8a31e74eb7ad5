//! Exports of courses in all their shapes: who handed in what.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by a panic")]

#[path = "support/packing.rs"]
mod packing;

use camino::Utf8Path;
use packing::{files, folder, gzip, names, tar, write, zip};
use sockspec::batch::export::{self, Export, ExportError, Layout, Refused, Submission, UnpackLimits};

const PY: &[u8] = b"import socket\n";

/// The same files as a folder and as a zip, each opened.
fn both(files: &[(&str, &[u8])], check: impl Fn(&Export)) {
    let (_keep, path) = folder();
    write(&path.join("export"), files);
    check(&export::open(&path.join("export"), None).unwrap());
    std::fs::write(path.join("export.zip"), zip(files)).unwrap();
    check(&export::open(&path.join("export.zip"), None).unwrap());
    // As a browser on macOS packs it again: one folder around all.
    let wrapped: Vec<(String, &[u8])> = files.iter().map(|(name, bytes)| (format!("Lab 1/{name}"), *bytes)).collect();
    let mut wrapped: Vec<(&str, &[u8])> = wrapped.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    wrapped.push(("__MACOSX/Lab 1/._x", b"litter"));
    std::fs::write(path.join("wrapped.zip"), zip(&wrapped)).unwrap();
    check(&export::open(&path.join("wrapped.zip"), None).unwrap());
}

fn ids(export: &Export) -> Vec<&str> {
    export.submissions.iter().map(|one| one.student.id.as_str()).collect()
}

fn of<'a>(export: &'a Export, id: &str) -> &'a Submission {
    export.submissions.iter().find(|one| one.student.id == id).unwrap()
}

fn unpacked(submission: &Submission) -> Vec<String> {
    let (_keep, into) = folder();
    let done = submission.unpack(&into, &UnpackLimits::default()).unwrap();
    assert_eq!(done.digest, submission.digest().unwrap());
    assert_eq!(done.files, names(&into).len());
    names(&into)
}

#[test]
fn moodle_with_a_folder_for_each_student() {
    let lab = zip(&[("lab/TCPServer.py", PY), ("lab/.DS_Store", b"x")]);
    let all: [(&str, &[u8]); 6] = [
        ("Jürgen O'Neill_1234567_assignsubmission_file_/server.py", PY),
        ("Jürgen O'Neill_1234567_assignsubmission_onlinetext_/onlinetext.html", b"<p>hi"),
        ("Anna_Maria Lopez_22_assignsubmission_file_/lab.zip", &lab),
        ("محمد علي_333_assignsubmission_file_/src/client.py", PY),
        ("Text Only_44_assignsubmission_onlinetext_/onlinetext.html", b"<p>import socket"),
        ("grades.csv", b"a,b"),
    ];
    both(&all, |export| {
        assert_eq!((export.layout, ids(export)), (Layout::Moodle, vec!["1234567", "22", "333", "44"]));
        let student = &of(export, "1234567").student;
        assert_eq!((student.shown(), student.number.as_deref()), ("Jürgen O'Neill", Some("1234567")));
        assert_eq!(of(export, "22").student.shown(), "Anna_Maria Lopez");
        assert_eq!(unpacked(of(export, "1234567")), ["server.py"]);
        assert_eq!(unpacked(of(export, "22")), ["lab/TCPServer.py"]);
        assert_eq!(unpacked(of(export, "333")), ["src/client.py"]);
        assert_eq!(unpacked(of(export, "44")), ["onlinetext.html"]);
        let ignored: Vec<&str> = export.ignored.iter().map(|one| one.name.as_str()).collect();
        assert!(ignored.iter().any(|name| name.contains("onlinetext")), "{ignored:?}");
        assert!(ignored.contains(&"\"grades.csv\""), "{ignored:?}");
    });
}

#[test]
fn moodle_with_flat_files_and_hidden_names() {
    let all: [(&str, &[u8]); 4] = [
        ("Jane Doe_7_assignsubmission_file_server.py", PY),
        ("Jane Doe_7_assignsubmission_file_x_99_assignsubmission_file_y.py", PY),
        ("John Roe_8_assignsubmission_file_a b.py", PY),
        ("John Roe_8_assignsubmission_file_.profile", PY),
    ];
    both(&all, |export| {
        assert_eq!(ids(export), ["7", "8"]);
        assert_eq!(unpacked(of(export, "7")), ["server.py", "x_99_assignsubmission_file_y.py"]);
        assert_eq!(unpacked(of(export, "8")), [".profile", "a b.py"]);
    });
    let hidden: [(&str, &[u8]); 2] = [
        ("Participant_7_assignsubmission_file_/server.py", PY),
        ("Participant_8_assignsubmission_file_/server.py", PY),
    ];
    both(&hidden, |export| assert!(export.submissions.iter().all(|one| one.student.name.is_none())));
}

#[test]
fn canvas_gives_files_their_names_back() {
    let all: [(&str, &[u8]); 10] = [
        ("doejane_LATE_12345_678901_TCPServer-1.java", b"class TCPServer {}"),
        ("doejane_12345_678903_UDP Server.py", PY),
        ("roejohn_222_10_part-1.py", b"1"),
        ("roejohn_222_11_part-2.py", b"2"),
        ("roejohn_222_9_server.py", b"old"),
        ("roejohn_222_12_server-1.py", b"new"),
        ("roejohn_222_text.html", b"<p>"),
        ("anon_ab1cd_55_server.py", PY),
        ("LATE_anon_xy9zz_56_my_12_34_file.py", PY),
        ("van_der_berganna_77_text.html", b"<p>"),
    ];
    both(&all, |export| {
        assert_eq!(
            (export.layout, ids(export)),
            (Layout::Canvas, vec!["12345", "222", "77", "anon_ab1cd", "anon_xy9zz"])
        );
        let jane = &of(export, "12345").student;
        assert_eq!((jane.shown(), jane.number.as_deref(), jane.late), ("doejane", Some("12345"), true));
        assert_eq!(unpacked(of(export, "12345")), ["TCPServer.java", "UDP Server.py"]);
        assert_eq!(unpacked(of(export, "222")), ["part-1.py", "part-2.py", "server.py"]);
        let (_keep, into) = folder();
        of(export, "222").unpack(&into, &UnpackLimits::default()).unwrap();
        assert!(files(&into).contains(&("server.py".to_owned(), "new".to_owned())));
        assert!(export.ignored.iter().any(|one| one.name.contains("222_9_server") && one.reason.contains("older")));
        let anonymous = &of(export, "anon_xy9zz").student;
        assert_eq!((anonymous.number.as_deref(), anonymous.late), (None, true));
        assert_eq!(unpacked(of(export, "anon_xy9zz")), ["my_12_34_file.py"]);
        assert_eq!(of(export, "77").student.shown(), "van_der_berganna");
    });
}

const METADATA: &[u8] = b"---
submission_101:
  :submitters:
  - :name: Jane Doe
    :sid: '0012'
    :email: jane@example.edu
  :created_at: 2026-04-26 17:34:00.861687000 Z
  :score: 2.0
  :results: !ruby/hash:ActiveSupport::HashWithIndifferentAccess
    output: |-
      :submitters: no
submission_102:
  :submitters:
  - :name: Zo\xc3\xab
    :sid: 333
  - :name: Bob
    :sid: 222
    :email: bob@example.edu
submission_103:
  :submitters:
  - :name: Nobody's Folder
    :sid:
    :email: nf@example.edu
submission_104:
  :submitters: []
";

#[test]
fn gradescope_names_those_who_handed_in() {
    let all: [(&str, &[u8]); 5] = [
        ("submission_metadata.yml", METADATA),
        ("submission_101/server.py", PY),
        ("submission_102/a/server.py", PY),
        ("submission_104/server.py", PY),
        ("submission_105/server.py", PY),
    ];
    both(&all, |export| {
        assert_eq!((export.layout, ids(export)), (Layout::Gradescope, vec!["0012", "104", "105", "222_333", "nf"]));
        assert!(export.notes.is_empty(), "{:?}", export.notes);
        let jane = &of(export, "0012").student;
        assert_eq!((jane.shown(), jane.email.as_deref()), ("Jane Doe", Some("jane@example.edu")));
        assert_eq!(jane.number.as_deref(), Some("101"));
        let group = of(export, "222_333");
        assert_eq!(group.student.shown(), "Bob, Zoë");
        let members: Vec<&str> = group.members.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(members, ["222", "333"]);
        assert_eq!(unpacked(group), ["a/server.py"]);
        let (_keep, into) = folder();
        let refused = of(export, "nf").unpack(&into, &UnpackLimits::default()).unwrap_err();
        assert!(matches!(refused, Refused::Nothing(_)), "{refused}");
    });
}

#[test]
fn gradescope_goes_without_its_list() {
    let (_keep, path) = folder();
    write(&path, &[("submission_1/a.py", PY), ("submission_2/a.py", PY), ("submission_metadata.yml", b"a: [b")]);
    let export = export::open(&path, None).unwrap();
    assert_eq!(ids(&export), ["1", "2"]);
    assert!(export.notes[0].contains("cannot be read"), "{:?}", export.notes);
    std::fs::remove_file(path.join("submission_metadata.yml")).unwrap();
    let export = export::open(&path, None).unwrap();
    assert_eq!((export.layout, ids(&export)), (Layout::Gradescope, vec!["1", "2"]));
}

#[test]
fn a_long_list_of_gradescope_is_read() {
    let mut list = String::new();
    for number in 0..1000 {
        list +=
            &format!("submission_{number}:\n  :submitters:\n  - :name: N{number}\n    :sid: '{number}'\n  :results:\n");
        for test in 0..45 {
            list += &format!("    - :name: test {test}\n      :output: \"{}\"\n      :score: 1\n", "x".repeat(9));
        }
    }
    let (_keep, path) = folder();
    write(&path, &[("submission_metadata.yml", list.as_bytes()), ("submission_5/a.py", PY)]);
    let export = export::open(&path, None).unwrap();
    assert_eq!(export.submissions.len(), 1000, "{:?}", export.notes);
}

#[test]
fn clones_are_called_for_accounts() {
    let all: [(&str, &[u8]); 5] = [
        ("lab1-jane/server.py", PY),
        ("lab1-jane/.git/HEAD", b"ref: refs/heads/main"),
        ("lab1-john-doe/src/server.py", PY),
        ("lab1-john-doe/.git/HEAD", b"ref: refs/heads/main"),
        ("README.md", b"#"),
    ];
    both(&all, |export| {
        assert_eq!((export.layout, ids(export)), (Layout::GithubClassroom, vec!["jane", "john-doe"]));
        assert_eq!(of(export, "jane").student.login.as_deref(), Some("jane"));
        assert_eq!(unpacked(of(export, "jane")), ["server.py"]);
    });
}

#[test]
fn plain_folders_archives_and_files() {
    let packed = gzip(&tar(&[("lab/server.py", PY), ("lab/run.sh", b"#!/bin/sh\n")]));
    let zipped = zip(&[("server.py", PY)]);
    let all: [(&str, &[u8]); 6] = [
        ("jane/server.py", PY),
        ("john.tar.gz", &packed),
        ("ann.zip", &zipped),
        ("bob.py", PY),
        ("zoë/server.py", PY),
        ("README.md", b"#"),
    ];
    let (_keep, path) = folder();
    write(&path, &all);
    let export = export::open(&path, None).unwrap();
    assert_eq!(export.layout, Layout::Plain);
    let zoe = export.submissions.iter().find(|one| one.student.name.as_deref() == Some("zoë")).unwrap();
    assert!(zoe.student.id.starts_with("zo-") && zoe.student.id.len() == 11, "{}", zoe.student.id);
    assert_eq!(export.submissions.len(), 5);
    assert_eq!(unpacked(of(&export, "john")), ["lab/run.sh", "lab/server.py"]);
    assert_eq!(unpacked(of(&export, "ann")), ["server.py"]);
    assert_eq!(unpacked(of(&export, "bob")), ["bob.py"]);
    assert_eq!(export.ignored[0].name, "\"README.md\"");
}

#[test]
fn one_student_of_two_folders_is_one_student() {
    let (_keep, path) = folder();
    write(&path, &[("jane/udp/server.py", PY), ("jane/tcp/server.py", PY)]);
    assert_eq!(ids(&export::open(&path, None).unwrap()), ["jane"]);
}

#[test]
fn ids_that_collide_are_told_apart_and_it_is_said() {
    let (_keep, path) = folder();
    write(
        &path,
        &[("jane/a.py", PY), ("jane.py", PY), ("Jane.zip", &zip(&[("a.py", PY)])), ("müller/a", PY), ("möller/a", PY)],
    );
    let export = export::open(&path, None).unwrap();
    let all = ids(&export);
    let folded: std::collections::BTreeSet<String> = all.iter().map(|id| id.to_lowercase()).collect();
    assert_eq!((all.len(), folded.len()), (5, 5), "{all:?}");
    assert!(all.contains(&"jane"));
    assert_eq!(export.notes.len(), 2, "{:?}", export.notes);
    // The same names next time, whoever else has handed in.
    std::fs::remove_dir_all(path.join("möller")).unwrap();
    write(&path, &[("aaron/a.py", PY)]);
    let again = export::open(&path, None).unwrap();
    let kept = all.iter().filter(|id| again.submissions.iter().any(|one| one.student.id == **id)).count();
    assert_eq!(kept, 4);
}

#[test]
fn what_is_no_export_says_what_to_do() {
    let (_keep, path) = folder();
    let words = |path: &Utf8Path, layout| export::open(path, layout).unwrap_err().to_string();
    assert!(words(&path.join("nothing"), None).contains("does not exist"));
    let moodle = zip(&[("Jane Doe_7_assignsubmission_file_/server.py", PY)]);
    write(
        &path,
        &[
            ("all.tar.gz", &gzip(&tar(&[("jane/server.py", PY)]))),
            ("all.rar", b"Rar!\x1a\x07\x00"),
            ("server.py", PY),
            ("broken.zip", b"PK\x03\x04 and then nothing"),
            ("downloads/export.zip", &moodle),
            ("other/jane/server.py", PY),
        ],
    );
    std::fs::create_dir(path.join("empty")).unwrap();
    assert!(words(&path.join("all.tar.gz"), None).contains("unpack it, and name the folder"));
    assert!(words(&path.join("all.rar"), None).contains("unpack it, and name the folder"));
    assert!(words(&path.join("server.py"), None).contains("sockspec check"));
    assert!(words(&path.join("broken.zip"), None).contains("download it again"));
    assert!(words(&path.join("empty"), None).contains("no submission"));
    assert!(words(&path.join("other"), Some(Layout::Moodle)).contains("--layout moodle"));
    let alone = export::open(&path.join("downloads"), None).unwrap_err();
    assert!(matches!(alone, ExportError::ZipAlone { .. }), "{alone}");
    assert_eq!(ids(&export::open(&path.join("downloads"), Some(Layout::Plain)).unwrap()), ["export"]);
}

#[test]
fn submissions_can_be_unpacked_by_several_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Submission>();
}

#[test]
fn layouts_have_names() {
    for layout in Layout::ALL {
        assert_eq!(layout.to_string().parse::<Layout>().unwrap(), layout);
    }
    let unknown = "mooodle".parse::<Layout>().unwrap_err().to_string();
    assert_eq!(unknown, "there is no layout `mooodle`; did you mean `moodle`?");
    assert!("zzz".parse::<Layout>().unwrap_err().to_string().contains("github-classroom"));
}

#[test]
fn digests_are_of_names_modes_and_bytes_wherever_they_lie() {
    let files: [(&str, &[u8]); 4] = [("jane/a.py", PY), ("jane/b/c.py", b"2"), ("john/a.py", PY), ("jim/x.py", PY)];
    let (_keep, path) = folder();
    write(&path.join("one"), &files);
    let mut turned = files;
    turned.reverse();
    std::fs::write(path.join("two.zip"), zip(&turned)).unwrap();
    let digest = |place: &str, who: &str| of(&export::open(&path.join(place), None).unwrap(), who).digest().unwrap();
    assert_eq!(digest("one", "jane"), digest("two.zip", "jane"));
    assert_ne!(digest("one", "john"), digest("one", "jim"));
    let before = digest("one", "jane");
    write(&path.join("one"), &[("jane/.git/HEAD", b"x"), ("jane/__pycache__/a.pyc", b"y")]);
    assert_eq!(digest("one", "jane"), before);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = path.join("one/jane/a.py");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o4755)).unwrap();
        assert_ne!(digest("one", "jane"), before);
        let (_keep, into) = folder();
        of(&export::open(&path.join("one"), None).unwrap(), "jane").unpack(&into, &UnpackLimits::default()).unwrap();
        let mode = std::fs::metadata(into.join("a.py")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7700, 0o700);
    }
}
