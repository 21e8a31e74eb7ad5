//! What each peer is at a point of a scenario, as far as it can be told from the steps alone.

use std::collections::BTreeMap;

use crate::ids::Transport;
use crate::plan::settings;
use crate::span::{Mistake, suggest};
use crate::spec::suite::Name;

/// What a peer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `open`: asks by UDP.
    Asker,
    /// `bind`: answers by UDP.
    Answerer,
    /// `connect` or `accept`: one end of a TCP connection.
    Stream,
    /// `listen`: takes TCP connections.
    Listener,
}

impl Kind {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Asker => "a UDP client",
            Self::Answerer => "a UDP server",
            Self::Stream => "a TCP connection",
            Self::Listener => "a listening TCP socket",
        }
    }

    /// Its transport.
    pub fn transport(self) -> Transport {
        match self {
            Self::Asker | Self::Answerer => Transport::Udp,
            Self::Stream | Self::Listener => Transport::Tcp,
        }
    }
}

/// What is done to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// `send`.
    Send,
    /// `await`.
    Await,
    /// `shutdown`.
    Shutdown,
    /// `close`.
    Close,
    /// `reset`.
    Reset,
}

/// How far a peer's life is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Open,
    SendingEnded,
    Over,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct One {
    kind: Kind,
    life: Life,
    /// How often a step opened one of this name.
    times: u32,
    /// Whether it holds the assigned port.
    port: bool,
}

/// All peers so far. A name can stand for a listening socket and for the connections that it took.
#[derive(Debug, Clone, Default)]
pub(super) struct Peers {
    talkers: BTreeMap<String, One>,
    listeners: BTreeMap<String, One>,
}

impl Peers {
    /// The names of all.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.talkers.keys().chain(self.listeners.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What a name stands for.
    pub fn kinds(&self, name: &str) -> Vec<Kind> {
        self.talkers.get(name).into_iter().chain(self.listeners.get(name)).map(|one| one.kind).collect()
    }

    /// What a name is unknown as, with the nearest one that is known.
    pub fn unknown(&self, name: &Name, when: &str) -> Mistake {
        let message = format!("no step opens a peer `{}`{when}", name.value);
        let mut mistake = Mistake::new(name.span, message);
        mistake.help = suggest(&name.value, &self.names());
        // A slip of the hand is one whatever else is wrong.
        mistake.if_whole = crate::span::nearest(&name.value, self.names()).is_none();
        mistake
    }

    /// A step opens a peer; `port` where it takes the assigned port.
    pub fn open(&mut self, name: &Name, kind: Kind, port: bool, accepted: bool) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        settings::name(&name.value, name.span, "a peer's name", &mut mistakes);
        let other = match kind {
            Kind::Listener => self.talkers.get(&name.value),
            _ => self.listeners.get(&name.value).filter(|_| !accepted),
        };
        let same = self.slot(kind).get(&name.value).filter(|one| one.kind != kind);
        if let Some(one) = other.or(same) {
            let message = format!("`{}` is {} already", name.value, one.kind.words());
            mistakes.push(Mistake::new(name.span, message).help("give this one a name of its own"));
        } else if port && let Some(holder) = self.holder(kind.transport()) {
            let message = format!("`{holder}` has the assigned {} port already", kind.transport());
            mistakes.push(Mistake::new(name.span, message).help("close that one first"));
        }
        let slot = self.slot_mut(kind);
        let times = slot.get(&name.value).map_or(0, |one| one.times) + 1;
        slot.insert(name.value.clone(), One { kind, life: Life::Open, times, port });
        mistakes
    }

    fn slot(&self, kind: Kind) -> &BTreeMap<String, One> {
        if kind == Kind::Listener { &self.listeners } else { &self.talkers }
    }

    fn slot_mut(&mut self, kind: Kind) -> &mut BTreeMap<String, One> {
        if kind == Kind::Listener { &mut self.listeners } else { &mut self.talkers }
    }

    /// Who holds the assigned port.
    fn holder(&self, transport: Transport) -> Option<&str> {
        let mut all = self.talkers.iter().chain(&self.listeners);
        all.find(|(_, one)| one.port && one.life != Life::Over && one.kind.transport() == transport)
            .map(|(name, _)| name.as_str())
    }

    /// A step takes a connection from a listening peer.
    pub fn listening(&self, name: &Name) -> Result<(), Mistake> {
        match (self.listeners.get(&name.value), self.talkers.get(&name.value)) {
            (Some(one), _) if one.life == Life::Over => {
                Err(Mistake::new(name.span, format!("`{}` does not listen any more here", name.value)))
            }
            (Some(_), _) => Ok(()),
            (None, Some(one)) => {
                let message = format!("`{}` is {} and takes no connections", name.value, one.kind.words());
                Err(Mistake::new(name.span, message).help(format!("`listen: {}` opens a peer that does", name.value)))
            }
            (None, None) => Err(self.unknown(name, " before this")),
        }
    }

    /// A step does something to a peer. What it is, where that can be done to it.
    pub fn act(&mut self, name: &Name, act: Act) -> Result<Kind, Mistake> {
        let unknown = self.unknown(name, " before this");
        let alive = |one: &&mut One| one.life != Life::Over;
        let listens = self.listeners.contains_key(&name.value);
        if act == Act::Close
            && self.talkers.get(&name.value).is_none_or(|one| one.life == Life::Over)
            && let Some(one) = self.listeners.get_mut(&name.value).filter(alive)
        {
            one.life = Life::Over;
            return Ok(one.kind);
        }
        let Some(one) = self.talkers.get_mut(&name.value) else {
            return Err(if listens {
                let message = format!("`{}` listens and has no connection here", name.value);
                Mistake::new(name.span, message).help(format!("`accept: {}` takes one", name.value))
            } else {
                unknown
            });
        };
        let udp = one.kind.transport() == Transport::Udp;
        let wrong = match (one.life, act) {
            (Life::Over, _) => "is closed here",
            (_, Act::Shutdown | Act::Reset) if udp => "speaks UDP, which has no connection to end",
            (Life::SendingEnded, Act::Send | Act::Shutdown) => "has ended its sending side here",
            _ => "",
        };
        if !wrong.is_empty() {
            return Err(Mistake::new(name.span, format!("`{}` {wrong}", name.value)));
        }
        match act {
            Act::Send | Act::Await => {}
            Act::Shutdown => one.life = Life::SendingEnded,
            Act::Close | Act::Reset => one.life = Life::Over,
        }
        Ok(one.kind)
    }

    /// Whether this peer answers by UDP and is open.
    pub fn answers(&self, name: &str) -> bool {
        self.talkers.get(name).is_some_and(|one| one.kind == Kind::Answerer && one.life != Life::Over)
    }

    /// Takes in what one of several lists of steps at the same time made of the peers. The names of
    /// those that an earlier of these lists had opened as well: which is meant depends on chance.
    pub fn merge(&mut self, before: &Self, branch: Self) -> Vec<String> {
        let mut both = merge(&mut self.talkers, &before.talkers, branch.talkers);
        both.extend(merge(&mut self.listeners, &before.listeners, branch.listeners));
        both
    }
}

fn merge(
    now: &mut BTreeMap<String, One>,
    before: &BTreeMap<String, One>,
    branch: BTreeMap<String, One>,
) -> Vec<String> {
    let mut both = Vec::new();
    for (name, one) in branch {
        let earlier = before.get(&name);
        if earlier == Some(&one) {
            continue;
        }
        let opened = |one: Option<&One>| one.map_or(0, |one| one.times);
        if opened(Some(&one)) > opened(earlier) && opened(now.get(&name)) > opened(earlier) {
            both.push(name.clone());
        }
        now.insert(name, one);
    }
    both
}
