//! What is right is found right.

use camino::Utf8PathBuf;
use sockspec::ids::Role;
use sockspec::plan::lint::{self, FileKind};
use sockspec::plan::model::Level;
use sockspec::plan::points::Points;
use sockspec::plan::{Choice, Library, assignment, diagnose};

fn shown<T>(result: Result<T, Vec<sockspec::plan::Report>>) -> T {
    result.unwrap_or_else(|reports| panic!("{}", diagnose::render(&reports, false)))
}

#[test]
fn each_file_in_specs_is_right() {
    for file in super::files(&super::root().join("specs"), ".yaml") {
        let path = Utf8PathBuf::from_path_buf(file).unwrap();
        shown(lint::file(&path));
    }
}

#[test]
fn each_kind_is_told_by_its_key() {
    let specs = Utf8PathBuf::from_path_buf(super::root().join("specs")).unwrap();
    assert_eq!(shown(lint::file(&specs.join("udp-server.yaml"))), FileKind::Suite);
    assert_eq!(shown(lint::file(&specs.join("dialects/java.yaml"))), FileKind::Dialect);
    assert_eq!(shown(lint::file(&specs.join("examples/echo/sockspec.yaml"))), FileKind::Assignment);
}

#[test]
fn required_requirements_add_up_to_25_in_each_dialect() {
    let library = shown(Library::builtin());
    for (dialect, _) in library.dialects() {
        let choice = Choice { dialect: Some(dialect), ..Choice::default() };
        for plan in shown(library.plans(&choice)) {
            let sum: Points = plan.requirements.iter().map(|requirement| requirement.points).sum();
            assert_eq!(sum, Points(2500), "{} in {dialect}", plan.suite);
            assert!(plan.requirements.iter().all(|one| one.level == Level::Required || one.points == Points(0)));
        }
    }
}

#[test]
fn a_dialect_moves_and_rules_out() {
    let library = shown(Library::builtin());
    let level = |dialect, id: &str| {
        let plan = shown(library.plan(Role::TcpServer, &Choice { dialect: Some(dialect), ..Choice::default() }));
        plan.requirements.iter().find(|one| one.id.0 == id).map(|one| one.level)
    };
    assert_eq!(level("python", "TCPS-5"), Some(Level::Required));
    assert_eq!(level("java", "TCPS-5"), None);
    assert_eq!(level("python", "TCPS-15"), None);
    assert_eq!(level("java", "TCPS-15"), Some(Level::Required));
    assert_eq!(level("java", "TCPS-10"), Some(Level::Extra));
}

#[test]
fn an_assignments_suite_takes_the_place_of_the_built_in_one() {
    let path = Utf8PathBuf::from_path_buf(super::root().join("specs/examples/echo/sockspec.yaml")).unwrap();
    let loaded = assignment::load(&path).unwrap_or_else(|report| panic!("{}", report.render(false)));
    let library = shown(Library::for_assignment(&loaded));
    let choice = Choice { assignment: Some(&loaded), ..Choice::default() };
    let names: Vec<String> = shown(library.plans(&choice)).into_iter().map(|plan| plan.suite).collect();
    assert_eq!(names, ["echo-udp", "echo-tcp"]);
}

#[test]
fn an_assignment_is_found_upwards() {
    let folder = tempfile::tempdir().unwrap();
    let top = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
    std::fs::create_dir_all(top.join("a/b")).unwrap();
    std::fs::write(top.join("sockspec.yaml"), "assignment: lab\n").unwrap();
    std::fs::write(top.join("a/b/server.py"), "").unwrap();
    assert_eq!(assignment::find_upwards(&top.join("a/b/server.py")), Some(top.join("sockspec.yaml")));
}
