//! Points: hundredths, so that sums are exact.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Points, in hundredths. In JSON a number with at most two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Points(pub u32);

impl Points {
    /// The nearest hundredth; nothing for what is negative or no number.
    #[must_use]
    pub fn from_f64(points: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range of the type")]
        Self((points * 100.0).round().clamp(0.0, f64::from(u32::MAX)) as u32)
    }

    /// As a number.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 100.0
    }

    /// Shares out a total in proportion to weights, exactly, by largest remainders.
    #[must_use]
    pub fn share(self, weights: &[f64]) -> Vec<Self> {
        let sum: f64 = weights.iter().sum();
        if sum <= 0.0 {
            return vec![Self(0); weights.len()];
        }
        let exact: Vec<f64> = weights.iter().map(|weight| f64::from(self.0) * weight / sum).collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is at most the total")]
        let mut shares: Vec<Self> = exact.iter().map(|share| Self((share + 1e-9).floor() as u32)).collect();
        let given: u32 = shares.iter().map(|share| share.0).sum();
        let mut order: Vec<usize> = (0..weights.len()).collect();
        let rest = |index: usize| exact[index] - f64::from(shares[index].0);
        order.sort_by(|a, b| rest(*b).total_cmp(&rest(*a)));
        for index in order.into_iter().take(self.0.saturating_sub(given) as usize) {
            shares[index].0 += 1;
        }
        shares
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        match rest {
            0 => write!(f, "{whole}"),
            rest if rest % 10 == 0 => write!(f, "{whole}.{}", rest / 10),
            rest => write!(f, "{whole}.{rest:02}"),
        }
    }
}

impl Add for Points {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Points {
    fn sum<I: Iterator<Item = Self>>(points: I) -> Self {
        points.fold(Self(0), Add::add)
    }
}

impl Serialize for Points {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(100) {
            serializer.serialize_u32(self.0 / 100)
        } else {
            serializer.serialize_f64(self.as_f64())
        }
    }
}

impl<'de> Deserialize<'de> for Points {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::from_f64)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use proptest::prelude::*;

    use super::*;

    /// Points as teachers write them: whole ones, halves, tenths, hundredths, thirds.
    fn weight() -> impl Strategy<Value = f64> {
        let parts = prop_oneof![Just(1.0), Just(2.0), Just(3.0), Just(7.0), Just(10.0), Just(100.0)];
        (0..=1000u32, parts).prop_map(|(number, parts)| f64::from(number) / parts)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn shares_add_up_exactly(total in 0..=1_000_000u32, weights in proptest::collection::vec(weight(), 1..40)) {
            let shares = Points(total).share(&weights);
            prop_assert_eq!(shares.len(), weights.len());
            let wanted = if weights.iter().sum::<f64>() > 0.0 { total } else { 0 };
            prop_assert_eq!(shares.into_iter().sum::<Points>(), Points(wanted));
        }

        #[test]
        fn a_share_is_less_than_a_hundredth_off(total in 0..=1_000_000u32, weights in proptest::collection::vec(weight(), 1..12)) {
            let sum: f64 = weights.iter().sum();
            prop_assume!(sum > 0.0);
            for (share, weight) in Points(total).share(&weights).iter().zip(&weights) {
                let exact = f64::from(total) * weight / sum;
                prop_assert!((f64::from(share.0) - exact).abs() < 1.0, "{} for {}", share.0, exact);
            }
        }

        #[test]
        fn who_weighs_more_never_gets_less(total in 0..=100_000u32, weights in proptest::collection::vec(weight(), 1..12)) {
            let shares = Points(total).share(&weights);
            for (one, share) in weights.iter().zip(&shares) {
                for (other, less) in weights.iter().zip(&shares) {
                    prop_assert!(one <= other || share >= less, "{:?} {:?}", weights, shares);
                }
            }
        }

        #[test]
        fn who_weighs_nothing_gets_nothing(total in 1..=10_000u32, weights in proptest::collection::vec(1..9u8, 1..9)) {
            let weights: Vec<f64> = weights.into_iter().map(f64::from).chain([0.0]).collect();
            prop_assert_eq!(Points(total).share(&weights).last().copied(), Some(Points(0)));
        }

        #[test]
        fn points_come_back_from_json_and_from_numbers(points: u32) {
            let json = serde_json::to_string(&Points(points)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Points>(&json).unwrap(), Points(points));
            prop_assert_eq!(Points::from_f64(Points(points).as_f64()), Points(points));
            prop_assert_eq!(Points::from_f64(Points(points).to_string().parse().unwrap()), Points(points));
        }
    }

    #[test]
    fn a_third_of_the_total_leaves_the_rest_to_the_first() {
        let shares = Points(100).share(&[1.0, 1.0, 1.0]);
        assert_eq!(shares, [Points(34), Points(33), Points(33)]);
    }

    /// As computed, the last exact share is a hair below 1250, which rounds down to 1250 all the same.
    #[test]
    fn what_is_whole_but_for_an_error_of_rounding_gets_nothing_more() {
        assert_eq!(Points(2500).share(&[0.1, 0.2, 0.3]), [Points(417), Points(833), Points(1250)]);
    }

    #[test]
    fn no_weights_no_points() {
        assert_eq!(Points(2500).share(&[]), []);
        assert_eq!(Points(2500).share(&[0.0, 0.0]), [Points(0); 2]);
    }

    #[test]
    fn points_are_shown_with_the_decimals_that_they_have() {
        let shown = [0, 5, 10, 99, 100, 150, 125, 2500].map(|points| Points(points).to_string());
        assert_eq!(shown, ["0", "0.05", "0.1", "0.99", "1", "1.5", "1.25", "25"]);
    }

    #[test]
    fn what_is_no_number_of_points_is_none() {
        assert_eq!([-1.0, f64::NAN, f64::NEG_INFINITY].map(Points::from_f64), [Points(0); 3]);
        assert_eq!(Points::from_f64(f64::INFINITY), Points(u32::MAX));
    }

    #[test]
    fn a_sum_that_is_too_large_stays_the_largest() {
        assert_eq!(Points(u32::MAX) + Points(1), Points(u32::MAX));
    }
}
