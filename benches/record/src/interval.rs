//! Says whether one measured time is really shorter than another, or whether nobody can tell.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A measured time: the estimate, and the confidence interval around it. All three in the same unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end of the interval.
    pub low: f64,
    /// The estimate.
    pub point: f64,
    /// The upper end of the interval.
    pub high: f64,
}

/// How one measured time compares with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Its whole interval lies below the other's.
    Faster,
    /// Its whole interval lies above the other's.
    Slower,
    /// The intervals overlap.
    CannotTell,
}

impl Interval {
    /// Compares with another time in the same unit.
    ///
    /// Two intervals that do not overlap differ for certain at their level; two that overlap may still differ. So this
    /// errs towards "can't tell", which is the side on which a claim about speed should err.
    pub fn against(&self, other: &Self) -> Comparison {
        if self.high < other.low {
            Comparison::Faster
        } else if self.low > other.high {
            Comparison::Slower
        } else {
            // Also where a number is not one: a comparison with NaN holds nothing.
            Comparison::CannotTell
        }
    }

    /// How many times as long as the other time this one is, with the widest interval that both allow.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        Self { low: self.low / other.high, point: self.point / other.point, high: self.high / other.low }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::CannotTell => "can't tell",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(point: f64) -> Interval {
        Interval { low: point - 1.0, point, high: point + 1.0 }
    }

    #[test]
    fn a_time_whose_interval_lies_below_the_other_is_faster_and_the_other_slower() {
        assert_eq!(around(2.0).against(&around(16.0)), Comparison::Faster);
        assert_eq!(around(16.0).against(&around(2.0)), Comparison::Slower);
    }

    #[test]
    fn times_whose_intervals_touch_or_overlap_cannot_be_told_apart() {
        assert_eq!(around(2.0).against(&around(3.0)), Comparison::CannotTell);
        assert_eq!(around(2.0).against(&around(4.0)), Comparison::CannotTell);
    }

    #[test]
    fn a_time_that_is_not_a_number_cannot_be_told_apart() {
        assert_eq!(around(f64::NAN).against(&around(2.0)), Comparison::CannotTell);
    }

    #[test]
    fn a_ratio_is_as_wide_as_both_intervals_allow() {
        let ratio = around(16.0).over(&around(3.0));
        assert_eq!(ratio, Interval { low: 15.0 / 4.0, point: 16.0 / 3.0, high: 17.0 / 2.0 });
    }
}
