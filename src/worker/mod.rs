//! The process between grader and program: a job in, records out.
//!
//! One worker plays all scenarios of one program. It leads a session of its own and is the
//! subreaper of whatever the program leaves behind, so that it can end all of it: when the job is
//! done, and also when its parent is gone, which it learns from the end of its standard input.
//! The program inherits none of its pipes.

mod evidence;
mod inside;
mod job;
mod parent;

pub use inside::serve;
pub use job::{Job, Message};
pub use parent::{WorkerError, run};
