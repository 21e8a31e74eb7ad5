//! TCP connections, carried on.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet};

/// Accepts connections, and makes one to the server for each.
#[derive(Debug)]
pub struct Streams {
    task: JoinHandle<()>,
}

impl Streams {
    pub(super) fn open(port: u16, server: SocketAddr) -> io::Result<Self> {
        // The second is for machines without IPv6; a socket on `::` takes IPv4 as well (ipv6(7)).
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port))
            .or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)))?;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let task = tokio::spawn(async move {
            let mut carried = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                carried.spawn(carry(client, server));
            }
        });
        Ok(Self { task })
    }
}

/// Carries bytes and ends both ways. Where one side breaks the connection, so does this for the other.
async fn carry(mut client: TcpStream, server: SocketAddr) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    // Who sends byte by byte does so here too: a piece that waits for its acknowledgement would look like rest.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    if tokio::io::copy_bidirectional(&mut client, &mut server).await.is_err() {
        for stream in [&client, &server] {
            let _ = socket2::SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO));
        }
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        self.task.abort();
    }
}
