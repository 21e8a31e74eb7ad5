//! Archives as other tools make them: Python's `zipfile` and `tarfile`, which know the old and the odd formats too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by a panic")]

#[path = "support/packing.rs"]
mod packing;

use std::io::Write as _;
use std::process::Command;

use camino::Utf8Path;
use packing::{files, folder};
use sockspec::batch::export::{self, Layout, Refused, Submission, UnpackLimits};

/// Runs a script in a folder; `None` where there is no Python, which CI must have.
fn python(script: &str, at: &Utf8Path) -> Option<()> {
    let status = match Command::new("python3").args(["-c", script]).current_dir(at).status() {
        Ok(status) => status,
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "CI must have python3: {error}");
            let _ = writeln!(std::io::stderr(), "not tried: python3 is not here ({error})");
            return None;
        }
    };
    assert!(status.success());
    Some(())
}

fn submissions(root: &Utf8Path) -> Vec<Submission> {
    export::open(root, Some(Layout::Plain)).unwrap().submissions
}

const WRITERS: &str = r#"
import io, tarfile, zipfile
FILES = {"lab/Zoë's server.py": b"print(1)\n", "lab/empty.py": b"", "lab/" + "n" * 120 + "/deep.py": b"x" * 100_000}
for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
    with zipfile.ZipFile(f"{name}.zip", "w", method) as out:
        out.writestr("lab/", b"")
        for path, data in FILES.items():
            with out.open(path, "w", force_zip64=True) as file:
                file.write(data)
class Pipe(io.RawIOBase):
    def __init__(self, file): self.file = file
    def writable(self): return True
    def write(self, data): return self.file.write(data)
# Not seekable: sizes stand behind the data, as a program that writes to a pipe has it.
with open("streamed.zip", "wb") as file, zipfile.ZipFile(Pipe(file), "w", zipfile.ZIP_DEFLATED) as out:
    for path, data in FILES.items():
        out.writestr(path, data)
for name, kind in (("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)):
    for ending, mode in ((".tar", "w"), (".tar.gz", "w:gz")):
        with tarfile.open(f"{name}{ending}", mode, format=kind) as out:
            for path, data in FILES.items():
                info = tarfile.TarInfo(path)
                info.size, info.mtime, info.mode = len(data), 1.5 if kind == tarfile.PAX_FORMAT else 1, 0o4755
                out.addfile(info, io.BytesIO(data))
"#;

#[test]
fn good_archives_of_every_format_give_the_same_files() {
    let (_keep, root) = folder();
    let course = root.join("course");
    std::fs::create_dir(&course).unwrap();
    let Some(()) = python(WRITERS, &course) else { return };
    let all = submissions(&course);
    let mut seen = Vec::new();
    for submission in &all {
        let into = root.join("into").join(&submission.student.id);
        let done = submission.unpack(&into, &UnpackLimits::default()).unwrap();
        assert!(done.notes.is_empty(), "{:?}", done.notes);
        seen.push(files(&into));
    }
    assert_eq!(seen.len(), 9);
    assert_eq!(seen[0].len(), 3);
    assert!(seen[0].contains(&("lab/Zoë's server.py".to_owned(), "print(1)\n".to_owned())), "{:?}", seen[0][0]);
    assert!(seen.iter().all(|one| *one == seen[0]));
}

const ODD: &str = r#"
import tarfile, zipfile
with zipfile.ZipFile("a-lzma.zip", "w", zipfile.ZIP_LZMA) as out: out.writestr("server.py", b"print(1)")
with zipfile.ZipFile("b-bzip2.zip", "w", zipfile.ZIP_BZIP2) as out: out.writestr("server.py", b"print(1)")
tarfile.open("c-bz2.tar.bz2", "w:bz2").close()
tarfile.open("d-xz.tar.xz", "w:xz").close()
tarfile.open("e-empty.tar.gz", "w:gz").close()
with zipfile.ZipFile("f-many.zip", "w") as out:
    for number in range(70_000): out.writestr(f"{number}.py", b"")
"#;

#[test]
fn archives_that_are_not_read_say_why() {
    let (_keep, root) = folder();
    let course = root.join("course");
    std::fs::create_dir(&course).unwrap();
    let Some(()) = python(ODD, &course) else { return };
    let limits = UnpackLimits { files: 1000, ..UnpackLimits::default() };
    let all = submissions(&course);
    let words: Vec<Refused> =
        all.iter().map(|one| one.unpack(&root.join("into").join(&one.student.id), &limits).unwrap_err()).collect();
    assert!(words[0].to_string().contains("Lzma") || words[0].to_string().contains("LZMA"), "{}", words[0]);
    assert!(words[1].to_string().to_lowercase().contains("bzip2"), "{}", words[1]);
    assert!(words[2].to_string().contains("is packed by bzip2"), "{}", words[2]);
    assert!(words[3].to_string().contains("is packed by xz"), "{}", words[3]);
    assert!(matches!(words[4], Refused::Nothing(_)), "{}", words[4]);
    // More than 65,535 entries: a zip64. None of it is written before they are counted.
    assert_eq!(words[5], Refused::TooMany { limit: 10_000, what: "entries" });
}
