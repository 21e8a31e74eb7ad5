//! Grading a cohort: several submissions at the same time, each stored as soon as it is done.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::task::{Id, JoinError, JoinSet, LocalSet};
use tokio::time::MissedTickBehavior;

use super::export::{Submission, UnpackLimits};
use super::places::Places;
use super::room::{GLANCE, Room, Usher};
use super::store::{Came, Glance, Kept, Store, StoreError, Stored};
use super::{Request, grade};
use crate::roster::Student;
use crate::sandbox::stale;

/// Makes what is to be graded of a submission whose files lie in a folder; else says why nothing can be.
pub type Prepare = dyn Fn(&Utf8Path, &Student, Places) -> Result<Request, String>;

/// How a cohort is to be graded.
pub struct Orders {
    /// A hash of all that decides a grading beside the files.
    pub terms: String,
    /// What is graded again though nothing has changed.
    pub again: Again,
    /// For how many programs at the same time there is room.
    pub room: Arc<Room>,
    /// How long one submission may take. Only time in which it has a place is counted: others cannot use it up.
    pub each: Duration,
    /// When the whole must end; what is not done then is left to the next time.
    pub end: Option<Instant>,
    /// Makes the requests.
    pub prepare: Rc<Prepare>,
}

/// What is graded again though nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// What could not be graded by our fault or the machine's.
    Troubled,
    /// That, and what has not everything that is required.
    Failed,
    /// All.
    All,
}

impl Again {
    /// Whether what is stored will do.
    fn will_do(self, known: &Glance) -> bool {
        match self {
            Self::Troubled => !known.again,
            Self::Failed => known.status == 0 && !known.again,
            Self::All => false,
        }
    }
}

/// How far it is.
#[derive(Debug)]
pub enum News<'a> {
    /// A submission was graded before, and nothing has changed.
    Known,
    /// One is done and stored.
    Done(&'a Stored),
}

/// How it ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Submissions that were graded now.
    pub graded: usize,
    /// Those that had been before.
    pub known: usize,
    /// Those for which the time did not suffice.
    pub left: usize,
}

/// Grades all that has changed, and stores it.
///
/// # Errors
/// The store cannot be read or written. What was finished before stands.
pub async fn run(
    store: &Store,
    submissions: Vec<Submission>,
    orders: &Orders,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<Tally, StoreError> {
    let outcome = LocalSet::new().run_until(work(store, submissions, orders, tell)).await;
    // Whoever was not waited for has left something behind.
    crate::worker::clean_up();
    outcome
}

async fn work(
    store: &Store,
    submissions: Vec<Submission>,
    orders: &Orders,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<Tally, StoreError> {
    let mut tally = Tally { left: submissions.len(), ..Tally::default() };
    let mut waiting = submissions.into_iter();
    let (mut tasks, mut students) = (JoinSet::new(), HashMap::new());
    let (mut usher, mut glance) = (Usher::default(), tokio::time::interval(GLANCE));
    // Glances close together would see a moment, not what the machine does.
    glance.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        while tasks.len() < orders.room.places() {
            let Some(submission) = waiting.next() else { break };
            let student = submission.student.clone();
            let members = submission.members.clone();
            let limited = limited(&orders.terms, orders.each);
            let known = store.glance(&student.id)?.filter(|known| [&orders.terms, &limited].contains(&&known.terms));
            let known = known.filter(|known| orders.again.will_do(known));
            let places = Places::among(&orders.room, orders.room.base().div_ceil(2));
            let task = one(submission, known, places, orders.terms.clone(), Rc::clone(&orders.prepare), orders.each);
            students.insert(tasks.spawn_local(task).id(), (student, members));
        }
        let next = tokio::select! {
            next = tasks.join_next_with_id() => next,
            () = until(orders.end) => break,
            _ = glance.tick() => {
                usher.glance(&orders.room);
                continue;
            }
        };
        let Some(next) = next else { break };
        take(store, orders, settled(next, &mut students, &orders.terms), &mut tally, tell)?;
    }
    // What is done by now is done.
    while let Some(next) = tasks.try_join_next_with_id() {
        take(store, orders, settled(next, &mut students, &orders.terms), &mut tally, tell)?;
    }
    tasks.shutdown().await;
    Ok(tally)
}

fn take(
    store: &Store,
    orders: &Orders,
    settled: Settled,
    tally: &mut Tally,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<(), StoreError> {
    tally.left -= 1;
    match settled {
        Settled::Known(student, members) => {
            // The files are the same; what the course says of the student may not be.
            store.rename(&student, &members)?;
            tally.known += 1;
            tell(News::Known);
        }
        Settled::Done(stored) => {
            if !holds_more(store, &stored, orders)? {
                store.keep(&stored)?;
            }
            tally.graded += 1;
            tell(News::Done(&stored));
        }
    }
    Ok(())
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end.into()).await,
        None => std::future::pending().await,
    }
}

/// Whether what is stored says more than what has come of the same files under the same terms now: neither a
/// full disk nor a limit of ours takes anybody's verdicts away.
fn holds_more(store: &Store, stored: &Stored, orders: &Orders) -> Result<bool, StoreError> {
    let Some(known) = store.glance(&stored.student.id)?.filter(|known| known.reason.is_none()) else {
        return Ok(false);
    };
    // Where the files could not be read by our fault, nobody knows what they are now.
    let unseen = stored.content.is_empty() && stored.is_troubled();
    let same = known.terms == orders.terms && (known.content == stored.content || unseen);
    let less = matches!(stored.outcome, Came::Unread { .. }) || stored.is_troubled() && !known.again;
    Ok(same && less)
}

/// The terms of what took more time than one submission may: with more of it, another end may come.
fn limited(terms: &str, each: Duration) -> String {
    format!("{terms} within {} s", each.as_secs())
}

/// The terms of a row without how long one submission might take: that decides no verdict.
#[must_use]
pub fn without_limit(terms: &str) -> &str {
    terms.split_once(' ').map_or(terms, |(terms, _)| terms)
}

/// Who a task is about.
type Who = (Student, Vec<Student>);

/// What a task has come to.
enum Settled {
    /// All was known.
    Known(Student, Vec<Student>),
    Done(Stored),
}

/// One that has panicked costs its submission alone.
fn settled(ended: Result<(Id, Option<Stored>), JoinError>, students: &mut HashMap<Id, Who>, terms: &str) -> Settled {
    let (id, outcome) = match ended {
        Ok((id, stored)) => (id, Ok(stored)),
        Err(error) => (error.id(), Err(error)),
    };
    let (student, members) = students.remove(&id).unwrap_or_default();
    match outcome {
        Ok(None) => Settled::Known(student, members),
        Ok(Some(stored)) => Settled::Done(stored),
        Err(error) => {
            let reason = format!("sockspec itself has failed on it ({error}); please report that");
            let outcome = Came::Unread { reason, again: true };
            Settled::Done(Stored { members, ..row(student, terms, String::new(), outcome) })
        }
    }
}

fn row(student: Student, terms: &str, content: String, outcome: Came) -> Stored {
    Stored { student, members: Vec::new(), notes: Vec::new(), content, terms: terms.to_owned(), outcome }
}

/// Grades one submission; nothing where what is known of it holds.
async fn one(
    submission: Submission,
    known: Option<Glance>,
    places: Places,
    terms: String,
    prepare: Rc<Prepare>,
    each: Duration,
) -> Option<Stored> {
    let student = submission.student.clone();
    let members = submission.members.clone();
    let outcome = match laid_out(submission, known).await {
        Files::Known => return None,
        Files::Laid(laid) => graded(laid, &student, &terms, places, &prepare, each).await,
        Files::Refused { content, reason, ours } => row(student, &terms, content, Came::Unread { reason, again: ours }),
    };
    Some(Stored { members, ..outcome })
}

/// A submission's files in a folder of ours.
struct Laid {
    folder: tempfile::TempDir,
    path: Utf8PathBuf,
    digest: String,
    notes: Vec<String>,
    _held: Option<std::fs::File>,
}

/// What has become of a submission's files.
enum Files {
    /// They are those that are known.
    Known,
    /// They can be graded.
    Laid(Laid),
    /// They cannot.
    Refused {
        /// Their hash, where there is one.
        content: String,
        /// Why not.
        reason: String,
        /// Whether that is our fault.
        ours: bool,
    },
}

/// Lays the files out, on a thread where that holds up nobody.
async fn laid_out(submission: Submission, known: Option<Glance>) -> Files {
    let work = move || {
        if known.is_some_and(|known| is_known(&submission, &known)) {
            return Files::Known;
        }
        match lay_out(&submission) {
            Ok(laid) => Files::Laid(laid),
            Err((reason, ours)) => Files::Refused { content: submission.digest().unwrap_or_default(), reason, ours },
        }
    };
    let broken = |error: JoinError| Files::Refused { content: String::new(), reason: error.to_string(), ours: true };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(broken)
}

/// Whether its files are those that are known: what could not be read, and cannot be for the same reason, is
/// known too.
fn is_known(submission: &Submission, known: &Glance) -> bool {
    match submission.digest() {
        Ok(digest) => digest == known.content,
        Err(refused) => known.content.is_empty() && known.reason == Some(refused.to_string()),
    }
}

/// Lays the files out in a folder of ours; else the reason why not, and whether that is our fault.
fn lay_out(submission: &Submission) -> Result<Laid, (String, bool)> {
    let ours = |error: &dyn std::fmt::Display| (format!("there is no room for its files: {error}"), true);
    let folder = tempfile::Builder::new().prefix(stale::PREFIX).tempdir().map_err(|error| ours(&error))?;
    let held = stale::hold(folder.path());
    let path = Utf8PathBuf::from_path_buf(folder.path().join("submission")).map_err(|path| ours(&path.display()))?;
    let laid = submission
        .unpack(&path, &UnpackLimits::default())
        .map_err(|refused| (refused.to_string(), refused.is_ours()))?;
    Ok(Laid { folder, path, digest: laid.digest, notes: laid.notes, _held: held })
}

async fn graded(
    laid: Laid,
    student: &Student,
    terms: &str,
    places: Places,
    prepare: &Rc<Prepare>,
    each: Duration,
) -> Stored {
    let done = |outcome: Came| row(student.clone(), terms, laid.digest.clone(), outcome);
    let unread = |reason: String, again: bool| done(Came::Unread { reason, again });
    let request = match prepare(&laid.path, student, places.clone()) {
        Ok(request) => request,
        Err(reason) => return unread(reason, false),
    };
    let grading = tokio::select! {
        done = grade(request, Arc::new(|_| ())) => Some(done),
        () = places.used_up(each) => None,
    };
    let stored = match grading {
        None => {
            // Nobody waits for its workers any more.
            crate::worker::clean_up();
            let limit = each.as_secs();
            let reason = format!("its grading took more than {limit} seconds and was stopped; --each gives it more");
            Stored { terms: limited(terms, each), ..unread(reason, false) }
        }
        Some(Err(error)) => unread(error.to_string(), error.is_ours()),
        Some(Ok(record)) => {
            let kept = Kept { verdict: record.judge(), record };
            done(Came::Graded(Box::new(kept)))
        }
    };
    drop(laid.folder);
    Stored { notes: laid.notes, ..stored }
}
