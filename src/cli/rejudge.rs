//! `sockspec judge DIR`: the whole cohort of a store judged again from its records, all or none.

use camino::Utf8Path;

use super::args::Shelf;
use super::cohort::{self, Out};
use super::judge::put_under;
use super::output::Screen;
use super::{Outcome, Stop, Suites, terms};
use crate::batch::store::{Came, Kept, Store, Stored};
use crate::ids::Role;
use crate::judge::submission::SubmissionRecord;
use crate::judge::verdict::SubmissionVerdict;
use crate::plan::points::Points;
use crate::text::{count, tame};

/// So many changed scores are shown.
const SHOWN: usize = 40;

/// A submission whose score is another one now.
struct Changed {
    id: String,
    before: (Points, Points),
    after: (Points, Points),
}

/// Judges all again, under an assignment and dialect where they are given.
///
/// # Errors
/// A record does not suit the assignment, or the store's.
pub fn run(folder: &Utf8Path, suites: &Suites, reports: &[Out], screen: &Screen) -> Outcome {
    cohort::can_write(reports)?;
    // Not to make one where there is none.
    Store::read(folder).map_err(cohort::stop)?;
    let store = Store::create(folder).map_err(cohort::stop)?;
    let shelf = if suites.is_said() { Some(suites.load(None)?) } else { None };
    let flags = cohort::flags(&store)?;
    let terms = shelf.as_ref().map(|shelf| terms::of(shelf, &flags)).transpose()?;
    if let Some(shelf) = &shelf {
        cohort::runs_alike(&store, shelf)?;
    }
    let ids = store.ids().map_err(cohort::stop)?;
    let changed = store.all_or_nothing(cohort::stop, || {
        let mut changed = Vec::new();
        for id in &ids {
            let Some(mut stored) = store.get(id).map_err(cohort::stop)? else { continue };
            if let Some(terms) = &terms {
                under(terms, &mut stored);
            }
            let mut whole = true;
            if let Came::Graded(kept) = &mut stored.outcome {
                if let Some(shelf) = &shelf {
                    covers(&kept.record, shelf)?;
                    whole = put_under(&mut kept.record, shelf)?;
                }
                changed.extend(judged(kept, id));
            }
            if !whole {
                // What was never played is graded the next time.
                stored.terms.clear();
            }
            store.keep(&stored).map_err(cohort::stop)?;
        }
        if let (Some(shelf), Some(terms)) = (&shelf, &terms) {
            cohort::note_terms(&store, shelf, &flags, terms)?;
        }
        Ok::<_, Stop>(changed)
    })?;
    store.tidy().map_err(cohort::stop)?;
    let summary = cohort::Summary::of(&store)?;
    screen.print(told(ids.len(), &changed).as_bytes())?;
    screen.print(summary.told(screen).as_bytes())?;
    cohort::write(&store, reports)?;
    Ok(summary.status)
}

/// Notes that a row holds under other terms now. What took more time than it had is tried again with more.
fn under(terms: &str, stored: &mut Stored) {
    let limit = stored.terms.split_once(' ').map(|(_, limit)| limit.to_owned());
    stored.terms = limit.map_or_else(|| terms.to_owned(), |limit| format!("{terms} {limit}"));
}

/// Whether a record says something of every role that is asked for: what was not graded cannot be judged.
fn covers(record: &SubmissionRecord, shelf: &Shelf) -> Result<(), Stop> {
    let roles = shelf.library.resolve(&shelf.choice())?.roles;
    let has = |role: &Role| {
        record.programs.iter().any(|one| one.record.role == *role) || record.missing.iter().any(|one| one.role == *role)
    };
    let graded = record.programs.iter().map(|one| one.record.role).chain(record.missing.iter().map(|one| one.role));
    if let Some(role) = graded.into_iter().find(|role| !roles.contains(role)) {
        return Err(Stop::Usage(format!(
            "the {} was graded and is not asked for here: its records would be lost; leave it among the `roles`, with \
             `points: {{ {role}: 0 }}`",
            role.words()
        )));
    }
    if let Some(role) = roles.iter().find(|role| !has(role)) {
        return Err(Stop::Usage(format!(
            "the record of `{}` says nothing of the {}, which is asked for here; grade it under this assignment",
            record.id,
            role.words()
        )));
    }
    Ok(())
}

fn judged(kept: &mut Kept, id: &str) -> Option<Changed> {
    let points = |verdict: &SubmissionVerdict| (verdict.score(), verdict.max_score());
    let before = points(&kept.verdict);
    kept.verdict = kept.record.judge();
    let after = points(&kept.verdict);
    (before != after).then(|| Changed { id: id.to_owned(), before, after })
}

fn told(all: usize, changed: &[Changed]) -> String {
    if changed.is_empty() {
        return format!("{} judged again; no score is another one.\n", count(all, "submission"));
    }
    let mut text = format!("{} judged again; the scores of {} changed:\n", count(all, "submission"), changed.len());
    let points = |(score, most): (Points, Points)| format!("{score}/{most}");
    for one in changed.iter().take(SHOWN) {
        text.push_str(&format!("  {}: {} → {}\n", tame(&one.id), points(one.before), points(one.after)));
    }
    if changed.len() > SHOWN {
        text.push_str(&format!("  … and {} more\n", changed.len() - SHOWN));
    }
    text
}
