//! Whom a page is about, and when it was graded.

use maud::{Markup, html};

use super::text::Said;
use crate::roster::Student;

/// Who it is about.
pub(super) fn heading(student: Option<&Student>, id: &str) -> Markup {
    let name = student.map_or(id, Student::shown);
    html! {
        h1 {
            bdi { (Said(name)) }
            @if student.is_some_and(|student| student.late) { " " span .tag .late { "late" } }
        }
        @if let Some(student) = student.filter(|student| student.name.is_some()) {
            p .meta {
                span { (Said(&student.id)) }
                @if let Some(login) = &student.login { span { bdi { (Said(login)) } } }
                @if let Some(number) = &student.number { span { "No. " bdi { (Said(number)) } } }
            }
        }
    }
}

/// The page of a submission without verdicts.
pub(super) fn unread(student: &Student, reason: &str) -> Markup {
    html! {
        (heading(Some(student), &student.id))
        section .notice .ungraded {
            h2 { "Not graded" }
            p { (Said(reason)) }
        }
    }
}

/// A moment as people write it, in UTC.
pub(super) fn moment(at: &str) -> Markup {
    match at.parse::<jiff::Timestamp>() {
        Ok(known) => {
            let shown = known.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %B %Y, %H:%M UTC").to_string();
            html! { time datetime=(at) { (shown) } }
        }
        Err(_) => html! { (Said(at)) },
    }
}
