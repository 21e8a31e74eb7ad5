//! The last task of a run on a cluster: all shards that have a store become one cohort.

use super::super::batch::Batch;
use super::super::output::Screen;
use super::super::{Stop, TROUBLE, cohort, terms};
use super::Ended;
use crate::batch::cluster::progress::{End, Teller};
use crate::batch::store::Store;
use crate::text::count;

/// Joins them, says what has come of it, and writes the reports.
///
/// # Errors
/// Wrong usage, or a store's.
pub fn join(batch: &Batch, shards: u32, screen: &Screen, teller: Option<&mut Teller>) -> Result<Ended, Stop> {
    cohort::can_write(&batch.reports)?;
    let export = batch.opened()?;
    let shelf = batch.suites.load(Some(&batch.export))?;
    let terms = terms::of(&shelf, &batch.flags())?;
    let mut store = Store::create(&batch.out).map_err(cohort::stop)?;
    let missing = take_over(&mut store, batch, shards, screen, teller);
    cohort::note_terms(&store, &shelf, &batch.flags(), &terms)?;
    if batch.only.is_empty() {
        let all: Vec<String> = export.submissions.iter().map(|one| one.student.id.clone()).collect();
        super::super::batch::note_gone(&store, &all, screen)?;
    }
    store.tidy().map_err(cohort::stop)?;
    let summary = cohort::Summary::of(&store)?;
    screen.print(summary.told(screen).as_bytes())?;
    cohort::write(&store, &batch.reports)?;
    Ok(match missing.as_slice() {
        [] => Ended { status: summary.status, end: End::Done },
        some => {
            let words: Vec<String> = some.iter().map(u32::to_string).collect();
            let why =
                format!("{} without a store that can be joined: {}", count(some.len(), "shard"), words.join(", "));
            screen.error(&why);
            Ended { status: TROUBLE, end: End::Failed(why) }
        }
    })
}

/// Takes over what there is; the shards of which nothing could be.
fn take_over(
    store: &mut Store,
    batch: &Batch,
    shards: u32,
    screen: &Screen,
    mut teller: Option<&mut Teller>,
) -> Vec<u32> {
    let mut missing = Vec::new();
    for shard in 1..=shards {
        let folder = batch.out.join("shards").join(shard.to_string());
        let taken = Store::read(&folder).and_then(|part| {
            part.tidy()?;
            store.take_over(&part)
        });
        match taken {
            Ok(taken) => screen.note(&format!("shard {shard}: {}\n", count(taken, "submission"))),
            // One that cannot be read keeps none of the others back.
            Err(error) => {
                screen.error(&format!("shard {shard}: {error}"));
                missing.push(shard);
            }
        }
        if let Some(teller) = teller.as_deref_mut() {
            teller.tell(shard as usize, shards as usize);
        }
    }
    missing
}
