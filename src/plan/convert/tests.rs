#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

use crate::ids::{RequirementId, Role, Transport};
use crate::plan::model::{Level, Plan, Show, Step, Visibility};
use crate::plan::points::Points;
use crate::plan::{Choice, Library, Loaded, Source, assignment, diagnose};

const DIALECTS: [&str; 2] = [
    "dialect: plain\ntitle: t\nproperties: { udp_port: 12000, tcp_port: 12001, framing: message, closes_first: server, udp_buffer: 2048 }\n",
    "dialect: lines\ntitle: t\nproperties: { udp_port: 9876, tcp_port: 6789, framing: line, closes_first: client }\nlevels: { S-2: extra, S-10: required }\n",
];

const SERVER: &str = r#"
suite: s
role: tcp-server
requirements:
  S-10: { title: t, level: extra, points: 2, why: w, hint: h, needs: [S-3, S-1] }
  S-2: { title: t, level: required, points: 2, why: w, hint: h }
  S-1: { title: t, level: required, points: 1, why: w, hint: h }
  S-3: { title: t, level: required, points: 4, why: w, hint: h, when: { framing: line } }
scenarios:
  - id: both
    title: t
    let: { c: "{b}!", a: "{nonce}", b: "{a} {port}", d: "{letters:udp-buffer}" }
    steps: [{ connect: alice }, { send: { from: alice, text: "{c}{end}" } }, { hang-up: alice }]
    checks:
      - { requirement: S-1, program: { running: true } }
      - { requirement: S-2, peers: [alice], received: something }
      - { requirement: S-10, when: { closes_first: client }, program: { running: true } }
      - { requirement: S-10, when: { closes_first: server }, program: { bound: tcp } }
  - id: lines
    title: t
    when: { framing: line }
    steps: [settle]
    checks: [{ requirement: S-1, program: { running: true } }, { requirement: S-3, program: { running: true } }]
  - id: three
    title: t
    steps: [settle]
    checks: [{ requirement: S-3, program: { running: true } }]
"#;

fn library(suites: &[&str]) -> Library {
    let sources = |texts: &[&str]| texts.iter().map(|text| Source::new("x.yaml", *text)).collect();
    Library::of(sources(suites), sources(&DIALECTS))
        .unwrap_or_else(|reports| panic!("{}", diagnose::render(&reports, false)))
}

fn plan(suite: &str, dialect: &str, assigned: Option<&str>) -> Plan {
    let loaded: Option<Loaded> = assigned.map(|text| {
        let text = format!("assignment: a\n{text}");
        assignment::read("sockspec.yaml".into(), Source::new("sockspec.yaml", text))
            .unwrap_or_else(|r| panic!("{}", r.render(false)))
    });
    let choice = Choice { dialect: Some(dialect), assignment: loaded.as_ref(), port: None };
    library(&[suite]).plan_named("s", &choice).unwrap_or_else(|reports| panic!("{}", diagnose::render(&reports, false)))
}

fn worth(plan: &Plan) -> Vec<(&str, Level, f64)> {
    plan.requirements.iter().map(|one| (one.id.0.as_str(), one.level, one.points.as_f64())).collect()
}

#[test]
fn requirements_are_in_the_order_of_their_numbers_and_share_25_points() {
    use Level::{Extra, Required};
    let python = plan(SERVER, "plain", None);
    assert_eq!(worth(&python), [("S-1", Required, 8.33), ("S-2", Required, 16.67), ("S-10", Extra, 0.0)]);
    let java = plan(SERVER, "lines", None);
    assert_eq!(
        worth(&java),
        [("S-1", Required, 3.57), ("S-2", Extra, 0.0), ("S-3", Required, 14.29), ("S-10", Required, 7.14)]
    );
    assert_eq!(java.requirements.iter().map(|one| one.points).sum::<Points>(), Points(2500));
}

#[test]
fn exact_points_are_kept_and_the_rest_is_shared() {
    use Level::{Extra, Required};
    let plan = |text| plan(SERVER, "plain", Some(text));
    let some = plan("requirements: { S-1: { points: 10 }, S-10: { points: 3 } }\npoints: { tcp-server: 30 }");
    assert_eq!(worth(&some), [("S-1", Required, 10.0), ("S-2", Required, 20.0), ("S-10", Extra, 3.0)]);
    let more = plan("requirements: { S-1: { points: 40 } }");
    assert_eq!(worth(&more), [("S-1", Required, 40.0), ("S-2", Required, 0.0), ("S-10", Extra, 0.0)]);
    let moved = plan("requirements: { S-1: { level: off }, S-10: { level: required } }");
    assert_eq!(worth(&moved), [("S-2", Required, 12.5), ("S-10", Required, 12.5)]);
}

#[test]
fn an_assignment_says_what_is_shown_to_whom() {
    let plan = plan(SERVER, "plain", Some("requirements: { S-1: { visibility: hidden } }\nshow: none"));
    let seen: Vec<Visibility> = plan.requirements.iter().map(|one| one.visibility).collect();
    assert_eq!(seen, [Visibility::Hidden, Visibility::Visible, Visibility::Hidden], "S-10 needs S-1");
    assert_eq!(plan.show, Show::None);
}

#[test]
fn the_most_hidden_of_what_a_requirement_needs_hides_it() {
    use Visibility::{AfterDueDate, AfterPublished, Hidden, Visible};
    let seen = |changes: &str| -> Vec<(Visibility, Option<String>)> {
        let plan = plan(SERVER, "lines", Some(&format!("requirements: {{ {changes} }}")));
        plan.requirements.into_iter().map(|one| (one.visibility, one.hidden_with.map(|id| id.0))).collect()
    };
    let all = seen("S-1: { visibility: after_due_date }, S-3: { visibility: after_published }");
    assert_eq!(
        all,
        [(AfterDueDate, None), (Visible, None), (AfterPublished, None), (AfterPublished, Some("S-3".into()))]
    );
    let own = seen("S-1: { visibility: after_due_date }, S-10: { visibility: hidden }");
    assert_eq!(own, [(AfterDueDate, None), (Visible, None), (Visible, None), (Hidden, None)], "its own hides it more");
    let said = seen("S-1: { visibility: hidden }, S-10: { visibility: visible }");
    assert_eq!(said[3], (Hidden, Some("S-1".into())));
}

#[test]
fn what_a_dialect_rules_out_is_left_out() {
    let python = plan(SERVER, "plain", None);
    assert_eq!(python.scenarios.iter().map(|one| one.id.0.as_str()).collect::<Vec<_>>(), ["both"]);
    assert_eq!(python.scenarios[0].checks.len(), 3);
    assert_eq!(python.requirements[2].needs, [RequirementId("S-1".into())], "S-3 is off");
    assert_eq!(python.scenarios[0].steps.len(), 3);
    assert_eq!(python.scenarios[0].steps[2], Step::Shutdown("alice".into()));
    let java = plan(SERVER, "lines", None);
    assert_eq!(java.scenarios.len(), 3);
    assert_eq!(java.scenarios[0].steps.len(), 2, "the client closes: nothing to hang up");
    let off = plan(SERVER, "lines", Some("requirements: { S-3: { level: off } }"));
    assert_eq!(off.scenarios.len(), 2, "nothing is left to check in the third");
}

#[test]
fn what_covers_others_covers_those_that_it_still_tests_whole() {
    let suite = r#"
suite: s
role: tcp-server
requirements:
  S-1: { title: t, level: required, why: w, hint: h }
  S-2: { title: t, level: required, why: w, hint: h }
scenarios:
  - id: all
    title: t
    covers: [first, second]
    steps: [settle]
    checks:
      - { requirement: S-1, program: { running: true } }
      - { requirement: S-2, when: { framing: line }, program: { running: true } }
  - { id: first, title: t, steps: [settle], checks: [{ requirement: S-1, program: { running: true } }] }
  - { id: second, title: t, steps: [settle], checks: [{ requirement: S-2, program: { running: true } }] }
"#;
    let covered = |plan: Plan| plan.scenarios[0].covers.iter().map(|id| id.0.clone()).collect::<Vec<_>>();
    assert_eq!(covered(plan(suite, "lines", None)), ["first", "second"]);
    assert_eq!(covered(plan(suite, "plain", None)), ["first"], "a check of it is left out in this dialect");
}

#[test]
fn values_come_in_an_order_in_which_each_can_be_filled_in() {
    let plan = plan(SERVER, "plain", None);
    let names: Vec<&str> = plan.scenarios[0].values.iter().map(|(name, _)| name.as_str()).collect();
    let place = |name| names.iter().position(|known| *known == name).unwrap();
    assert!(place("a") < place("b") && place("b") < place("c"), "{names:?}");
    let long = &plan.scenarios[0].values[place("d")].1;
    assert_eq!(long.render(|_| Vec::new(), &mut fastrand::Rng::with_seed(1)).len(), 2048);
}

#[test]
fn a_port_is_the_assignments_else_the_suites_else_the_dialects() {
    let with_port = SERVER.replace("role:", "port: 7\nrole:");
    assert_eq!(plan(SERVER, "plain", None).port, 12001);
    assert_eq!(plan(SERVER, "lines", None).port, 6789);
    assert_eq!(plan(&with_port, "lines", None).port, 7);
    assert_eq!(plan(&with_port, "lines", Some("properties: { tcp_port: 8, udp_port: 9 }")).port, 8);
}

#[test]
fn a_scenario_has_the_ports_that_it_must_have_to_itself() {
    assert_eq!(plan(SERVER, "plain", None).scenarios[0].ports, [(Transport::Tcp, 12001)]);
    let client = "
suite: s
role: udp-client
requirements: { S-1: { title: t, level: required, why: w, hint: h } }
scenarios:
  - id: one
    title: t
    steps: [bind: server, bind: { peer: other, anywhere: true }, listen: tcp, start]
    checks: [{ requirement: S-1, program: { running: true } }]
  - id: two
    title: t
    steps: [start]
    checks: [{ requirement: S-1, program: { running: true } }]
";
    let plan = plan(client, "plain", None);
    assert_eq!(plan.scenarios[0].ports, [(Transport::Udp, 12000), (Transport::Tcp, 12000)]);
    // Somebody else's server must not take the connection that is to be refused.
    assert_eq!(plan.scenarios[1].ports, [(Transport::Udp, 12000)]);
}

#[test]
fn a_plan_survives_json() {
    let plan = plan(SERVER, "lines", None);
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

#[test]
fn what_an_assignment_asks_of_other_floors() {
    let text = "assignment: a\nroles: [tcp-server, udp-server]\nhosts: [lab]\nlimits: { cpu_seconds: 3 }\nprograms: { tcp-server: { files: [s.py] } }";
    let loaded = assignment::read("x/sockspec.yaml".into(), Source::new("sockspec.yaml", text)).unwrap();
    let resolved = library(&[SERVER]).resolve(&Choice { assignment: Some(&loaded), ..Choice::default() }).unwrap();
    assert_eq!(resolved.roles, [Role::UdpServer, Role::TcpServer]);
    assert_eq!(resolved.dialect, "plain");
    assert_eq!(resolved.limits.cpu_seconds, Some(3));
    assert_eq!(resolved.programs[&Role::TcpServer].files, ["s.py"]);
    let json = serde_json::to_string(&resolved).unwrap();
    assert_eq!(serde_json::from_str::<assignment::Resolved>(&json).unwrap(), resolved);
}

#[test]
fn an_unknown_dialect_is_named_with_the_nearest_one() {
    let choice = Choice { dialect: Some("plian"), ..Choice::default() };
    let reports = library(&[SERVER]).plan_named("s", &choice).unwrap_err();
    let text = diagnose::render(&reports, false);
    assert!(
        text.starts_with("error: there is no dialect `plian`\n") && text.contains("did you mean `plain`?"),
        "{text}"
    );
}
