//! `cargo lab`: runs the experiments of a lesson in the terminal.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use clap::Parser;
use lab::{Experiment, Lesson, Report, Run, Variant};

/// Run the experiments of a lesson and see wrong beside right.
#[derive(Debug, Parser)]
#[command(name = "cargo lab", bin_name = "cargo lab")]
struct Arguments {
    /// The lesson, by number or name; without one, all lessons are listed.
    lesson: Option<String>,
    /// Only this experiment.
    #[arg(long)]
    experiment: Option<String>,
    /// Only this variant.
    #[arg(long)]
    variant: Option<String>,
    /// Turn a control, such as `--set workers=4`; may be given again.
    #[arg(long = "set", value_name = "CONTROL=VALUE", value_parser = assignment)]
    controls: Vec<(String, u64)>,
    /// Print the reports as JSON, one a line.
    #[arg(long)]
    json: bool,
}

fn assignment(text: &str) -> Result<(String, u64), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE, such as workers=4")?;
    let value = value.parse().map_err(|_| format!("{value:?} is not a whole number"))?;
    Ok((name.to_owned(), value))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let said = match &arguments.lesson {
        None => list(),
        Some(lesson) => run(lesson, &arguments),
    };
    match said {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab: {error}");
            ExitCode::from(2)
        }
    }
}

/// Prints a line and lets a closed pipe (`cargo lab | head`) end the program quietly.
fn print(text: &str) -> Result<(), String> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        written => written.map_err(|error| format!("nothing could be printed: {error}")),
    }
}

fn list() -> Result<(), String> {
    for lesson in catalogue::LESSONS {
        print(&format!("{:02}  {}: {}", lesson.number, lesson.title, lesson.saying))?;
        for experiment in lesson.experiments {
            print(&format!("      {:<16}  {}", experiment.slug, experiment.title))?;
        }
    }
    print("\nnext: cargo lab 18")
}

fn run(asked: &str, arguments: &Arguments) -> Result<(), String> {
    let lesson = catalogue::find(asked).map_err(|error| error.to_string())?;
    for experiment in chosen_experiments(lesson, arguments.experiment.as_deref())? {
        let variants = chosen_variants(experiment, arguments.variant.as_deref())?;
        let asked = arguments.controls.iter().map(|(name, value)| (name.as_str(), *value));
        let controls = experiment.controls(asked).map_err(|error| error.to_string())?;
        let mut reports = Vec::new();
        for variant in &variants {
            let progress = Progress::show(&format!("running {} ...", variant.name));
            reports.push(Run::of(lesson, experiment, **variant, controls.clone()).report());
            drop(progress);
        }
        print_reports(lesson, experiment, &reports, arguments.json)?;
    }
    Ok(())
}

fn print_reports(
    lesson: &Lesson,
    experiment: &Experiment,
    reports: &[Report],
    json: bool,
) -> Result<(), String> {
    if json {
        for report in reports {
            print(&serde_json::to_string(report).map_err(|error| error.to_string())?)?;
        }
        return Ok(());
    }
    print(&format!("{:02} {} · {}", lesson.number, lesson.title, experiment.title))?;
    print(&format!("{}\n", experiment.watch))?;
    print(&lab::render(experiment, reports))
}

fn chosen_experiments(
    lesson: &'static Lesson,
    asked: Option<&str>,
) -> Result<Vec<&'static Experiment>, String> {
    let Some(slug) = asked else { return Ok(lesson.experiments.iter().collect()) };
    lesson.experiment(slug).map(|experiment| vec![experiment]).ok_or_else(|| {
        let known: Vec<_> = lesson.experiments.iter().map(|experiment| experiment.slug).collect();
        format!("lesson {:02} has no experiment {slug:?}; it has: {}.", lesson.number, known.join(", "))
    })
}

fn chosen_variants(
    experiment: &'static Experiment,
    asked: Option<&str>,
) -> Result<Vec<&'static Variant>, String> {
    let Some(name) = asked else { return Ok(experiment.variants.iter().collect()) };
    experiment.variant(name).map(|variant| vec![variant]).ok_or_else(|| {
        let known: Vec<_> = experiment.variants.iter().map(|variant| variant.name).collect();
        format!("{} has no variant {name:?}; it has: {}.", experiment.slug, known.join(", "))
    })
}

/// A line on standard error that is there while something runs. Nothing is shown where nobody looks.
struct Progress;

impl Progress {
    fn show(text: &str) -> Option<Self> {
        std::io::stderr().is_terminal().then(|| {
            eprint!("{text}");
            Self
        })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        // To the start of the line, and erase it.
        eprint!("\r\x1b[K");
    }
}
