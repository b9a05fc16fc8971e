//! `{{#exercise 18}}`: the exercise of a lesson, and the command that starts it.

use std::fs;

use crate::{
    Library, library,
    markup::{escape, inline},
};

pub(super) fn html(library: &Library, lesson: u8) -> Result<String, String> {
    let prefix = format!("{lesson:02}-");
    let folder = library::sorted(&library.root().join("exercises"))
        .into_iter()
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)))
        .ok_or_else(|| format!("there is no exercise {lesson:02} in exercises/."))?;
    let task = folder.join("task.md");
    let shown = library.shown(&task).display();
    let text = fs::read_to_string(&task).map_err(|error| format!("{shown} cannot be read: {error}."))?;
    let title = text.lines().find_map(|line| line.strip_prefix("# "));
    let title = title.ok_or_else(|| format!("{shown} has no title: its first heading is missing."))?;
    Ok(format!(
        "<div class=\"exercise\"><p><strong>{}</strong></p><pre><code class=\"language-text\">cargo exercise start \
         {lesson:02}</code></pre><p class=\"aside\">The task is in <code>{}</code>.</p></div>\n",
        inline(title),
        escape(&shown.to_string()),
    ))
}
