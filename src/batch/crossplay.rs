//! Every client with every server: who meets whom when, and what becomes of it.

mod pair;
mod ready;

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use tokio::task::JoinSet;

use super::Request;
use super::build::Builder;
use super::places::Places;
use super::room::Room;
use crate::ids::{Side, Transport};
use crate::judge::crossplay::{Cell, Crossplay, LeftOut, Outcome, Player, Table};
use crate::sandbox::{CopyError, Level};
use pair::Pair;
use ready::{Candidate, Ready};

/// What is to be played.
#[derive(Debug, Clone)]
pub struct CrossplayRequest {
    /// The submissions with their programs, each with whether it is a reference. Their seeds, jobs and
    /// executables do not count.
    pub entrants: Vec<(Request, bool)>,
    /// Submissions of which programs are missing here, with why and what to do.
    pub left_out: Vec<LeftOut>,
    /// What sentences are drawn from; from the submissions' content if nothing is said.
    pub seed: Option<u64>,
    /// How many pairs meet at the same time.
    pub jobs: usize,
    /// This binary, which is its own worker.
    pub executable: PathBuf,
}

/// Why there is nothing to say at all.
#[derive(Debug, Error)]
pub enum CrossplayError {
    /// A submission cannot be copied.
    #[error("`{path}`: {source}")]
    Copy {
        /// The submission.
        path: camino::Utf8PathBuf,
        /// Why.
        source: CopyError,
    },
}

/// How far it is: pairs that are done, of all.
pub type PairsDone = dyn Fn(usize, usize) + Send + Sync;

/// Has every client meet every server of its transport.
///
/// # Errors
/// A submission cannot be copied. What goes wrong later stands in the cells.
pub async fn crossplay(request: CrossplayRequest, progress: Arc<PairsDone>) -> Result<Crossplay, CrossplayError> {
    let at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    crate::sandbox::stale::sweep();
    #[cfg(target_os = "linux")]
    crate::sandbox::sweep_cgroups();
    let places = Places::alone(Room::fixed(request.jobs));
    let candidates = candidates(&request)?;
    let seed = request.seed.unwrap_or_else(|| drawn(&candidates));
    let ready = make_ready(&request, candidates, &places).await;
    let mut tables = Vec::new();
    let mut pairs = Vec::new();
    for transport in [Transport::Udp, Transport::Tcp] {
        let of = |side: Side| -> Vec<Arc<Ready>> {
            ready
                .iter()
                .filter(|ready| ready.role.transport() == transport && ready.role.side() == side)
                .cloned()
                .collect()
        };
        let (clients, servers) = (of(Side::Client), of(Side::Server));
        let is_handed_in = |ready: &Arc<Ready>| !ready.player.reference;
        if !clients.iter().chain(&servers).any(is_handed_in) {
            continue;
        }
        for (row, client) in clients.iter().enumerate() {
            for (column, server) in servers.iter().enumerate() {
                let (client, server) = (Arc::clone(client), Arc::clone(server));
                pairs.push(((tables.len(), row, column), Pair { transport, client, server, seed }));
            }
        }
        tables.push(empty(transport, &clients, &servers));
    }
    let level = play(pairs, &mut tables, &request.executable, &places, &progress).await;
    let isolation = level.map_or_else(|| "none".to_owned(), |level| level.name().to_owned());
    Ok(Crossplay { at, seed, isolation, tables, left_out: request.left_out })
}

/// A seed from the content of all submissions.
fn drawn(candidates: &[Candidate]) -> u64 {
    let digests: String = candidates.iter().map(|candidate| candidate.copy.digest().to_string()).collect();
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(digests.as_bytes()).as_bytes()[..8]);
    // As many bits as every reader of JSON keeps (RFC 8259, section 6).
    u64::from_le_bytes(first) >> 12
}

/// All programs, each with a copy of its submission.
fn candidates(request: &CrossplayRequest) -> Result<Vec<Candidate>, CrossplayError> {
    let mut all = Vec::new();
    for (entrant, reference) in &request.entrants {
        for program in &entrant.programs {
            let failed = |source| CrossplayError::Copy { path: entrant.path.clone(), source };
            let copy = crate::sandbox::PrivateCopy::of(&entrant.path).map_err(failed)?;
            all.push(Candidate::new(entrant, program, *reference, copy));
        }
    }
    Ok(all)
}

/// Builds all of them, and finds out how they want to be started; as many at a time as there are places.
async fn make_ready(request: &CrossplayRequest, candidates: Vec<Candidate>, places: &Places) -> Vec<Arc<Ready>> {
    let isolation = request.entrants.iter().find_map(|(entrant, _)| entrant.isolation);
    let builder = Arc::new(Builder::new(request.executable.clone(), isolation));
    // Without a network nobody meets, and nothing need be built or found out.
    let lacks = crate::worker::find_network(&request.executable).await.err().map(|error| error.to_string());
    let mut tasks = JoinSet::new();
    for (index, mut candidate) in candidates.into_iter().enumerate() {
        let (builder, places) = (Arc::clone(&builder), places.clone());
        candidate.lack(lacks.as_deref());
        tasks.spawn(async move {
            let _place = places.wait().await;
            (index, Arc::new(candidate.ready(builder, places).await))
        });
    }
    let mut ready = tasks.join_all().await;
    ready.sort_by_key(|(index, _)| *index);
    ready.into_iter().map(|(_, ready)| ready).collect()
}

/// A table in which nothing is known yet.
fn empty(transport: Transport, clients: &[Arc<Ready>], servers: &[Arc<Ready>]) -> Table {
    let players = |all: &[Arc<Ready>]| all.iter().map(|ready| ready.player.clone()).collect::<Vec<Player>>();
    let unknown = || Cell::plain(Outcome::Untried("it was not tried".to_owned()));
    let cells = clients.iter().map(|_| servers.iter().map(|_| unknown()).collect()).collect();
    Table { transport, clients: players(clients), servers: players(servers), cells }
}

/// Where a pair's cell is: the table, its row, its column.
type Place = (usize, usize, usize);

/// Has all pairs meet, and fills the tables; the worst level of isolation that any had.
async fn play(
    pairs: Vec<(Place, Pair)>,
    tables: &mut [Table],
    executable: &std::path::Path,
    places: &Places,
    progress: &Arc<PairsDone>,
) -> Option<Level> {
    let all = pairs.len();
    let mut tasks = JoinSet::new();
    for (place, pair) in pairs {
        let (places, executable) = (places.clone(), executable.to_owned());
        tasks.spawn(async move {
            let _place = places.wait().await;
            (place, pair.meet(&executable).await)
        });
    }
    let (mut worst, mut done) = (None, 0);
    while let Some(met) = tasks.join_next().await {
        // A task that could not be carried out leaves its cell as it was: not tried.
        let Ok(((table, row, column), met)) = met else { continue };
        worst = worst.max(met.level);
        done += 1;
        progress(done, all);
        let Some(table) = tables.get_mut(table) else { continue };
        for (player, port) in
            [(table.clients.get_mut(row), met.client_port), (table.servers.get_mut(column), met.server_port)]
        {
            if let Some(player) = player {
                player.port = player.port.or(port);
            }
        }
        if let Some(place) = table.cells.get_mut(row).and_then(|row| row.get_mut(column)) {
            *place = met.cell;
        }
    }
    worst
}
