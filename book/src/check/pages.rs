//! Checks the built pages: what is left over, where links lead, and that nothing comes from elsewhere.

use std::{collections::BTreeMap, fs, path::Path};

use crate::{
    Fault, Library,
    markup::{Element, elements},
    press::Pages,
};

/// Addresses that the study site serves beside the book.
const LIVE: &[&str] = &["/docs", "/api/v1", "/health", "/metrics", "/problems"];

/// What is wrong with the built pages.
pub(crate) fn check(library: &Library, pages: &Pages) -> Vec<Fault> {
    let texts: BTreeMap<&str, String> = pages
        .iter()
        .filter(|(path, _)| path.ends_with(".html"))
        .map(|(path, bytes)| (path.as_str(), String::from_utf8_lossy(bytes).into_owned()))
        .collect();
    let parsed: BTreeMap<&str, Vec<Element>> =
        texts.iter().map(|(path, text)| (*path, elements(text))).collect();
    let mut faults = Vec::new();
    for (path, text) in &texts {
        // The summary's first chapter is also the index; a fault is told once. The two frames hold no prose.
        if matches!(*path, "index.html" | "toc.html" | "404.html") {
            continue;
        }
        let origin = Origin::of(library, path);
        if let Some(at) = text.find("{{#") {
            let rest: String = text[at..].chars().take_while(|c| *c != '\n').take(60).collect();
            faults.push(origin.fault(
                &rest,
                text[..at].matches('\n').count() + 1,
                format!("`{rest}` was left in the page."),
            ));
        }
        for element in &parsed[path] {
            if let Some((target, says)) = address(element)
                .and_then(|target| Some((target, wrong(path, element, target, pages, &parsed)?)))
            {
                faults.push(origin.fault(target, element.line, says));
            }
        }
    }
    faults
}

/// Where a built page comes from, so that a fault can name the line that its author wrote.
struct Origin {
    file: std::path::PathBuf,
    text: String,
    built: bool,
}

impl Origin {
    fn of(library: &Library, page: &str) -> Self {
        let source = library.chapters().join(Path::new(page).with_extension("md"));
        match fs::read_to_string(&source) {
            Ok(text) => Self { file: library.shown(&source).to_owned(), text, built: false },
            Err(_) => Self { file: Path::new("(built)").join(page), text: String::new(), built: true },
        }
    }

    fn fault(&self, target: &str, built_line: usize, says: String) -> Fault {
        // mdBook turns `a.md` into `a.html` on its way.
        let written = [target.to_owned(), target.replace(".html", ".md")];
        let line =
            (1..).zip(self.text.lines()).find(|(_, line)| written.iter().any(|w| line.contains(w.as_str())));
        let line = line.map_or(if self.built { built_line } else { 1 }, |(number, _)| number);
        Fault::blemish(&self.file, line, says)
    }
}

fn address(element: &Element) -> Option<&str> {
    match element.name.as_str() {
        "a" | "link" | "use" => element.attribute("href"),
        "img" | "script" | "iframe" | "source" | "video" | "audio" | "embed" => element.attribute("src"),
        "object" => element.attribute("data"),
        _ => None,
    }
}

fn wrong(
    page: &str,
    element: &Element,
    target: &str,
    pages: &Pages,
    parsed: &BTreeMap<&str, Vec<Element>>,
) -> Option<String> {
    if target.contains("://") || target.starts_with("//") {
        return (element.name != "a")
            .then(|| format!("`{target}` is loaded from another machine; put it into the book."));
    }
    if target.starts_with("mailto:") || target.starts_with("data:") {
        return None;
    }
    if let Some(live) = target.strip_prefix('/') {
        let known = LIVE.iter().any(|root| format!("/{live}").starts_with(root));
        return (!known).then(|| format!("`{target}` leads to no page of the site."));
    }
    let (path, fragment) = target.split_once('#').map_or((target, None), |(path, id)| (path, Some(id)));
    let path = path.split('?').next().unwrap_or(path);
    let path = if path.is_empty() { page.to_owned() } else { resolve(page, path) };
    if !pages.contains_key(&path) {
        return Some(format!("`{target}` leads nowhere: the book has no `{path}`."));
    }
    let id = fragment.filter(|id| !id.is_empty())?;
    let there = parsed.get(path.as_str())?.iter().any(|element| element.attribute("id") == Some(id));
    (!there).then(|| format!("`{target}` leads nowhere: `{path}` has no id `{id}`."))
}

/// A relative address, seen from a page.
fn resolve(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_address_is_resolved_from_the_folder_of_its_page() {
        assert_eq!(resolve("a/b.html", "../c/./d.html"), "c/d.html");
        assert_eq!(resolve("b.html", "fonts/x.css"), "fonts/x.css");
    }
}
