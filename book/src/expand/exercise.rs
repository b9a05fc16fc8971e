//! `{{#exercise 18}}`: the exercise of a lesson, and the command that starts it; `{{#all-exercises}}`: all of them;
//! `{{#all-strengths}}`: how many changes to its solution each of them notices.

use exercises::{Exercise, Kit, Strength};

use crate::{
    Library,
    markup::{escape, inline},
};

/// The exercise of one lesson.
pub(super) fn html(library: &Library, lesson: u8) -> Result<String, String> {
    let found = Kit::at(library.root()).exercise(&lesson.to_string()).map_err(|error| error.to_string())?;
    let Exercise { number, slug, title, minutes, stages, folder } = &found;
    Ok(format!(
        "<div class=\"exercise\" data-exercise=\"{slug}\" data-number=\"{number}\" data-stages=\"{stages}\"><p><strong>{title}</strong>, about {minutes} minutes. The task is \
         in <code>{task}</code>.</p><pre><code class=\"language-text\">cargo exercise start {number:02}</code></pre></div>\n",
        slug = escape(slug),
        title = inline(title),
        task = escape(&library.shown(&folder.join("task.md")).display().to_string()),
    ))
}

/// All exercises. The study site fills in how far each is.
pub(super) fn all(library: &Library) -> Result<String, String> {
    let exercises = Kit::at(library.root()).exercises().map_err(|error| error.to_string())?;
    let mut rows = String::new();
    for Exercise { number, slug, title, minutes, stages, .. } in &exercises {
        rows.push_str(&format!(
            "<tr data-exercise=\"{slug}\" data-stages=\"{stages}\"><td><a href=\"{chapter}.html\">{number:02}</a></td><td>{title}</td><td>{minutes}</td>\
             <td class=\"exercise-state\">–</td><td class=\"exercise-attempts\">–</td></tr>",
            slug = escape(slug),
            chapter = super::chapter(library, *number)?,
            title = inline(title),
        ));
    }
    Ok(format!(
        "<table class=\"all-exercises\"><thead><tr><th>lesson</th><th>exercise</th><th>minutes</th><th>state</th><th>attempts</th></tr></thead>\
         <tbody>{rows}</tbody></table>\n"
    ))
}

/// How strong the checks of each exercise are, and why a change that passes may pass.
pub(super) fn strengths(library: &Library) -> Result<String, String> {
    let kit = Kit::at(library.root());
    let strength = Strength::read(&kit).map_err(|error| error.to_string())?;
    let (mut rows, mut all, mut refused) = (String::new(), 0, 0);
    for exercise in kit.exercises().map_err(|error| error.to_string())? {
        let Some(examined) = strength.of(&exercise) else { continue };
        all += examined.mutants;
        refused += examined.killed;
        let reasons = examined.survivors.iter().map(|survivor| {
            format!("<code>{}</code>: {}", escape(&survivor.mutant), inline(&survivor.because))
        });
        rows.push_str(&format!(
            "<tr><td>{:02}</td><td>{}</td><td>{} of {}</td><td>{}</td></tr>",
            exercise.number,
            inline(&exercise.title),
            examined.killed,
            examined.mutants,
            reasons.collect::<Vec<_>>().join("<br>"),
        ));
    }
    Ok(format!(
        "<table class=\"all-strengths\"><thead><tr><th>lesson</th><th>exercise</th><th>refused</th><th>what passes, and why it may</th></tr></thead>\
         <tbody>{rows}<tr><td></td><td>all</td><td>{refused} of {all}</td><td></td></tr></tbody></table>\n"
    ))
}
