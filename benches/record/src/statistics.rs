//! Median, interval and percentile. No distribution is assumed: times on a shared machine have none that has a name.

use crate::Interval;

/// How sure an interval is, at least, where there are samples enough.
const LEVEL: f64 = 0.95;

/// The middle sample, or the mean of the two in the middle; NaN without samples.
pub fn median(samples: &[f64]) -> f64 {
    let sorted = sorted(samples);
    match (sorted.get(sorted.len().wrapping_sub(1) / 2), sorted.get(sorted.len() / 2)) {
        (Some(low), Some(high)) => f64::midpoint(*low, *high),
        _ => f64::NAN,
    }
}

/// The median, and between which two samples the true median lies.
///
/// Each sample falls below the true median as often as above it. So the number of samples below it is that of heads in n
/// coin tosses, whatever the distribution, and the k-th smallest and the k-th largest sample enclose it with a probability
/// that the coin gives: the interval of the sign test. With 6 samples the two outermost reach 96.9 %, with 5 they reach
/// 93.8 %, with 3 only 75 %. Where 95 % cannot be reached the interval is the whole range.
pub fn median_interval(samples: &[f64]) -> Interval {
    let sorted = sorted(samples);
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return Interval { low: f64::NAN, point: f64::NAN, high: f64::NAN };
    };
    let cut = outside(sorted.len());
    let low = sorted.get(cut).unwrap_or(first);
    let high = sorted.get(sorted.len() - 1 - cut).unwrap_or(last);
    Interval { low: *low, point: median(&sorted), high: *high }
}

/// How many samples on each side lie outside the interval.
#[expect(clippy::cast_precision_loss, reason = "no study has 2^52 samples")]
fn outside(samples: usize) -> usize {
    // The chance of exactly k heads in n tosses, built up from k = 0; it underflows to zero beyond 1 074 samples.
    let mut chance = 0.5_f64.powi(i32::try_from(samples).unwrap_or(i32::MAX));
    let mut tail = chance;
    let mut cut = 0;
    while cut + 1 < samples.div_ceil(2) {
        chance *= (samples - cut) as f64 / (cut + 1) as f64;
        tail += chance;
        if chance == 0.0 || 2.0 * tail > 1.0 - LEVEL {
            break;
        }
        cut += 1;
    }
    cut
}

/// The smallest value that this share of the sorted values does not exceed (nearest rank); NaN without values.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a bounded run has far fewer than 2^52 values, and a share is positive"
    )]
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// Five digits that mean something: more are noise, and make two runs hard to compare by eye.
pub fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the logarithm of a finite number is below 400")]
    let digits = 4 - value.abs().log10().floor() as i32;
    let text = format!("{value:.*}", usize::try_from(digits).unwrap_or(0));
    // Dividing by a power of ten would leave 1.1000000000000001.
    text.parse().unwrap_or(value)
}

fn sorted(samples: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<_> = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_few_samples_is_their_range() {
        assert_eq!(median_interval(&[3.0, 1.0, 2.0, 5.0, 4.0]), Interval { low: 1.0, point: 3.0, high: 5.0 });
        assert_eq!(median_interval(&[2.0]), Interval { low: 2.0, point: 2.0, high: 2.0 });
    }

    #[test]
    fn the_interval_of_many_samples_leaves_out_as_many_as_the_sign_test_allows() {
        // From the table of the binomial distribution: 2 of 12 may lie outside on each side (96.1 %), 9 of 30 (95.7 %).
        for (samples, cut) in [(5, 0), (6, 0), (8, 0), (9, 1), (12, 2), (30, 9)] {
            assert_eq!(outside(samples), cut, "{samples} samples");
        }
    }

    #[test]
    fn without_samples_nothing_is_a_number() {
        assert!(median(&[]).is_nan() && median_interval(&[]).point.is_nan() && percentile(&[], 0.5).is_nan());
    }

    #[test]
    fn a_percentile_is_a_value_that_really_occurred() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!((percentile(&values, 0.5), percentile(&values, 0.99)), (100.0, 198.0));
        assert_eq!(percentile(&[7.0], 0.99), 7.0);
    }

    #[test]
    fn five_digits_are_kept_of_large_and_of_small_numbers() {
        for (value, kept) in
            [(37_256.43, 37_256.0), (0.056_789_1, 0.056_789), (1.1, 1.1), (0.0, 0.0), (-12.345_67, -12.346)]
        {
            assert_eq!(rounded(value), kept);
        }
    }
}
