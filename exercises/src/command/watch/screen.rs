//! The terminal of `watch`: single keys and a clean page where it is one, plain lines where not.

use std::io::{self, IsTerminal as _, Write as _};

use crossterm::{
    cursor::MoveTo,
    execute,
    terminal::{self, Clear, ClearType},
};

use super::{CommandError, Said, keys};

/// Where `watch` speaks. Dropping it gives the terminal back as it was.
pub(super) struct Screen {
    raw: bool,
}

impl Screen {
    /// Takes over the terminal, unless there is none or plain lines are wanted.
    ///
    /// # Errors
    /// If the terminal refuses.
    pub(super) fn open(plain: bool) -> io::Result<Self> {
        let raw = !plain && io::stdin().is_terminal() && io::stdout().is_terminal();
        if raw {
            terminal::enable_raw_mode()?;
        }
        Ok(Self { raw })
    }

    pub(super) fn is_raw(&self) -> bool {
        self.raw
    }

    /// An empty page; what was on it stays above, in the terminal's history.
    pub(super) fn clear(&self) {
        if self.raw {
            let _ = execute!(io::stdout(), Clear(ClearType::All), MoveTo(0, 0));
        }
    }

    pub(super) fn say(&self, text: &str) {
        // A raw terminal does not begin a new line at the left by itself.
        let text = if self.raw { text.replace('\n', "\r\n") } else { text.to_owned() };
        let mut out = io::stdout().lock();
        // A terminal that has gone away is told by its signal.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Says what a command has said, or why it could not.
    pub(super) fn answer(&self, said: Result<Said, CommandError>) {
        match said {
            Ok(said) => self.say(&said.text),
            Err(error) => self.say(&format!("exercise: {error}\n")),
        }
    }

    /// The same, and then the keys: a long answer has pushed them off the page.
    pub(super) fn answer_and_keys(&self, said: Result<Said, CommandError>) {
        self.answer(said);
        self.say(&format!("\n{}", keys::help()));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.raw {
            let _ = terminal::disable_raw_mode();
        }
    }
}
