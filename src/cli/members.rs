//! The IDs of a group's members, each of whom gets a page: nobody's page lies in the place of another's.

use std::collections::HashSet;

use crate::roster::Student;

/// So many digits of a hash tell two of one ID apart.
const DIGITS: usize = 8;

/// The IDs that are taken. Those that differ in case alone are the same to some file systems.
pub struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// Beside those of a cohort's submissions.
    #[must_use]
    pub fn beside(ids: &[String]) -> Self {
        Self { taken: ids.iter().map(|id| id.to_lowercase()).collect() }
    }

    /// The members of a group, with IDs that nobody else has.
    pub fn of(&mut self, group: &Student, members: &[Student]) -> Vec<Student> {
        let own = |(number, member): (usize, &Student)| {
            let mut member = member.clone();
            if !self.taken.insert(member.id.to_lowercase()) {
                let hash = blake3::hash(format!("{}\0{number}", group.id).as_bytes()).to_hex();
                member.id = format!("{}-{}", member.id, &hash[..DIGITS]);
                self.taken.insert(member.id.to_lowercase());
            }
            member
        };
        members.iter().enumerate().map(own).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn student(id: &str) -> Student {
        Student { id: id.to_owned(), ..Student::default() }
    }

    #[test]
    fn a_members_id_is_nobody_elses() {
        let ids = ["g1", "g2", "ann"].map(str::to_owned);
        let mut names = Names::beside(&ids);
        let members = [student("Ann"), student("bob"), student("bob")];
        let mut all: Vec<String> = [student("g1"), student("g2")]
            .iter()
            .flat_map(|group| names.of(group, &members))
            .map(|member| member.id.to_lowercase())
            .chain(ids)
            .collect();
        assert_eq!((all.len(), all.contains(&"bob".to_owned())), (9, true));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 9, "{all:?}");
    }
}
