//! Logs: one line an event, for a person or for a machine.

use tracing_subscriber::{EnvFilter, filter::ParseError, fmt};

use crate::settings::{LogFormat, Settings};

/// Starts logging for the whole process. Only `main` calls it: a test has a subscriber of its own.
///
/// # Errors
/// If `log.filter` is not in the syntax of `EnvFilter`.
pub fn start(settings: &Settings) -> Result<(), ParseError> {
    let filter = EnvFilter::try_new(&settings.log_filter)?;
    let lines = fmt().with_env_filter(filter);
    match settings.log_format {
        LogFormat::Pretty => lines.with_target(false).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
    Ok(())
}
