//! Finding the programs of a submission.
