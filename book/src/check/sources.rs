//! Checks the chapters before the book is built: includes, directives, headings.

use std::{fs, path::Path};

use crate::{
    Fault, Library,
    expand::{self, Directive, OWN},
};

/// The headings of a lesson's chapter, in this order.
const HEADINGS: &[&str] = &[
    "The question",
    "The 60-second answer",
    "What goes wrong",
    "Why",
    "What holds",
    "In the reference API",
    "Coming from FastAPI",
    "Measured",
    "When the wrong way is fine",
    "Follow-ups",
    "The exercise",
];

/// What is wrong with the chapters that the summary names.
pub(crate) fn check(library: &Library) -> Vec<Fault> {
    let summary = library.chapters().join("SUMMARY.md");
    let shown = library.shown(&summary).to_owned();
    let text = match fs::read_to_string(&summary) {
        Ok(text) => text,
        Err(error) => return vec![Fault::hole(shown, 1, format!("the summary cannot be read: {error}."))],
    };
    let mut faults = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let Some((_, rest)) = line.split_once("](") else { continue };
        let Some((target, _)) = rest.split_once(')') else { continue };
        let path = library.chapters().join(target);
        match fs::read_to_string(&path) {
            Ok(text) => faults.extend(chapter(library, &path, &text)),
            Err(error) => {
                faults.push(Fault::hole(&shown, number, format!("`{target}` cannot be read: {error}.")));
            }
        }
    }
    faults
}

fn chapter(library: &Library, path: &Path, text: &str) -> Vec<Fault> {
    let file = library.shown(path);
    let mut faults = Vec::new();
    for directive in expand::directives(text) {
        let wrong = match directive.name {
            "include" => included(path, &directive).err(),
            name if OWN.contains(&name) => expand::expand(library, &directive).err(),
            other => Some(format!(
                "`{}`: there is no directive `{other}`; there are include, {}.",
                directive.text,
                OWN.join(", ")
            )),
        };
        faults.extend(wrong.map(|says| Fault::hole(file, directive.line, says)));
    }
    if file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(|c: char| c.is_ascii_digit())) {
        faults.extend(headings(file, text));
    }
    faults
}

/// Follows an include the way mdBook does, and insists that something comes of it.
fn included(chapter: &Path, directive: &Directive<'_>) -> Result<(), String> {
    let Directive { text, arguments, .. } = directive;
    if !text.ends_with("}}") {
        return Err(format!("`{text}` is not closed with `}}}}` on its line."));
    }
    let [target] = arguments.as_slice() else {
        return Err(format!("`{text}` needs one path: `{{{{#include path:anchor}}}}`."));
    };
    let (path, part) = target.split_once(':').map_or((*target, None), |(path, part)| (path, Some(part)));
    let source = chapter.parent().unwrap_or(chapter).join(path);
    let content =
        fs::read_to_string(&source).map_err(|error| format!("`{text}`: {path} cannot be read: {error}."))?;
    let found = match part {
        None => content,
        Some(part) if part.starts_with(|c: char| c.is_ascii_digit() || c == ':') => {
            return Err(format!("`{text}` counts lines, which move; name an anchor instead."));
        }
        Some(anchor) => anchored(&content, anchor)
            .ok_or_else(|| format!("`{text}`: {path} has no `ANCHOR: {anchor}` with its `ANCHOR_END`."))?,
    };
    if found.trim().is_empty() {
        return Err(format!("`{text}`: nothing stands there."));
    }
    Ok(())
}

/// The text between the marks of an anchor; `None` if either is missing.
fn anchored(content: &str, anchor: &str) -> Option<String> {
    let names = |line: &str, mark: &str| {
        line.split_once(mark).is_some_and(|(_, rest)| {
            let rest = rest.trim_start();
            rest.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).next() == Some(anchor)
        })
    };
    let mut lines = content.lines().skip_while(|line| !names(line, "ANCHOR:"));
    lines.next()?;
    let mut found = String::new();
    for line in lines {
        if names(line, "ANCHOR_END:") {
            return Some(found);
        }
        if !line.contains("ANCHOR:") && !line.contains("ANCHOR_END:") {
            found.push_str(line);
            found.push('\n');
        }
    }
    None
}

fn headings(file: &Path, text: &str) -> Vec<Fault> {
    let mut fenced = false;
    let mut expected = HEADINGS.iter();
    let mut faults = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        fenced ^= line.starts_with("```");
        let Some(heading) = line.strip_prefix("## ").filter(|_| !fenced) else { continue };
        match expected.next() {
            Some(right) if *right == heading.trim() => {}
            Some(right) => {
                faults.push(Fault::blemish(
                    file,
                    number,
                    format!("the heading is `{heading}`; here belongs `{right}`."),
                ));
                // The rest would only repeat that the order is lost.
                return faults;
            }
            None => {
                faults.push(Fault::blemish(
                    file,
                    number,
                    format!("the heading `{heading}` is one too many."),
                ));
                return faults;
            }
        }
    }
    if let Some(missing) = expected.next() {
        let last = text.lines().count().max(1);
        faults.push(Fault::blemish(file, last, format!("the chapter ends without the heading `{missing}`.")));
    }
    faults
}
