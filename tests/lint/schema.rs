//! The committed schemas: fresh, and true of every file in `specs`.

use sockspec::plan::lint::FileKind;
use sockspec::plan::schema;

const KINDS: [FileKind; 3] = [FileKind::Suite, FileKind::Dialect, FileKind::Assignment];

#[test]
fn committed_schemas_are_fresh() {
    let stale: Vec<String> = KINDS
        .into_iter()
        .filter_map(|kind| {
            super::same(&super::root().join("specs").join(schema::file_name(kind)), &schema::text(kind)).err()
        })
        .collect();
    assert!(stale.is_empty(), "{}", stale.join("\n"));
}

fn validator(kind: FileKind) -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(&schema::text(kind)).unwrap()).unwrap()
}

#[test]
fn each_file_in_specs_is_valid_and_names_its_schema() {
    for file in super::files(&super::root().join("specs"), ".yaml") {
        let text = std::fs::read_to_string(&file).unwrap();
        let options = serde_yaml::options! { strict_booleans: true };
        let value: serde_json::Value = serde_yaml::from_str_with_options(&text, options).unwrap();
        let kind = KINDS.into_iter().rev().find(|kind| value.get(kind.key()).is_some()).unwrap();
        let wrong: Vec<String> =
            validator(kind).iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", file.display());
        let line = text.lines().next().unwrap();
        let named = line.strip_prefix("# yaml-language-server: $schema=").expect("the first line names the schema");
        let schema = file.parent().unwrap().join(named).canonicalize().unwrap();
        assert_eq!(schema.file_name().unwrap().to_str().unwrap(), schema::file_name(kind), "{}", file.display());
    }
}

#[test]
fn a_schema_refuses_what_the_reader_refuses() {
    let suites = validator(FileKind::Suite);
    let good = serde_json::json!({
        "suite": "s", "role": "udp-server",
        "requirements": { "A-1": { "title": "t", "level": "required", "why": "w", "hint": "h" } },
        "scenarios": [{ "id": "one", "title": "t", "steps": ["settle", { "open": "alice" }, { "open": { "peer": "bob" } }],
            "checks": [{ "requirement": "A-1", "program": { "running": true } }] }],
    });
    assert!(suites.is_valid(&good));
    for (pointer, value) in [
        ("/suit", serde_json::json!("s")),
        ("/requirements/A-1/levle", serde_json::json!("off")),
        ("/scenarios/0/checks/0/recieved", serde_json::json!("nothing")),
        ("/scenarios/0/steps/2/open/gne", serde_json::json!(true)),
    ] {
        let mut bad = good.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        bad.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(key.to_owned(), value);
        assert!(!suites.is_valid(&bad), "{pointer}");
    }
}
