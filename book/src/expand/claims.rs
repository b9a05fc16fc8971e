//! `{{#claims 18}}`: what is said about FastAPI, and what is true, from `book/claims.toml`.

use std::fs;

use serde::Deserialize;

use super::chapter;
use crate::{
    Library,
    markup::{escape, inline},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    claim: Vec<Claim>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    id: String,
    lesson: u8,
    says: String,
    verdict: Word,
    because: String,
    shown: String,
}

#[derive(Clone, Copy, Deserialize)]
enum Word {
    #[serde(rename = "true")]
    True,
    #[serde(rename = "half true")]
    HalfTrue,
    #[serde(rename = "false")]
    False,
    #[serde(rename = "outdated")]
    Outdated,
}

impl Word {
    fn class_and_text(self) -> (&'static str, &'static str) {
        match self {
            Self::True => ("true", "true"),
            Self::HalfTrue => ("half", "half true"),
            Self::False => ("false", "false"),
            Self::Outdated => ("half", "outdated"),
        }
    }
}

/// The claims of one lesson.
pub(super) fn html(library: &Library, lesson: u8) -> Result<String, String> {
    let claims = read(library)?;
    let rows: Vec<_> = claims.iter().filter(|claim| claim.lesson == lesson).map(Claim::html).collect();
    if rows.is_empty() {
        return Err(format!("book/claims.toml has no claim with `lesson = {lesson}`."));
    }
    Ok(format!("<dl class=\"claims\">{}</dl>\n", rows.concat()))
}

/// All claims in one table, in the order of the lessons, and how many have which verdict.
pub(super) fn all(library: &Library) -> Result<String, String> {
    let mut claims = read(library)?;
    claims.sort_by_key(|claim| claim.lesson);
    let count = |text: &str| claims.iter().filter(|claim| claim.verdict.class_and_text().1 == text).count();
    let counts =
        ["true", "half true", "outdated", "false"].map(|word| format!("{} {word}", count(word))).join(", ");
    let rows: Vec<_> = claims.iter().map(|claim| claim.row(library)).collect::<Result<_, _>>()?;
    Ok(format!(
        "<p>{} claims: {counts}.</p>\n<table class=\"all-claims\"><thead><tr><th>it is said</th><th>verdict</th><th>chapter</th></tr></thead>\
         <tbody>{}</tbody></table>\n",
        claims.len(),
        rows.concat()
    ))
}

fn read(library: &Library) -> Result<Vec<Claim>, String> {
    let path = library.book().join("claims.toml");
    let shown = library.shown(&path).display();
    let text = fs::read_to_string(&path).map_err(|error| format!("{shown} cannot be read: {error}."))?;
    Ok(toml::from_str::<Claims>(&text).map_err(|error| format!("{shown}: {error}"))?.claim)
}

impl Claim {
    fn row(&self, library: &Library) -> Result<String, String> {
        let (class, verdict) = self.verdict.class_and_text();
        let chapter = chapter(library, self.lesson)?;
        Ok(format!(
            "<tr><td>{says}</td><td><strong class=\"verdict-{class}\">{verdict}</strong></td>\
             <td><a href=\"{chapter}.html#claim-{id}\">{lesson:02}</a></td></tr>",
            says = inline(&self.says),
            id = escape(&self.id),
            lesson = self.lesson,
        ))
    }

    fn html(&self) -> String {
        let (class, verdict) = self.verdict.class_and_text();
        format!(
            "<div id=\"claim-{id}\"><dt>{says}</dt><dd><strong class=\"verdict-{class}\">{verdict}</strong> \
             {because} <span class=\"shown-by\">Shown by <code>{shown}</code></span></dd></div>",
            id = escape(&self.id),
            says = inline(&self.says),
            because = inline(&self.because),
            shown = escape(&self.shown),
        )
    }
}
