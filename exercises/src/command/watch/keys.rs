//! The keys of `watch`: single ones on a terminal, lines elsewhere.

use std::{io, thread};

use crossterm::event::{self, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc::UnboundedSender;

use super::Heard;

/// One line that names them all.
pub(super) fn help() -> String {
    "keys: h hint · c check again · n next · l list · s solution · r reset · q quit\n".to_owned()
}

/// Listens on a thread of its own until the program ends: a read of standard input cannot be called off.
pub(super) fn listen(raw: bool, heard: UnboundedSender<Heard>) {
    thread::spawn(move || if raw { single_keys(&heard) } else { lines(&heard) });
}

fn single_keys(heard: &UnboundedSender<Heard>) {
    while let Ok(event) = event::read() {
        // Windows tells the release of a key as well.
        let Some(key) = event.as_key_event().filter(|key| key.kind != KeyEventKind::Release) else {
            continue;
        };
        if heard.send(Heard::Key(letter(key))).is_err() {
            return;
        }
    }
}

fn letter(key: KeyEvent) -> char {
    match key.code {
        // A raw terminal hands Ctrl-C over as a key.
        KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => 'q',
        KeyCode::Char(letter) => letter.to_ascii_lowercase(),
        KeyCode::Enter => '\n',
        _ => '?',
    }
}

fn lines(heard: &UnboundedSender<Heard>) {
    // The end of the input is no request to leave: it may have been `/dev/null` from the beginning.
    for line in io::stdin().lines().map_while(Result::ok) {
        let key = line.trim_start().chars().next().unwrap_or('\n');
        if heard.send(Heard::Key(key.to_ascii_lowercase())).is_err() {
            return;
        }
    }
}
