//! Files with mistakes, and what is said of them: `bad/NAME.yaml` beside `bad/NAME.txt`.

use camino::Utf8PathBuf;
use sockspec::plan::{Source, diagnose, lint};

#[test]
fn each_mistake_is_shown_as_written_down() {
    let mut stale = Vec::new();
    for file in super::files(&super::root().join("tests/lint/bad"), ".yaml") {
        let path = Utf8PathBuf::from_path_buf(file.clone()).unwrap();
        let name = path.file_name().unwrap();
        // As loaded, but under its short name, so that what is written down holds on each machine.
        let source = Source::load(&path).unwrap();
        let result = lint::text(path.clone(), Source::new(name, source.text));
        let folder = path.parent().unwrap().as_str();
        let text = match result {
            Ok(_) => panic!("{name} has no mistake"),
            Err(reports) => diagnose::render(&reports, false).replace(&format!("{folder}/"), ""),
        };
        stale.extend(super::same(&file.with_extension("txt"), &text).err());
    }
    assert!(stale.is_empty(), "{}", stale.join("\n"));
}

#[test]
fn colour_changes_nothing_but_colour() {
    for file in super::files(&super::root().join("tests/lint/bad"), ".yaml") {
        let path = Utf8PathBuf::from_path_buf(file).unwrap();
        let reports = lint::file(&path).unwrap_err();
        let plain = anstream::adapter::strip_str(&diagnose::render(&reports, true)).to_string();
        assert_eq!(plain, diagnose::render(&reports, false));
    }
}
