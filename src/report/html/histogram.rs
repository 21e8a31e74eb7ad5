//! Scores of a cohort as a histogram: a bar for each tenth of the points, and one for all of them.

use maud::{Markup, html};

use crate::plan::points::Points;
use crate::text::count;

/// The bars' labels, in per cent.
const LABELS: [&str; 11] =
    ["0–9", "10–19", "20–29", "30–39", "40–49", "50–59", "60–69", "70–79", "80–89", "90–99", "100"];
/// The picture's size, in its own units.
const SIZE: (u64, u64) = (660, 170);
/// Room for labels below, and for numbers above the bars.
const MARGINS: (u64, u64) = (24, 20);

/// How many submissions there are in each bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bins([u64; LABELS.len()]);

impl Bins {
    fn of(points: impl Iterator<Item = (Points, Points)>) -> Self {
        let mut bins = [0; LABELS.len()];
        for (earned, of) in points.filter(|(_, of)| of.0 > 0) {
            let tenth = (u64::from(earned.0) * 10 / u64::from(of.0)).min(10);
            if let Some(bin) = usize::try_from(tenth).ok().and_then(|tenth| bins.get_mut(tenth)) {
                *bin += 1;
            }
        }
        Self(bins)
    }

    fn bars(self) -> impl Iterator<Item = (u64, &'static str, u64)> {
        (0..).zip(LABELS).zip(self.0).map(|((number, label), many)| (number, label, many))
    }
}

/// Draws it, with the same as a table for who does not see it.
pub(super) fn draw(points: impl Iterator<Item = (Points, Points)>) -> Markup {
    let bins = Bins::of(points);
    let most = bins.0.iter().copied().max().unwrap_or(0).max(1);
    let slot = SIZE.0 / LABELS.len() as u64;
    let floor = SIZE.1 - MARGINS.0;
    html! {
        figure .histogram {
            svg viewBox={ "0 0 " (SIZE.0) " " (SIZE.1) } role="img" aria-labelledby="histogram-title" {
                title #histogram-title { "How many submissions have how many per cent of the points" }
                @for (number, label, many) in bins.bars() {
                    @let height = (floor - MARGINS.1) * many / most;
                    @let (left, middle) = (number * slot + 4, number * slot + slot / 2);
                    rect .bar x=(left) y=(floor - height.max(u64::from(many > 0))) width=(slot - 8) height=(height.max(u64::from(many > 0))) rx="3" {}
                    @if many > 0 { text .many x=(middle) y=(floor - height - 5) text-anchor="middle" { (many) } }
                    text .label x=(middle) y=(SIZE.1 - 7) text-anchor="middle" { (label) }
                }
                line .floor x1="0" x2=(SIZE.0) y1=(floor) y2=(floor) {}
            }
            figcaption { "Submissions by per cent of the points that could be graded" }
            table .vh {
                caption { "Submissions by per cent of the points" }
                thead { tr { th scope="col" { "Per cent" } th scope="col" { "Submissions" } } }
                tbody { @for (_, label, many) in bins.bars() { tr { th scope="row" { (label) } td { (count(usize::try_from(many).unwrap_or(usize::MAX), "submission")) } } } }
            }
        }
    }
}

/// The middle of all scores, in per cent.
pub(super) fn median(points: impl Iterator<Item = (Points, Points)>) -> Option<u64> {
    let share = |(earned, of): (Points, Points)| u64::from(earned.0) * 100 / u64::from(of.0);
    let mut shares: Vec<u64> = points.filter(|(_, of)| of.0 > 0).map(share).collect();
    shares.sort_unstable();
    shares.get(shares.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_points_have_a_bar_of_their_own_and_none_of_nothing_has_none() {
        let points = [(0, 100), (9, 100), (10, 100), (99, 100), (100, 100), (0, 0)];
        let bins = Bins::of(points.into_iter().map(|(earned, of)| (Points(earned), Points(of))));
        assert_eq!(bins.0, [2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    }
}
