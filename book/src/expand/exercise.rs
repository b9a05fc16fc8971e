//! `{{#exercise 18}}`: the exercise of a lesson, and the command that starts it; `{{#all-exercises}}`: all of them.

use exercises::{Exercise, Kit};

use crate::{
    Library,
    markup::{escape, inline},
};

/// The exercise of one lesson.
pub(super) fn html(library: &Library, lesson: u8) -> Result<String, String> {
    let found = Kit::at(library.root()).exercise(&lesson.to_string()).map_err(|error| error.to_string())?;
    let Exercise { number, slug, title, minutes, folder } = &found;
    Ok(format!(
        "<div class=\"exercise\" data-exercise=\"{slug}\" data-number=\"{number}\"><p><strong>{title}</strong>, about {minutes} minutes. The task is \
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
    for Exercise { number, slug, title, minutes, .. } in &exercises {
        rows.push_str(&format!(
            "<tr data-exercise=\"{slug}\"><td><a href=\"{chapter}.html\">{number:02}</a></td><td>{title}</td><td>{minutes}</td>\
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
