//! Too few descriptors.

use crate::grader::Room;
use crate::grading::{Graded, check, graded, room};

/// What a grading needs at least is said in src/sandbox/descriptors.rs.
const TOO_FEW: u32 = 64;

/// A grading that may open so many files.
fn with(room: &Room, files: u32) -> Graded {
    let check = check(room, "reference/python");
    let words: Vec<&str> =
        std::iter::once(check.get_program()).chain(check.get_args()).filter_map(|word| word.to_str()).collect();
    let script = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
    graded(room, room.command("sh", &[&["-c", &script], &words[..]].concat()))
}

#[test]
fn whoever_may_open_too_few_files_gets_right_verdicts_or_a_reason() {
    let room = room();
    let right = graded(&room, check(&room, "reference/python"));
    assert_eq!(right.status, Some(0), "{right:?}");
    for files in [256, 96, 80, 64, 63, 24, 12, 8, 7, 6, 5] {
        let few = with(&room, files);
        if files >= TOO_FEW {
            assert_eq!(few.complaints(&right), Vec::<String>::new(), "{files} files: {few:?}");
            continue;
        }
        assert_eq!((few.status, few.verdicts.len()), (Some(3), 0), "{files} files: {few:?}");
        assert!(few.said.contains("`ulimit -n`") && !few.said.contains("panicked"), "{files} files: {few:?}");
    }
    assert_eq!(room.left(), Vec::<String>::new());
}

#[test]
fn a_soft_limit_is_raised_as_far_as_it_may_be() {
    let room = room();
    let check = check(&room, "reference/python");
    let words: Vec<&str> =
        std::iter::once(check.get_program()).chain(check.get_args()).filter_map(|word| word.to_str()).collect();
    let script = "ulimit -S -n 12; exec \"$0\" \"$@\"";
    let few = graded(&room, room.command("sh", &[&["-c", script], &words[..]].concat()));
    assert_eq!((few.status, few.reasons.len()), (Some(0), 0), "{few:?}");
}
