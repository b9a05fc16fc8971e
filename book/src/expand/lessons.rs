//! `{{#all-lessons}}`: every lesson under the interview question that it belongs to, with the sentence that everyone repeats.

use lab::Question;

use crate::{
    Library,
    markup::{escape, inline},
};

const QUESTIONS: [(Question, &str); 6] = [
    (Question::Q20, "How does a web service get fast, and stay fast under load?"),
    (Question::Q21, "How do you do dependency injection?"),
    (Question::Q22, "How do you do authentication and authorization?"),
    (Question::Q23, "How do you structure a service for production?"),
    (Question::Q24, "Synchronous or asynchronous: when which?"),
    (Question::Q25, "How do you validate, serialize and configure?"),
];

pub(super) fn all(library: &Library) -> Result<String, String> {
    let mut out = String::new();
    for (question, asked) in QUESTIONS {
        let mut rows = String::new();
        for lesson in catalogue::LESSONS.iter().filter(|lesson| lesson.question == question) {
            rows.push_str(&format!(
                "<tr><td><a href=\"{chapter}.html\">{number:02} · {title}</a></td><td>{saying}</td></tr>",
                chapter = super::chapter(library, lesson.number)?,
                number = lesson.number,
                title = escape(lesson.title),
                saying = inline(lesson.saying),
            ));
        }
        if !rows.is_empty() {
            out.push_str(&format!(
                "<h3>{asked}</h3><table class=\"all-lessons\"><thead><tr><th>lesson</th><th>what everyone says</th></tr></thead>\
                 <tbody>{rows}</tbody></table>\n"
            ));
        }
    }
    Ok(out)
}
