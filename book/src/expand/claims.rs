//! `{{#claims 18}}`: what is said about FastAPI, and what is true, from `book/claims/18-*.toml`; `{{#all-claims}}`: all of it.

use std::{collections::BTreeMap, fs};

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
    let rows: Vec<_> = read(library, lesson)?.iter().map(Claim::html).collect();
    Ok(format!("<dl class=\"claims\">{}</dl>\n", rows.concat()))
}

/// All claims in one table, in the order of the lessons, and how many have which verdict.
pub(super) fn all(library: &Library) -> Result<String, String> {
    let mut rows = Vec::new();
    let mut counts = BTreeMap::<_, usize>::new();
    for lesson in catalogue::LESSONS {
        for claim in read(library, lesson.number)? {
            *counts.entry(claim.verdict.class_and_text().1).or_default() += 1;
            rows.push(claim.row(library, lesson.number)?);
        }
    }
    let of_each = counts.iter().map(|(word, count)| format!("{count} {word}")).collect::<Vec<_>>().join(", ");
    Ok(format!(
        "<p>{} claims: {of_each}.</p>\n<table class=\"all-claims\"><thead><tr><th>it is said</th><th>verdict</th>\
         <th>chapter</th></tr></thead><tbody>{}</tbody></table>\n",
        rows.len(),
        rows.concat()
    ))
}

/// The ids of the claims of one lesson, each with what shows it.
pub(crate) fn proofs(library: &Library, lesson: u8) -> Result<Vec<(String, String)>, String> {
    Ok(read(library, lesson)?.into_iter().map(|claim| (claim.id, claim.shown)).collect())
}

fn read(library: &Library, lesson: u8) -> Result<Vec<Claim>, String> {
    let path = library
        .numbered("claims", lesson)
        .ok_or_else(|| format!("book/claims has no file for lesson {lesson:02}."))?;
    let shown = library.shown(&path).display();
    let text = fs::read_to_string(&path).map_err(|error| format!("{shown} cannot be read: {error}."))?;
    let claims = toml::from_str::<Claims>(&text).map_err(|error| format!("{shown}: {error}"))?.claim;
    if claims.is_empty() { Err(format!("{shown} has no `[[claim]]`.")) } else { Ok(claims) }
}

impl Claim {
    fn row(&self, library: &Library, lesson: u8) -> Result<String, String> {
        let (class, verdict) = self.verdict.class_and_text();
        let chapter = chapter(library, lesson)?;
        Ok(format!(
            "<tr><td>{says}</td><td><strong class=\"verdict-{class}\">{verdict}</strong></td>\
             <td><a href=\"{chapter}.html#claim-{id}\">{lesson:02}</a></td></tr>",
            says = inline(&self.says),
            id = escape(&self.id),
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
