//! Makes text fit for a terminal: text from elsewhere harmless, long text readable.

/// The text without anything that could drive a terminal: escape sequences, other control characters, and the marks that
/// turn the direction of writing. Line breaks and tabs stay.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' => skip_sequence(&mut rest),
            // The one-character form of the same.
            '\u{9b}' => skip_parameters(&mut rest),
            '\n' | '\t' => out.push(character),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            character if character.is_control() => {}
            character => out.push(character),
        }
    }
    out
}

/// Skips what follows an escape character (ECMA-48, 5.3 to 5.6).
fn skip_sequence(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match rest.peek() {
        Some('[') => {
            rest.next();
            skip_parameters(rest);
        }
        // A command string, such as a window title or a link: until the bell or the terminator.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let mut last = ' ';
            // A string that is never closed ends with its line: the rest of the output must not vanish with it.
            while let Some(character) = rest.next_if(|c| *c != '\n') {
                if character == '\u{7}' || character == '\u{9c}' || (last == '\u{1b}' && character == '\\') {
                    break;
                }
                last = character;
            }
        }
        // Intermediate characters, then one that ends the sequence.
        Some(_) => {
            while rest.next_if(|c| (' '..='/').contains(c)).is_some() {}
            rest.next_if(|c| ('0'..='~').contains(c));
        }
        None => {}
    }
}

fn skip_parameters(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while rest.next_if(|c| (' '..='?').contains(c)).is_some() {}
    rest.next_if(|c| ('@'..='~').contains(c));
}

/// The text broken into lines of at most so many columns, at spaces only.
pub(crate) fn wrap(text: &str, columns: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
        }
        // A line that begins with a space was laid out by its author.
        if line.starts_with(' ') {
            out.push_str(line);
            continue;
        }
        let mut used = 0;
        for word in line.split(' ') {
            let length = word.chars().count();
            if used > 0 && used + 1 + length > columns {
                out.push('\n');
                used = 0;
            } else if used > 0 {
                out.push(' ');
                used += 1;
            }
            out.push_str(word);
            used += length;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{plain, wrap};

    #[test]
    fn a_long_line_is_broken_at_spaces_and_no_word_is_cut() {
        assert_eq!(
            wrap("one two three fourteen\n  as  it is here", 9),
            "one two\nthree\nfourteen\n  as  it is here"
        );
    }

    #[test]
    fn colours_cursor_moves_titles_and_links_vanish_and_the_text_stays() {
        for (input, expected) in [
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{9b}2Jcleared", "cleared"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}(Bcharset", "charset"),
            ("\u{1b}cclean", "clean"),
            ("a\rb\u{8}c\u{7}", "abc"),
            ("right\u{202e}left", "rightleft"),
            ("line\nnext\tcolumn", "line\nnext\tcolumn"),
            ("ends in an escape\u{1b}", "ends in an escape"),
        ] {
            assert_eq!(plain(input), expected, "{input:?}");
        }
    }

    #[test]
    fn a_command_string_that_is_never_closed_takes_only_its_own_line() {
        assert_eq!(plain("before\u{1b}]0;title\nafter"), "before\nafter");
    }
}
