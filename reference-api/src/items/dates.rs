//! A range of dates that cannot be the wrong way round.

use garde::Validate;
use serde::{Deserialize, Serialize};
use time::Date;
use utoipa::ToSchema;

// ANCHOR: date_range
/// From one day until another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(crate::extract::Rules))]
pub(crate) struct DateRange {
    /// The first day.
    #[garde(custom(|date, _| four_digits(date)))]
    #[schema(example = "2026-06-01")]
    pub(super) from: Date,
    /// The last day; not before the first.
    #[garde(custom(|until, _| not_before(&self.from, until)))]
    #[schema(example = "2026-08-31")]
    pub(super) until: Date,
}

/// The rule looks at two fields. Its fault is reported at one of them, so that a form can show it where it can be mended.
fn not_before(from: &Date, until: &Date) -> garde::Result {
    four_digits(until)?;
    if until < from {
        Err(garde::Error::new(format!("is before {from}, where the range begins")))
    } else {
        Ok(())
    }
}
// ANCHOR_END: date_range

/// A year of five digits or before the year 1 would sort wrongly as text, which is how SQLite keeps it.
pub(super) fn four_digits(date: &Date) -> garde::Result {
    if (1..=9999).contains(&date.year()) {
        Ok(())
    } else {
        Err(garde::Error::new("the year must be 1 to 9999"))
    }
}
