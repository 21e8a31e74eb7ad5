//! `sockspec batch --on slurm`: submitted, waited for, picked up again.

use super::super::output::Screen;
use super::super::{Outcome, Stop, TROUBLE};
use super::told;
use super::wait::{Interrupt, Waited, wait};
use crate::batch::cluster::Work;
use crate::batch::cluster::progress::Progress;
use crate::batch::cluster::slurm::{self, Queued, Round, Run, RunError, SlurmError, forget, is_joined, unfinished};

/// Submits what is to be done, unless that was done, and waits for it.
pub fn run(work: &Work, asked: &str, arguments: &[String], no_wait: bool, screen: &Screen) -> Outcome {
    slurm::is_here().map_err(refused)?;
    let mut run = Run::take_up(work).map_err(unusable)?;
    let queue = slurm::queue(work).map_err(refused)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut interrupt = Interrupt::listen(&runtime);
    if queue.is_empty() {
        let shards = todo(&mut run, work, asked, &mut |work| runtime.block_on(wait(work, screen, &mut interrupt)))?;
        if let Some(shards) = shards {
            submit(&mut run, work, &shards, arguments, screen)?;
        }
    } else {
        pick_up(&mut run, asked, &queue, screen)?;
    }
    if no_wait {
        screen.print(told::under_way(work, &run).as_bytes())?;
        return Ok(0);
    }
    match runtime.block_on(wait(work, screen, &mut interrupt)) {
        Waited::Interrupted => {
            screen.note(&told::interrupted(&run));
            Ok(TROUBLE)
        }
        Waited::Ended => end(&mut run, work, screen),
    }
}

/// The shards that are to be submitted; nothing where all is done, and was not told yet.
fn todo(
    run: &mut Run,
    work: &Work,
    asked: &str,
    wait: &mut dyn FnMut(&Work) -> Waited,
) -> Result<Option<Vec<u32>>, Stop> {
    if !run.is_open() || !run.is_under(asked) {
        run.begin(work, asked).map_err(unusable)?;
        return Ok(Some((1..=work.shards).collect()));
    }
    // What has just ended may not be seen here yet.
    if let Waited::Interrupted = wait(work) {
        return Err(Stop::Trouble(anyhow::anyhow!("interrupted, and nothing was submitted")));
    }
    let shards = unfinished(work);
    Ok((!shards.is_empty() || !is_joined(work)).then_some(shards))
}

/// Goes on with jobs that have not ended.
fn pick_up(run: &mut Run, asked: &str, queue: &[Queued], screen: &Screen) -> Result<(), Stop> {
    let of = |is_join: bool| queue.iter().find(|job| job.name.ends_with("-join") == is_join).map(|job| job.job);
    if !run.is_open() {
        run.adopt(asked, of(false), of(true)).map_err(unusable)?;
    } else if !run.is_under(asked) {
        return Err(Stop::Usage(format!(
            "jobs of this folder run that were submitted with other options, under another assignment, or for \
             another export: let them end, or end them: {}",
            told::cancel(run)
        )));
    }
    screen.note(&format!("Goes on with {}.\n", told::jobs(run)));
    Ok(())
}

fn submit(run: &mut Run, work: &Work, shards: &[u32], arguments: &[String], screen: &Screen) -> Result<(), Stop> {
    for shard in shards {
        forget(&work.progress_of(*shard)).map_err(unusable)?;
    }
    forget(&work.progress_of_join()).map_err(unusable)?;
    let folder = work.slurm_folder();
    let array = match shards {
        [] => None,
        some => Some(slurm::submit(&work.array_script(some), &folder, arguments, None).map_err(refused)?),
    };
    // It is noted before anything else can go wrong.
    run.note(Round { array, shards: shards.to_vec(), join: None }).map_err(unusable)?;
    let join = slurm::submit(&work.join_script(), &folder, arguments, array).map_err(refused)?;
    run.note_join(join).map_err(unusable)?;
    screen.note(&format!("Submitted {}: {}.\n", super::shards(shards.len()), told::jobs(run)));
    Ok(())
}

/// Says what has come of it.
fn end(run: &mut Run, work: &Work, screen: &Screen) -> Outcome {
    let failed = unfinished(work);
    let join = Progress::read(&work.progress_of_join());
    let is_whole = failed.is_empty() && is_joined(work);
    let status = told::result(work, failed.len(), join.as_ref(), screen)?;
    if is_whole {
        run.close().map_err(unusable)?;
        return Ok(status);
    }
    screen.note(&told::failures(work, run, &failed));
    Ok(TROUBLE)
}

/// What Slurm's error is to the caller.
fn refused(error: SlurmError) -> Stop {
    Stop::Usage(match error {
        SlurmError::Tool { .. } => format!(
            "--on slurm: {error}; give the command on a machine from which jobs are submitted (Debian: apt-get \
             install slurm-client). Without Slurm: `--on kubernetes --print` and `--on github --print` write what \
             those need, and `--shard K/N` with `sockspec merge` needs nothing"
        ),
        _ => error.to_string(),
    })
}

fn unusable(error: RunError) -> Stop {
    match error {
        RunError::Io { .. } => Stop::Trouble(error.into()),
        _ => Stop::Usage(error.to_string()),
    }
}
