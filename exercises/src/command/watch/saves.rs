//! Hears of saves: from the system, or by looking again and again where the system does not tell.

use std::time::Duration;

use notify::{Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::UnboundedSender;

use super::Heard;
use crate::kit::Exercise;

/// How often the file is looked at where nobody tells.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Watches until it is dropped.
pub(super) struct Saves {
    _watcher: Box<dyn Watcher>,
    /// Set when it looks instead of being told.
    pub(super) notice: Option<String>,
}

/// Sends [`Heard::Touched`] whenever something happens to the answer's file.
///
/// # Errors
/// If the folder can be watched in neither way.
pub(super) fn watch(exercise: &Exercise, poll: bool, heard: UnboundedSender<Heard>) -> notify::Result<Saves> {
    let answer = exercise.answer();
    let name = answer.file_name().map(ToOwned::to_owned);
    // The folder, because many editors put a new file in the place of the old one: a watch of the old would go with it.
    let folder = answer.parent().map(ToOwned::to_owned).unwrap_or_default();
    let told = move |event: notify::Result<Event>| {
        // An error may mean that events were lost, so the file is looked at as well.
        let ours = event.map_or(true, |event| {
            !matches!(event.kind, EventKind::Access(_))
                && event.paths.iter().any(|path| path.file_name() == name.as_deref())
        });
        if ours {
            let _ = heard.send(Heard::Touched);
        }
    };
    let refused = if poll {
        None
    } else {
        let watching = RecommendedWatcher::new(told.clone(), Config::default()).and_then(|mut watcher| {
            watcher.watch(&folder, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        match watching {
            Ok(watcher) => return Ok(Saves { _watcher: Box::new(watcher), notice: None }),
            Err(error) => Some(error),
        }
    };
    let looking = Config::default().with_poll_interval(LOOK_EVERY).with_compare_contents(true);
    let mut watcher = PollWatcher::new(told, looking)?;
    watcher.watch(&folder, RecursiveMode::NonRecursive)?;
    let notice = refused.map(|error| {
        format!(
            "watch: the system does not tell of saves here ({error}); looking every {} ms instead.\n",
            LOOK_EVERY.as_millis()
        )
    });
    Ok(Saves { _watcher: Box::new(watcher), notice })
}
