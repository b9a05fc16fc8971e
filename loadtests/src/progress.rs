//! Lines on stderr that say what is being measured and how long it still takes.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

/// Says what comes next.
pub(crate) fn say(what: &str) {
    eprintln!("load: {what}");
}

/// Runs the work and, on a terminal, counts its seconds on one line that is rewritten. Elsewhere it prints the line once.
pub(crate) async fn during<T>(what: &str, seconds: u16, work: impl Future<Output = T>) -> T {
    if !io::stderr().is_terminal() {
        say(&format!("{what}, {seconds} s"));
        return work.await;
    }
    let mut work = std::pin::pin!(work);
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut passed: u16 = 0;
    loop {
        tokio::select! {
            done = &mut work => {
                clear();
                return done;
            }
            _ = second.tick() => {
                // Starting and stopping take about a second more than the load itself.
                eprint!("\rload: {what}, {} of {seconds} s ", passed.min(seconds));
                passed = passed.saturating_add(1);
            }
        }
    }
}

fn clear() {
    // The rest of the door prints on stdout, which may be the same terminal.
    eprint!("\r{:78}\r", "");
    let _ = io::stderr().flush();
}
