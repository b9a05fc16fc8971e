//! Starts the service: settings, logs, state, socket. Read `lib.rs` next.

use std::{error::Error, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use reference_api::{AppState, Settings, auth, openapi, serve, settings::LogFormat, telemetry};

/// Rows are allocated where they are read and freed where they are answered, by another thread.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The reference API: accounts, sessions and items.
///
/// Settings come from defaults, then the file, then variables: API_BIND, API_DATABASE__URL, API_AUTH__SECRET and so on.
#[derive(Parser)]
struct Arguments {
    /// A TOML file with settings
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Serves, if nothing else is said
    #[command(subcommand)]
    instead: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Measures password hashes and suggests what this machine can afford
    Calibrate {
        /// How long one hash may take, in milliseconds
        #[arg(long, default_value_t = 50)]
        target_ms: u64,
    },
    /// Makes an account an administrator: how the first one comes about
    MakeAdmin {
        /// The address of the account
        email: String,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = serve::runtime().map_err(Box::from);
    match runtime.and_then(|runtime| runtime.block_on(run(&arguments))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("api: {error}");
            ExitCode::FAILURE
        }
    }
}

// ANCHOR: start_order
async fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    if let Some(Command::Calibrate { target_ms }) = &arguments.instead {
        println!("{}", auth::calibrate(Duration::from_millis(*target_ms))?);
        return Ok(());
    }
    let settings = Settings::load(arguments.settings.as_deref())?;
    telemetry::start(&settings)?;
    // The socket comes last: who can connect is served.
    let (bind, metrics, format) = (settings.bind, settings.metrics_bind, settings.log_format);
    let state = AppState::connect(settings).await?;
    if let Some(Command::MakeAdmin { email }) = &arguments.instead {
        state.make_admin(email).await?;
        println!("{email} is an administrator from the next request on.");
        return Ok(());
    }
    let listener = serve::listen(bind).await?;
    let metrics = match metrics {
        Some(bind) => Some(serve::listen(bind).await?),
        None => None,
    };
    let address = listener.local_addr()?;
    let stop = serve::stop_signal();
    let (page, url) = (openapi::PAGE, format!("http://{address}"));
    match format {
        LogFormat::Pretty => println!("The API listens on {url}; its documentation is on {url}{page}/"),
        // Whoever reads these lines is a program: nothing but JSON among them.
        LogFormat::Json => tracing::info!(url, "listening"),
    }
    serve::run(stop, listener, metrics, state).await;
    Ok(())
}
// ANCHOR_END: start_order
