//! The table of one load test, and what may be read from it.

use std::fmt::Write as _;

use lab::Side;

use crate::record::{Figures, Load, PROFILE};

/// A variant that answers more than this share of what the do-nothing endpoint answers is held back by the generator or
/// by HTTP itself, at least in part.
const NEAR_THE_LIMIT: f64 = 0.7;

/// The load test as text, 100 columns at most.
pub(crate) fn of(load: &Load) -> String {
    let mut out = String::new();
    let settings = &load.settings;
    let workers = if settings.workers == 1 { "worker" } else { "workers" };
    line(&mut out, &format!("Lesson {:02} · {}", load.lesson, load.title));
    line(
        &mut out,
        &format!(
            "{} users for {} s · {} {workers} · each call waits {} ms · {PROFILE} build\n",
            settings.users, settings.seconds, settings.workers, settings.hold_ms
        ),
    );
    line(&mut out, &format!("{:26}{:>11}{:>29}{:>19}", "", "the users", "", "a heartbeat beside"));
    line(
        &mut out,
        &format!(
            "  {:<24}{:>11}{:>10}{:>10}{:>9}{:>9}{:>10}",
            "", "requests/s", "p50 ms", "p99 ms", "failed", "p50 ms", "p99 ms"
        ),
    );
    line(&mut out, &row("", "do-nothing", &load.baseline));
    for measured in &load.variants {
        line(&mut out, &row(&measured.side.to_string(), &measured.variant, &measured.figures));
    }
    line(&mut out, "");
    for right in load.variants.iter().filter(|measured| measured.side == Side::Right) {
        for wrong in load.variants.iter().filter(|measured| measured.side == Side::Wrong) {
            let pair = format!("{} / {}", right.variant, wrong.variant);
            let answers = ratio(right.figures.requests_per_second, wrong.figures.requests_per_second);
            let heartbeat = ratio(right.figures.heartbeat_p99_ms, wrong.figures.heartbeat_p99_ms);
            line(&mut out, &format!("  {pair:<34} answers × {answers:<8} heartbeat p99 × {heartbeat}"));
        }
    }
    line(&mut out, &format!("\n{}", limit(load)));
    line(
        &mut out,
        "Users wait for an answer before they ask again, so they ask less while the service stalls: the wrong\n\
         way's p99 is flattered (coordinated omission). The heartbeat is sent every 20 ms, come what may.",
    );
    out
}

fn row(side: &str, name: &str, figures: &Figures) -> String {
    let Figures { requests_per_second, p50_ms, p99_ms, failures, heartbeat_p50_ms, heartbeat_p99_ms } =
        figures;
    format!(
        "  {side:<6}{name:<18}{requests_per_second:>11.1}{p50_ms:>10.1}{p99_ms:>10.1}{failures:>9}\
         {heartbeat_p50_ms:>9.1}{heartbeat_p99_ms:>10.1}"
    )
}

/// Three digits: more would claim a precision that one short run does not have.
fn ratio(of: f64, to: f64) -> String {
    let ratio = of / to;
    if !ratio.is_finite() {
        "?".to_owned()
    } else if ratio < 0.1 {
        format!("{ratio:.4}")
    } else if ratio < 10.0 {
        format!("{ratio:.2}")
    } else {
        format!("{ratio:.0}")
    }
}

/// Whether the generator set the numbers. The do-nothing endpoint tells: the same users, the same client, no work.
fn limit(load: &Load) -> String {
    let most = load.baseline.requests_per_second;
    let near = load
        .variants
        .iter()
        .filter(|measured| measured.figures.requests_per_second > most * NEAR_THE_LIMIT)
        .map(|measured| measured.variant.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    if near.is_empty() {
        format!(
            "The generator was not the limit: do-nothing reached {most:.0} requests/s, and no variant came near it."
        )
    } else {
        format!(
            "The generator was the limit for {near}: do-nothing itself reached only {most:.0} requests/s.\n\
             These numbers say what this machine can ask, not what the variant can answer; take fewer --users."
        )
    }
}

fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Measured, RunSettings};

    fn load(do_nothing: f64) -> Load {
        let figures = |requests_per_second, p99_ms, heartbeat_p99_ms| Figures {
            requests_per_second,
            p50_ms: p99_ms - 1.0,
            p99_ms,
            failures: 0,
            heartbeat_p50_ms: heartbeat_p99_ms / 2.0,
            heartbeat_p99_ms,
        };
        let measured = |variant: &str, side, figures| Measured { variant: variant.to_owned(), side, figures };
        Load {
            lesson: 18,
            experiment: "ten-reports".to_owned(),
            title: "Ten reports at once".to_owned(),
            settings: RunSettings { users: 20, seconds: 5, workers: 1, hold_ms: 20 },
            baseline: figures(do_nothing, 3.0, 1.0),
            variants: vec![
                measured("sync-driver", Side::Wrong, figures(50.0, 400.0, 390.0)),
                measured("async-driver", Side::Right, figures(900.0, 23.0, 1.5)),
            ],
        }
    }

    #[test]
    fn each_right_way_is_set_against_each_wrong_one_in_answers_and_heartbeat() {
        let table = of(&load(8000.0));
        let pair = table.lines().find(|line| line.contains("async-driver / sync-driver")).unwrap();
        let words: Vec<_> = pair.split_whitespace().collect();
        assert_eq!(words[3..], ["answers", "×", "18", "heartbeat", "p99", "×", "0.0038"], "{table}");
    }

    #[test]
    fn a_variant_that_answers_nearly_as_much_as_nothing_does_is_called_limited_by_the_generator() {
        assert!(of(&load(1000.0)).contains("The generator was the limit for async-driver:"));
        assert!(of(&load(8000.0)).contains("The generator was not the limit"));
    }

    #[test]
    fn no_line_is_wider_than_100_columns() {
        for table in [of(&load(1000.0)), of(&load(8000.0))] {
            let wide: Vec<_> = table.lines().filter(|line| line.chars().count() > 100).collect();
            assert!(wide.is_empty(), "{wide:#?}");
        }
    }

    #[test]
    fn a_service_that_never_answered_gives_no_ratio() {
        assert_eq!(ratio(900.0, 0.0), "?");
    }
}
