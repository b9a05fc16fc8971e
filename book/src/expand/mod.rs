//! The book's own directives: `{{#lab 18 ten-reports}}` and its siblings become HTML.
//!
//! mdBook's own `{{#include …}}` is left to mdBook; the check looks after it.

pub(crate) mod claims;
mod exercise;
mod lab;
mod lessons;
mod measured;
mod problems;
pub(crate) mod questions;

use mdbook_preprocessor::{
    Preprocessor, PreprocessorContext,
    book::Book,
    errors::{Error, Result},
};

use crate::Library;

/// The directives of the book itself.
pub(crate) const OWN: &[&str] = &[
    "lab",
    "questions",
    "exercise",
    "load",
    "bench",
    "plot",
    "results",
    "claims",
    "all-claims",
    "all-exercises",
    "all-lessons",
    "all-questions",
    "all-strengths",
];

/// A directive as it stands in a chapter: `{{#name argument argument}}`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Directive<'a> {
    pub(crate) name: &'a str,
    pub(crate) arguments: Vec<&'a str>,
    /// All of it, from the first brace to the last.
    pub(crate) text: &'a str,
    /// Where it begins, in bytes.
    pub(crate) at: usize,
    /// The line, from 1.
    pub(crate) line: usize,
}

/// The directives of a text, in order. One that is never closed reaches to the end of its line.
pub(crate) fn directives(text: &str) -> Vec<Directive<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("{{#").map(|at| at + from) {
        let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end);
        let end = text[at..line_end].find("}}").map_or(line_end, |end| at + end + 2);
        from = end;
        let directive = &text[at..end];
        let mut words = directive.trim_start_matches("{{#").trim_end_matches("}}").split_whitespace();
        found.push(Directive {
            name: words.next().unwrap_or_default(),
            arguments: words.collect(),
            text: directive,
            at,
            line: text[..at].matches('\n').count() + 1,
        });
    }
    found
}

/// The HTML that one of our own directives stands for. It contains no blank line, which would end it in Markdown.
pub(crate) fn expand(library: &Library, directive: &Directive<'_>) -> std::result::Result<String, String> {
    let html = match (directive.name, directive.arguments.as_slice()) {
        ("all-claims", []) => claims::all(library),
        ("all-exercises", []) => exercise::all(library),
        ("all-lessons", []) => lessons::all(library),
        ("all-questions", []) => questions::all(library),
        ("all-strengths", []) => exercise::strengths(library),
        ("plot", [study]) => measured::plot(library, study),
        ("results", [kind]) => measured::results(library, kind),
        (name, [number, rest @ ..]) => {
            let lesson = catalogue::find(number).map_err(|error| error.to_string())?;
            match (name, rest) {
                ("lab", [experiment]) => lab::html(library, lesson, experiment),
                ("questions", []) => questions::html(library, lesson.number),
                ("exercise", []) => exercise::html(library, lesson.number),
                ("load", []) => measured::loads(library, lesson.number),
                ("bench", []) => measured::benches(library, lesson.number),
                ("claims", []) => claims::html(library, lesson.number),
                _ => Err(misspelt(directive)),
            }
        }
        _ => Err(misspelt(directive)),
    }?;
    debug_assert!(html.lines().all(|line| !line.trim().is_empty()), "a blank line in {}", directive.text);
    Ok(html)
}

/// The name of a lesson's chapter, as its page is called.
fn chapter(library: &Library, lesson: u8) -> std::result::Result<String, String> {
    let path =
        library.numbered("chapters", lesson).ok_or_else(|| format!("lesson {lesson:02} has no chapter."))?;
    Ok(path.file_stem().unwrap_or_default().to_string_lossy().into_owned())
}

fn misspelt(directive: &Directive<'_>) -> String {
    format!(
        "`{}` is not written as it should be: `{{{{#lab NN experiment}}}}`; `questions`, `exercise`, `load`, `bench`, `claims` \
         with a lesson's number; `plot` with a study's name; `results` with a kind; `all-lessons`, \
         `all-questions`, `all-exercises`, `all-strengths`, `all-claims` alone.",
        directive.text
    )
}

/// Puts labs, questions, exercises, figures and claims into the chapters.
pub(crate) struct Expand(pub(crate) Library);

impl Preprocessor for Expand {
    fn name(&self) -> &str {
        "expand"
    }

    fn run(&self, _: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let mut failed = None;
        book.for_each_chapter_mut(|chapter| match self.chapter(&chapter.content) {
            Ok(content) => chapter.content = content,
            Err(says) => failed = Some(format!("{}: {says}", chapter.name)),
        });
        book.push_item(problems::chapter());
        failed.map_or(Ok(book), |says| Err(Error::msg(says)))
    }
}

impl Expand {
    fn chapter(&self, content: &str) -> std::result::Result<String, String> {
        let content = dedent(content);
        let mut out = String::with_capacity(content.len());
        let mut from = 0;
        for directive in directives(&content).into_iter().filter(|found| OWN.contains(&found.name)) {
            out.push_str(&content[from..directive.at]);
            out.push_str(&expand(&self.0, &directive)?);
            from = directive.at + directive.text.len();
        }
        out.push_str(&content[from..]);
        Ok(out)
    }
}

/// Moves the code of each fenced block to the left margin: an anchor inside a function brings its indentation along.
fn dedent(content: &str) -> String {
    let mut out = Vec::new();
    let mut block: Option<Vec<&str>> = None;
    for line in content.lines() {
        match (&mut block, line.starts_with("```")) {
            (None, fence) => {
                out.push(line);
                block = fence.then(Vec::new);
            }
            (Some(code), false) => code.push(line),
            (Some(code), true) => {
                let full = code.iter().filter(|line| !line.trim().is_empty());
                let margin =
                    full.map(|line| line.len() - line.trim_start_matches(' ').len()).min().unwrap_or(0);
                out.extend(code.drain(..).map(|line| line.get(margin..).unwrap_or("")));
                out.push(line);
                block = None;
            }
        }
    }
    out.extend(block.into_iter().flatten());
    out.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_is_found_with_its_arguments_and_its_line() {
        let found = directives("one\n{{#lab 18 ten-reports}} {{#load 3}}\n{{#never closed\n");

        let shown: Vec<_> = found.iter().map(|d| (d.name, d.arguments.join(" "), d.line)).collect();
        let expected = [("lab", "18 ten-reports", 2), ("load", "3", 2), ("never", "closed", 3)];
        assert_eq!(shown, expected.map(|(name, arguments, line)| (name, arguments.to_owned(), line)));
    }

    #[test]
    fn code_in_a_fence_moves_left_as_one_block_and_prose_stays() {
        let text = "  prose\n```rust\n    fn a() {\n\n        b\n    }\n```\n  prose\n";

        assert_eq!(dedent(text), "  prose\n```rust\nfn a() {\n\n    b\n}\n```\n  prose\n");
    }
}
