//! HTML: writing texts into it safely, and reading built pages back.

use std::cell::{Cell, RefCell};

use html5ever::{
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts, states::RawKind,
    },
};

/// The text, harmless inside an element or a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Inline Markdown as HTML: code, emphasis, links. Raw HTML in it stays text.
pub(crate) fn inline(markdown: &str) -> String {
    use pulldown_cmark::{Event, Parser, Tag, TagEnd, html::push_html};
    let events = Parser::new(markdown).filter_map(|event| match event {
        Event::Start(Tag::Paragraph | Tag::HtmlBlock) | Event::End(TagEnd::Paragraph | TagEnd::HtmlBlock) => {
            None
        }
        Event::Html(html) | Event::InlineHtml(html) => Some(Event::Text(html)),
        // A blank line would end the HTML block that this text is put into.
        Event::SoftBreak | Event::HardBreak => Some(Event::Text(" ".into())),
        other => Some(other),
    });
    let mut out = String::new();
    push_html(&mut out, events);
    out.trim().replace('\n', " ")
}

/// One start tag of a page, with the text up to the next tag, be it a start or an end.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    pub(crate) text: String,
    /// The line in the page, from 1.
    pub(crate) line: usize,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Default)]
struct Elements {
    found: RefCell<Vec<Element>>,
    /// Whether text still belongs to the last element.
    open: Cell<bool>,
}

impl TokenSink for Elements {
    type Handle = ();

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<()> {
        let mut elements = self.found.borrow_mut();
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                let name = tag.name.to_string();
                let attributes =
                    tag.attrs.iter().map(|a| (a.name.local.to_string(), a.value.to_string())).collect();
                let raw = match name.as_str() {
                    "script" => Some(RawKind::ScriptData),
                    "style" => Some(RawKind::Rawtext),
                    _ => None,
                };
                let line = usize::try_from(line).unwrap_or(usize::MAX);
                self.open.set(true);
                elements.push(Element { name, attributes, text: String::new(), line });
                return raw.map_or(TokenSinkResult::Continue, TokenSinkResult::RawData);
            }
            Token::TagToken(_) => self.open.set(false),
            Token::CharacterTokens(text) if self.open.get() => {
                if let Some(element) = elements.last_mut() {
                    element.text.push_str(&text);
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// The elements of a page, in order.
pub(crate) fn elements(page: &str) -> Vec<Element> {
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(page));
    let tokenizer = Tokenizer::new(Elements::default(), TokenizerOpts::default());
    // A script's end is reported to us and needs no answer, so the input is read to its end.
    while !queue.is_empty() {
        let _ = tokenizer.feed(&queue);
    }
    tokenizer.end();
    tokenizer.sink.found.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_html_in_inline_markdown_stays_text() {
        assert_eq!(inline("a `b` <script>c</script>"), "a <code>b</code> &lt;script&gt;c&lt;/script&gt;");
    }

    #[test]
    fn a_tag_inside_a_script_is_text_and_not_an_element() {
        let found = elements("<p>\n<script>let x = '<a href=\"y\">';</script>\n<a href=z>");

        let names: Vec<_> = found.iter().map(|element| element.name.as_str()).collect();
        assert_eq!(names, ["p", "script", "a"]);
        assert_eq!(found[1].text, "let x = '<a href=\"y\">';");
        assert_eq!((found[2].line, found[2].attribute("href")), (3, Some("z")));
    }
}
