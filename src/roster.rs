//! Who handed in: what a course's export says of a student, and what its gradebook asks for.

use serde::{Deserialize, Serialize};

/// A student (or a group that hands in together) of a cohort.
///
/// All of it but [`Student::id`] comes from the export, so it is the student's own text or the
/// platform's: hostile in every output, like what a program prints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Student {
    /// Tells it from all others of the cohort, and is the same in the next export of it. Safe as a file's
    /// name: letters, digits, `.`, `-` and `_`, not beginning with a dot, at most 100 bytes.
    pub id: String,
    /// The full name, where the export has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The number by which the platform's gradebook knows the student: Moodle's participant, Canvas's user,
    /// Gradescope's submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The name of an account: GitHub's, for clones; an institution's, where the export has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The address, where the export has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The export says that it came late.
    #[serde(default)]
    pub late: bool,
}

impl Student {
    /// What to call it before people: the name, else the ID.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }
}
