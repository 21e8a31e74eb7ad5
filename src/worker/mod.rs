//! The process between grader and program: a job in, records out; or a program to build, for which it
//! sets up the same walls.
//!
//! A client and a server that are to speak with each other have three: one makes the network and watches
//! what crosses it, and has two more for the programs, in that same network ([`MeetJob`]).
//!
//! One worker plays all scenarios of one program. It leads a session of its own and is the
//! subreaper of whatever the program leaves behind, so that it can end all of it: when the job is
//! done, and also when its parent is gone, which it learns from the end of its standard input.
//! The program inherits none of its pipes.

mod account;
mod bench;
mod build;
mod crossplay;
mod evidence;
mod inside;
mod job;
mod parent;

pub use crossplay::Half;
pub use inside::serve;
pub use job::{BuildJob, Built, Job, MeetJob, Message, Task};
pub use parent::{WorkerError, build, clean_up, find_network, meet, run};
