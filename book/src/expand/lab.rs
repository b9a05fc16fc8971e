//! `{{#lab 18 ten-reports}}`: an experiment in the page, wrong and right side by side.
//!
//! What stands here is the frame and the data; `page/lab.js` draws into it, from the recorded reports or from a run.

use lab::{Experiment, Lesson, Side, Variant};
use serde::Serialize;

use crate::{Library, markup::escape, recorded::Recording};

/// Everything that the page's script needs to know of one lab.
#[derive(Serialize)]
struct Data<'a> {
    lesson: u8,
    experiment: &'a Experiment,
    recording: &'a Recording,
}

pub(super) fn html(library: &Library, lesson: &'static Lesson, experiment: &str) -> Result<String, String> {
    let Some(experiment) = lesson.experiment(experiment) else {
        let names: Vec<_> = lesson.experiments.iter().map(|experiment| experiment.slug).collect();
        return Err(format!(
            "lesson {:02} has no experiment `{experiment}`; it has: {}.",
            lesson.number,
            names.join(", ")
        ));
    };
    let recording = Recording::read(library, lesson, experiment)?;
    let data = Data { lesson: lesson.number, experiment, recording: &recording };
    // `<` could end the script element that carries the data.
    let data = serde_json::to_string(&data).map_err(|error| error.to_string())?.replace('<', "\\u003c");
    let id = format!("lab-{:02}-{}", lesson.number, experiment.slug);
    let text = escape(&lab::render(experiment, &recording.reports));
    // Blank lines would end the HTML block.
    let text: Vec<_> = text.lines().map(|line| if line.trim().is_empty() { "&#32;" } else { line }).collect();
    Ok(format!(
        "<section class=\"lab\" aria-labelledby=\"{id}\">\
         <h3 id=\"{id}\">Lab: {title}</h3>\
         <p class=\"lab-watch\">{watch}</p>\
         <form class=\"lab-controls\" hidden>{controls}\
         <button type=\"submit\" class=\"lab-run\">Run both</button></form>\
         <p class=\"lab-source\">Recorded on {machine}, {date}.</p>\
         <div class=\"lab-sides\">{wrong}{right}</div>\
         <noscript><pre>{text}</pre></noscript>\
         <script type=\"application/json\" class=\"lab-data\">{data}</script></section>\n",
        title = escape(experiment.title),
        watch = escape(experiment.watch),
        controls = experiment.controls.iter().map(|control| number(&id, control)).collect::<String>(),
        machine = escape(&recording.machine.to_string()),
        date = escape(&recording.recorded_at),
        wrong = side(&id, experiment, Side::Wrong),
        right = side(&id, experiment, Side::Right),
        text = text.join("\n"),
    ))
}

fn number(id: &str, control: &lab::Control) -> String {
    let lab::Control { name, label, min, max, default } = control;
    format!(
        "<label for=\"{id}-{name}\">{label} <input id=\"{id}-{name}\" name=\"{name}\" type=\"number\" \
         inputmode=\"numeric\" required step=\"1\" min=\"{min}\" max=\"{max}\" value=\"{default}\" \
         title=\"{min} to {max}\"></label>",
        label = escape(label),
    )
}

fn side(id: &str, experiment: &Experiment, side: Side) -> String {
    let variants: Vec<_> = experiment.variants.iter().filter(|variant| variant.side == side).collect();
    let choice = match variants.as_slice() {
        [Variant { name, .. }] => format!("<code class=\"lab-variant\">{name}</code>"),
        several => {
            let options = several.iter().map(|Variant { name, .. }| format!("<option>{name}</option>"));
            format!(
                "<select class=\"lab-choice\" aria-label=\"{side} way\">{}</select>",
                options.collect::<String>()
            )
        }
    };
    let says = variants.first().map_or("", |variant| variant.says);
    format!(
        "<div class=\"lab-side lab-{side}\" role=\"group\" aria-labelledby=\"{id}-{side}\">\
         <p class=\"lab-head\"><strong class=\"lab-badge\" id=\"{id}-{side}\">{side}</strong> {choice}</p>\
         <p class=\"lab-says\">{says}</p>\
         <div class=\"lab-drawing\"></div>\
         <div class=\"lab-verdict\" aria-live=\"polite\"></div>\
         <details class=\"lab-twin\"><summary>The same as a table</summary></details></div>",
        says = escape(says),
    )
}
