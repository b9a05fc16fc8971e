//! `{{#questions 18}}`: the drill questions of a lesson, from `book/questions/18-*.toml`, answers folded.

use std::fs;

use serde::Deserialize;

use crate::{
    Library,
    markup::{escape, inline},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Questions {
    question: Vec<Question>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    id: String,
    level: Level,
    ask: String,
    key: Vec<String>,
    #[serde(default)]
    follow_ups: Vec<FollowUp>,
    #[serde(default)]
    red_flags: Vec<String>,
    prove: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Junior,
    Mid,
    Senior,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FollowUp {
    ask: String,
    answer: String,
}

pub(super) fn html(library: &Library, lesson: u8) -> Result<String, String> {
    let path = library
        .numbered("questions", lesson)
        .ok_or_else(|| format!("book/questions has no file for lesson {lesson:02}."))?;
    let shown = library.shown(&path).display();
    let text = fs::read_to_string(&path).map_err(|error| format!("{shown} cannot be read: {error}."))?;
    let questions: Questions = toml::from_str(&text).map_err(|error| format!("{shown}: {error}"))?;
    if questions.question.is_empty() {
        return Err(format!("{shown} has no `[[question]]`."));
    }
    let questions: Vec<_> = questions.question.iter().map(Question::html).collect();
    Ok(format!("<div class=\"questions\">\n{}\n</div>\n", questions.join("\n")))
}

impl Question {
    fn html(&self) -> String {
        let level = match self.level {
            Level::Junior => "junior",
            Level::Mid => "mid",
            Level::Senior => "senior",
        };
        let mut out = format!(
            "<details class=\"question\" id=\"q-{}\"><summary><span class=\"level\">{level}</span> {}</summary>",
            escape(&self.id),
            inline(&self.ask)
        );
        out.push_str(&list("key", &self.key));
        for FollowUp { ask, answer } in &self.follow_ups {
            out.push_str(&format!(
                "<details class=\"follow-up\"><summary>{}</summary><p>{}</p></details>",
                inline(ask),
                inline(answer)
            ));
        }
        if !self.red_flags.is_empty() {
            out.push_str("<p class=\"aside\">Red flags in an answer</p>");
            out.push_str(&list("red-flags", &self.red_flags));
        }
        out.push_str(&format!(
            "<p class=\"aside\">Prove it: <code>{}</code></p></details>",
            escape(&self.prove)
        ));
        out
    }
}

fn list(class: &str, items: &[String]) -> String {
    let items: Vec<_> = items.iter().map(|item| format!("<li>{}</li>", inline(item))).collect();
    format!("<ul class=\"{class}\">{}</ul>", items.concat())
}
