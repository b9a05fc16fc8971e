//! Prints reports for a terminal: plain characters, no colour that carries meaning, 100 columns at most.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{Beat, Exchange, Experiment, Finding, Lane, Observed, Report, Verdict, shown_status};

/// Columns between the labels on the left and the figures on the right.
const CHART: usize = 60;

/// Prints reports of one experiment below each other, on one scale, so that they can be compared by eye.
pub fn render(experiment: &Experiment, reports: &[Report]) -> String {
    let mut out = String::new();
    let span_us = reports.iter().map(span_us).max().unwrap_or(0).max(1);
    let most =
        reports.iter().flat_map(|r| &r.counters).map(|reading| reading.value).max().unwrap_or(0).max(1);
    for report in reports {
        let says = experiment.variant(&report.variant).map_or("", |variant| variant.says);
        line(
            &mut out,
            format_args!("{}  {}: {says}", report.side.to_string().to_uppercase(), report.variant),
        );
        match &report.observed {
            Observed::Timeline { lanes, heartbeats, .. } => timeline(&mut out, lanes, heartbeats, span_us),
            Observed::Transcript { exchanges } => transcript(&mut out, exchanges),
            Observed::Count { sent, succeeded } => {
                for reading in &report.counters {
                    let bar = "█".repeat(columns(reading.value, most).max(usize::from(reading.value > 0)));
                    line(&mut out, format_args!("  {:<28} {:>6}  {bar}", reading.name, reading.value));
                }
                line(&mut out, format_args!("  {succeeded} of {sent} requests answered with a 2xx status"));
            }
        }
        line(&mut out, format_args!(""));
        for text in render_findings(&report.verdict).lines() {
            line(&mut out, format_args!("  {text}"));
        }
        line(&mut out, format_args!(""));
    }
    out
}

/// Prints the findings as a table, and below it what the ones mean that do not hold.
pub fn render_findings(verdict: &Verdict) -> String {
    table(&verdict.findings, |finding| if finding.holds { "holds  " } else { "FAILS  " }, "  ")
}

/// Prints findings for somebody whose code was judged: all that was seen, then what the shortfalls mean.
pub(crate) fn render_shortfall(findings: &[Finding]) -> String {
    table(findings, |_| "", "   ")
}

fn table(findings: &[Finding], mark: impl Fn(&Finding) -> &'static str, gap: &str) -> String {
    let mut out = String::new();
    let width = findings.iter().map(|finding| finding.subject.chars().count()).max().unwrap_or(0);
    for finding in findings {
        let Finding { subject, measure, seen, expected, holds, .. } = finding;
        let wanted = if *holds { String::new() } else { format!(" (expected {expected})") };
        line(&mut out, format_args!("{}{subject:<width$}{gap}{measure}: {seen}{wanted}", mark(finding)));
    }
    meanings(&mut out, findings);
    out
}

fn meanings(out: &mut String, findings: &[Finding]) {
    let mut said: Vec<&str> = Vec::new();
    for finding in findings.iter().filter(|finding| !finding.holds) {
        // Two findings may point at one cause; it is said once.
        if !said.contains(&finding.meaning.as_str()) {
            said.push(&finding.meaning);
            line(out, format_args!("\n{}", finding.meaning));
        }
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

fn span_us(report: &Report) -> u64 {
    match &report.observed {
        Observed::Timeline { lanes, heartbeats, .. } => {
            let answered = lanes.iter().filter_map(|lane| lane.answered_us);
            answered.chain(heartbeats.iter().filter_map(|beat| beat.answered_us)).max().unwrap_or(0)
        }
        Observed::Transcript { .. } | Observed::Count { .. } => 0,
    }
}

fn columns(value: u64, whole: u64) -> usize {
    let columns = u128::from(value) * CHART as u128 / u128::from(whole);
    usize::try_from(columns).unwrap_or(CHART).min(CHART)
}

fn timeline(out: &mut String, lanes: &[Lane], beats: &[Beat], span_us: u64) {
    for lane in lanes {
        let mut chart = vec![' '; CHART];
        let end = lane.answered_us.unwrap_or(span_us);
        fill(&mut chart, lane.sent_us, lane.started_us.unwrap_or(end), span_us, '·');
        fill(&mut chart, lane.started_us, end, span_us, '█');
        let answer = match (lane.answered_us, lane.status, &lane.error) {
            (Some(at), Some(status), _) => format!("{status} after {} ms", (at + 500) / 1000),
            (_, _, Some(error)) => error.clone(),
            _ => "no answer".to_owned(),
        };
        let number = lane.id + 1;
        line(out, format_args!("  {number:>9}  {}  {answer}", chart.iter().collect::<String>()));
    }
    if !beats.is_empty() {
        let mut chart = vec![' '; CHART];
        for beat in beats {
            let end = beat.answered_us.unwrap_or(span_us);
            fill(&mut chart, Some(beat.sent_us), end, span_us, '·');
        }
        for beat in beats.iter().filter_map(|beat| beat.answered_us) {
            chart[columns(beat, span_us).min(CHART - 1)] = '|';
        }
        let waits = beats.iter().filter_map(|beat| Some(beat.answered_us? - beat.sent_us));
        let worst = waits.max().unwrap_or(0);
        let chart = chart.iter().collect::<String>();
        line(out, format_args!("  heartbeat  {chart}  slowest {} ms", (worst + 500) / 1000));
    }
    line(out, format_args!("             0 ms{:>width$} ms", (span_us + 500) / 1000, width = CHART - 7));
    line(out, format_args!("             · waits   █ in the handler   | heartbeat answered"));
}

fn fill(chart: &mut [char], from: Option<u64>, to: u64, span_us: u64, mark: char) {
    let Some(from) = from else { return };
    let from = columns(from, span_us).min(CHART - 1);
    for column in chart.iter_mut().take(columns(to, span_us).max(from + 1)).skip(from) {
        *column = mark;
    }
}

fn transcript(out: &mut String, exchanges: &[Exchange]) {
    for (number, exchange) in (1..).zip(exchanges) {
        let request = &exchange.request;
        let status = shown_status(exchange.status);
        line(out, format_args!("  {number:>2}  {}", exchange.says));
        let bearer = request.bearer.as_deref().map_or_else(String::new, |t| format!("  Bearer {}", short(t)));
        let body = request.body.as_ref().map_or_else(String::new, |body| format!("  {}", shown(body)));
        line(out, format_args!("        {} {}{bearer}{body}", request.method, request.path));
        line(out, format_args!("      → {status}  {}", shown(&exchange.body)));
    }
}

/// JSON on one line, with long texts cut: a token is recognised by its beginning.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", short(text)),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| format!("\"{name}\": {}", shown(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

fn short(text: &str) -> String {
    const MOST: usize = 48;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    // The end tells two tokens apart whose headers are the same.
    let tail: String = text.chars().skip(text.chars().count() - 8).collect();
    text.chars().take(12).chain(['…']).chain(tail.chars()).collect()
}
