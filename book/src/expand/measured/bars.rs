//! Bars with intervals. They begin at zero, so that twice as long is twice as much.

use std::fmt::Write as _;

use record::{Interval, Measure, Role, Study, median_interval, number};

use super::{axis, marks};
use crate::markup::escape;

const WIDTH: f64 = 760.0;
/// Where the bars begin, and where the longest may end; labels stand left of them, numbers right.
const LEFT: f64 = 230.0;
const RIGHT: f64 = 640.0;
const BAR: f64 = 16.0;
const GAP: f64 = 12.0;
const TOP: f64 = 30.0;

/// One measure of all rows; `None` if no row has it.
pub(super) fn svg(study: &Study, yours: Option<&Study>, measure: &str, id: &str) -> Option<String> {
    let rows: Vec<_> = study.rows.iter().filter_map(|row| Some((row, row.measure(measure)?))).collect();
    let (_, first) = rows.first()?;
    let mine = |name: &str| yours.and_then(|yours| yours.row(name)?.measure(measure));
    let all = rows.iter().map(|(_, m)| *m).chain(rows.iter().filter_map(|(row, _)| mine(&row.name)));
    let most = all.map(|m| median_interval(&m.samples).high).fold(0.0, f64::max);
    let (end, step) = axis(most);
    let scale = |value: f64| LEFT + (value / end).clamp(0.0, 1.0) * (RIGHT - LEFT);
    let each = GAP + BAR * if yours.is_some() { 2.0 } else { 1.0 };
    #[expect(clippy::cast_precision_loss, reason = "a study has a handful of rows")]
    let bottom = TOP + rows.len() as f64 * each;

    let unit = first.unit.symbol();
    let (what, better) = (
        if unit.is_empty() { measure.to_owned() } else { format!("{measure}, {unit}") },
        if first.unit.more_is_better() { "more is better" } else { "less is better" },
    );
    let title = format!("{id}-{}", measure.replace(' ', "-"));
    let mut out = format!(
        "<svg class=\"plot-bars\" role=\"img\" aria-labelledby=\"{t}\" viewBox=\"0 0 {WIDTH} {h:.0}\"><title id=\"{t}\">{} of {}\
         </title><text class=\"plot-what\" x=\"{LEFT}\" y=\"14\">{} ({better})</text>",
        escape(&what),
        escape(&study.question),
        escape(&what),
        t = escape(&title),
        h = bottom + 26.0,
    );
    for mark in marks(end, step) {
        let x = scale(mark);
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "<line class=\"plot-grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{bottom:.1}\"/>\
             <text class=\"plot-mark\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
            TOP - 4.0,
            bottom + 16.0,
            number(mark)
        );
    }
    let mut y = TOP + GAP / 2.0;
    for (row, measure) in rows {
        let middle = y + (each - GAP) / 2.0;
        let _ = write!(
            out,
            "<text class=\"plot-label\" x=\"{:.1}\" y=\"{middle:.1}\">{}</text>",
            LEFT - 10.0,
            escape(&row.name)
        );
        bar(&mut out, measure, colour(row.role), y, scale);
        if let Some(mine) = mine(&row.name) {
            bar(&mut out, mine, "plot-mine", y + BAR, scale);
        }
        y += each;
    }
    out.push_str("</svg>");
    Some(out)
}

fn bar(out: &mut String, measure: &Measure, class: &str, y: f64, scale: impl Fn(f64) -> f64) {
    let Interval { low, point, high } = median_interval(&measure.samples);
    // A bar of no length would look like a missing one.
    let width = (scale(point) - LEFT).max(1.5);
    let middle = y + BAR / 2.0;
    let _ = write!(
        out,
        "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>",
        y + 1.0,
        BAR - 2.0
    );
    if low < high {
        let (from, to) = (scale(low), scale(high));
        let _ = write!(
            out,
            "<path class=\"plot-interval\" d=\"M{from:.1} {middle:.1}H{to:.1}M{from:.1} {:.1}v6M{to:.1} {:.1}v6\"/>",
            middle - 3.0,
            middle - 3.0
        );
    }
    let _ = write!(
        out,
        "<text class=\"plot-number\" x=\"{:.1}\" y=\"{middle:.1}\">{}</text>",
        scale(high.max(point)) + 8.0,
        number(point)
    );
}

fn colour(role: Role) -> &'static str {
    match role {
        Role::Wrong | Role::Peer => "plot-wrong",
        Role::Right | Role::Ours => "plot-right",
        Role::Baseline | Role::Limit => "plot-quiet",
    }
}
