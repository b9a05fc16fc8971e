//! `{{#exercise 18}}`: the exercise of a lesson, and the command that starts it.

use exercises::{Exercise, Kit};

use crate::{
    Library,
    markup::{escape, inline},
};

pub(super) fn html(library: &Library, lesson: u8) -> Result<String, String> {
    let found = Kit::at(library.root()).exercise(&lesson.to_string()).map_err(|error| error.to_string())?;
    let Exercise { number, slug, title, minutes, folder } = &found;
    Ok(format!(
        "<div class=\"exercise\" data-exercise=\"{slug}\"><p><strong>{title}</strong>, about {minutes} minutes. The task is \
         in <code>{task}</code>.</p><pre><code class=\"language-text\">cargo exercise start {number:02}</code></pre></div>\n",
        slug = escape(slug),
        title = inline(title),
        task = escape(&library.shown(&folder.join("task.md")).display().to_string()),
    ))
}
