//! What was observed when a client and a server were let loose on each other.

use serde::{Deserialize, Serialize};

use super::{Event, Record};
use crate::ids::Transport;

/// A client and a server in one network, without a peer of ours between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meeting {
    /// The transport that both are meant to speak.
    pub transport: Transport,
    /// What was typed at the client's prompt, without the newline.
    pub sentence: String,
    /// What the server did.
    pub server: Record,
    /// What the client did; empty where it was not started, since there was no server.
    pub client: Record,
    /// The packets between them.
    pub packets: Vec<Event>,
    /// The port that was led to the server's, where they had none in common.
    pub led: Option<u16>,
}
