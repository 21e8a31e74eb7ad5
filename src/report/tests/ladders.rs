//! What an exchange looks like.

use super::sample::{at, exchange, peer, printed, record};
use crate::event::{Exit, Fact, Flag, Output, Rest, StreamEnd};
use crate::ids::{Role, Transport};
use crate::report::{ladder, layout};
use crate::text::Bytes;

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
    assert!(drawn.plain().lines().all(|line| layout::width(line) <= 80));
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
