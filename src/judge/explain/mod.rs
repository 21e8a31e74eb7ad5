//! What went wrong, in the student's terms, from the facts.
//!
//! Each cause is a small function that looks at the facts and answers, or not. They are asked in
//! the order of `CAUSES`: first those that the program itself or the kernel says (an exception,
//! a wrong port), then what the bytes show, then what the program was last seen blocked in.

mod bytes;
mod client;
mod end;
mod less;
mod more;
mod socket;

use crate::event::Record;
use crate::ids::Side;
use crate::judge::check::Failure;
use crate::judge::facts::View;
use crate::plan::model::Plan;

/// A cause and the words for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The cause's name, for statistics and clusters.
    pub cause: &'static str,
    /// One or more sentences.
    pub text: String,
}

impl Explained {
    fn new(cause: &'static str, text: impl Into<String>) -> Option<Self> {
        Some(Self { cause, text: text.into() })
    }
}

/// What a cause looks at.
struct Case<'a> {
    plan: &'a Plan,
    record: &'a Record,
    failure: &'a Failure<'a>,
    view: View<'a>,
}

impl Case<'_> {
    /// The program in words: `server`, `client`.
    fn program(&self) -> &'static str {
        match self.plan.role.side() {
            Side::Server => "server",
            Side::Client => "client",
        }
    }

    fn is_server(&self) -> bool {
        self.plan.role.side() == Side::Server
    }

    /// The bytes that were wanted and those that came, where the failure is about bytes.
    fn texts(&self) -> Option<(&[u8], &[u8])> {
        Some((self.failure.wanted.as_deref()?, self.failure.got.as_deref()?))
    }
}

type Cause = fn(&Case<'_>) -> Option<Explained>;

/// All causes, in the order in which they are asked.
const CAUSES: &[Cause] = &[
    end::build_failed,
    end::stopped_by_limit,
    socket::address_in_use,
    end::strict_decode,
    end::exception,
    end::killed_by_signal,
    socket::wrong_transport,
    socket::wrong_port,
    socket::only_loopback,
    bytes::bytes_repr,
    more::quotes_or_prefix,
    more::sent_more,
    bytes::computed_locally,
    client::printed_nothing,
    bytes::carriage_return,
    less::no_newline,
    more::padding,
    more::stale_tail,
    more::double_reply,
    bytes::not_uppercased,
    bytes::only_ascii,
    bytes::one_letter,
    bytes::own_sentence,
    bytes::mixed_up,
    less::cut,
    bytes::changed_characters,
    more::greeting,
    socket::other_source,
    socket::strayed,
    socket::reset_instead_of_close,
    socket::listens_anew,
    socket::leak,
    client::fixed_port,
    client::several,
    client::decoy_accepted,
    client::no_timeout,
    client::gave_up,
    client::nonzero_exit,
    client::nothing_sent,
    less::waits_for_newline,
    end::kept_by_limit,
    socket::half_close,
    socket::closed_without_reply,
    socket::one_client_only,
    end::ended_early,
    socket::idle_blocks_others,
    socket::never_closed,
    socket::lost_datagrams,
    socket::no_socket,
    more::unwanted,
    end::spinning,
    client::never_ends,
    less::no_reply,
    socket::blocked_in_call,
];

/// Finds the cause of a failure. Where none fits, the failure's own words say what was seen.
#[must_use]
pub fn explain(plan: &Plan, record: &Record, failure: &Failure<'_>) -> Explained {
    let case = Case { plan, record, failure, view: View::whole(record) };
    CAUSES.iter().find_map(|cause| cause(&case)).unwrap_or_else(|| Explained {
        cause: "other",
        text: format!("Expected: {}. Seen: {}.", failure.expected, failure.actual),
    })
}
