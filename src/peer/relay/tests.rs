#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};

use super::*;

#[test]
fn a_datagram_gets_its_reply_from_where_it_went() {
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let free = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut relay = Relay::open(Transport::Udp, free, server.local_addr().unwrap()).unwrap();
    // Who is connected takes a reply from nowhere else.
    client.connect(("127.0.0.5", free)).unwrap();
    client.send(b"hello").unwrap();
    relay.pump();
    let mut buffer = [0; 100];
    let (length, from) = server.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"hello");
    server.send_to(b"HELLO", from).unwrap();
    relay.pump();
    let length = client.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"HELLO");
}

#[tokio::test]
async fn a_connection_is_carried_to_its_ends() {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let _relay = Relay::open(Transport::Tcp, free, server.local_addr().unwrap()).unwrap();
    let talk = std::thread::spawn(move || {
        let (mut connection, _) = server.accept().unwrap();
        let mut asked = Vec::new();
        connection.read_to_end(&mut asked).unwrap();
        connection.write_all(&asked.to_ascii_uppercase()).unwrap();
    });
    let ask = tokio::task::spawn_blocking(move || {
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, free)).unwrap();
        client.write_all(b"hello").unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        let mut reply = Vec::new();
        client.read_to_end(&mut reply).unwrap();
        reply
    });
    assert_eq!(ask.await.unwrap(), b"HELLO");
    talk.join().unwrap();
}
