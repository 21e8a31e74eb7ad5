//! The guide's examples: each block that is a whole file is looked through.

use sockspec::plan::{Source, diagnose, lint};

#[test]
fn each_whole_file_in_the_guide_is_right() {
    let guide = std::fs::read_to_string(super::root().join("specs/README.md")).unwrap();
    let mut blocks = 0;
    for (number, block) in guide.split("\n```").enumerate() {
        let Some(text) = block.strip_prefix("yaml complete\n") else { continue };
        blocks += 1;
        // Paths in an example are relative to `specs/examples/echo`.
        let path = super::root().join("specs/examples/echo/sockspec.yaml");
        let path = camino::Utf8PathBuf::from_path_buf(path).unwrap();
        if let Err(reports) = lint::text(path, Source::new(format!("README.md, block {number}"), text)) {
            panic!("{}", diagnose::render(&reports, false));
        }
    }
    assert!(blocks >= 3, "the guide has whole files to show");
}

/// What a schema knows: the names of keys, and of values that are names.
fn names(schema: &serde_json::Value, found: &mut Vec<String>) {
    match schema {
        serde_json::Value::Object(map) => {
            if let Some(serde_json::Value::Object(properties)) = map.get("properties") {
                found.extend(properties.keys().cloned());
            }
            found.extend(map.get("const").and_then(|value| value.as_str()).map(str::to_owned));
            map.values().for_each(|value| names(value, found));
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| names(value, found)),
        _ => {}
    }
}

#[test]
fn the_guide_has_each_word_of_the_language() {
    let guide = std::fs::read_to_string(super::root().join("specs/README.md")).unwrap();
    let mut known = Vec::new();
    for kind in [lint::FileKind::Suite, lint::FileKind::Dialect, lint::FileKind::Assignment] {
        names(&serde_json::from_str(&sockspec::plan::schema::text(kind)).unwrap(), &mut known);
    }
    known.extend(sockspec::plan::template::FILTERS.iter().map(|(name, _)| (*name).to_owned()));
    known.extend(["port", "end", "udp-buffer"].map(|name| format!("{{{name}}}")));
    // `properties` is also the name of a key of ours, whose schema is then taken for a list of keys.
    known.retain(|name| !matches!(name.as_str(), "description" | "$ref"));
    known.retain(|name| !guide.contains(name.as_str()));
    assert!(known.is_empty(), "specs/README.md says nothing of {known:?}");
}
