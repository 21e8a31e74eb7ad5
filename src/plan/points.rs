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
        order.sort_by(|a, b| exact[*b].fract().total_cmp(&exact[*a].fract()));
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
