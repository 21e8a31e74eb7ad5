//! What all outcomes say together.

use std::collections::BTreeSet;

use super::{Crossplay, Outcome, Player, Table};

impl Crossplay {
    /// How many pairs speak with each other, fail, and could not be tried.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let mut counts = (0, 0, 0);
        for cell in self.tables.iter().flat_map(|table| table.cells.iter().flatten()) {
            match cell.outcome {
                Outcome::Speaks => counts.0 += 1,
                Outcome::Fails(_) => counts.1 += 1,
                Outcome::Untried(_) => counts.2 += 1,
            }
        }
        counts
    }

    /// Whether all programs of submissions that could be tried speak with those of submissions. The
    /// references among each other speak two dialects, and say nothing about anybody.
    #[must_use]
    pub fn all_speak(&self) -> bool {
        self.tables.iter().all(|table| table.handed_in().all(|(_, _, outcome)| !matches!(outcome, Outcome::Fails(_))))
    }

    /// Whether something could not be tried.
    #[must_use]
    pub fn lacks(&self) -> bool {
        !self.left_out.is_empty() || self.counts().2 > 0
    }
}

impl Table {
    /// The pairs of which both were handed in.
    pub fn handed_in(&self) -> impl Iterator<Item = (usize, usize, &Outcome)> {
        let all = self.cells.iter().enumerate().flat_map(|(client, row)| {
            row.iter().enumerate().map(move |(server, cell)| (client, server, &cell.outcome))
        });
        all.filter(|(client, server, _)| !self.clients[*client].reference && !self.servers[*server].reference)
    }

    /// Pairs, client and server, that are both right, for each speaks with a reference, and do not speak
    /// with each other: the assignment leaves open what both must know.
    #[must_use]
    pub fn both_right(&self) -> Vec<(usize, usize)> {
        let clients: BTreeSet<usize> = self.right(&self.clients, &self.servers, |client, server| (client, server));
        let servers: BTreeSet<usize> = self.right(&self.servers, &self.clients, |server, client| (client, server));
        let fails = self.handed_in().filter(|(_, _, outcome)| matches!(outcome, Outcome::Fails(_)));
        fails
            .map(|(client, server, _)| (client, server))
            .filter(|(client, server)| clients.contains(client) && servers.contains(server))
            .collect()
    }

    /// Those of some programs that speak with a reference among the others; if that has another port, on a
    /// common one, as long as their own is that of some reference: it is a port that a lab can have.
    fn right(
        &self,
        players: &[Player],
        others: &[Player],
        cell: impl Fn(usize, usize) -> (usize, usize),
    ) -> BTreeSet<usize> {
        let usual: BTreeSet<Option<u16>> =
            others.iter().filter(|other| other.reference).map(|other| other.port).collect();
        let speaks = |player: usize, other: usize| {
            let (client, server) = cell(player, other);
            let cell = &self.cells[client][server];
            let elsewhere = cell.then == Some(Outcome::Speaks) && usual.contains(&players[player].port);
            others[other].reference && (cell.outcome == Outcome::Speaks || elsewhere)
        };
        (0..players.len()).filter(|player| (0..others.len()).any(|other| speaks(*player, other))).collect()
    }
}
