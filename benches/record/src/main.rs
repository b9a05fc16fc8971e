//! The door `cargo record`: measures everything and writes one run file.
//!
//! It measures nothing itself. It builds the programs that do, optimised, starts one after the other, and puts what they have
//! written into one file. The A/A runs come first: how much two equal things differ here decides what may be called a difference.
//!
//! Read next: `plan.rs` (what is run, and for how long), then `lib.rs` (the run file).

mod plan;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use clap::Parser;
use record::{Noise, RunFile, Shelf, locked_versions, may_be_written};

use plan::{Program, Step};

/// Runs the benchmarks and all load tests, and writes one run file that the book draws its plots from.
///
/// Close what else is running: the noise floor is measured first, and a difference below it is reported as "can't tell".
/// Without --out the file goes to .local/runs/, and the book shows it as "your machine" beside the recorded one.
#[derive(Parser)]
#[command(name = "record", bin_name = "cargo record")]
struct Door {
    /// A look in about three minutes instead of a recording in ten: fewer and shorter rounds, wider intervals
    #[arg(long)]
    quick: bool,
    /// Only steps whose name contains this, such as `bench`, `load 18` or `fastapi`; may be given more than once
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Print the steps and do nothing
    #[arg(long)]
    list: bool,
    /// Where to write the run file, such as benches/runs/2026-01-31-my-laptop.json
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Run everything unoptimised and once: shows that it runs, and nothing about speed
    #[arg(long, hide = true)]
    smoke: bool,
}

fn main() -> ExitCode {
    match record(&Door::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("record: {error}");
            ExitCode::FAILURE
        }
    }
}

fn record(door: &Door) -> Result<(), String> {
    let pace = if door.smoke {
        plan::Pace::Smoke
    } else if door.quick {
        plan::Pace::Quick
    } else {
        plan::Pace::Whole
    };
    let wanted =
        |step: &Step| door.only.is_empty() || door.only.iter().any(|text| step.name().contains(text));
    let root = root();
    if door.list {
        // The lessons with a load test are known to the door that loads them, so they are not asked for here.
        for step in plan::steps(pace, &[]) {
            println!("{}", step.name());
        }
        println!("load NN, for each lesson with a load test: `cargo load` lists them");
        return Ok(());
    }
    let mut run = RunFile::new(locked_versions(&root));
    let out = match &door.out {
        Some(out) => out.clone(),
        None => own_file(&root, &run)?,
    };
    may_be_written(&out)?;

    let began = Instant::now();
    let programs = Programs::build(&root, pace)?;
    let steps = plan::steps(pace, &programs.lessons()?);
    let steps: Vec<_> = steps.into_iter().filter(wanted).collect();
    if steps.is_empty() {
        return Err("no step has that in its name; `cargo record --list` shows them.".to_owned());
    }
    let folder = tempfile::tempdir().map_err(|error| format!("no folder for the parts: {error}"))?;
    let mut left_out = Vec::new();
    for (nth, step) in steps.iter().enumerate() {
        let name = step.name();
        eprintln!(
            "record: {} of {}, {name}, {} s since the start",
            nth + 1,
            steps.len(),
            began.elapsed().as_secs()
        );
        let part = folder.path().join(format!("{nth}.json"));
        match programs.run(step, &part) {
            Ok(()) => run.merge(RunFile::read(&part)?),
            // Python or wrk may be missing. Everything else is worth recording all the same, and the file shows what it lacks.
            Err(error) if step.may_be_missing() => left_out.push(format!("{name}: {error}")),
            Err(error) => return Err(format!("{name}: {error}")),
        }
    }
    if pace == plan::Pace::Whole && run.build != "optimised" {
        return Err(format!("a program was {}, so nothing is kept.", run.build));
    }
    let noise = Noise::of(&run);
    let percent = |share: Option<f64>| {
        share.map_or_else(|| "not measured".to_owned(), |s| format!("{:.1} %", s * 100.0))
    };
    println!(
        "noise: benchmarks {}, load tests {}. A smaller difference is reported as can't tell.",
        percent(noise.benches),
        percent(noise.loads)
    );
    let studies = run.studies.len();
    run.write(&out)?;
    for line in &left_out {
        println!("left out: {line}");
    }
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    println!("{studies} questions in {minutes:.1} minutes, written to {}", out.display());
    println!("next: cargo study   (the page \"Results\" shows them)");
    Ok(())
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// `.local/runs/2026-11-24T10-20-30.json`: the newest is the last by name.
fn own_file(root: &Path, run: &RunFile) -> Result<PathBuf, String> {
    let folder = Shelf::at(root).own();
    fs::create_dir_all(&folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    let moment: String = run.recorded_at.trim_end_matches('Z').replace(':', "-");
    Ok(folder.join(format!("{moment}.json")))
}

/// The programs that measure.
struct Programs {
    questions: PathBuf,
    load: PathBuf,
}

impl Programs {
    /// Builds them; cargo shows its progress.
    fn build(root: &Path, pace: plan::Pace) -> Result<Self, String> {
        let profile = if pace == plan::Pace::Smoke { "dev" } else { "bench" };
        if pace != plan::Pace::Smoke {
            eprintln!("record: building what measures, optimised; the first time takes some minutes.");
        }
        // In one go: where one of them waits for its linker, another one is compiled.
        let all = ["--bin", "load", "--bin", "reference-api", "--bench", "questions"];
        let built = cargo(root, &[&["build", "--profile", profile], &all[..]].concat())?;
        let load = executable(&built, "load").ok_or("cargo built no program `load`")?;
        let questions = executable(&built, "questions").ok_or("cargo built no benchmark `questions`")?;
        Ok(Self { questions, load })
    }

    /// The lessons that have a load test, by number.
    fn lessons(&self) -> Result<Vec<String>, String> {
        let output = Command::new(&self.load).arg("--numbers").output();
        let output = output.map_err(|error| format!("{}: {error}", self.load.display()))?;
        Ok(String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect())
    }

    /// Runs one step; its figures are then in `part`.
    fn run(&self, step: &Step, part: &Path) -> Result<(), String> {
        let mut command = Command::new(match step.program {
            Program::Questions => &self.questions,
            Program::Load => &self.load,
        });
        command.args(&step.arguments).stdin(Stdio::null()).stdout(Stdio::null());
        match step.program {
            Program::Questions => command.env("RECORD_TO", part),
            Program::Load => command.arg("--save").arg(part),
        };
        let output = command.stderr(Stdio::piped()).output();
        let output = output.map_err(|error| format!("{}: {error}", self.load.display()))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last: Vec<_> = said.lines().rev().take(3).collect();
        Err(last.into_iter().rev().collect::<Vec<_>>().join("\n        "))
    }
}

/// Runs cargo and gives back its messages, one JSON a line.
fn cargo(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(arguments)
        .args(["--locked", "--message-format", "json-render-diagnostics"])
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output();
    let output = output.map_err(|error| format!("cargo could not be started: {error}"))?;
    if !output.status.success() {
        return Err("what measures could not be built; nothing was measured.".to_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The program of that name among cargo's messages.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let named = message["target"]["name"] == name;
        Some(PathBuf::from(message["executable"].as_str().filter(|_| named)?))
    })
}
