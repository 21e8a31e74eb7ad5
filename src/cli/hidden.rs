//! Requirements that are hidden from students with others, which an assignment may not have meant.

use std::collections::BTreeMap;

use super::Stop;
use super::args::Shelf;
use crate::ids::RequirementId;
use crate::plan::Choice;
use crate::plan::model::Visibility;

/// What is to be said of them: a sentence for each requirement that others are hidden with.
///
/// # Errors
/// Every mistake in the assignment and its suites.
pub fn with_others(shelf: &Shelf) -> Result<Vec<String>, Stop> {
    let mut all: BTreeMap<(RequirementId, &str), Vec<RequirementId>> = BTreeMap::new();
    let roles = shelf.library.resolve(&shelf.choice())?.roles;
    for dialect in shelf.spoken()? {
        let choice = Choice { dialect: Some(&dialect), ..shelf.choice() };
        for role in &roles {
            for one in shelf.plan(*role, &choice)?.requirements {
                if let Some(with) = one.hidden_with {
                    let ids = all.entry((with, until(one.visibility))).or_default();
                    if !ids.contains(&one.id) {
                        ids.push(one.id);
                    }
                }
            }
        }
    }
    Ok(all.iter().map(|((with, until), ids)| sentence(with, until, ids)).collect())
}

fn until(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::AfterDueDate => " until the assignment is due",
        Visibility::AfterPublished => " until grades are published",
        Visibility::Visible | Visibility::Hidden => "",
    }
}

fn sentence(with: &RequirementId, until: &str, ids: &[RequirementId]) -> String {
    let (verb, pronoun) = if ids.len() == 1 { ("is", "it") } else { ("are", "they") };
    let ids: Vec<&str> = ids.iter().map(|id| id.0.as_str()).collect();
    format!(
        "{} {verb} hidden from students{until} together with {with}, which {pronoun} cannot be tested without: \"not \
         tested\" would tell that {with} failed",
        ids.join(", ")
    )
}
