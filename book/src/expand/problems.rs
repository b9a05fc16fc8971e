//! The page of the API's problem types: the `type` of an error body leads to its entry here.

use mdbook_preprocessor::book::{BookItem, Chapter};
use reference_api::problem;

use crate::markup::escape;

/// The chapter, from the registry that the API itself answers from.
pub(super) fn chapter() -> BookItem {
    let entries = problem::ALL.iter().map(|kind| {
        format!(
            "## {title} {{#{slug}}}\n\nStatus {status}. `\"type\": \"/problems/{slug}\"`\n\n{advice}\n\n",
            title = escape(kind.title),
            slug = kind.slug,
            status = kind.status.as_u16(),
            advice = kind.advice,
        )
    });
    let content = format!(
        "# Problem types\n\nEvery error answer of the reference API is one JSON object, `application/problem+json` \
         ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)). Its `type` says which kind of problem it is. These are all \
         there are.\n\n{}",
        entries.collect::<String>()
    );
    BookItem::Chapter(Chapter::new("Problem types", content, "problems.md", Vec::new()))
}
