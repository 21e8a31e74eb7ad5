//! Real inputs of each target: what the project itself is written in, and what its grader makes.

use std::path::Path;
use std::process::Command;

use crate::packing::{gzip, tar, zip};

/// The inputs of a target.
pub fn of(name: &str) -> Vec<Vec<u8>> {
    match name {
        "suite" | "assignment" => texts(&["specs", "tests/lint"], &["yaml", "yml"]),
        "record" => records(),
        "archive" => archives(),
        "layout" => layouts(),
        "quote" => texts(&["fixtures/hostile", "fixtures/mute", "specs"], &["py", "md", "yaml", "c"]),
        "packet" => packets(),
        "name" => questions(),
        other => panic!("no inputs are known for {other}"),
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files of some kinds below some folders.
fn texts(folders: &[&str], kinds: &[&str]) -> Vec<Vec<u8>> {
    let all = folders.iter().flat_map(|folder| walkdir::WalkDir::new(root().join(folder)).sort_by_file_name());
    let wanted = all
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|ending| kinds.iter().any(|kind| ending == *kind)));
    wanted.map(|entry| std::fs::read(entry.path()).unwrap()).collect()
}

/// Records of programs that are right and wrong, small ones: made by the grader itself.
fn records() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let programs = [
        ("mutants/udp-server/echoes.py", "udp-server"),
        ("reference/python/TCPClient.py", "tcp-client"),
        ("mutants/tcp-server/reset-by-linger.py", "tcp-server"),
    ];
    let record = |(program, role): &(&str, &str)| {
        let file = folder.path().join("record.json");
        let mut grader = Command::new(env!("CARGO_BIN_EXE_sockspec"));
        grader.args(["check", "--role", role, "--record"]).arg(&file).arg(root().join("fixtures").join(program));
        let output = grader.output().unwrap();
        std::fs::read(&file).unwrap_or_else(|error| panic!("{program}: {error}: {output:?}"))
    };
    programs.iter().map(record).collect()
}

fn archives() -> Vec<Vec<u8>> {
    let files: &[(&str, &[u8])] = &[("lab/UDPServer.py", b"import socket\n"), ("lab/notes.txt", &[b'x'; 3000])];
    let inner = zip(files);
    let nested: &[(&str, &[u8])] = &[("inner.zip", &inner), ("a.py", b"print()\n")];
    vec![zip(files), tar(files), gzip(&tar(files)), zip(nested), gzip(&tar(nested))]
}

fn layouts() -> Vec<Vec<u8>> {
    [
        "Ada Lovelace_4711_assignsubmission_file_/UDPServer.py\nAlan Turing_4712_assignsubmission_file_/TCPServer.py\n\
         Alan Turing_4712_assignsubmission_onlinetext_/onlinetext.html\n",
        "lovelaceada_1001_2002_UDPServer.py\nturingalan_LATE_1002_2003_TCPServer-1.py\nturingalan_1002_2004_lab.zip\n",
        "assignment_export/submission_metadata.yml\nassignment_export/submission_1/UDPServer.py\n\
         assignment_export/submission_2/TCPServer.py\n",
        "lab2-ada/UDPServer.py\nlab2-alan/TCPServer.py\nlab2-alan/.git/config\n",
        "ada/UDPServer.py\nalan/TCPServer.py\n__MACOSX/ada/._UDPServer.py\n.DS_Store\n",
    ]
    .map(|names| names.as_bytes().to_vec())
    .to_vec()
}

/// Packets as a loopback interface has them.
fn packets() -> Vec<Vec<u8>> {
    use etherparse::PacketBuilder;

    let (one, other) = ([127, 0, 0, 1], [127, 0, 0, 77]);
    let six = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let mut all = vec![Vec::new(); 5];
    PacketBuilder::ipv4(one, other, 64).udp(40_000, 12_000).write(&mut all[0], b"hello").unwrap();
    PacketBuilder::ipv4(one, other, 64).tcp(40_000, 12_000, 1, 1000).syn().write(&mut all[1], b"").unwrap();
    PacketBuilder::ipv6(six, six, 64).tcp(40_000, 12_000, 1, 9).fin().psh().ack(7).write(&mut all[2], b"bye").unwrap();
    PacketBuilder::ipv6(six, six, 64).udp(40_000, 12_000).write(&mut all[3], &[b'x'; 2000]).unwrap();
    let unreachable = etherparse::Icmpv4Type::DestinationUnreachable(etherparse::icmpv4::DestUnreachableHeader::Port);
    let returned = all[0][..28].to_vec();
    PacketBuilder::ipv4(other, one, 64).icmpv4(unreachable).write(&mut all[4], &returned).unwrap();
    all
}

/// Questions as the C library asks them.
fn questions() -> Vec<Vec<u8>> {
    use simple_dns::{CLASS, Name, Packet, QCLASS, QTYPE, Question, TYPE};

    let ask = |name: &'static str, kind| {
        let mut query = Packet::new_query(4711);
        let question = Question::new(Name::new(name).unwrap(), QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN), false);
        query.questions.push(question);
        query.build_bytes_vec().unwrap()
    };
    let kinds = [TYPE::A, TYPE::AAAA, TYPE::MX, TYPE::TXT];
    kinds.into_iter().flat_map(|kind| ["servername", "www.example.org"].map(|name| ask(name, kind))).collect()
}
