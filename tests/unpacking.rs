//! Archives of students, the hostile ones above all: what is refused, with what reason, and that nothing is left behind
//! or written elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by a panic")]

#[path = "support/packing.rs"]
mod packing;

use std::io::{Read, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use packing::{Raw, files, folder, gzip, header, names, raw, raw_zip, tar, write, zip};
use proptest::prelude::*;
use sockspec::batch::export::{self, Layout, Refused, Submission, UnpackLimits, Unpacked};
use tar::{Builder, EntryType};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const PY: &[u8] = b"import socket\n";

/// A course of one student who has handed in these files.
fn handed_in(root: &Utf8Path, given: &[(&str, &[u8])]) -> Submission {
    let given: Vec<(String, &[u8])> =
        given.iter().map(|(name, bytes)| (format!("course/jane/{name}"), *bytes)).collect();
    let given: Vec<(&str, &[u8])> = given.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    write(root, &given);
    export::open(&root.join("course"), Some(Layout::Plain)).unwrap().submissions.remove(0)
}

/// Unpacks them into a folder `into`, and tells what is there then. Nothing may be anywhere else.
fn unpack(given: &[(&str, &[u8])], limits: UnpackLimits) -> (Result<Unpacked, Refused>, Vec<String>) {
    let (_keep, root) = folder();
    let submission = handed_in(&root, given);
    let before = names(&root);
    let done = submission.unpack(&root.join("into"), &limits);
    let into: Vec<String> = names(&root.join("into"));
    let mut after = names(&root);
    after.retain(|name| !name.starts_with("into/"));
    assert_eq!(before, after, "something was written elsewhere");
    if done.is_err() {
        assert_eq!(std::fs::read_dir(root.join("into")).unwrap().count(), 0, "something is left of what was refused");
    }
    (done, into)
}

fn refused(name: &str, archive: &[u8]) -> Refused {
    let (done, _) = unpack(&[(name, archive), ("server.py", PY)], UnpackLimits::default());
    let refused = done.unwrap_err();
    assert!(!refused.is_ours(), "{refused}");
    assert!(!refused.to_string().contains(['\x1b', '\0', '\n']), "{refused}");
    refused
}

#[test]
fn archives_are_unpacked_beside_what_else_there_is_and_alone_in_their_place() {
    let inner = zip(&[("deep.py", PY)]);
    let outer = gzip(&tar(&[("inner.zip", &inner), ("a.py", PY)]));
    let (done, there) = unpack(&[("lab.tgz", &outer), ("lab/b.py", PY), ("x.py", PY)], UnpackLimits::default());
    assert_eq!(there, ["lab-2/a.py", "lab-2/inner/deep.py", "lab/b.py", "x.py"]);
    assert!(done.unwrap().notes.is_empty());
    let (_, there) = unpack(&[("lab.tar", &tar(&[("inner.zip", &inner)]))], UnpackLimits::default());
    assert_eq!(there, ["deep.py"]);
    let third = zip(&[("second.zip", &zip(&[("first.zip", &inner)]))]);
    let (done, there) = unpack(&[("third.zip", &third)], UnpackLimits::default());
    assert_eq!(there, ["first.zip"]);
    assert!(done.unwrap().notes[0].contains("stays packed"));
}

#[test]
fn litter_is_left_out() {
    let litter = zip(&[
        ("lab/server.py", PY),
        ("__MACOSX/lab/._server.py", b"x"),
        ("lab/.git/HEAD", b"x"),
        ("lab/Thumbs.db", b"x"),
        ("lab/node_modules/x/index.js", b"x"),
    ]);
    assert_eq!(unpack(&[("a.zip", &litter)], UnpackLimits::default()).1, ["lab/server.py"]);
}

#[test]
fn what_leads_elsewhere_is_refused() {
    for name in
        ["../evil.py", "a/../../evil.py", "/tmp/evil.py", "C:\\evil.py", "..\\..\\evil.py", "\\\\host\\x", "a\0b"]
    {
        let zip = raw_zip(&[raw(b"fine.py", PY), raw(name.as_bytes(), PY)]);
        assert!(matches!(refused("a.zip", &zip), Refused::Path { .. }), "{name:?}");
        if !name.contains('\0') {
            let tar = tar(&[("fine.py", PY), (name, PY)]);
            assert!(matches!(refused("a.tar", &tar), Refused::Path { .. }), "{name:?}");
        }
    }
}

#[test]
fn a_name_that_steers_terminals_is_shown_tamed() {
    let zip = raw_zip(&[raw(b"../\x1b]0;pwned\x07::error::[[ATTACHMENT|x]]\n", PY)]);
    let words = refused("a.zip", &zip).to_string();
    assert!(words.contains("\\u{1b}") && words.contains("leads out"), "{words}");
}

#[test]
fn links_and_devices_in_archives_are_refused() {
    let link = Raw { mode: 0o120_777, ..raw(b"x", b"/etc/passwd") };
    assert!(matches!(refused("a.zip", &raw_zip(&[link])), Refused::Link(_)));
    let device = Raw { mode: 0o020_666, ..raw(b"x", b"") };
    assert!(matches!(refused("a.zip", &raw_zip(&[device])), Refused::Odd { .. }));
    for kind in
        [EntryType::Symlink, EntryType::Link, EntryType::Char, EntryType::Block, EntryType::Fifo, EntryType::GNUSparse]
    {
        let mut builder = Builder::new(Vec::new());
        let mut header = header(b"x", kind, 0);
        if matches!(kind, EntryType::Symlink | EntryType::Link) {
            header.set_link_name("/etc/passwd").unwrap();
            header.set_cksum();
        }
        builder.append(&header, std::io::empty()).unwrap();
        // What was linked is then written through.
        builder.append(&self::header(b"x/y", EntryType::Regular, 2), &b"hi"[..]).unwrap();
        let refused = refused("a.tgz", &gzip(&builder.into_inner().unwrap()));
        match kind {
            EntryType::Symlink | EntryType::Link => {
                assert_eq!(refused.to_string().split(", and").next().unwrap(), "\"x\" → \"/etc/passwd\" is a link");
            }
            _ => assert!(matches!(refused, Refused::Odd { .. }), "{kind:?}: {refused}"),
        }
    }
}

#[cfg(unix)]
#[test]
fn links_in_a_folder_become_files_inside_and_nothing_outside() {
    use std::os::unix::fs::symlink;
    let (_keep, root) = folder();
    write(&root, &[("secret", b"root:x:0:0"), ("course/john/secret.py", b"john's")]);
    let _ = handed_in(&root, &[("server.py", PY)]);
    let jane = root.join("course/jane");
    symlink("server.py", jane.join("inside.py")).unwrap();
    symlink("/etc/passwd", jane.join("absolute")).unwrap();
    symlink("../john/secret.py", jane.join("johns.py")).unwrap();
    symlink("../john", jane.join("johns")).unwrap();
    symlink("loop", jane.join("loop")).unwrap();
    std::process::Command::new("mkfifo").arg(jane.join("pipe")).status().unwrap();
    symlink(root.join("course/john"), root.join("course/mallory")).unwrap();
    let export = export::open(&root.join("course"), None).unwrap();
    assert_eq!(export.submissions.len(), 2);
    assert!(export.ignored[0].name.contains("mallory"));
    let done = export.submissions[0].unpack(&root.join("into"), &UnpackLimits::default()).unwrap();
    assert_eq!(names(&root.join("into")), ["inside.py", "server.py"]);
    assert_eq!(done.notes.len(), 5, "{:?}", done.notes);
}

#[test]
fn two_of_one_name_are_refused_in_a_zip_and_the_later_counts_in_a_tar() {
    assert!(matches!(refused("a.zip", &raw_zip(&[raw(b"x.py", b"1"), raw(b"./x.py", b"2")])), Refused::Twice(_)));
    assert!(matches!(refused("a.zip", &raw_zip(&[raw(b"x", b"1"), raw(b"x/y", b"2")])), Refused::Twice(_)));
    assert!(matches!(refused("a.zip", &raw_zip(&[raw(b"x/y", b"1"), raw(b"x", b"2")])), Refused::Twice(_)));
    let (_keep, root) = folder();
    let submission = handed_in(&root, &[("a.tar", &tar(&[("x.py", b"old"), ("x.py", b"new"), ("X.py", b"other")]))]);
    submission.unpack(&root.join("into"), &UnpackLimits::default()).unwrap();
    assert!(files(&root.join("into")).contains(&("x.py".to_owned(), "new".to_owned())));
}

#[test]
fn names_in_the_encodings_of_old_are_read() {
    let zip = raw_zip(&[raw(b"M\x81ller.py", PY), raw("Zoë.py".as_bytes(), PY), raw(b"src\\a.py", PY)]);
    assert_eq!(unpack(&[("a.zip", &zip)], UnpackLimits::default()).1, ["Müller.py", "Zoë.py", "src/a.py"]);
}

#[test]
fn what_is_damaged_is_named_and_costs_nobody_the_files_beside_it() {
    let good = zip(&[("server.py", &[7; 5000])]);
    let mut broken = good.clone();
    broken[45] ^= 0xff;
    let encrypted = raw_zip(&[Raw { flags: 1, ..raw(b"x.py", PY) }]);
    let whole = tar(&[("a.py", &[b'x'; 2000])]);
    let odd: [(&str, &[u8], &str); 8] = [
        ("a.zip", &good[..good.len() / 2], "is damaged"),
        ("a.zip", &broken, "is damaged"),
        ("a.zip", &encrypted, "is encrypted: ask for the archive without a password"),
        ("a.zip", b"<html>404</html>", "is damaged"),
        ("a.tgz", &gzip(&whole)[..25], "is damaged"),
        ("a.tar", &whole[..1000], "is damaged"),
        ("a.rar", b"Rar!\x1a\x07\x01\x00", "is packed by rar, which is not read here: ask for a zip or tar.gz"),
        ("a.zip", b"7z\xbc\xaf\x27\x1c\x00\x04", "is packed by 7z"),
    ];
    for (name, bytes, words) in odd {
        let (alone, _) = unpack(&[(name, bytes)], UnpackLimits::default());
        let said = alone.unwrap_err().to_string();
        assert!(said.contains(words), "{name}: {said}");
        let (beside, there) = unpack(&[(name, bytes), ("server.py", PY)], UnpackLimits::default());
        let notes = beside.unwrap().notes;
        assert!(notes[0].contains(words), "{name}: {notes:?}");
        assert_eq!(there, [name, "server.py"]);
    }
    let (empty, _) = unpack(&[("a.zip", &zip(&[]))], UnpackLimits::default());
    assert!(matches!(empty.unwrap_err(), Refused::Nothing(_)));
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    let limits = UnpackLimits { bytes: 1 << 20, ..UnpackLimits::default() };
    let (_keep, root) = folder();
    let path = root.join("bomb.zip");
    let mut bomb = ZipWriter::new(std::fs::File::create(&path).unwrap());
    bomb.start_file("zeros.py", SimpleFileOptions::default().large_file(true).compression_level(Some(1))).unwrap();
    std::io::copy(&mut std::io::repeat(0).take(64 << 20), &mut bomb).unwrap();
    bomb.finish().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let (done, _) = unpack(&[("bomb.zip", &bytes)], limits);
    assert_eq!(done.unwrap_err(), Refused::TooBig { limit: 1 << 20 });
    // The same in a folder that is passed over: what is read of a stream counts too.
    for name in [&b"zeros.py"[..], b"node_modules/zeros.js"] {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(header(name, EntryType::Regular, 64 << 20).as_bytes()).unwrap();
        std::io::copy(&mut std::io::repeat(0).take(64 << 20), &mut gzip).unwrap();
        let bytes = gzip.finish().unwrap();
        assert!(bytes.len() < 1 << 20);
        let (done, _) = unpack(&[("bomb.tar.gz", &bytes), ("a.py", PY)], limits);
        assert_eq!(done.unwrap_err(), Refused::TooBig { limit: 1 << 20 });
    }
    // Bombs within a bomb count together.
    let small = zip(&[("x", &vec![0; 300 << 10])]);
    let many: Vec<(String, &[u8])> = (0..16).map(|number| (format!("{number}.zip"), small.as_slice())).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    let (done, _) = unpack(&[("42.zip", &zip(&many)), ("a.py", PY)], limits);
    assert_eq!(done.unwrap_err(), Refused::TooBig { limit: 1 << 20 });
}

/// A file of four gibibytes in a few megabytes: gzip allows one stream after another (RFC 1952, 2.2).
#[test]
fn four_gibibytes_of_zeros_are_refused() {
    let mut bytes = gzip(header(b"zeros.py", EntryType::Regular, 4 << 30).as_bytes());
    bytes.extend(gzip(&vec![0; 16 << 20]).repeat(256));
    let (done, _) = unpack(&[("bomb.tar.gz", &bytes)], UnpackLimits { bytes: 32 << 20, ..UnpackLimits::default() });
    assert_eq!(done.unwrap_err(), Refused::TooBig { limit: 32 << 20 });
}

/// What is passed over in one archive counts in the next.
#[test]
fn reading_is_counted_over_all_archives() {
    let litter = gzip(&tar(&[("node_modules/x", &vec![0; 1 << 20])]));
    let limits = UnpackLimits { bytes: 1 << 20, ..UnpackLimits::default() };
    let names: Vec<String> = (0..8).map(|number| format!("{number}.tgz")).collect();
    let given: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), litter.as_slice())).collect();
    assert_eq!(unpack(&given, limits).0.unwrap_err(), Refused::TooBig { limit: 1 << 20 });
    assert!(unpack(&[given[0], ("a.py", PY)], limits).0.is_ok());
}

#[test]
fn too_many_too_deep_and_too_long_is_refused() {
    let few = UnpackLimits { files: 10, ..UnpackLimits::default() };
    let names: Vec<String> = (0..200).map(|number| format!("{number}.py")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    for (name, bytes) in [("a.zip", zip(&many)), ("a.tar", tar(&many))] {
        let (done, _) = unpack(&[(name, &bytes)], few);
        assert!(matches!(done.unwrap_err(), Refused::TooMany { .. }), "{name}");
    }
    // Also where all of them are passed over.
    let litter: Vec<String> = (0..200).map(|number| format!(".git/{number}")).collect();
    let litter: Vec<(&str, &[u8])> = litter.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let (done, _) = unpack(&[("a.tar", &tar(&litter)), ("a.py", PY)], few);
    assert_eq!(done.unwrap_err(), Refused::TooMany { limit: 100, what: "entries" });
    let deep = format!("{}x.py", "a/".repeat(17));
    assert!(matches!(refused("a.zip", &zip(&[(&deep, PY)])), Refused::TooLong { .. }));
    assert!(matches!(refused("a.zip", &zip(&[("n".repeat(60_000).as_str(), PY)])), Refused::TooLong { .. }));
    let words = refused("a.zip", &zip(&[("n".repeat(60_000).as_str(), PY)])).to_string();
    assert!(words.len() < 300, "{words}");
}

#[test]
fn a_name_of_ten_megabytes_is_not_read() {
    let name = vec![b'n'; 10 << 20];
    for kind in [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader] {
        let mut builder = Builder::new(Vec::new());
        builder.append(&header(b"././@LongLink", kind, name.len() as u64), name.as_slice()).unwrap();
        builder.append(&header(b"x", EntryType::Regular, 2), &b"hi"[..]).unwrap();
        let words = refused("a.tgz", &gzip(&builder.into_inner().unwrap())).to_string();
        assert!(words.contains("has a name of 10485760 bytes"), "{words}");
    }
}

#[test]
fn long_names_of_both_kinds_are_read() {
    let long = format!("{}/server.py", "n".repeat(150));
    let mut gnu = Builder::new(Vec::new());
    let mut plain = header(b"", EntryType::Regular, PY.len() as u64);
    gnu.append_data(&mut plain, &long, PY).unwrap();
    let mut pax = Builder::new(Vec::new());
    pax.append_pax_extensions([("path", long.as_bytes()), ("mtime", b"1.5")]).unwrap();
    pax.append(&header(b"short", EntryType::Regular, PY.len() as u64), PY).unwrap();
    for tar in [gnu, pax] {
        assert_eq!(unpack(&[("a.tar", &tar.into_inner().unwrap())], UnpackLimits::default()).1, [long.as_str()]);
    }
}

#[test]
fn one_students_bad_entry_in_the_exports_zip_is_that_students_alone() {
    let bytes = raw_zip(&[
        raw(b"jane/server.py", PY),
        raw(b"john/../../evil.py", PY),
        raw(b"john/server.py", PY),
        raw(b"../evil.py", PY),
        raw(b"/evil.py", PY),
        Raw { flags: 1, ..raw(b"ann/server.py", PY) },
    ]);
    let (_keep, root) = folder();
    std::fs::write(root.join("all.zip"), bytes).unwrap();
    let export = export::open(&root.join("all.zip"), None).unwrap();
    let outcomes: Vec<(String, bool)> = export
        .submissions
        .iter()
        .map(|one| {
            (
                one.student.id.clone(),
                one.unpack(&root.join("into").join(&one.student.id), &UnpackLimits::default()).is_ok(),
            )
        })
        .collect();
    let expected = [("ann", false), ("jane", true), ("john", false)].map(|(id, ok)| (id.to_owned(), ok));
    assert_eq!(outcomes, expected);
    assert_eq!(export.ignored.len(), 2, "{:?}", export.ignored);
    assert_eq!(names(&root), ["all.zip", "into/jane/server.py"]);
}

#[test]
fn a_folder_that_is_not_empty_is_our_fault_and_left_alone() {
    let (_keep, root) = folder();
    let submission = handed_in(&root, &[("server.py", PY)]);
    write(&root, &[("into/precious", b"x")]);
    let refused = submission.unpack(&root.join("into"), &UnpackLimits::default()).unwrap_err();
    assert!(refused.is_ours(), "{refused}");
    assert_eq!(names(&root.join("into")), ["precious"]);
}

/// Nothing panics, nothing is written elsewhere, and what is refused leaves nothing.
fn survives(name: &str, bytes: &[u8]) {
    let limits = UnpackLimits { bytes: 1 << 20, files: 100, ..UnpackLimits::default() };
    let (done, there) = unpack(&[(name, bytes), ("server.py", PY)], limits);
    if done.is_ok() {
        assert!(there.contains(&"server.py".to_owned()));
    }
    // As an export too.
    let (_keep, root) = folder();
    let path: Utf8PathBuf = root.join("export.zip");
    std::fs::write(&path, bytes).unwrap();
    if let Ok(export) = export::open(&path, None) {
        for (number, submission) in export.submissions.iter().enumerate() {
            let id = &submission.student.id;
            assert!(id.len() <= 100 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b)), "{id:?}");
            assert!(!id.starts_with('.'), "{id:?}");
            let _ = submission.unpack(&root.join(format!("into/{number}")), &limits);
        }
    }
    assert!(names(&root).iter().all(|name| name == "export.zip" || name.starts_with("into/")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..2000), kind in 0..4usize) {
        let begins: [&[u8]; 4] = [b"", b"PK\x03\x04", b"\x1f\x8b\x08\0", b""];
        let all: Vec<u8> = begins[kind].iter().copied().chain(bytes).collect();
        survives(["a.zip", "a.zip", "a.tgz", "a.tar"][kind], &all);
    }

    #[test]
    fn any_change_to_a_good_archive_does_no_harm(at in any::<prop::sample::Index>(), byte in any::<u8>(), kind in 0..3usize) {
        let files: [(&str, &[u8]); 3] = [("jane/a.py", PY), ("john/b.py", PY), ("ann/c.zip", PY)];
        let (name, mut bytes) = match kind {
            0 => ("a.zip", zip(&files)),
            1 => ("a.tar", tar(&files)),
            _ => ("a.tgz", gzip(&tar(&files))),
        };
        let at = at.index(bytes.len());
        bytes[at] = byte;
        survives(name, &bytes);
    }

    #[test]
    fn any_names_do_no_harm(names in prop::collection::vec("(\\.\\.|/|\\\\|\\.|a|_|[0-9]|\\PC|\0|\x1b|:|_1_assignsubmission_file_){1,12}", 1..5)) {
        let entries: Vec<Raw<'_>> = names.iter().map(|name| raw(name.as_bytes(), PY)).collect();
        survives("a.zip", &raw_zip(&entries));
    }
}
