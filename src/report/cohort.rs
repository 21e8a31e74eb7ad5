//! What reports on cohorts are made from, and how.

use camino::Utf8PathBuf;

use super::document::{self, Document, Options, Who};
use super::{Format, Graded, ReportError, html};
use crate::roster::Student;

/// One line of a cohort: who handed in, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Who.
    pub student: Student,
    /// The members of a group, where it is one: what is handed to students is handed to each of them under
    /// their own name, too. Their IDs are nobody else's.
    pub members: Vec<Student>,
    /// What came of it.
    pub outcome: Outcome,
    /// The command line that grades it again with the same seed, where there is something to grade.
    pub again: Option<String>,
}

/// What came of a submission.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was graded: some of it may still be `ungraded`.
    Graded(Box<Graded>),
    /// There are no verdicts: it could not be read (an archive that was refused, nothing handed in), or
    /// something of ours went wrong.
    Unread {
        /// Why, and what to do.
        reason: String,
    },
}

/// A file of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where, relative to the report's folder; in a report of one file, its proposed name.
    pub path: Utf8PathBuf,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A report on a cohort, made entry by entry. A site, and a file a student, keep of one a line or two; one file
/// about all (JUnit, JSON, CTRF, …) is kept until its end, without what was recorded.
pub trait Cohort {
    /// Takes in one entry; the files that are ready with it.
    ///
    /// # Errors
    /// The format's library refuses; never because of what a program wrote.
    fn entry(&mut self, entry: &Entry) -> Result<Vec<File>, ReportError>;

    /// The files that are ready when all entries are in.
    ///
    /// # Errors
    /// As for an entry.
    fn end(&mut self) -> Result<Vec<File>, ReportError>;
}

/// Whether a report on a cohort is one file or many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One file about all.
    File,
    /// A file a student in a folder, named for the student's ID.
    Folder,
}

/// What a report on a cohort asks of its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CohortOptions {
    /// One file, or a folder of files; [`Format::shapes`] says what there is.
    pub shape: Shape,
    /// What the format asks.
    pub formats: Options,
}

/// A report on a cohort.
///
/// # Errors
/// The format has no such shape; says what to do.
pub fn cohort(format: Format, options: &CohortOptions) -> Result<Box<dyn Cohort>, ReportError> {
    let shapes = format.shapes();
    match options.shape {
        Shape::Folder if format == Format::Html => Ok(Box::new(html::Site::new())),
        Shape::File if format == Format::Html => Err(ReportError::Site),
        Shape::File if !shapes.all => Err(ReportError::OneOnly(format)),
        Shape::Folder if !shapes.one => Err(ReportError::CohortOnly(format)),
        Shape::File => Ok(Box::new(OneFile { format, document: Some(document::new(format, &options.formats, true)) })),
        Shape::Folder => Ok(Box::new(Folder { format, options: options.formats.clone() })),
    }
}

/// All entries in one file.
struct OneFile {
    format: Format,
    document: Option<Box<dyn Document>>,
}

impl Cohort for OneFile {
    fn entry(&mut self, entry: &Entry) -> Result<Vec<File>, ReportError> {
        if let Some(document) = &mut self.document {
            take_in(document.as_mut(), entry, &entry.student)?;
        }
        Ok(Vec::new())
    }

    fn end(&mut self) -> Result<Vec<File>, ReportError> {
        let Some(document) = self.document.take() else { return Ok(Vec::new()) };
        let path = format!("{}.{}", self.format, self.format.extension()).into();
        Ok(vec![File { path, bytes: document.finish()? }])
    }
}

/// Each entry in a file of its own.
struct Folder {
    format: Format,
    options: Options,
}

impl Cohort for Folder {
    fn entry(&mut self, entry: &Entry) -> Result<Vec<File>, ReportError> {
        let members = if self.format.is_handed_out() { entry.members.as_slice() } else { &[] };
        let file = |student: &Student| {
            let mut document = document::new(self.format, &self.options, false);
            take_in(document.as_mut(), entry, student)?;
            let path = file_name(&student.id, self.format.extension());
            Ok(File { path, bytes: document.finish()? })
        };
        std::iter::once(&entry.student).chain(members).map(file).collect()
    }

    fn end(&mut self) -> Result<Vec<File>, ReportError> {
        Ok(Vec::new())
    }
}

fn take_in(document: &mut dyn Document, entry: &Entry, student: &Student) -> Result<(), ReportError> {
    let who = Who { student, again: entry.again.as_deref(), known: true };
    match &entry.outcome {
        Outcome::Graded(graded) => document.submission(&who, graded),
        Outcome::Unread { reason } => {
            document.unread(&who, reason);
            Ok(())
        }
    }
}

/// A student's file. An ID is safe as a name (`roster::Student`); one that is not after all leads nowhere
/// else, and meets no other.
fn file_name(id: &str, extension: &str) -> Utf8PathBuf {
    let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let safe: String = id.chars().map(|c| if fit(c) { c } else { '_' }).take(100).collect();
    let name = safe.trim_start_matches('.');
    if name == id && !name.is_empty() {
        return format!("{name}.{extension}").into();
    }
    let hash = blake3::hash(id.as_bytes()).to_hex();
    format!("{name}-{}.{extension}", &hash[..12]).into()
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_file_stays_in_its_folder() {
        for id in ["../../etc/passwd", "..", "", ".bashrc", "a/b", "a\\b", "nul\0", "é", "-"] {
            let path = file_name(id, "md");
            assert!(path.components().count() == 1 && !path.as_str().starts_with('.'), "{id:?}: {path}");
        }
        assert_eq!(file_name("jdoe_1.2-3", "md"), "jdoe_1.2-3.md");
        assert_ne!(file_name("a/b", "md"), file_name("a\\b", "md"));
    }
}
