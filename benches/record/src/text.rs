//! A study as text, 100 columns at most: for the terminal.

use std::fmt::Write as _;

use crate::{Comparison, Interval, Noise, Row, Study, median, run_file::BUILD};

/// The study as a table, with what may be said from it.
pub fn table(study: &Study, noise: Noise) -> String {
    let mut out = String::new();
    line(&mut out, &study.question);
    let settings: Vec<_> = study.settings.iter().map(|(name, value)| format!("{name} {value}")).collect();
    line(&mut out, &wrapped(&format!("{} · {BUILD} build", settings.join(" · "))));
    line(&mut out, "");

    let columns = columns(study);
    line(&mut out, &row_of(String::new(), columns.iter().map(|(name, _)| name.clone())));
    line(&mut out, &row_of(String::new(), columns.iter().map(|(_, unit)| (*unit).to_owned())));
    for row in &study.rows {
        let at = row.at.map_or_else(String::new, |at| format!(" at {}", number(at)));
        let name = format!("{:<9}{}{at}", row.role.word(), row.name);
        let cells = columns.iter().map(|(column, _)| {
            row.measure(column).map_or_else(String::new, |measure| number(median(&measure.samples)))
        });
        line(&mut out, &row_of(name, cells));
    }
    let compared = study.comparisons(noise);
    if !compared.is_empty() {
        let what = study.rows.first().and_then(Row::headline).map_or("", |measure| measure.name.as_str());
        line(&mut out, &format!("\n{what}, how many times as good:"));
    }
    for found in compared {
        let pair = format!("{} against {}", found.of.name, found.to.name);
        let Interval { low, point, high } = found.times;
        let interval =
            if low < high { format!("   [{} … {}]", number(low), number(high)) } else { String::new() };
        let word = found.word.map_or_else(String::new, |word: Comparison| format!("   {word}"));
        line(&mut out, &format!("  {pair:<46} × {:<8}{interval}{word}", number(point)));
    }
    for note in &study.notes {
        line(&mut out, "");
        line(&mut out, &wrapped(note));
    }
    out
}

/// The measures of all rows, in the order in which they first appear.
fn columns(study: &Study) -> Vec<(String, &'static str)> {
    let mut columns: Vec<(String, &'static str)> = Vec::new();
    for measure in study.rows.iter().flat_map(|row| &row.measures) {
        if !columns.iter().any(|(name, _)| *name == measure.name) {
            columns.push((measure.name.clone(), measure.unit.symbol()));
        }
    }
    columns
}

fn row_of(name: String, cells: impl Iterator<Item = String>) -> String {
    let mut out = format!("  {name:<32}");
    for cell in cells {
        // Also before a name that is wider than its column. Writing to a String cannot fail.
        let _ = write!(out, " {cell:>10}");
    }
    out.trim_end().to_owned()
}

/// A number with three digits, more if it is whole: one short run bears no more.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        "?".to_owned()
    } else if value.is_infinite() {
        // Something against nothing: the other one gave no answer at all.
        "∞".to_owned()
    } else if size >= 1000.0 {
        let digits = format!("{value:.0}");
        let at = digits.len().saturating_sub(3);
        // 1,000 to 999,999; nothing here counts further.
        format!("{},{}", &digits[..at], &digits[at..])
    } else if size >= 100.0 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else if size >= 0.1 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}

fn wrapped(text: &str) -> String {
    let mut out = String::new();
    let mut width = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > 98 {
            out.push('\n');
            width = 0;
        } else if width > 0 {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += length;
    }
    out
}

fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Measure, Role, Settings, Unit};

    fn study(rounds: usize) -> Study {
        let row = |name: &str, role, answers: f64, p99: f64| Row {
            name: name.to_owned(),
            role,
            at: None,
            measures: vec![
                Measure { name: "goodput".to_owned(), unit: Unit::PerSecond, samples: vec![answers; rounds] },
                Measure::one("p50", Unit::Milliseconds, p99 / 2.0),
                Measure::one("p99", Unit::Milliseconds, p99),
                Measure::one("failed", Unit::Count, 0.0),
                Measure::one("beat p50", Unit::Milliseconds, 0.1),
                Measure::one("beat p99", Unit::Milliseconds, 0.9),
            ],
        };
        Study {
            id: "load-18-ten-reports".to_owned(),
            kind: Kind::Load,
            lesson: Some(18),
            question: "Lesson 18 · Ten reports at once".to_owned(),
            settings: Settings::from([("users".to_owned(), "20".to_owned())]),
            rows: vec![
                row("do-nothing", Role::Baseline, 37_256.4, 0.94),
                row("sync-driver", Role::Wrong, 49.4, 448.5),
                row("async-driver", Role::Right, 922.3, 24.7),
            ],
            notes: vec!["Users wait for an answer before they ask again. ".repeat(4)],
        }
    }

    #[test]
    fn each_right_way_is_set_against_each_wrong_one_with_ratio_and_word() {
        let table = table(&study(5), Noise::default());
        assert!(table.contains("async-driver against sync-driver"), "{table}");
        assert!(table.contains("× 18.7"), "{table}");
        assert!(table.contains("faster"), "{table}");
    }

    #[test]
    fn no_line_is_wider_than_100_columns() {
        let table = table(&study(5), Noise::default());
        let wide: Vec<_> = table.lines().filter(|line| line.chars().count() > 100).collect();
        assert!(wide.is_empty(), "{wide:#?}");
    }

    #[test]
    fn a_name_that_is_wider_than_its_column_keeps_its_distance_from_the_one_before_it() {
        let mut study = study(5);
        study.rows[0].measures.insert(1, Measure::one("statements sent", Unit::Count, 2.0));
        let table = table(&study, Noise::default());
        assert!(table.contains(" goodput statements sent "), "{table}");
    }

    #[test]
    fn a_number_has_three_digits_and_a_thousand_its_comma() {
        for (value, text) in [
            (37_256.4, "37,256"),
            (922.3, "922"),
            (24.704, "24.7"),
            (0.94, "0.94"),
            (0.0038, "0.0038"),
            (5.0, "5"),
            (f64::NAN, "?"),
            (5.0 / 0.0, "∞"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
