//! What may stand in a text, and how two texts are compared.

/// For garde: one line of text. PostgreSQL stores no NUL, and a line break in a title is somebody playing with our lists.
pub(crate) fn line<C>(text: &str, _: &C) -> garde::Result {
    if text.chars().any(char::is_control) {
        return Err(garde::Error::new("must be one line, without control characters"));
    }
    Ok(())
}

/// For garde: text of several lines.
pub(crate) fn prose<C>(text: &str, _: &C) -> garde::Result {
    if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')) {
        return Err(garde::Error::new("must not have control characters other than tabs and line breaks"));
    }
    Ok(())
}

/// The text as it is compared in a search. Done here and not in SQL: SQLite's `lower` knows ASCII alone, and PostgreSQL's
/// depends on the server's locale.
pub(crate) fn folded(text: &str) -> String {
    text.to_lowercase()
}
