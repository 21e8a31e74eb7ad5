#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use proptest::prelude::*;
use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, QCLASS, QTYPE, Question, RCODE, TYPE};

use super::{Answers, Names};
use crate::event::Fact;

/// A name server at a free port, and somebody who asks it.
fn pair() -> (Names, UdpSocket) {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(server.local_addr().unwrap()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    (Names { socket: server, answers: Answers::default() }, client)
}

fn query(name: &str, kind: TYPE) -> Vec<u8> {
    let mut query = Packet::new_query(4711);
    query.questions.push(Question::new(Name::new(name).unwrap(), QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN), false));
    query.build_bytes_vec().unwrap()
}

/// What is answered, and which hosts were looked for.
fn ask(names: &mut Names, client: &UdpSocket, name: &str, kind: TYPE) -> (Option<RData<'static>>, Vec<Fact>) {
    client.send(&query(name, kind)).unwrap();
    let mut seen = Vec::new();
    names.pump(&mut seen);
    let mut buffer = [0; 512];
    let length = client.recv(&mut buffer).unwrap();
    let reply = Packet::parse(&buffer[..length]).unwrap();
    assert_eq!((reply.id(), reply.rcode(), reply.questions.len()), (4711, RCODE::NoError, 1));
    let answer = reply.answers.into_iter().next().map(|answer| answer.into_owned().rdata);
    (answer, seen.into_iter().map(|seen| seen.fact).collect())
}

fn looked_up(name: &str) -> Vec<Fact> {
    vec![Fact::LookedUp { name: name.to_owned() }]
}

#[test]
fn every_host_is_this_machine() {
    let (mut names, client) = pair();
    let v4 = RData::A(std::net::Ipv4Addr::LOCALHOST.into());
    let v6 = RData::AAAA(std::net::Ipv6Addr::LOCALHOST.into());
    assert_eq!(ask(&mut names, &client, "six.example", TYPE::AAAA), (Some(v6), looked_up("six.example")));
    assert_eq!(ask(&mut names, &client, "www.Example.org", TYPE::A), (Some(v4), looked_up("www.Example.org")));
    // The second half of a question for either.
    assert_eq!(ask(&mut names, &client, "www.Example.org", TYPE::AAAA), (None, looked_up("www.Example.org")));
    for other in [TYPE::PTR, TYPE::SRV, TYPE::TXT, TYPE::MX] {
        assert_eq!(ask(&mut names, &client, "www.example.org", other), (None, Vec::new()));
    }
}

#[test]
fn an_answer_is_not_answered() {
    let (mut names, from) = pair();
    let from = from.local_addr().unwrap();
    let mut seen = Vec::new();
    let reply = super::reply(&Packet::new_query(1), &question(), None).unwrap();
    let _ = names.answers.to(&reply, from, &mut seen);
    assert!(seen.is_empty());
}

fn question() -> Question<'static> {
    Question::new(Name::new_unchecked("a.example"), QTYPE::TYPE(TYPE::A), QCLASS::CLASS(CLASS::IN), false)
}

proptest! {
    #[test]
    fn rubbish_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let (mut names, _client) = pair();
        let nobody: SocketAddr = names.socket.local_addr().unwrap();
        let _ = names.answers.to(&bytes, nobody, &mut Vec::new());
    }

    #[test]
    fn a_damaged_question_never_panics(at in 0_usize..40, value: u8, cut in 0_usize..40) {
        let (mut names, _client) = pair();
        let nobody: SocketAddr = names.socket.local_addr().unwrap();
        let mut bytes = query("a.damaged.example.org", TYPE::A);
        if let Some(byte) = bytes.get_mut(at) {
            *byte = value;
        }
        bytes.truncate(bytes.len().saturating_sub(cut));
        let _ = names.answers.to(&bytes, nobody, &mut Vec::new());
    }
}
