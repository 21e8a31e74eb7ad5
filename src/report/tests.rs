//! Whole reports about results that are built by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod cohorts;
mod formats;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use proptest::prelude::*;

use super::terminal::Options;
use super::{Format, Graded, Wanted, is_shown, ladder, terminal};
use crate::event::{
    Blocked, Event, Exit, Fact, Flag, OurEnd, Output, ProgramRecord, Record, Rest, Socket, SocketState, StreamEnd,
};
use crate::ids::{Peer, RequirementId, Role, ScenarioId, Transport};
use crate::judge::verdict::{Finding, Judged, Missing, ProgramVerdict, SubmissionVerdict, Verdict};
use crate::plan::model::{Level, Show, Visibility};
use crate::plan::points::Points;
use crate::text::Bytes;

/// What a program can print to break a report.
pub(super) const HOSTILE: &str = "\0\u{1b}[31m]]>\u{fffe}\u{ffff}\u{9b}2J</failure></testcase><testcase name=\"forged\"/>\
                       [[ATTACHMENT|/etc/passwd]] [[PROPERTY|a=b]] &amp; &#0; <![CDATA[ ]]]]>\r\n::error::no\n##[error]no";

fn judged(id: &str, title: &str, points: u32, verdict: Verdict) -> Judged {
    Judged {
        id: RequirementId(id.to_owned()),
        title: title.to_owned(),
        level: if points == 0 { Level::Extra } else { Level::Required },
        points: Points(points),
        earned: if verdict == Verdict::Passed { Points(points) } else { Points(0) },
        visibility: Visibility::Visible,
        why: format!("Why {id} is asked."),
        hint: format!("What to look at for {id}."),
        source: None,
        verdict,
        finding: None,
    }
}

fn failed(id: &str, title: &str, points: u32, finding: Finding) -> Judged {
    Judged {
        finding: Some(finding),
        source: Some("RFC 9293, section 3.6".to_owned()),
        ..judged(id, title, points, Verdict::Failed)
    }
}

fn finding(cause: &str, explanation: &str, event: Option<usize>) -> Finding {
    Finding {
        scenario: ScenarioId("at-once".to_owned()),
        expected: "bob receives 9 bytes".to_owned(),
        actual: "bob received 10 bytes: \"AT ONCE 1\\n\"".to_owned(),
        explanation: explanation.to_owned(),
        cause: cause.to_owned(),
        event,
    }
}

fn program(role: Role, path: &str, requirements: Vec<Judged>) -> ProgramVerdict {
    ProgramVerdict {
        told: None,
        notes: Vec::new(),
        role,
        path: path.to_owned(),
        language: "Python".to_owned(),
        dialect: "python".to_owned(),
        show: Show::Full,
        requirements,
        starts: 2,
        micros: 340_000,
    }
}

fn peer(name: &str, number: u32) -> Peer {
    Peer { name: name.to_owned(), number }
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn events(facts: Vec<Fact>) -> Vec<Event> {
    (0..).zip(facts).map(|(number, fact)| Event { at: number * 1_700, fact }).collect()
}

/// One client of a TCP server, from start to end.
fn exchange(name: &str, number: u32, sentence: &str, reply: &str) -> Vec<Fact> {
    let who = || peer(name, number);
    let bytes = |text: &str| Bytes(text.as_bytes().to_vec());
    let (ours, theirs) = (at(40_000), at(12_000));
    vec![
        Fact::Opened { peer: who(), transport: Transport::Tcp, local: ours, remote: Some(theirs), accepted: false },
        Fact::Sent { peer: who(), from: ours, to: theirs, bytes: bytes(sentence) },
        Fact::Received { peer: who(), from: theirs, to: ours, bytes: bytes(reply), cut: 0 },
        Fact::Ended { peer: who(), how: StreamEnd::Fin },
        Fact::Closed { peer: who(), how: OurEnd::Close },
    ]
}

fn waiting(call: &str, state: SocketState, remote: Option<SocketAddr>) -> Fact {
    let socket = Socket { transport: Transport::Tcp, local: at(12_000), remote, state, inode: 7, unread: 0 };
    let thread = Blocked {
        pid: 1,
        tid: 1,
        name: "python3".to_owned(),
        call: call.to_owned(),
        descriptor: Some(3),
        socket: Some(socket),
        timed: false,
    };
    Fact::Rest { how: Rest::Quiescent, threads: vec![thread] }
}

fn printed(text: &str) -> Fact {
    Fact::Printed { stream: Output::Stdout, bytes: Bytes(text.as_bytes().to_vec()), cut: 0 }
}

fn record(facts: Vec<Fact>) -> Record {
    Record { scenario: ScenarioId("at-once".to_owned()), fresh: true, values: BTreeMap::new(), events: events(facts) }
}

fn records(role: Role, facts: Vec<Fact>) -> ProgramRecord {
    ProgramRecord {
        built: None,
        told: None,
        notes: Vec::new(),
        tried: Vec::new(),
        role,
        path: "TCPServer.py".to_owned(),
        language: "Python".to_owned(),
        seed: 42,
        records: vec![record(facts)],
        trouble: None,
        stopped: None,
        isolation: String::new(),
        isolation_reason: None,
        starts: 2,
        micros: 340_000,
    }
}

fn graded(programs: Vec<ProgramVerdict>, records: Vec<ProgramRecord>) -> Graded {
    Graded {
        verdict: SubmissionVerdict {
            id: "jdoe".to_owned(),
            seed: 42,
            isolation: "plain".to_owned(),
            isolation_reason: None,
            observation: "quiescence".to_owned(),
            assignment: None,
            at: "2026-11-26T21:00:00Z".to_owned(),
            programs,
            missing: Vec::new(),
        },
        records,
    }
}

/// A bit of everything.
pub(super) fn sample() -> Graded {
    let newline = |event| finding("trailing-newline", "The reply was followed by a newline (\"\\n\").", event);
    let tcp = program(
        Role::TcpServer,
        "TCPServer.py",
        vec![
            judged("TCPS-1", "listens on the assigned port by TCP and keeps running", 300, Verdict::Passed),
            failed("TCPS-3", "replies with exactly as many bytes as the sentence has", 250, newline(Some(4))),
            failed("TCPS-12", "replies to a client that has shut down its sending side", 100, newline(None)),
            judged("TCPS-6", "closes in an orderly way", 100, Verdict::Blocked { by: RequirementId("TCPS-5".into()) }),
            judged(
                "TCPS-9",
                "serves a client that connected while another was being served",
                200,
                Verdict::Ungraded { reason: "the machine has no processor time left".into() },
            ),
            judged("TCPS-17", "upper-cases letters beyond ASCII in UTF-8", 0, Verdict::Passed),
            failed(
                "TCPS-18",
                "survives bytes that are not UTF-8",
                0,
                finding("strict-decode", "Your server stopped with UnicodeDecodeError.", None),
            ),
        ],
    );
    let udp = program(
        Role::UdpServer,
        "UDPServer.py",
        vec![
            judged("UDPS-1", "binds a UDP socket to the assigned port and keeps running", 400, Verdict::Passed),
            judged("UDPS-2", "answers a datagram with the same text in upper case", 600, Verdict::Passed),
        ],
    );
    let mut facts = vec![printed("Ready\n")];
    facts.push(waiting("accept", SocketState::Listening, None));
    facts.extend(exchange("bob", 0, "at once 1", "AT ONCE 1\n"));
    facts.push(waiting("accept", SocketState::Listening, None));
    let mut graded = graded(vec![udp, tcp], vec![records(Role::TcpServer, facts)]);
    let looked_for = "a file such as TCPClient.py".to_owned();
    let (role, points) = (Role::TcpClient, Points(2500));
    graded.verdict.missing = vec![Missing { role, looked_for, points, shown: points }];
    graded
}

/// Everything that comes from a student is hostile.
pub(super) fn hostile(text: &str) -> Graded {
    let mut graded = sample();
    graded.verdict.id = text.to_owned();
    let program = &mut graded.verdict.programs[1];
    program.path = text.to_owned();
    for finding in program.requirements.iter_mut().filter_map(|judged| judged.finding.as_mut()) {
        (finding.expected, finding.actual, finding.explanation) = (text.to_owned(), text.to_owned(), text.to_owned());
    }
    program.requirements[4].verdict = Verdict::Ungraded { reason: text.to_owned() };
    graded.records[0].records[0].events[0].fact = printed(text);
    graded
}

/// A report by a caller that knows nothing of its surroundings.
fn render(format: Format, graded: &[Graded]) -> Result<Vec<u8>, super::ReportError> {
    super::render(format, graded, &super::Options::default())
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

/// One element a line, so that a difference can be read.
fn xml(graded: &[Graded]) -> String {
    text(render(Format::Junit, graded).expect("a report")).replace("><", ">\n<")
}

fn plain(graded: &Graded) -> String {
    terminal::render(graded, &Options::default())
}

#[test]
fn json_of_a_bit_of_everything() {
    insta::assert_snapshot!(
        text(render(Format::Json, &[sample()]).expect("a report")).replace(env!("CARGO_PKG_VERSION"), "VERSION")
    );
}

#[test]
fn junit_of_a_bit_of_everything() {
    insta::assert_snapshot!(xml(&[sample()]));
}

#[test]
fn the_terminal_shows_a_bit_of_everything() {
    let again = Some("sockspec check . --seed 42".to_owned());
    insta::assert_snapshot!(terminal::render(&sample(), &Options { again, ..Options::default() }));
}

#[test]
fn the_terminal_has_colours_where_they_are_wanted() {
    let mut graded = sample();
    graded.verdict.programs.remove(0);
    graded.verdict.missing.clear();
    let coloured = terminal::render(&graded, &Options { colour: true, ..Options::default() });
    insta::assert_snapshot!(coloured.replace('\u{1b}', "ESC"));
    let bare = anstream::adapter::strip_str(&coloured).to_string();
    assert_eq!(bare, plain(&graded), "colours change nothing else");
}

#[test]
fn all_that_is_required_holds() {
    let mut graded = sample();
    graded.verdict.programs.pop();
    graded.verdict.missing.clear();
    insta::assert_snapshot!(plain(&graded));
}

pub(super) fn with_hidden() -> Graded {
    let mut graded = sample();
    let requirements = &mut graded.verdict.programs[1].requirements;
    requirements[1].visibility = Visibility::Hidden;
    requirements[2].visibility = Visibility::AfterDueDate;
    requirements[3].verdict = Verdict::Blocked { by: RequirementId("TCPS-3".into()) };
    graded
}

/// A bit of everything, with a missing program of which only so many points are shown.
pub(super) fn with_missing(points: u32, shown: u32) -> Graded {
    let mut graded = sample();
    (graded.verdict.missing[0].points, graded.verdict.missing[0].shown) = (Points(points), Points(shown));
    graded
}

#[test]
fn what_is_hidden_is_in_the_json_alone() {
    let graded = with_hidden();
    let [json, junit, terminal] = [
        text(render(Format::Json, std::slice::from_ref(&graded)).unwrap()),
        xml(std::slice::from_ref(&graded)),
        plain(&graded),
    ];
    assert!(json.contains("\"TCPS-3\"") && json.contains("\"after_due_date\""));
    for report in [&junit, &terminal] {
        for secret in ["TCPS-3", "TCPS-12", "trailing-newline", "followed by a newline"] {
            assert!(!report.contains(secret), "{secret} in {report}");
        }
    }
    insta::assert_snapshot!(terminal);
}

#[test]
fn show_decides_how_much_is_told() {
    for (show, allowed, kept_back) in [
        (
            Show::Actual,
            &["AT ONCE 1"][..],
            &["bob receives 9", "followed by", "What to look at", "trailing-newline", "Why TCPS"][..],
        ),
        (
            Show::None,
            &[][..],
            &["AT ONCE", "bob receive", "followed by", "What to look at", "trailing-newline", "Why TCPS"][..],
        ),
    ] {
        let mut graded = sample();
        graded.verdict.programs[1].show = show;
        let json = text(render(Format::Json, std::slice::from_ref(&graded)).unwrap());
        for report in [json, xml(std::slice::from_ref(&graded)), plain(&graded)] {
            for word in allowed {
                assert!(report.contains(word), "{show:?}: no {word} in {report}");
            }
            for word in kept_back {
                assert!(!report.contains(word), "{show:?}: {word} in {report}");
            }
        }
    }
}

#[test]
fn several_submissions_are_told_apart() {
    let mut other = sample();
    other.verdict.id = "a.b".to_owned();
    other.verdict.seed = 43;
    let report = xml(&[sample(), other.clone()]);
    let names: Vec<&str> = report
        .lines()
        .filter(|line| line.starts_with("<testcase"))
        .map(|line| line.split('"').nth(1).unwrap())
        .collect();
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), names.len(), "each case has a name of its own");
    assert!(report.contains("classname=\"sockspec.a_b.tcp-server\""));
    let json: serde_json::Value = serde_json::from_slice(&render(Format::Json, &[sample(), other]).unwrap()).unwrap();
    assert_eq!((json["seed"].is_null(), json["submissions"][1]["seed"].as_u64()), (true, Some(43)));
}

#[test]
fn a_report_says_the_same_twice() {
    for format in Format::ALL.into_iter().filter(|format| format.shapes().one) {
        assert_eq!(render(format, &[sample()]).unwrap(), render(format, &[sample()]).unwrap());
    }
}

/// Runs xmllint. Only where there is none and nobody relies on it may a test go without.
fn well_formed(report: &[u8]) {
    use std::io::Write as _;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(report).unwrap();
    let output = match std::process::Command::new("xmllint").arg("--noout").arg(file.path()).output() {
        Ok(output) => output,
        Err(error) if std::env::var_os("CI").is_none() => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "skipped: xmllint cannot be run ({error}); Debian: libxml2-utils");
            return;
        }
        Err(error) => panic!("xmllint cannot be run ({error}); Debian: libxml2-utils"),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What is markup in a report.
fn outside_of_cdata(xml: &str) -> String {
    let mut outside = String::new();
    let mut rest = xml;
    while let Some((before, inside)) = rest.split_once("<![CDATA[") {
        outside.push_str(before);
        rest = inside.split_once("]]>").expect("CDATA ends").1;
    }
    outside + rest
}

#[test]
fn a_hostile_program_cannot_break_junit() {
    let report = render(Format::Junit, &[hostile(HOSTILE)]).unwrap();
    well_formed(&report);
    let report = text(report);
    let cases = sample().verdict.requirements().filter(|judged| is_shown(judged)).count() + 1;
    assert_eq!(outside_of_cdata(&report).matches("<testcase ").count(), cases, "no case is forged");
    assert!(!report.contains("[[ATTACHMENT|") && !report.contains("[[PROPERTY|") && !report.contains('\u{1b}'));
    assert!(!report.contains("\n::error") && !report.contains("##["));
}

#[test]
fn a_hostile_program_cannot_steer_a_terminal_or_ci() {
    let report = plain(&hostile(HOSTILE));
    let steers = |c: char| c.is_control() && c != '\n';
    assert!(!report.chars().any(steers), "{report:?}");
    assert!(report.lines().all(|line| !line.trim_start().starts_with("::") && !line.contains("##[")), "{report}");
}

#[test]
fn a_flood_of_output_is_cut() {
    let report = render(Format::Junit, &[hostile(&"x]]>\0".repeat(100_000))]).unwrap();
    well_formed(&report);
    assert!(report.len() < 2 << 20, "{} bytes", report.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_printed_reports_are_whole(noise in any::<String>(), piece in 0..HOSTILE.len()) {
        let start = (piece..).find(|at| HOSTILE.is_char_boundary(*at)).unwrap();
        let graded = [hostile(&format!("{noise}{}", &HOSTILE[start..]))];
        let json = render(Format::Json, &graded).unwrap();
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
        let xml = text(render(Format::Junit, &graded).unwrap());
        prop_assert_eq!(outside_of_cdata(&xml).matches("<testcase ").count(), 10);
        let shown = plain(&graded[0]);
        prop_assert!(shown.lines().all(|line| super::layout::width(line) <= 80), "{}", shown);
    }
}

#[test]
fn a_long_exchange_is_shortened_around_what_matters() {
    let mut facts: Vec<Fact> = (0..20).flat_map(|number| exchange("client", number, "ask", "ASK")).collect();
    facts[52] = Fact::Ended { peer: peer("client", 10), how: StreamEnd::Rst };
    insta::assert_snapshot!(ladder::draw(&record(facts), Role::TcpServer, Some(52), 78).plain());
}

#[test]
fn every_fact_has_its_rung() {
    let server = || peer("server", 0);
    let words = |text: &str| Fact::Step { words: text.to_owned() };
    let facts = vec![
        Fact::Listening { peer: server(), transport: Transport::Udp, local: at(12_000) },
        words("start the program and type \"hello\\n\""),
        Fact::Started { run: 0, pid: 9, command: vec!["python3".into()] },
        Fact::Fed { bytes: Bytes(b"hello\n".to_vec()) },
        printed("Input: "),
        printed("thinking\n"),
        Fact::Received { peer: server(), from: at(40_001), to: at(12_000), bytes: Bytes(vec![b'x'; 3000]), cut: 5 },
        words("wait 300 ms"),
        Fact::Paused { asked: 300, cut_short: true },
        Fact::Sent { peer: server(), from: at(12_000), to: at(40_001), bytes: Bytes("é漢\0".as_bytes().to_vec()) },
        Fact::SendFailed { peer: server(), error: "Connection refused".into() },
        Fact::Rest { how: Rest::Deadline, threads: Vec::new() },
        Fact::Printed {
            stream: Output::Stderr,
            bytes: Bytes(b"Traceback (most recent call last):\n  File \"UDPClient.py\", line 9, in <module>\n    main()\nValueError: not enough values to unpack (expected 2, got 1)\n".to_vec()),
            cut: 0,
        },
        Fact::Exited { how: Exit::Signal(11), stopped: false },
        Fact::Rest { how: Rest::Gone, threads: Vec::new() },
        Fact::Starved { waited_for: "server receives something".into() },
    ];
    insta::assert_snapshot!(ladder::draw(&record(facts), Role::UdpClient, Some(13), 78).plain());
}

#[test]
fn a_report_is_asked_for_by_format_and_file() {
    let wanted = |text: &str| text.parse::<Wanted>().map_err(|error| error.to_string());
    assert_eq!(wanted("junit"), Ok(Wanted { format: Format::Junit, file: None }));
    assert_eq!(wanted("json=-"), Ok(Wanted { format: Format::Json, file: None }));
    assert_eq!(wanted("json=a=b.json"), Ok(Wanted { format: Format::Json, file: Some("a=b.json".into()) }));
    assert_eq!(wanted("junti=x"), Err("`junti` is no report format; did you mean `junit`?".to_owned()));
    assert!(wanted("pdf").is_err_and(|error| error.contains("known here: junit, json, html, gradescope")));
    assert!(
        wanted("xlsx").is_err_and(|error| error.starts_with("`xlsx` is no report format; known here: junit, json, "))
    );
    assert!(wanted("json=").is_err_and(|error| error.contains("names no file")));
}

/// A segment between our port and the program's, as it was captured.
fn segment(ours: bool, flags: &[Flag], text: &str) -> Fact {
    let (from, to) = if ours { (at(40_000), at(12_000)) } else { (at(12_000), at(40_000)) };
    let (flags, bytes) = (flags.to_vec(), Bytes(text.as_bytes().to_vec()));
    let length = u32::try_from(text.len()).unwrap();
    Fact::Packet { transport: Transport::Tcp, from, to, flags, length, bytes }
}

#[test]
fn a_ladder_shows_packets_where_there_are_some() {
    let mut facts = vec![
        segment(true, &[Flag::Syn], ""),
        segment(false, &[Flag::Syn, Flag::Ack], ""),
        segment(true, &[Flag::Ack], ""),
        segment(true, &[Flag::Psh, Flag::Ack], "hello"),
        segment(false, &[Flag::Ack], ""),
        segment(false, &[Flag::Fin, Flag::Psh, Flag::Ack], "HELLO"),
        segment(true, &[Flag::Rst], ""),
    ];
    facts.extend(exchange("alice", 0, "hello", "HELLO"));
    let record = record(facts);
    let received = record.events.iter().position(|event| matches!(event.fact, Fact::Received { .. }));
    let drawn = ladder::draw(&record, Role::TcpServer, received, 78);
    let rows: Vec<(bool, String)> =
        drawn.rows.iter().map(|row| (row.marked, row.body.replace(['─', '│'], "").trim().to_owned())).collect();
    let wanted = [
        (false, "SYN: connects ▶"),
        (false, "◀ SYN, ACK"),
        (false, "ACK ▶"),
        (false, "\"hello\" ▶"),
        (true, "◀ \"HELLO\", FIN: closes"),
        (false, "RST: resets ▶"),
    ];
    let wanted: Vec<(bool, String)> = wanted.iter().map(|(marked, text)| (*marked, (*text).to_owned())).collect();
    assert_eq!(rows, wanted);
    assert!(drawn.plain().lines().all(|line| super::layout::width(line) <= 80));
}

#[test]
fn a_packet_to_where_nobody_is_has_a_rung_with_its_answer() {
    let (from, to) = (at(50_000), at(12_001));
    let packet = |from, to, flags: &[Flag]| Fact::Packet {
        transport: Transport::Tcp,
        from,
        to,
        flags: flags.to_vec(),
        length: 0,
        bytes: Bytes::default(),
    };
    let facts = vec![packet(from, to, &[Flag::Syn]), packet(to, from, &[Flag::Rst, Flag::Ack])];
    let text = ladder::draw(&record(facts), Role::TcpClient, None, 78).plain();
    assert!(text.contains("SYN to port 12001 ──│"), "{text}");
    assert!(text.contains("RST: nobody listens on port 12001 "), "{text}");
}
