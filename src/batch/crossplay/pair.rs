//! A client and a server: their meeting, and a second one where they have no port in common.

use std::path::Path;
use std::sync::Arc;

use super::ready::Ready;
use crate::ids::Transport;
use crate::judge::crossplay::{Cell, Exchange, Outcome, outcome, ports};
use crate::sandbox::Level;
use crate::worker::{MeetJob, meet};

/// A client and a server that are to meet.
pub(super) struct Pair {
    pub(super) transport: Transport,
    pub(super) client: Arc<Ready>,
    pub(super) server: Arc<Ready>,
    pub(super) seed: u64,
}

/// What came of a pair.
pub(super) struct Met {
    pub(super) cell: Cell,
    /// How well they were isolated, where they were run.
    pub(super) level: Option<Level>,
    /// The ports that the client and the server were seen to have of their own.
    pub(super) client_port: Option<u16>,
    pub(super) server_port: Option<u16>,
}

impl Pair {
    pub(super) async fn meet(&self, executable: &Path) -> Met {
        let nothing = |outcome| Met { cell: Cell::plain(outcome), level: None, client_port: None, server_port: None };
        if let Some(lacks) = self.lacks() {
            return nothing(lacks);
        }
        let mut job = self.job();
        let (first, level) = match meet(executable, &job).await {
            Ok(met) => met,
            Err(error) => return nothing(Outcome::Untried(error.to_string())),
        };
        let mut cell = Cell::plain(outcome(&first));
        if let (Some((client, _)), Outcome::Fails(_)) = (ports(&first), &cell.outcome) {
            job.lead = Some(client);
            cell.then = Some(match meet(executable, &job).await {
                Ok((second, _)) => outcome(&second),
                Err(error) => Outcome::Untried(error.to_string()),
            });
        }
        let exchange = Exchange::of(&first);
        let client_port = exchange.clients_port().filter(|_| !self.client.takes_port());
        let server_port = exchange.server.map(|server| server.port()).filter(|_| !self.server.takes_port());
        Met { cell, level, client_port, server_port }
    }

    /// Why they cannot meet: what is a program's fault comes first, for it holds on any machine.
    fn lacks(&self) -> Option<Outcome> {
        let both = [&self.server.lacks, &self.client.lacks];
        let is_fault = |lacks: &&Outcome| matches!(lacks, Outcome::Fails(_));
        let fault = both.into_iter().flatten().find(is_fault);
        fault.or_else(|| both.into_iter().flatten().next()).cloned()
    }

    fn job(&self) -> MeetJob {
        // Who is told its port is told the other's.
        let port = if self.server.takes_port() { self.client.port } else { self.server.port };
        let mut hosts = self.server.hosts.clone();
        hosts.extend(self.client.hosts.iter().cloned());
        MeetJob {
            transport: self.transport,
            server: self.server.half(port),
            port,
            client: self.client.half(port),
            sentence: self.sentence(),
            lead: None,
            hosts,
        }
    }

    /// What is typed: nothing that anybody could know before. The same to all, so that what they make of
    /// it can be compared.
    fn sentence(&self) -> String {
        let hash = blake3::hash(self.seed.to_string().as_bytes());
        let letters = hash.as_bytes()[..10].iter().map(|byte| char::from(b'a' + byte % 26));
        format!("do you hear {}", letters.collect::<String>())
    }
}
