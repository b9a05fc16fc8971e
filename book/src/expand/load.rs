//! `{{#load 18}}`: what the load test of a lesson measured, from the newest run file that has it.

use std::{fs, path::Path};

use ::lab::{Machine, Side};
use serde::Deserialize;
use serde_json::Value;

use crate::{Library, library, markup::escape};

/// The version of the run files that this reads.
const SCHEMA: u64 = 1;

#[derive(Deserialize)]
struct RunFile {
    schema: u64,
    recorded_at: String,
    machine: Machine,
    loads: Vec<Load>,
}

#[derive(Deserialize)]
struct Load {
    lesson: u8,
    title: String,
    #[serde(default)]
    settings: serde_json::Map<String, Value>,
    variants: Vec<Measured>,
}

#[derive(Deserialize)]
struct Measured {
    variant: String,
    side: Side,
    requests_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    failures: u64,
    #[serde(default)]
    heartbeat_p50_ms: Option<f64>,
    #[serde(default)]
    heartbeat_p99_ms: Option<f64>,
}

pub(super) fn html(library: &Library, lesson: u8) -> Result<String, String> {
    let folder = library.root().join("benches/runs");
    // Names begin with the date, so the last one is the newest.
    for path in
        library::sorted(&folder).iter().rev().filter(|path| path.extension().is_some_and(|e| e == "json"))
    {
        let shown = library.shown(path);
        let Some(run) = read(path).map_err(|says| format!("{}: {says}", shown.display()))? else { continue };
        let loads: Vec<_> = run.loads.iter().filter(|load| load.lesson == lesson).collect();
        if !loads.is_empty() {
            let tables: String = loads.iter().map(|load| load.html()).collect();
            return Ok(format!(
                "<div class=\"load\">{tables}<p class=\"aside\">Measured on {}, {}. Run file: \
                 <code>{}</code></p></div>\n",
                escape(&run.machine.to_string()),
                escape(run.recorded_at.get(..10).unwrap_or(&run.recorded_at)),
                escape(&shown.display().to_string()),
            ));
        }
    }
    Err(format!(
        "no file in benches/runs has a load test of lesson {lesson:02}; `cargo load {lesson:02}` measures it."
    ))
}

/// A run file; `None` for one that holds something else than load tests.
fn read(path: &Path) -> Result<Option<RunFile>, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if value.get("loads").is_none() {
        return Ok(None);
    }
    let run: RunFile = serde_json::from_value(value).map_err(|error| error.to_string())?;
    if run.schema != SCHEMA {
        return Err(format!("its schema is {}; this book reads schema {SCHEMA}.", run.schema));
    }
    Ok(Some(run))
}

impl Load {
    fn html(&self) -> String {
        let fastest = self.variants.iter().map(|v| v.requests_per_second).fold(f64::MIN_POSITIVE, f64::max);
        let with_heartbeat = self.variants.iter().any(|variant| variant.heartbeat_p99_ms.is_some());
        let rows: String = self.variants.iter().map(|variant| variant.row(fastest, with_heartbeat)).collect();
        let settings: Vec<_> = self.settings.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let settings = settings.join(", ").replace('_', " ").replace('"', "");
        let heartbeat = if with_heartbeat { "<th>heartbeat p50</th><th>heartbeat p99</th>" } else { "" };
        format!(
            "<div class=\"table-wrapper\"><table><caption>{}{}</caption><thead><tr><th>variant</th>\
             <th>requests/s</th><th>p50</th><th>p99</th>{heartbeat}<th>failed</th></tr></thead><tbody>{rows}</tbody>\
             </table></div>",
            escape(&self.title),
            if settings.is_empty() {
                String::new()
            } else {
                format!(" <small>({})</small>", escape(&settings))
            },
        )
    }
}

impl Measured {
    fn row(&self, fastest: f64, with_heartbeat: bool) -> String {
        let Self { side, requests_per_second, .. } = self;
        let width = (requests_per_second / fastest * 100.0).max(0.5);
        let heartbeat = if with_heartbeat {
            let cell =
                |ms: Option<f64>| format!("<td>{}</td>", ms.map_or_else(|| "none".to_owned(), milliseconds));
            cell(self.heartbeat_p50_ms) + &cell(self.heartbeat_p99_ms)
        } else {
            String::new()
        };
        format!(
            "<tr><th scope=\"row\"><code>{}</code> {side}</th><td>{requests_per_second:.0}<svg class=\"load-bar \
             load-{side}\" aria-hidden=\"true\" width=\"100%\" height=\"8\"><rect width=\"{width:.1}%\" \
             height=\"8\"/></svg></td><td>{}</td><td>{}</td>{heartbeat}<td>{}</td></tr>",
            escape(&self.variant),
            milliseconds(self.p50_ms),
            milliseconds(self.p99_ms),
            self.failures,
        )
    }
}

fn milliseconds(ms: f64) -> String {
    if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}
