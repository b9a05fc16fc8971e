//! `{{#claims 18}}`: what is said about FastAPI, and what is true, from `book/claims.toml`.

use std::fs;

use serde::Deserialize;

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

pub(super) fn html(library: &Library, lesson: u8) -> Result<String, String> {
    let path = library.book().join("claims.toml");
    let shown = library.shown(&path).display();
    let text = fs::read_to_string(&path).map_err(|error| format!("{shown} cannot be read: {error}."))?;
    let claims: Claims = toml::from_str(&text).map_err(|error| format!("{shown}: {error}"))?;
    let rows: Vec<_> = claims.claim.iter().filter(|claim| claim.lesson == lesson).map(Claim::html).collect();
    if rows.is_empty() {
        return Err(format!("{shown} has no claim with `lesson = {lesson}`."));
    }
    Ok(format!("<dl class=\"claims\">{}</dl>\n", rows.concat()))
}

impl Claim {
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
