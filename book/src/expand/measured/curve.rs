//! A curve over the load that was offered, beside the line on which everything would be answered.

use std::fmt::Write as _;

use record::{Study, median, number};

use super::{axis, marks};
use crate::markup::escape;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 730.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 280.0;

/// The headline measure of each row over its place on the axis.
pub(super) fn svg(study: &Study, yours: Option<&Study>, id: &str) -> String {
    let points = |study: &Study| -> Vec<(f64, f64)> {
        study.rows.iter().filter_map(|row| Some((row.at?, median(&row.headline()?.samples)))).collect()
    };
    let recorded = points(study);
    let mine = yours.map(points).unwrap_or_default();
    let most = |of: fn(&(f64, f64)) -> f64| recorded.iter().chain(&mine).map(of).fold(0.0, f64::max);
    // One scale for both axes: the line of everything answered is then the diagonal that it is.
    let (end, step) = axis(most(|point| point.0).max(most(|point| point.1)));
    let x = |value: f64| LEFT + value / end * (RIGHT - LEFT);
    let y = |value: f64| BOTTOM - value / end * (BOTTOM - TOP);
    let headline = study.rows.first().and_then(|row| row.headline());
    let what = headline.map_or_else(String::new, |m| format!("{}, {}", m.name, m.unit.symbol()));
    let mut out = format!(
        "<svg class=\"plot-curve\" role=\"img\" aria-labelledby=\"{t}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\"><title id=\"{t}\">{} of {}\
         </title><text class=\"plot-what\" x=\"{LEFT}\" y=\"14\">{}</text>\
         <text class=\"plot-what plot-end\" x=\"{RIGHT}\" y=\"{:.1}\">offered, requests/s</text>",
        escape(&what),
        escape(&study.question),
        escape(&what),
        BOTTOM + 44.0,
        t = escape(&format!("{id}-curve")),
    );
    for mark in marks(end, step) {
        let (at_x, at_y) = (x(mark), y(mark));
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "<path class=\"plot-grid\" d=\"M{at_x:.1} {TOP}V{BOTTOM}M{LEFT} {at_y:.1}H{RIGHT}\"/>\
             <text class=\"plot-mark\" x=\"{at_x:.1}\" y=\"{:.1}\">{n}</text>\
             <text class=\"plot-label\" x=\"{:.1}\" y=\"{at_y:.1}\">{n}</text>",
            BOTTOM + 18.0,
            LEFT - 8.0,
            n = number(mark)
        );
    }
    let _ = write!(
        out,
        "<line class=\"plot-all\" x1=\"{LEFT}\" y1=\"{BOTTOM}\" x2=\"{RIGHT}\" y2=\"{TOP}\"/>\
         <text class=\"plot-mark plot-end\" x=\"{:.1}\" y=\"{:.1}\">everything answered in time</text>",
        RIGHT - 40.0,
        TOP + 4.0
    );
    for (points, class) in [(&recorded, "plot-line"), (&mine, "plot-line plot-mine-line")] {
        let path: Vec<_> =
            points.iter().map(|(at, value)| format!("{:.1} {:.1}", x(*at), y(*value))).collect();
        if !path.is_empty() {
            let _ = write!(out, "<path class=\"{class}\" d=\"M{}\"/>", path.join("L"));
        }
        for (at, value) in points {
            let _ = write!(
                out,
                "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\"/>",
                x(*at),
                y(*value)
            );
        }
    }
    out.push_str("</svg>");
    out
}
