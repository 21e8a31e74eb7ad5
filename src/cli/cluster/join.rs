//! The last task of a run on a cluster: all shards that have a store become one cohort.

use camino::Utf8Path;

use super::super::batch::{Batch, Shard, note_gone};
use super::super::output::Screen;
use super::super::{Stop, TROUBLE, cohort, terms};
use super::{Ended, own_store};
use crate::batch::cluster::progress::{End, Progress, Teller, undo};
use crate::batch::cohort::without_limit;
use crate::batch::store::{Store, StoreError};
use crate::text::{count, tame};

/// So many without a row are named.
const NAMED: usize = 5;

/// Joins them, says what has come of it, and writes the reports.
///
/// # Errors
/// Wrong usage, or a store's.
pub fn join(batch: &Batch, shards: u32, screen: &Screen, mut teller: Option<&mut Teller>) -> Result<Ended, Stop> {
    cohort::can_write(&batch.reports)?;
    let export = batch.opened()?;
    let shelf = batch.suites.load(Some(&batch.export))?;
    let terms = terms::of(&shelf, &batch.flags())?;
    if let Some(teller) = &mut teller {
        teller.under(&terms);
    }
    let all: Vec<String> = export.submissions.iter().map(|one| one.student.id.clone()).collect();
    let wanted = batch.wanted(export)?;
    let mut store = own_store(&batch.out, screen)?;
    let missing = take_over(&mut store, batch, shards, &terms, screen, teller);
    cohort::note_terms(&store, &shelf, &batch.flags(), &terms)?;
    note_gone(&store, &all, screen)?;
    store.tidy().map_err(cohort::stop)?;
    let summary = cohort::Summary::of(&store)?;
    screen.print(summary.told(screen).as_bytes())?;
    cohort::write(&store, &batch.reports)?;
    // Of a shard that is not there, nobody is named.
    let is_there = |id: &&str| !missing.iter().any(|shard| shard.has(id));
    let ids = wanted.iter().map(|one| one.student.id.as_str()).filter(is_there);
    let lacking = ungraded(&store, ids, &terms).map_err(cohort::stop)?;
    let why = [without_store(&missing), without_row(&lacking)].into_iter().flatten().collect::<Vec<_>>().join("; ");
    if why.is_empty() {
        return Ok(Ended { status: summary.status, end: End::Done });
    }
    screen.error(&why);
    Ok(Ended { status: TROUBLE, end: End::Failed(why) })
}

fn without_store(missing: &[Shard]) -> Option<String> {
    let words: Vec<String> = missing.iter().map(|shard| shard.part.to_string()).collect();
    let shards = count(missing.len(), "shard");
    (!missing.is_empty()).then(|| format!("{shards} without a store that can be joined: {}", words.join(", ")))
}

fn without_row(lacking: &[String]) -> Option<String> {
    let named: Vec<_> = lacking.iter().take(NAMED).map(|id| tame(id)).collect();
    let more = if lacking.len() > NAMED { ", …" } else { "" };
    let submissions = count(lacking.len(), "submission");
    (!lacking.is_empty()).then(|| {
        format!("{submissions} of the export that no shard has graded under these terms: {}{more}", named.join(", "))
    })
}

/// Those of whom there is nothing, or nothing under these terms.
fn ungraded<'a>(store: &Store, ids: impl Iterator<Item = &'a str>, terms: &str) -> Result<Vec<String>, StoreError> {
    let mut lacking = Vec::new();
    for id in ids {
        if store.glance(id)?.is_none_or(|row| without_limit(&row.terms) != terms) {
            lacking.push(id.to_owned());
        }
    }
    Ok(lacking)
}

/// Takes over what there is; the shards of which nothing could be.
fn take_over(
    store: &mut Store,
    batch: &Batch,
    shards: u32,
    terms: &str,
    screen: &Screen,
    mut teller: Option<&mut Teller>,
) -> Vec<Shard> {
    let mut missing = Vec::new();
    for number in 1..=shards {
        let shard = Shard { part: number.into(), of: shards.into() };
        match take_over_one(store, &batch.out.join("shards"), shard, terms) {
            Ok(taken) => screen.note(&format!("shard {number}: {}\n", count(taken, "submission"))),
            // One that cannot be used keeps none of the others back.
            Err(why) => {
                screen.error(&format!("shard {number}: {why}"));
                missing.push(shard);
            }
        }
        if let Some(teller) = teller.as_deref_mut() {
            teller.tell(number as usize, shards as usize);
        }
    }
    missing
}

/// Takes over one shard's rows: of a store that was begun in another number of shards, others' would be stale.
fn take_over_one(store: &mut Store, shards: &Utf8Path, shard: Shard, terms: &str) -> Result<usize, String> {
    let told = shards.join(format!("{}.json", shard.part));
    if Progress::read(&told).is_some_and(|told| !told.terms.is_empty() && told.terms != terms) {
        return Err("it was graded under another assignment, or by another sockspec; grade it again".to_owned());
    }
    let taken = Store::read(&shards.join(shard.part.to_string())).and_then(|part| {
        part.tidy()?;
        store.take_over(&part, |id| shard.has(id))
    });
    taken.map_err(|error| {
        let why = error.to_string();
        // What it says is done would never be run again.
        undo(&told, &why).map_or_else(|error| format!("{why} (`{told}` cannot be written: {error})"), |()| why.clone())
    })
}
