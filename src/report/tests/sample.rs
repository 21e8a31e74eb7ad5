//! Results that are built by hand.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::event::{Blocked, Event, Fact, OurEnd, Output, ProgramRecord, Record, Rest, Socket, SocketState, StreamEnd};
use crate::ids::{Peer, RequirementId, Role, ScenarioId, Transport};
use crate::judge::verdict::{Finding, Judged, Missing, ProgramVerdict, SubmissionVerdict, Verdict};
use crate::plan::model::{Level, Show, Visibility};
use crate::plan::points::Points;
use crate::report::Graded;
use crate::text::Bytes;

/// What a program can print to break a report.
pub(in crate::report) const HOSTILE: &str = "\0\u{1b}[31m]]>\u{fffe}\u{ffff}\u{9b}2J</failure></testcase><testcase name=\"forged\"/>\
                       [[ATTACHMENT|/etc/passwd]] [[PROPERTY|a=b]] &amp; &#0; <![CDATA[ ]]]]>\r\n::error::no\n##[error]no";

pub(in crate::report) fn judged(id: &str, title: &str, points: u32, verdict: Verdict) -> Judged {
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

pub(in crate::report) fn failed(id: &str, title: &str, points: u32, finding: Finding) -> Judged {
    Judged {
        finding: Some(finding),
        source: Some("RFC 9293, section 3.6".to_owned()),
        ..judged(id, title, points, Verdict::Failed)
    }
}

pub(in crate::report) fn finding(cause: &str, explanation: &str, event: Option<usize>) -> Finding {
    Finding {
        scenario: ScenarioId("at-once".to_owned()),
        expected: "bob receives 9 bytes".to_owned(),
        actual: "bob received 10 bytes: \"AT ONCE 1\\n\"".to_owned(),
        explanation: explanation.to_owned(),
        cause: cause.to_owned(),
        event,
    }
}

pub(in crate::report) fn program(role: Role, path: &str, requirements: Vec<Judged>) -> ProgramVerdict {
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

pub(in crate::report) fn peer(name: &str, number: u32) -> Peer {
    Peer { name: name.to_owned(), number }
}

pub(in crate::report) fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

pub(in crate::report) fn events(facts: Vec<Fact>) -> Vec<Event> {
    (0..).zip(facts).map(|(number, fact)| Event { at: number * 1_700, fact }).collect()
}

/// One client of a TCP server, from start to end.
pub(in crate::report) fn exchange(name: &str, number: u32, sentence: &str, reply: &str) -> Vec<Fact> {
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

pub(in crate::report) fn waiting(call: &str, state: SocketState, remote: Option<SocketAddr>) -> Fact {
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

pub(in crate::report) fn printed(text: &str) -> Fact {
    Fact::Printed { stream: Output::Stdout, bytes: Bytes(text.as_bytes().to_vec()), cut: 0 }
}

pub(in crate::report) fn record(facts: Vec<Fact>) -> Record {
    Record { scenario: ScenarioId("at-once".to_owned()), fresh: true, values: BTreeMap::new(), events: events(facts) }
}

pub(in crate::report) fn records(role: Role, facts: Vec<Fact>) -> ProgramRecord {
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
        spent: crate::event::Spent::default(),
        micros: 340_000,
    }
}

pub(in crate::report) fn graded(programs: Vec<ProgramVerdict>, records: Vec<ProgramRecord>) -> Graded {
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
pub(in crate::report) fn sample() -> Graded {
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
    graded.verdict.missing = vec![Missing { role, looked_for, points, shown: points, kept: Vec::new() }];
    graded
}

/// Everything that comes from a student is hostile.
pub(in crate::report) fn hostile(text: &str) -> Graded {
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

pub(in crate::report) fn with_hidden() -> Graded {
    let mut graded = sample();
    let requirements = &mut graded.verdict.programs[1].requirements;
    requirements[1].visibility = Visibility::Hidden;
    requirements[2].visibility = Visibility::AfterDueDate;
    requirements[3].verdict = Verdict::Blocked { by: RequirementId("TCPS-3".into()) };
    graded
}

/// A bit of everything, with a missing program of which only so many points are shown.
pub(in crate::report) fn with_missing(points: u32, shown: u32) -> Graded {
    let mut graded = sample();
    (graded.verdict.missing[0].points, graded.verdict.missing[0].shown) = (Points(points), Points(shown));
    graded
}
