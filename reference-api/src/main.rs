//! `cargo api`: the reference API as a process of its own.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use reference_api::{AppState, Settings, app, telemetry};
use tokio::net::TcpListener;

/// Serve the reference API. Settings come from the file, then from variables such as `API_DATABASE__URL`.
#[derive(Debug, Parser)]
#[command(name = "cargo api", bin_name = "cargo api")]
struct Arguments {
    /// A TOML file with settings, such as `bind = "127.0.0.1:8080"`.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("api: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::load(arguments.settings.as_deref())?;
    telemetry::start(&settings)?;
    let bind = settings.bind;
    let state = AppState::connect(settings).await?;
    let listener = TcpListener::bind(bind).await.map_err(|error| {
        format!("{bind} cannot be used: {error}. Choose another address: API_BIND=127.0.0.1:8081 cargo api")
    })?;
    let address = listener.local_addr()?;
    tracing::info!("listening on http://{address}, documentation on http://{address}/docs/");
    axum::serve(listener, app(state)).with_graceful_shutdown(asked_to_stop()).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Ctrl-C, or on Unix the signal that a supervisor sends. What is in flight is finished first.
async fn asked_to_stop() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        return;
    }
    // Where no signal can be heard, the process ends as the system ends it.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
