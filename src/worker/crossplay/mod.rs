//! A client and a server, let loose on each other in one network.
//!
//! Whoever has the network drives and watches the wire ([`meet`]). Each program has a worker of its own
//! ([`obey`]): that is the parent of this program alone, so what it reads of its processes is this
//! program's, and whatever the program leaves behind is told from the other's.

mod half;
mod link;
mod scene;

pub use half::Half;
pub(super) use half::obey;
pub(super) use scene::meet;

/// Why a client and a server cannot be tried where namespaces are refused.
pub(super) const NO_NETWORK: &str = "a client and a server can meet only in a private network of their own, which this \
                                     system does not allow; `sockspec doctor` says what to do";
