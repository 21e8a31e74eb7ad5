//! Programs whose files do not say what they are: each is started, and what it opens tells.

use super::task::Task;
use super::{BatchError, Program, Request, habits};
use crate::event::Record;
use crate::ids::Role;
use crate::judge::facts::View;
use crate::judge::submission::Recorded;
use crate::plan::model::Plan;
use crate::sandbox::PrivateCopy;

/// Those of the silent programs that are worth a start: of a role that has no program, or only a helper for one.
pub(super) fn sought(request: &Request, silent: Vec<Program>, programs: &[(usize, Recorded)]) -> Vec<Program> {
    let helpers = helpers(request, programs);
    let is_sought = |program: &Program| {
        let role = program.plan.role;
        helpers.contains(&role) || request.missing.iter().any(|missing| missing.role == role)
    };
    silent.into_iter().filter(is_sought).collect()
}

/// Roles whose program was told by its text alone, and which opens nothing of the kind: the text is a helper's.
fn helpers(request: &Request, programs: &[(usize, Recorded)]) -> Vec<Role> {
    let is_helper = |(index, recorded): &&(usize, Recorded)| {
        request.programs.get(*index).is_some_and(|program| program.by_text)
            && recorded.record.trouble.is_none()
            && recorded.record.records.first().is_some_and(|first| opens_nothing(&recorded.plan, first))
    };
    programs.iter().filter(is_helper).map(|(_, recorded)| recorded.plan.role).collect()
}

/// Whether a first record says that a program opens nothing of its role's kind.
fn opens_nothing(plan: &Plan, first: &Record) -> bool {
    View::whole(first).trouble().is_none() && !habits::succeeds(plan, first)
}

/// The programs of roles that had none, among files that do not say what they are: each is started, and what
/// it opens tells. Of one that is a role's program, no other role's is sought in it. One that could not be
/// started by our fault may be what its role lacks, and then that role is ungraded.
pub(super) async fn found_by_sockets(
    request: &Request,
    sought: Vec<Program>,
    task: &impl Fn(&Program, &PrivateCopy, u64) -> Task,
    seed: Option<u64>,
) -> Result<Vec<(Program, Recorded)>, BatchError> {
    let (mut found, mut doubtful) = (Vec::<(Program, Recorded)>::new(), Vec::new());
    for program in sought {
        let taken =
            |(other, _): &(Program, Recorded)| other.path == program.path || other.plan.role == program.plan.role;
        if found.iter().any(taken) {
            continue;
        }
        let copy = PrivateCopy::of(&request.path)?;
        let seed = seed.unwrap_or_else(|| copy.digest().seed());
        let _place = request.places.wait().await;
        let task = |copy: &PrivateCopy| task(&program, copy, seed);
        // Where the machine lacks its language, that is said here too.
        match task(&copy).opens(&copy).await {
            Ok(false) => {}
            Ok(true) => {
                let copy = PrivateCopy::of(&request.path)?;
                let recorded = task(&copy).run(copy).await;
                found.push((program, recorded));
            }
            Err(reason) => {
                let mut record = task(&copy).blank();
                record.trouble.get_or_insert(reason);
                let plan = program.plan.clone();
                doubtful.push((program, Recorded { plan, record }));
            }
        }
    }
    for (program, recorded) in doubtful {
        if found.iter().all(|(other, _)| other.plan.role != program.plan.role) {
            found.push((program, recorded));
        }
    }
    Ok(found)
}
