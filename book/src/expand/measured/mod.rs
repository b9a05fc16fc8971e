//! `{{#load 18}}`, `{{#bench 18}}`, `{{#plot fastapi-hello}}`, `{{#results fastapi}}`: figures from run files, as plots with
//! tables beside them.
//!
//! The recorded figures come from the newest committed run file that has the study. Where the reader has recorded a run of
//! their own, it is drawn beside them.

mod bars;
mod curve;

use record::{Comparison, Kind, Noise, Row, RunFile, Shelf, Study, median_interval, number};

use crate::{
    Library,
    markup::{escape, inline},
};

/// The studies that hold, each as a figure; `None` if no committed run has one.
fn figures(library: &Library, is: impl Fn(&Study) -> bool + Copy) -> Result<Option<String>, String> {
    let shelf = Shelf::at(library.root());
    let Some((path, run)) = shelf.recorded(is)? else { return Ok(None) };
    let yours = shelf.yours(is);
    let source = format!(
        "Recorded on {}, {}, {} build. Run file: <code>{}</code>",
        escape(&run.machine.to_string()),
        escape(run.day()),
        escape(&run.build),
        escape(&library.shown(&path).display().to_string()),
    );
    let figures: String = run
        .studies
        .iter()
        .filter(|study| is(study))
        .map(|study| {
            let yours = yours.as_ref().and_then(|(_, run)| Some(Taken { run, study: run.study(&study.id)? }));
            figure(&Taken { run: &run, study }, yours.as_ref(), &source)
        })
        .collect();
    Ok(Some(figures))
}

/// The figures, or the command that measures them: a test may be newer than the last recording.
fn figures_or_command(
    library: &Library,
    is: impl Fn(&Study) -> bool + Copy,
    command: &str,
) -> Result<String, String> {
    let missing = || {
        format!("<p class=\"aside\">No recorded run has this yet. <code>{command}</code> measures it.</p>\n")
    };
    Ok(figures(library, is)?.unwrap_or_else(missing))
}

/// The load tests of a lesson.
pub(super) fn loads(library: &Library, lesson: u8) -> Result<String, String> {
    let is = |study: &Study| study.kind == Kind::Load && study.lesson == Some(lesson);
    figures_or_command(library, is, &format!("cargo load {lesson:02}"))
}

/// The benchmarks of a lesson.
pub(super) fn benches(library: &Library, lesson: u8) -> Result<String, String> {
    let is = |study: &Study| study.kind == Kind::Bench && study.lesson == Some(lesson);
    figures_or_command(library, is, &format!("cargo bench --bench questions -- {lesson:02}"))
}

/// One study by its name. A name is easily mistyped, so here a missing study is a fault.
pub(super) fn plot(library: &Library, id: &str) -> Result<String, String> {
    let missing = || format!("no file in benches/runs has a study `{id}`; `cargo record` measures it.");
    figures(library, |study| study.id == id)?.ok_or_else(missing)
}

/// Everything of a kind.
pub(super) fn results(library: &Library, kind: &str) -> Result<String, String> {
    let kinds: &[Kind] = match kind {
        "noise" => &[Kind::BenchNoise, Kind::LoadNoise],
        "bench" => &[Kind::Bench],
        "load" => &[Kind::Load],
        "fastapi" => &[Kind::FastApi],
        "api" => &[Kind::Api],
        other => {
            return Err(format!(
                "`{other}` is no kind of result; there are noise, bench, load, fastapi, api."
            ));
        }
    };
    figures_or_command(library, |study| kinds.contains(&study.kind), "cargo record")
}

/// A study and the run that it was taken in.
struct Taken<'a> {
    run: &'a RunFile,
    study: &'a Study,
}

fn figure(recorded: &Taken<'_>, yours: Option<&Taken<'_>>, source: &str) -> String {
    let Taken { study, .. } = recorded;
    let id = format!("plot-{}", study.id);
    let settings: Vec<_> = study.settings.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let settings = if settings.is_empty() {
        String::new()
    } else {
        format!("<p class=\"aside\">{}</p>", escape(&settings.join(" · ")))
    };
    let drawn = if study.rows.iter().all(|row| row.at.is_some()) {
        curve::svg(study, yours.map(|taken| taken.study), &id)
    } else {
        let mut names = vec![study.rows.first().and_then(Row::headline).map_or("", |m| m.name.as_str())];
        // What the neighbours felt is the point of a load test, as much as the answers are.
        names.extend(["beat p99"].into_iter().filter(|_| study.kind == Kind::Load));
        let draw = |name: &str| bars::svg(study, yours.map(|taken| taken.study), name, &id);
        names.into_iter().filter_map(draw).collect()
    };
    let key = match yours {
        Some(taken) => format!(
            "<p class=\"aside plot-key\"><i class=\"plot-recorded\"></i>recorded <i class=\"plot-yours\"></i>your machine \
             ({}, {})</p>",
            escape(&taken.run.machine.to_string()),
            escape(taken.run.day()),
        ),
        None => String::new(),
    };
    // A note may name a command, as the texts of the book do.
    let notes: String =
        study.notes.iter().map(|note| format!("<p class=\"aside\">{}</p>", inline(note))).collect();
    let mut tables = table(recorded, "recorded");
    tables.extend(yours.map(|yours| table(yours, "your machine")));
    format!(
        "<figure class=\"plot\" id=\"{id}\"><figcaption>{question}</figcaption>{settings}{drawn}{key}{said}{notes}\
         <details class=\"lab-twin\"><summary>The same as a table</summary>{tables}</details>\
         <p class=\"aside\">{source}</p></figure>\n",
        id = escape(&id),
        question = escape(&study.question),
        said = comparisons(recorded),
    )
}

/// What may be said, pair by pair.
fn comparisons(taken: &Taken<'_>) -> String {
    let found = taken.study.comparisons(Noise::of(taken.run));
    if found.is_empty() {
        return String::new();
    }
    let items: String = found
        .iter()
        .map(|found| {
            let interval = if found.times.low < found.times.high {
                format!(" [{} … {}]", number(found.times.low), number(found.times.high))
            } else {
                String::new()
            };
            let word =
                found.word.map_or_else(String::new, |word: Comparison| format!(" <strong>{word}</strong>"));
            format!(
                "<li>{} against {}: × {}{interval}{}</li>",
                escape(&found.of.name),
                escape(&found.to.name),
                number(found.times.point),
                word.replace('\'', "&#39;")
            )
        })
        .collect();
    format!("<ul class=\"plot-said\">{items}</ul>")
}

/// The study as a table: the median of each figure, and its interval where there is one.
fn table(taken: &Taken<'_>, caption: &str) -> String {
    let study = taken.study;
    let mut columns: Vec<(&str, &str)> = Vec::new();
    for measure in study.rows.iter().flat_map(|row| &row.measures) {
        if !columns.iter().any(|(name, _)| *name == measure.name) {
            columns.push((&measure.name, measure.unit.symbol()));
        }
    }
    let head: String = columns
        .iter()
        .map(|(name, unit)| {
            format!("<th scope=\"col\">{} <small>{}</small></th>", escape(name), escape(unit))
        })
        .collect();
    let rows: String = study
        .rows
        .iter()
        .map(|row| {
            let at = row.at.map_or_else(String::new, |at| format!(" at {}", number(at)));
            let cells: String =
                columns.iter().map(|(name, _)| format!("<td>{}</td>", cell(row, name))).collect();
            format!(
                "<tr><th scope=\"row\">{}{at} <small>{}</small></th>{cells}</tr>",
                escape(&row.name),
                row.role.word()
            )
        })
        .collect();
    format!(
        "<div class=\"table-wrapper\"><table><caption>{caption}</caption><thead><tr><th></th>{head}</tr></thead>\
         <tbody>{rows}</tbody></table></div>"
    )
}

fn cell(row: &Row, name: &str) -> String {
    let Some(measure) = row.measure(name) else { return String::new() };
    let record::Interval { low, point, high } = median_interval(&measure.samples);
    let interval = if low < high {
        format!(" <small>[{} … {}]</small>", number(low), number(high))
    } else {
        String::new()
    };
    format!("{}{interval}", number(point))
}

/// A round number that is not below this one, and the step between the marks of an axis up to it.
fn axis(most: f64) -> (f64, f64) {
    if most <= 0.0 || !most.is_finite() {
        return (1.0, 1.0);
    }
    let unit = 10_f64.powf(most.log10().floor());
    let step = [0.2, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .map(|share| share * unit)
        .find(|step| most / step <= 5.0)
        .unwrap_or(unit * 5.0);
    ((most / step).ceil() * step, step)
}

/// The marks of an axis, from zero on.
fn marks(end: f64, step: f64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(0.0), move |at| Some(at + step)).take_while(move |at| *at <= end * 1.001)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_on_a_round_number_at_or_above_the_most_with_few_marks() {
        for (most, end) in
            [(0.9, 1.0), (49.4, 50.0), (977.0, 1000.0), (111_000.0, 125_000.0), (3020.0, 4000.0)]
        {
            let (found, step) = axis(most);
            assert!(found >= most && found <= end * 1.01, "{most}: {found}");
            let count = marks(found, step).count();
            assert!((2..=7).contains(&count), "{most}: {count} marks");
        }
    }
}
