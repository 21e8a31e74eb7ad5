#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::*;
use crate::event::{Blocked, Event, Exit, Fact, Flag, Meeting, Output, Record, Rest, Socket, SocketState};
use crate::ids::ScenarioId;
use crate::text::Bytes;

const CLIENT: u16 = 40_000;

fn at(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

fn socket(transport: Transport, state: SocketState, local: SocketAddr, remote: Option<SocketAddr>) -> Socket {
    Socket { transport, local, remote, state, inode: 1, unread: 0 }
}

fn record(facts: Vec<Fact>) -> Record {
    let events = facts.into_iter().map(|fact| Event { at: 0, fact }).collect();
    Record { scenario: ScenarioId("half".to_owned()), fresh: true, values: BTreeMap::new(), events }
}

fn rest(call: &str, socket: Option<Socket>) -> Fact {
    let (name, call) = (String::new(), call.to_owned());
    let thread = Blocked { pid: 1, tid: 1, name, call, descriptor: Some(3), socket, timed: false };
    Fact::Rest { how: Rest::Quiescent, threads: vec![thread] }
}

fn printed(text: &str) -> Fact {
    Fact::Printed { stream: Output::Stdout, bytes: Bytes(text.as_bytes().to_vec()), cut: 0 }
}

fn packet(transport: Transport, from: u16, to: u16, flags: &[Flag], text: &str) -> Event {
    let bytes = Bytes(text.as_bytes().to_vec());
    let length = u32::try_from(text.len()).unwrap();
    Event { at: 0, fact: Fact::Packet { transport, from: at(from), to: at(to), flags: flags.to_vec(), length, bytes } }
}

/// A server on port 12000, and what else is known.
fn meeting(transport: Transport, server: Vec<Fact>, client: Vec<Fact>, packets: Vec<Event>) -> Meeting {
    let state = if transport == Transport::Udp { SocketState::Bound } else { SocketState::Listening };
    let mut facts = vec![Fact::Sockets { sockets: vec![socket(transport, state, at(12_000), None)] }];
    facts.extend(server);
    let sentence = "hello there".to_owned();
    Meeting { transport, sentence, server: record(facts), client: record(client), packets, led: None }
}

/// A datagram each way.
fn datagrams(asked: &str, replied: &str, output: &str) -> Meeting {
    let packets =
        vec![packet(Transport::Udp, CLIENT, 12_000, &[], asked), packet(Transport::Udp, 12_000, CLIENT, &[], replied)];
    meeting(Transport::Udp, Vec::new(), vec![printed(output)], packets)
}

fn code(meeting: &Meeting) -> String {
    match outcome(meeting) {
        Outcome::Speaks => "speaks".to_owned(),
        Outcome::Fails(cause) => cause.code,
        Outcome::Untried(reason) => reason,
    }
}

#[test]
fn what_the_client_prints_decides() {
    for (asked, replied, output, wanted) in [
        ("hello there", "HELLO THERE", "Reply: HELLO THERE\n", "speaks"),
        ("my own text", "MY OWN TEXT", "MY OWN TEXT\n", "speaks"),
        ("hello there", "HELLO THERE", "b'HELLO THERE'\n", "client-prints-repr"),
        ("hello there", "HELLO THERE", "HELLO TH\n", "client-cuts"),
        ("hello there", "HELLO THERE", "done\n", "client-prints-otherwise"),
        ("hello there", "HELLO THERE\0\0\0", "HELLO THERE\0\0\0\n", "server-pads"),
        ("hello there", "HELLO THERE\0\0\0", "HELLO THERE\n", "speaks"),
        ("hello there\n\0", "HELLO THERE\n\0", "HELLO THERE\n\0", "speaks"),
        ("hello there\0", "HELLO THERE\0", "HELLO THERE\0\n", "client-pads"),
        ("hello there", "HELLO THERE", "HELLO THERE\0\0\n", "client-prints-buffer"),
        ("hello there", "hello there", "hello there\n", "not-capitals"),
        ("hello there", "Hello There", "Hello There\n", "not-capitals"),
        ("hello there", "HELLO TH", "HELLO TH\n", "reply-cut"),
        ("hello there", "b'HELLO THERE'", "b'HELLO THERE'\n", "server-sends-repr"),
        ("b'hello there'", "B'HELLO THERE'", "B'HELLO THERE'\n", "client-sends-repr"),
        ("hello the", "HELLO THE", "HELLO THE\n", "client-sends-less"),
        // The server's answer is what counts, not what the client works out itself.
        ("hello there", "go away", "HELLO THERE\n", "not-capitals"),
    ] {
        assert_eq!(code(&datagrams(asked, replied, output)), wanted, "{asked:?} {replied:?} {output:?}");
    }
}

#[test]
fn a_server_that_waits_in_a_connection_wants_more() {
    let connection = socket(Transport::Tcp, SocketState::Connected, at(12_000), Some(at(CLIENT)));
    let server = || vec![rest("recv", Some(connection.clone()))];
    let asked = |text: &str| vec![packet(Transport::Tcp, CLIENT, 12_000, &[Flag::Ack], text)];
    assert_eq!(code(&meeting(Transport::Tcp, server(), vec![], asked("hello there"))), "waits-for-newline");
    assert_eq!(code(&meeting(Transport::Tcp, server(), vec![], asked("hello there\n"))), "waits-for-end");
    let accepting = vec![rest("accept", Some(socket(Transport::Tcp, SocketState::Listening, at(12_000), None)))];
    assert_eq!(code(&meeting(Transport::Tcp, accepting, vec![], asked("hello there"))), "no-reply");
    let mut closed = asked("hello there");
    closed.push(packet(Transport::Tcp, 12_000, CLIENT, &[Flag::Fin, Flag::Ack], ""));
    assert_eq!(code(&meeting(Transport::Tcp, vec![], vec![], closed)), "closed");
}

#[test]
fn a_client_that_waits_behind_the_reply_wants_more() {
    let connection = socket(Transport::Tcp, SocketState::Connected, at(CLIENT), Some(at(12_000)));
    let played = |reply: &str| {
        let packets = vec![
            packet(Transport::Tcp, CLIENT, 12_000, &[], "hello there\n"),
            packet(Transport::Tcp, 12_000, CLIENT, &[], reply),
        ];
        meeting(Transport::Tcp, vec![], vec![rest("recv", Some(connection.clone()))], packets)
    };
    assert_eq!(code(&played("HELLO THERE\n")), "client-waits-for-end");
    assert_eq!(code(&played("HELLO THERE")), "client-waits-for-newline");
}

#[test]
fn ports_differ_where_nobody_is_at_the_clients() {
    let sent = packet(Transport::Udp, CLIENT, 12_001, &[], "hello there");
    let back = Event { at: 0, fact: Fact::Unreachable { from: at(CLIENT), to: at(12_001) } };
    let udp = meeting(Transport::Udp, vec![], vec![], vec![sent, back]);
    assert_eq!((code(&udp).as_str(), ports(&udp)), ("ports-differ", Some((12_001, 12_000))));
    let tcp = meeting(
        Transport::Tcp,
        vec![],
        vec![],
        vec![
            packet(Transport::Tcp, CLIENT, 6789, &[Flag::Syn], ""),
            packet(Transport::Tcp, 6789, CLIENT, &[Flag::Rst, Flag::Ack], ""),
        ],
    );
    assert_eq!((code(&tcp).as_str(), ports(&tcp)), ("ports-differ", Some((6789, 12_000))));
    assert_eq!(ports(&datagrams("hello there", "HELLO THERE", "")), None);
}

#[test]
fn transports_are_told_apart() {
    let tcp = vec![packet(Transport::Tcp, CLIENT, 12_000, &[Flag::Syn], "")];
    assert_eq!(code(&meeting(Transport::Udp, vec![], vec![], tcp)), "client-transport");
    let listening = socket(Transport::Tcp, SocketState::Listening, at(12_000), None);
    let server = vec![Fact::Sockets { sockets: vec![listening] }];
    assert_eq!(code(&meeting(Transport::Udp, server, vec![], vec![])), "server-transport");
}

#[test]
fn a_crash_is_told_with_its_words_and_the_machines_fault_is_nobodys() {
    let crash =
        "Traceback (most recent call last):\n  File \"/submission/s.py\", line 7, in <module>\n    f()\nNameError: f\n";
    let facts = || vec![printed(crash), Fact::Exited { how: Exit::Status(1), stopped: false }];
    let asked = vec![packet(Transport::Udp, CLIENT, 12_000, &[], "hello there")];
    let Outcome::Fails(cause) = outcome(&meeting(Transport::Udp, facts(), vec![], asked)) else { panic!("it failed") };
    assert_eq!(cause.code, "server-ended");
    assert!(cause.words.contains("NameError: f (line 7 of s.py"), "{}", cause.words);
    let trouble = Fact::Trouble { what: "no room".to_owned() };
    assert_eq!(
        outcome(&meeting(Transport::Udp, vec![trouble], vec![], vec![])),
        Outcome::Untried("no room".to_owned())
    );
}

fn player(name: &str, reference: bool) -> Player {
    Player { name: name.to_owned(), path: "p".to_owned(), language: "Python".to_owned(), reference, port: None }
}

#[test]
fn both_are_right_that_speak_with_a_reference() {
    let cell = |speaks: bool| Cell::plain(if speaks { Outcome::Speaks } else { Outcome::fails("x", "x") });
    let players = || vec![player("alice", false), player("bob", false), player("python", true), player("java", true)];
    // Alice's are right in one dialect, Bob's in the other; nobody speaks with a server that is wrong.
    let rows = [
        [true, false, true, false],
        [false, true, false, true],
        [true, false, true, false],
        [false, true, false, true],
    ];
    let cells = |rows: [[bool; 4]; 4]| rows.map(|row| row.map(cell).to_vec()).to_vec();
    let table = Table { transport: Transport::Tcp, clients: players(), servers: players(), cells: cells(rows) };
    assert_eq!(table.both_right(), [(0, 1), (1, 0)]);
    let mut wrong = rows;
    (wrong[3][1], wrong[2][1]) = (false, false);
    let table = Table { cells: cells(wrong), ..table };
    assert_eq!(table.both_right(), [(1, 0)], "Bob's server speaks with no reference");
    // Where a reference has another port, Bob's server is right on a common one, if his is one that a lab has.
    let mut table = table;
    table.cells[3][1].then = Some(Outcome::Speaks);
    for (player, port) in table.servers.iter_mut().chain(&mut table.clients).zip([7, 12_000, 12_000, 6789].repeat(2)) {
        player.port = Some(port);
    }
    assert_eq!(table.both_right(), [(0, 1), (1, 0)]);
    table.servers[1].port = Some(12_001);
    assert_eq!(table.both_right(), [(1, 0)], "a port of one's own is nobody else's fault");
    let played =
        Crossplay { at: String::new(), seed: 0, isolation: String::new(), tables: vec![table], left_out: vec![] };
    assert!(!played.all_speak() && !played.lacks());
}
