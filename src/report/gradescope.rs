//! Gradescope's `results.json` (<https://gradescope-autograders.readthedocs.io/en/latest/specs/>).
//!
//! Hidden requirements are in it, for there the grade comes from the tests: each says by its `visibility`
//! who sees it, and Gradescope keeps it, and the total with it, from the others. What a student is
//! shown of a failure (`show`) is all that its `output` has. A program that is missing is a visible test, worth
//! what is visible of it, and one for each other visibility that it has, worth what is seen then. What could not be graded is a test of no
//! points, so that none are lost by it, and the report's `output` asks to run it again.

use serde_json::{Value, json};

use super::document::{Document, Who};
use super::json::visibility;
use super::sanitize::{attribute, json_document, xml_text};
use super::{Graded, ReportError, is_shown, told};
use crate::judge::verdict::{Judged, Missing, ProgramVerdict, Verdict};
use crate::plan::model::{Level, Visibility};
use crate::plan::points::Points;
use crate::text::{count, tame};

/// The report while it is made.
#[derive(Default)]
pub(super) struct Gradescope {
    tests: Vec<Value>,
    output: Vec<String>,
    seconds: f64,
    extra: Value,
    unread: bool,
}

impl Document for Gradescope {
    fn submission(&mut self, _who: &Who<'_>, graded: &Graded) -> Result<(), ReportError> {
        let verdict = &graded.verdict;
        for (number, program) in (1..).zip(&verdict.programs) {
            // What is hidden comes last: a gap between the numbers would tell of it.
            let hidden = program.requirements.iter().filter(|judged| !is_shown(judged));
            let tests = (1..).zip(told::shown(program).chain(hidden));
            self.tests.extend(tests.map(|(index, judged)| test(graded, program, judged, &format!("{number}.{index}"))));
            #[expect(clippy::cast_precision_loss, reason = "no run takes centuries")]
            let seconds = program.micros as f64 / 1e6;
            self.seconds += seconds;
        }
        let after = verdict.programs.len() + 1;
        self.tests.extend((after..).zip(&verdict.missing).flat_map(|(number, missing)| absent(missing, number)));
        let ungraded = verdict
            .programs
            .iter()
            .flat_map(told::shown)
            .filter(|judged| matches!(judged.verdict, Verdict::Ungraded { .. }))
            .count();
        if ungraded > 0 {
            self.output.push(format!(
                "{} could not be graded. That is not the program's fault: run the autograder again.",
                count(ungraded, "requirement")
            ));
        }
        self.extra = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "assignment": verdict.assignment,
            "seed": verdict.seed,
            "isolation": verdict.isolation,
        });
        Ok(())
    }

    /// A score of none rather than one of zero: Gradescope then says that the autograder failed.
    fn unread(&mut self, _who: &Who<'_>, reason: &str) {
        self.unread = true;
        self.output.push(xml_text(&told::ungraded(reason)));
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, ReportError> {
        let mut report = json!({
            "execution_time": (self.seconds * 1000.0).round() / 1000.0,
            "output": self.output.join("\n"),
            "output_format": "text",
            "test_output_format": "text",
            "test_name_format": "text",
            "visibility": "visible",
            "stdout_visibility": "hidden",
            "extra_data": { "sockspec": self.extra },
        });
        if !self.unread {
            report["tests"] = Value::Array(self.tests);
        }
        Ok((json_document(&serde_json::to_string_pretty(&report)?) + "\n").into_bytes())
    }
}

fn test(graded: &Graded, program: &ProgramVerdict, judged: &Judged, number: &str) -> Value {
    let extra = judged.level != Level::Required;
    let mut test = json!({
        "name": attribute(&tame(&format!("{} {}", judged.id, judged.title))),
        "number": number,
        "score": judged.earned,
        // An extra that is worth nothing shows no points.
        "max_score": judged.possible(),
        "output": output(graded, program, judged),
        "tags": [program.role.name(), if extra { "extra" } else { "required" }],
        "visibility": visibility(judged.visibility),
    });
    // Without a status Gradescope tells one from the points; a blocked test has not been passed.
    match judged.verdict {
        Verdict::Passed => test["status"] = json!("passed"),
        Verdict::Failed | Verdict::Blocked { .. } => test["status"] = json!("failed"),
        Verdict::Ungraded { .. } => {}
    }
    test
}

fn output(graded: &Graded, program: &ProgramVerdict, judged: &Judged) -> String {
    let text = match &judged.verdict {
        Verdict::Passed => return String::new(),
        Verdict::Ungraded { reason } => told::ungraded(reason),
        Verdict::Blocked { by } => told::blocked(program, by),
        Verdict::Failed => told::failure(graded, program, judged).text,
    };
    let extra = if judged.level == Level::Required { "" } else { "extra, not required\n\n" };
    xml_text(&tame(&format!("{extra}{text}")))
}

/// The tests of a missing program: what a student may know of now, and what later or never, where there is any.
fn absent(missing: &Missing, number: usize) -> Vec<Value> {
    let test = |part: usize, name: String, points: Points, seen: Visibility| {
        json!({
            "name": name,
            "number": format!("{number}.{part}"),
            "score": 0,
            "max_score": points,
            "status": "failed",
            "output": xml_text(&tame(&told::missing(missing))),
            "tags": [missing.role.name(), "missing"],
            "visibility": visibility(seen),
        })
    };
    let mut tests = vec![test(1, told::presence(missing), missing.shown, Visibility::Visible)];
    let known = missing.shown + missing.kept.iter().map(|(_, points)| *points).sum();
    // A record that does not say of what a student may know keeps it all.
    let unknown = Points(missing.points.0.saturating_sub(known.0));
    let rest = missing.kept.iter().copied().chain((unknown > Points(0)).then_some((Visibility::Hidden, unknown)));
    for (part, (seen, points)) in (2..).zip(rest) {
        let which = match seen {
            Visibility::AfterDueDate => "requirements that are hidden until it is due",
            Visibility::AfterPublished => "requirements that are hidden until grades are published",
            Visibility::Hidden | Visibility::Visible => "hidden requirements",
        };
        tests.push(test(part, format!("{} ({which})", told::presence(missing)), points, seen));
    }
    tests
}
