//! Names and contents as students have them.

#![allow(clippy::expect_used, reason = "a test fails by a panic")]

use std::fs;

use super::clues::*;
use super::*;

fn named(name: &str) -> Option<Role> {
    let clues = Clues::of(Utf8Path::new("/nowhere"), Utf8Path::new(name));
    clues.ranked().first().map(|(role, _)| *role)
}

/// A submission with these files, all without content unless one is given.
fn submission(files: &[(&str, &str)]) -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).expect("UTF-8");
    for (name, content) in files {
        let file = root.join(name);
        fs::create_dir_all(file.parent().expect("a parent")).expect("made");
        fs::write(file, content).expect("written");
    }
    (folder, root)
}

fn find(files: &[&str], role: Role) -> Found {
    let files: Vec<(&str, &str)> = files.iter().map(|name| (*name, "")).collect();
    let (_folder, root) = submission(&files);
    in_folder(&root, &Role::ALL, &BTreeMap::new(), &[]).remove(&role).expect("an answer")
}

fn paths(found: Found) -> Vec<String> {
    match found {
        Found::Clear(candidate) => vec![candidate.path.to_string()],
        Found::Unclear(candidates) => candidates.into_iter().map(|candidate| candidate.path.to_string()).collect(),
        Found::Missing { .. } => Vec::new(),
    }
}

#[test]
fn names_are_read_as_they_are_typed() {
    let names = [
        (
            Role::UdpServer,
            &[
                "UDPServer.py",
                "udpserver.py",
                "udp_server.py",
                "UDPS.py",
                "s-udp.py",
                "ServerUDP.py",
                "UPDServer.py",
                "udp_server_v2.py",
                "UDP Server.py",
                "udp_srv.py",
                "udp/server.py",
                "UDP/Sever.py",
                "server/udp.py",
                "lab2/udp/server/main.py",
                "UDPSrever.py",
            ][..],
        ),
        (
            Role::UdpClient,
            &[
                "UDPClient.py",
                "UPDClient.py",
                "UDPC.py",
                "c_udp.py",
                "udp-cleint.py",
                "udp/client.py",
                "part1-udp/myclient.py",
                "UdpCliente.py",
            ][..],
        ),
        (
            Role::TcpServer,
            &[
                "TCPServer.py",
                "s-tcp.py",
                "TCPS.py",
                "tcp_server_final.py",
                "TPCServer.py",
                "TCPSever.py",
                "tcp/server.py",
            ][..],
        ),
        (
            Role::TcpClient,
            &[
                "TCPClient.py",
                "TCPCLient.py",
                "c-tcp.py",
                "TCPC.py",
                "TCPClinet.py",
                "tcp/client.py",
                "TCP/TCPClient.py",
                "tcp_c.py",
            ][..],
        ),
    ];
    for (role, names) in names {
        for name in names {
            assert_eq!(named(name), Some(role), "{name}");
        }
    }
}

#[test]
fn other_names_say_nothing() {
    for name in [
        "main.py",
        "server.py",
        "client.py",
        "udp.py",
        "util.py",
        "update_server.py",
        "eclipse_udp.py",
        "climbing/udp.py",
    ] {
        assert_eq!(named(name), None, "{name}");
    }
}

#[test]
fn the_nearer_name_wins() {
    assert_eq!(paths(find(&["UDPServer.py", "UDPServerHelpers.py"], Role::UdpServer)), ["UDPServer.py"]);
    assert_eq!(paths(find(&["UDPServer.py", "UDPServer_old.py"], Role::UdpServer)), ["UDPServer.py"]);
    assert_eq!(paths(find(&["UDPServer.py", "deep/er/UDPServer.py"], Role::UdpServer)), ["UDPServer.py"]);
    assert_eq!(paths(find(&["UDPServer.py", "server.py"], Role::UdpServer)), ["UDPServer.py"]);
}

#[test]
fn what_fits_alike_is_unclear_and_names_the_flag() {
    let found = find(&["udp_server.py", "udp_server_v2.py", "TCPServer.py"], Role::UdpServer);
    assert_eq!(paths(found.clone()), ["udp_server.py", "udp_server_v2.py"]);
    let error = found.decided(Role::UdpServer, Utf8Path::new("lab")).expect_err("unclear").to_string();
    assert!(error.contains("lab/udp_server_v2.py"), "{error}");
    assert!(error.contains("sockspec check lab/udp_server.py --role udp-server"), "{error}");
    assert_eq!(paths(find(&["a/TCPClient.py", "b/TCPClient.py"], Role::TcpClient)).len(), 2);
}

#[test]
fn only_known_languages_count_and_hidden_files_do_not() {
    let files = ["UDPServer.cob", "UDPServer.pyc", ".git/UDPServer.py", "venv/UDPServer.py", "._UDPServer.py"];
    let found = find(&files, Role::UdpServer);
    assert_eq!(found, Found::Missing { looked_for: "a file such as UDPServer.py".to_owned() });
}

#[test]
fn the_content_helps_out_where_the_name_says_too_little() {
    let udp = "s = socket(AF_INET, SOCK_DGRAM)\ns.bind(('', 12000))\n";
    let tcp = "s = socket(AF_INET, SOCK_STREAM)\ns.bind(('', 12000))\ns.listen(1)\n";
    let (_folder, root) = submission(&[("server1.py", udp), ("server2.py", tcp)]);
    let mut found = in_folder(&root, &Role::ALL, &BTreeMap::new(), &[]);
    assert_eq!(paths(found.remove(&Role::UdpServer).expect("found")), ["server1.py"]);
    assert_eq!(paths(found.remove(&Role::TcpServer).expect("found")), ["server2.py"]);
    assert_eq!(role_of(&root.join("server2.py")).map(|candidate| candidate.role), Ok(Role::TcpServer));
}

#[test]
fn a_name_of_the_other_side_is_a_slip() {
    let udp = "s = socket(AF_INET, SOCK_DGRAM)\ns.bind(('', 12000))\nm, c = s.recvfrom(2048)\ns.sendto(m, c)\n";
    let (_folder, root) = submission(&[("TCPC.py", udp)]);
    let found = role_of(&root.join("TCPC.py")).expect("a role");
    assert_eq!((found.role, found.mixed_up), (Role::UdpServer, true));
}

#[test]
fn programs_of_every_language_are_told_by_their_content() {
    for (name, text, role) in [
        ("a.go", "conn, _ := net.Dial(\"tcp\", \"localhost:12000\")", Role::TcpClient),
        ("b.go", "ln, err := net.Listen(\"tcp\", \":12000\")", Role::TcpServer),
        ("c.js", "const net = require('net');\nnet.createServer(f).listen(12000)", Role::TcpServer),
        ("d.java", "Socket s = new Socket(\"localhost\", 6789);", Role::TcpClient),
        ("e.java", "ServerSocket w = new ServerSocket(6789); Socket s = w.accept();", Role::TcpServer),
        ("f.java", "DatagramSocket s = new DatagramSocket(); s.send(p); s.receive(q);", Role::UdpClient),
        ("g.rs", "let l = TcpListener::bind(\"0.0.0.0:12000\").unwrap();", Role::TcpServer),
        ("i.py", "socketserver.UDPServer(('', 12000), H).serve_forever()\nsock.sendto(x, y)", Role::UdpServer),
        (
            "UDPServer.py",
            "await loop.create_datagram_endpoint(P, local_addr=('0.0.0.0', 1))\nself.t.sendto(d, a)",
            Role::UdpServer,
        ),
        ("h.c", "int s = socket(AF_INET, SOCK_STREAM, 0);\n  connect(s, a, n);", Role::TcpClient),
    ] {
        let (_folder, root) = submission(&[(name, text)]);
        assert_eq!(role_of(&root.join(name)).map(|found| found.role), Ok(role), "{name}");
    }
}

#[test]
fn the_name_outweighs_the_content() {
    let (_folder, root) = submission(&[("UDPServer.py", "s = socket(AF_INET, SOCK_STREAM)\ns.listen(1)\n")]);
    assert_eq!(role_of(&root.join("UDPServer.py")).map(|candidate| candidate.role), Ok(Role::UdpServer));
}

#[test]
fn a_file_that_says_nothing_asks_for_the_flag() {
    let (_folder, root) = submission(&[("main.py", "print('hello')"), ("main.cob", "")]);
    let error = role_of(&root.join("main.py")).expect_err("no role").to_string();
    assert!(error.contains("--role ROLE"), "{error}");
    let error = role_of(&root.join("main.cob")).expect_err("no language").to_string();
    assert!(error.contains("-- COMMAND") && error.contains("Python (.py"), "{error}");
}

#[test]
fn an_assignments_patterns_come_first() {
    let (_folder, root) = submission(&[("UDPServer.py", ""), ("part1.py", ""), ("src/Part2.py", ""), ("run.cob", "")]);
    let patterns = BTreeMap::from([
        (Role::UdpServer, vec!["part1.*".to_owned()]),
        (Role::TcpServer, vec!["nothing.py".to_owned(), "src/*2.py".to_owned()]),
        (Role::TcpClient, vec!["*.cob".to_owned()]),
        (Role::UdpClient, vec!["*.cob".to_owned()]),
    ]);
    let mut found = in_folder(&root, &Role::ALL, &patterns, &[Role::TcpClient]);
    assert_eq!(paths(found.remove(&Role::UdpServer).expect("found")), ["part1.py"]);
    assert_eq!(paths(found.remove(&Role::TcpServer).expect("found")), ["src/Part2.py"]);
    assert_eq!(paths(found.remove(&Role::TcpClient).expect("found")), ["run.cob"]);
    assert_eq!(found.remove(&Role::UdpClient), Some(Found::Missing { looked_for: "*.cob".to_owned() }));
}

#[test]
fn patterns_are_globs() {
    for (pattern, path, wanted) in [
        ("*Server*.py", "a/UDPServer2.py", true),
        ("server.py", "a/Server.py", true),
        ("server.py", "a/xserver.py", false),
        ("a/*.py", "a/b.py", true),
        ("*", "x", true),
        ("a*a", "a", false),
    ] {
        assert_eq!(matches(pattern, Utf8Path::new(path)), wanted, "{pattern} {path}");
    }
}
