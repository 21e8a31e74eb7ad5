//! What the kernel says of the program's sockets and threads.

use super::end::crash_of;
use super::{Case, Explained};
use crate::event::{Blocked, Fact, Rest, SocketState};
use crate::ids::Transport;
use crate::judge::check::{contains, waits};
use crate::plan::model::{Ending, Predicate, TextIs};

pub(super) fn address_in_use(case: &Case<'_>) -> Option<Explained> {
    let printed = case.view.printed(None);
    let text = String::from_utf8_lossy(&printed);
    let known =
        ["Address already in use", "EADDRINUSE", "address already in use", "Only one usage of each socket address"];
    if !known.iter().any(|words| text.contains(words)) {
        return None;
    }
    let place = crash_of(case)
        .filter(|crash| !crash.place.is_empty())
        .map(|crash| format!(" ({})", crash.place))
        .unwrap_or_default();
    let text = if case.is_server() {
        format!(
            "bind() failed with \"Address already in use\"{place}: a connection of the program's last run still holds that port. \
             setsockopt(SOL_SOCKET, SO_REUSEADDR, 1) before bind() allows it."
        )
    } else {
        format!(
            "bind() failed with \"Address already in use\"{place}: the port that your client binds is the server's. \
             A client needs no bind(); the system gives it a free port."
        )
    };
    Explained::new("address-in-use", text)
}

pub(super) fn wrong_transport(case: &Case<'_>) -> Option<Explained> {
    let transport = case.plan.role.transport();
    if let Predicate::Bound { .. } = case.failure.predicate {
        let mut waiting = case.view.sockets().iter().filter(|socket| waits(socket.state));
        let socket = waiting.next().filter(|socket| socket.transport != transport)?;
        return Explained::new(
            "wrong-transport",
            format!(
                "Your server is bound by {}, not {transport} (port {}). SOCK_DGRAM is UDP, SOCK_STREAM is TCP.",
                socket.transport,
                socket.local.port()
            ),
        );
    }
    if case.is_server() {
        return None;
    }
    let wrong = case.view.sockets().iter().any(|socket| socket.transport != transport);
    let stray = case.record.events.iter().any(|event| {
        matches!(&event.fact, Fact::Arrived { peer, .. } if case.view.transport(peer) == Some(transport.other()))
    });
    let refused = transport == Transport::Udp
        && crash_of(case)
            .is_some_and(|crash| crash.error.contains("ConnectionRefusedError") && crash.place.contains("connect"));
    // At whatever port: none is 0.
    let unheard = case.view.starved().is_some();
    let on_the_wire = || case.view.spoken_elsewhere(transport.other(), 0).is_some();
    (stray || refused || unheard && (wrong || on_the_wire())).then(|| Explained {
        cause: "wrong-transport",
        text: format!(
            "Your client speaks {}, not {transport}. SOCK_DGRAM is UDP, SOCK_STREAM is TCP.",
            transport.other()
        ),
    })
}

pub(super) fn wrong_port(case: &Case<'_>) -> Option<Explained> {
    let port = case.plan.port;
    if let Predicate::Bound { transport } = case.failure.predicate {
        let socket = case.view.sockets().iter().find(|socket| waits(socket.state) && socket.transport == *transport)?;
        let verb = if *transport == Transport::Tcp { "listening on" } else { "bound to" };
        return Explained::new(
            "wrong-port",
            format!(
                "Your server is {verb} port {}, not {port}. The other requirements were tested there.",
                socket.local.port()
            ),
        );
    }
    if let Predicate::AssignedPort { .. } = case.failure.predicate {
        let text = format!(
            "Your client {}. The other requirements were tested there.",
            case.failure.actual.trim_start_matches("it ")
        );
        return Explained::new("wrong-port", text);
    }
    case.view.starved()?;
    if case.is_server() {
        return None;
    }
    let held = case.view.sockets().iter().filter_map(|socket| socket.remote).find(|remote| remote.port() != port);
    let on_the_wire = || case.view.spoken_elsewhere(case.plan.role.transport(), port).map(|(_, there)| there);
    let there = held.or_else(on_the_wire)?;
    Explained::new("wrong-port", format!("Your client speaks to port {}, not {port}.", there.port()))
}

pub(super) fn only_loopback(case: &Case<'_>) -> Option<Explained> {
    let elsewhere = case.record.events.iter().find_map(|event| match &event.fact {
        Fact::Refused { remote, .. } => Some(*remote),
        Fact::Sent { to, .. } => Some(*to),
        _ => None,
    })?;
    let socket = case.view.sockets().iter().find(|socket| waits(socket.state))?;
    let (at, asked) = (socket.local.ip(), elsewhere.ip());
    if !case.is_server() || at.is_unspecified() || at == asked {
        return None;
    }
    Explained::new(
        "only-loopback",
        format!(
            "Your server is bound to {at} alone, so nobody reaches it at {asked}. bind(('', port)) binds all addresses of the host."
        ),
    )
}

pub(super) fn other_source(case: &Case<'_>) -> Option<Explained> {
    let Predicate::AnsweredFromThere { .. } = case.failure.predicate else { return None };
    case.failure.event?;
    Explained::new(
        "replied-from-other-socket",
        "The reply came through another socket than the one that received the request, so it has another port. \
         Reply with the socket that you called recvfrom() on.",
    )
}

pub(super) fn strayed(case: &Case<'_>) -> Option<Explained> {
    if case.plan.role != crate::ids::Role::UdpServer {
        return None;
    }
    // A reply that went to a peer that had not asked for it.
    let peer = case.failure.peer.as_ref()?;
    let asked = case.view.sent_bytes(peer).to_ascii_lowercase();
    let others = case.record.events.iter().find_map(|event| match &event.fact {
        Fact::Received { peer: other, bytes, .. } if other != peer && bytes.0.to_ascii_lowercase() == asked => {
            Some(other)
        }
        _ => None,
    });
    if let Some(other) = others.filter(|_| !asked.is_empty()) {
        return Explained::new(
            "wrong-destination",
            format!(
                "The answer to {peer} went to {other}. Use the address that recvfrom() returned with this very datagram."
            ),
        );
    }
    let Predicate::Received { is: TextIs::Lacks(_), .. } = case.failure.predicate else { return None };
    let strange = case.failure.wanted.as_deref()?.to_ascii_lowercase();
    let other = case.record.events.iter().find_map(|event| match &event.fact {
        Fact::Sent { peer: other, bytes, .. }
            if other != peer && contains(&bytes.0.to_ascii_lowercase(), &strange) && !contains(&asked, &strange) =>
        {
            Some(other)
        }
        _ => None,
    })?;
    Explained::new(
        "wrong-destination",
        format!("{peer} received the answer to {other}. Reply to the address of this very datagram alone."),
    )
}

pub(super) fn reset_instead_of_close(case: &Case<'_>) -> Option<Explained> {
    let Predicate::Ended { .. } = case.failure.predicate else { return None };
    case.failure.event?;
    Explained::new(
        "reset-instead-of-close",
        format!(
            "Your {} reset the connection (RST) instead of closing it in order (FIN). That happens when close() is called while \
             bytes that arrived have not been read, or with SO_LINGER set to 0.",
            case.program()
        ),
    )
}

pub(super) fn listens_anew(case: &Case<'_>) -> Option<Explained> {
    let Predicate::SameListener { .. } = case.failure.predicate else { return None };
    Explained::new(
        "listens-anew",
        "Your server closed its listening socket and opened another. A client that comes in between is refused. \
         Create, bind and listen once, before the loop.",
    )
}

pub(super) fn leak(case: &Case<'_>) -> Option<Explained> {
    let Predicate::DescriptorsKept { .. } = case.failure.predicate else { return None };
    case.failure.event?;
    Explained::new(
        "leak",
        format!(
            "Connections were served, and their sockets kept: {}. close() each connection socket.",
            case.failure.actual
        ),
    )
}

/// The kernel's name for what a thread is blocked in, with the socket that it waits on.
pub(super) fn blocked_words(thread: &Blocked) -> String {
    let call = &thread.call;
    match &thread.socket {
        Some(socket) => match (socket.state, socket.remote) {
            (SocketState::Listening, _) => format!("{call}() on its listening socket"),
            (SocketState::Bound, _) => format!("{call}() on its socket at {}", socket.local),
            (_, Some(remote)) => format!("{call}() on the connection with {remote}"),
            (_, None) => format!("{call}() on a socket"),
        },
        None if call == "sleep" => "sleep()".to_owned(),
        None if call == "read" && thread.descriptor == Some(0) => {
            "read(), waiting for input from the keyboard".to_owned()
        }
        None => format!("{call}()"),
    }
}

/// The peer that got no answer although the server ended its connection.
fn unanswered<'c>(case: &'c Case<'_>) -> Option<&'c crate::ids::Peer> {
    let peer = case.failure.peer.as_ref().filter(|_| case.is_server() && case.view.exit().is_none())?;
    let ended =
        case.record.events.iter().any(|event| matches!(&event.fact, Fact::Ended { peer: other, .. } if other == peer));
    (ended && case.view.received(peer).next().is_none()).then_some(peer)
}

pub(super) fn half_close(case: &Case<'_>) -> Option<Explained> {
    let peer = unanswered(case)?;
    let shut = case.record.events.iter().any(|event| {
        matches!(&event.fact, Fact::Closed { peer: other, how: crate::event::OurEnd::Shutdown } if other == peer)
    });
    shut.then(|| Explained {
        cause: "half-close",
        text: format!(
            "{peer} ended its sending side behind the sentence, and your server took that for the end of all: it closed without an answer. \
             The sentence was there to be read, and {peer} was still listening."
        ),
    })
}

pub(super) fn closed_without_reply(case: &Case<'_>) -> Option<Explained> {
    let peer = unanswered(case)?;
    Explained::new(
        "closed-without-reply",
        format!("Your server ended {peer}'s connection without an answer, and goes on running."),
    )
}

pub(super) fn one_client_only(case: &Case<'_>) -> Option<Explained> {
    if !case.is_server() {
        return None;
    }
    let peer = case.failure.peer.as_ref()?;
    let served_before = case.record.events.iter().take_while(|event| {
        !matches!(&event.fact, Fact::Opened { peer: other, .. } | Fact::Refused { peer: other, .. } if other == peer)
    });
    let served = served_before.filter(|event| matches!(event.fact, Fact::Ended { .. } | Fact::Received { .. })).count();
    if served == 0 || case.view.received(peer).next().is_some() {
        return None;
    }
    if let Some((_, _, threads)) = case.view.last_rest()
        && case.view.exit().is_none()
        && let Some(thread) = threads.iter().find(|thread| {
            thread
                .socket
                .as_ref()
                .is_some_and(|socket| socket.state != SocketState::Listening && socket.remote.is_some())
        })
    {
        return Explained::new(
            "one-client-only",
            format!(
                "{peer} is not served: your server is blocked in {} and does not come back to accept().",
                blocked_words(thread)
            ),
        );
    }
    let (_, how) = case.view.exit()?;
    Explained::new(
        "one-client-only",
        format!(
            "Your server stopped once it had served somebody: {}. accept() or recvfrom() must be inside a loop that never ends.",
            crate::judge::check::exit_words(how)
        ),
    )
}

pub(super) fn idle_blocks_others(case: &Case<'_>) -> Option<Explained> {
    let peer = case.failure.peer.as_ref()?;
    if case.plan.role != crate::ids::Role::TcpServer
        || case.view.received(peer).next().is_some() && case.failure.got.is_none()
    {
        return None;
    }
    if let (Predicate::Ended { how: Ending::Not, .. }, Some(_)) = (case.failure.predicate, case.failure.event) {
        return Explained::new(
            "idle-blocks-others",
            format!(
                "Your server served nobody else until it had given up on {peer}, who was connected and said nothing. \
                 A timeout only makes the wait shorter: one idle client after another still keeps everybody waiting."
            ),
        );
    }
    let idle = case.view.events().any(|(_, event)| {
        matches!(&event.fact, Fact::Opened { peer: other, .. } if other != peer && case.view.sent(other).next().is_none())
    });
    let busy = case.view.last_rest().is_some_and(|(_, _, threads)| threads.iter().any(|one| one.call == "running"));
    let waiting = !busy
        && case.record.events.iter().any(|event| match &event.fact {
            Fact::Rest { threads, .. } => {
                threads.iter().any(|thread| thread.socket.as_ref().is_some_and(|socket| socket.remote.is_some()))
            }
            _ => false,
        });
    (idle && waiting).then(|| Explained {
        cause: "idle-blocks-others",
        text: format!(
            "Your server is blocked in recv() on the first client's connection, and that client says nothing. So {peer}'s connection, \
             which the system has completed, is never accepted."
        ),
    })
}

pub(super) fn never_closed(case: &Case<'_>) -> Option<Explained> {
    let Predicate::Ended { .. } = case.failure.predicate else { return None };
    if case.failure.event.is_some() {
        return None;
    }
    Explained::new(
        "never-closed",
        format!(
            "Your {} left the connection open. Look for close() on the connection socket: a `close` without parentheses does \
             nothing, and one outside the loop comes too late.",
            case.program()
        ),
    )
}

pub(super) fn lost_datagrams(case: &Case<'_>) -> Option<Explained> {
    if case.plan.role != crate::ids::Role::UdpServer {
        return None;
    }
    let peer = case.failure.peer.as_ref()?;
    let answered = case.record.events.iter().filter(|event| matches!(event.fact, Fact::Received { .. })).count();
    let asked = case.record.events.iter().filter(|event| matches!(event.fact, Fact::Sent { .. })).count();
    let (came, sent) = (case.view.received(peer).count(), case.view.sent(peer).count());
    (answered > 0 && answered < asked && came < sent).then(|| Explained {
        cause: "lost-datagrams",
        text: match (came, sent) {
            (0, 1) => format!(
                "{answered} of {asked} requests were answered; {peer}'s was not, although your server still runs."
            ),
            _ => format!("{came} of {peer}'s {sent} requests were answered, although your server still runs."),
        },
    })
}

pub(super) fn no_socket(case: &Case<'_>) -> Option<Explained> {
    let Predicate::Bound { transport } = case.failure.predicate else { return None };
    let doing = doing(case).map(|words| format!(" It {words}.")).unwrap_or_default();
    let left = case
        .view
        .exit()
        .map(|(_, how)| format!(" {}.", crate::judge::check::exit_words(how).replace("it ended", "It ended")));
    Explained::new(
        "no-socket",
        format!(
            "Your server never {} a {transport} socket.{}",
            if *transport == Transport::Tcp { "listened on" } else { "bound" },
            left.unwrap_or(doing)
        ),
    )
}

/// What the program does when it was last seen: `is blocked in …`.
pub(super) fn doing(case: &Case<'_>) -> Option<String> {
    let (_, how, threads) = case.view.last_rest()?;
    let thread = threads.iter().find(|thread| thread.socket.is_some()).or_else(|| threads.first())?;
    Some(match how {
        Rest::Polling => format!("wakes now and then, and goes back to {}", blocked_words(thread)),
        Rest::Deadline if thread.call == "running" => "uses the processor without a pause".to_owned(),
        _ if thread.call == "running" => return None,
        _ => format!("is blocked in {}", blocked_words(thread)),
    })
}

pub(super) fn blocked_in_call(case: &Case<'_>) -> Option<Explained> {
    if case.view.exit().is_some() {
        return None;
    }
    Explained::new("blocked-in-call", format!("Your {} {}.", case.program(), doing(case)?))
}
