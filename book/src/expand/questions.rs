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

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
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

/// The questions of one lesson, answers folded.
pub(super) fn html(library: &Library, lesson: u8) -> Result<String, String> {
    let questions: Vec<_> = read(library, lesson)?.iter().map(Question::html).collect();
    Ok(format!("<div class=\"questions\">\n{}\n</div>\n", questions.join("\n")))
}

/// Every question by level, each leading to its place in its chapter.
pub(super) fn all(library: &Library) -> Result<String, String> {
    let mut questions = Vec::new();
    for lesson in catalogue::LESSONS {
        let chapter = super::chapter(library, lesson.number)?;
        questions
            .extend(read(library, lesson.number)?.into_iter().map(|question| (chapter.clone(), question)));
    }
    let mut out = String::new();
    for (level, heading) in [(Level::Junior, "Junior"), (Level::Mid, "Mid"), (Level::Senior, "Senior")] {
        let asked: Vec<_> = questions.iter().filter(|(_, question)| question.level == level).collect();
        let items: Vec<_> = asked
            .iter()
            .map(|(chapter, Question { id, ask, .. })| {
                format!("<li><a href=\"{chapter}.html#q-{}\">{}</a></li>", escape(id), inline(ask))
            })
            .collect();
        out.push_str(&format!(
            "<h3>{heading}, {} questions</h3><ul class=\"all-questions\">{}</ul>\n",
            asked.len(),
            items.concat()
        ));
    }
    Ok(out)
}

/// The ids of the questions of one lesson, each with the command that proves it.
pub(crate) fn proofs(library: &Library, lesson: u8) -> Result<Vec<(String, String)>, String> {
    Ok(read(library, lesson)?.into_iter().map(|question| (question.id, question.prove)).collect())
}

fn read(library: &Library, lesson: u8) -> Result<Vec<Question>, String> {
    let path = library
        .numbered("questions", lesson)
        .ok_or_else(|| format!("book/questions has no file for lesson {lesson:02}."))?;
    let shown = library.shown(&path).display();
    let text = fs::read_to_string(&path).map_err(|error| format!("{shown} cannot be read: {error}."))?;
    let questions: Questions = toml::from_str(&text).map_err(|error| format!("{shown}: {error}"))?;
    if questions.question.is_empty() {
        return Err(format!("{shown} has no `[[question]]`."));
    }
    Ok(questions.question)
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
