//! When packets were seen, by the clock that all other events are timed with.
//!
//! The kernel stamps packets by the time of day (`SO_TIMESTAMPNS`, socket(7)), which somebody may set while
//! a scenario is being played. Verdicts rest on the order of packets and of what peers saw, so they must
//! not depend on it.

use std::time::Duration;

/// The time of day is never set by less: clocks that are less wrong are made to run faster or slower, and
/// then the other clock does so too (clock_gettime(2)). Two readings in a row may be that far apart where a
/// processor is long in coming.
const STEP: u64 = 100_000_000;

/// Puts the stamps of packets in their place. All times in it are in nanoseconds: since the scenario began or,
/// those that are called stamps, since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Moments {
    /// The stamp of the scenario's beginning, by the time of day as it was last set.
    begun: u64,
    /// When packets were looked for the last time but one, and the last time.
    window: (u64, u64),
}

impl Moments {
    /// A scenario begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self::since(super::now())
    }

    fn since(begun: u64) -> Self {
        Self { begun, window: (0, 0) }
    }

    /// All packets that came before this were taken.
    pub fn look(&mut self, elapsed: Duration) {
        self.look_at(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX), super::now());
    }

    fn look_at(&mut self, now: u64, stamp: u64) {
        self.window = (self.window.1, now);
        let begun = stamp.saturating_sub(now);
        if begun.abs_diff(self.begun) >= STEP {
            self.begun = begun;
        }
    }

    /// When a packet came that was taken before the last look, in microseconds: after the look before. Where its stamp says
    /// something else, the time of day was set in between; then it came no later than what is said of it.
    #[must_use]
    pub fn micros(&self, stamp: u64) -> u64 {
        let (earliest, latest) = self.window;
        let at = stamp.saturating_sub(self.begun);
        (if at > latest { earliest } else { at.max(earliest) }) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 1_700_000_000_000_000_000;
    const HOUR: u64 = 3_600_000_000_000;

    #[test]
    fn a_packet_came_when_its_stamp_says() {
        let mut moments = Moments::since(DAY);
        moments.look_at(5_000_000, DAY + 5_000_700);
        assert_eq!(moments.micros(DAY + 3_000_000), 3_000);
        moments.look_at(9_000_000, DAY + 9_000_000);
        assert_eq!(moments.micros(DAY + 8_000_000), 8_000);
    }

    #[test]
    fn whoever_sets_the_time_of_day_moves_no_packet_out_of_its_place() {
        for set in [DAY - HOUR, DAY + HOUR] {
            let mut moments = Moments::since(DAY);
            moments.look_at(5_000_000, DAY + 5_000_000);
            // Some came before the time was set, and some after.
            moments.look_at(9_000_000, set + 9_000_000);
            for stamp in [DAY + 6_000_000, set + 8_000_000] {
                assert!((5_000..=8_000).contains(&moments.micros(stamp)), "{set} {stamp}");
            }
            moments.look_at(12_000_000, set + 12_000_000);
            assert_eq!(moments.micros(set + 11_000_000), 11_000);
        }
    }

    #[test]
    fn a_processor_that_is_long_in_coming_sets_no_clock() {
        let mut moments = Moments::since(DAY);
        moments.look_at(5_000_000, DAY + 45_000_000);
        assert_eq!(moments.micros(DAY + 3_000_000), 3_000);
    }
}
