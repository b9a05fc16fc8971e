//! The command line of `cargo study`.

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    time::Instant,
};

use book::{Library, recorded, site};
use clap::{Parser, Subcommand};
use tokio_util::sync::CancellationToken;

/// Serve the study site: the book, its live labs and the reference API, on this machine only.
#[derive(Debug, Parser)]
#[command(name = "cargo study", bin_name = "cargo study", disable_help_subcommand = true)]
pub(crate) struct Study {
    /// The port to serve on; a taken one is passed over for the next
    #[arg(long, default_value_t = 4000, value_name = "N")]
    port: u16,
    /// Do not open a browser
    #[arg(long)]
    no_open: bool,
    /// Another workspace than the one this program was built in
    #[arg(long, value_name = "DIR", hide = true, global = true)]
    workspace: Option<PathBuf>,
    /// Another folder for progress and database than `.local`
    #[arg(long, value_name = "DIR", hide = true)]
    local: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the book as static files that need no server
    Build {
        /// The folder to write to
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Check the book: includes, directives, headings, links
    Check,
    /// For authors: run the labs once and record their reports for readers without a server
    RecordLabs {
        /// The lessons, by number or name; all when none is given
        lessons: Vec<String>,
    },
}

impl Study {
    pub(crate) fn run(self) -> Result<(), String> {
        let library = self.workspace.map_or_else(Library::here, Library::at);
        match self.command {
            None => {
                let local = self.local.unwrap_or_else(|| library.local());
                serve(&library, &local, self.port, self.no_open)
            }
            Some(Command::Build { out }) => {
                let out = out.unwrap_or_else(|| library.target().join("book"));
                book::write(&library, &out).map_err(|failure| failure.to_string())?;
                println!(
                    "study: wrote the book to {}; open {} in a browser.",
                    out.display(),
                    out.join("index.html").display()
                );
                Ok(())
            }
            Some(Command::Check) => check(&library),
            Some(Command::RecordLabs { lessons }) => {
                let lessons: Result<Vec<_>, _> = lessons.iter().map(|asked| catalogue::find(asked)).collect();
                let lessons = lessons.map_err(|error| error.to_string())?;
                recorded::record(&library, if lessons.is_empty() { catalogue::LESSONS } else { &lessons })
            }
        }
    }
}

fn check(library: &Library) -> Result<(), String> {
    let faults = book::faults(library).map_err(|failure| failure.to_string())?;
    for fault in &faults {
        println!("{fault}");
    }
    match faults.len() {
        0 => {
            println!("study: the book is whole.");
            Ok(())
        }
        1 => Err("the book has 1 fault.".to_owned()),
        several => Err(format!("the book has {several} faults.")),
    }
}

fn serve(library: &Library, local: &Path, port: u16, no_open: bool) -> Result<(), String> {
    let started = Instant::now();
    println!("study: building the book");
    let built = book::build(library).map_err(|failure| failure.to_string())?;
    for fault in &built.blemishes {
        eprintln!("study: {fault}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the system gives no threads: {error}"))?;
    let outcome = runtime.block_on(async {
        let listening = site::listen(port).await;
        let site::Listening { listener, port: found, moved } =
            listening.map_err(|error| format!("no port from {port} on can be had: {error}"))?;
        if moved {
            println!("study: port {port} is taken by another program; using {found} instead.");
        }
        let stop = CancellationToken::new();
        let site = site::Site::new(
            built.pages,
            found,
            local.join(exercises::PROGRESS_FILE),
            |folder| open::that_detached(folder),
            stop.clone(),
        )
        .map_err(|error| error.to_string())?;
        let api = site::reference_api(local).await.map_err(|error| format!("the reference API: {error}"))?;
        // What the API owes after an answer, such as a mail. A job that Ctrl-C cuts is done at the next start.
        tokio::spawn(api.jobs);
        let address = format!("http://127.0.0.1:{found}/");
        println!("study: ready after {} ms at {address} (Ctrl-C stops it)", started.elapsed().as_millis());
        if !no_open && std::io::stdout().is_terminal() && open::that_detached(&address).is_err() {
            println!("study: no browser could be opened; open the address yourself.");
        }
        tokio::spawn(async move {
            reference_api::serve::stop_signal().await;
            stop.cancel();
        });
        site.serve(listener, api.routes).await.map_err(|error| format!("the site has stopped: {error}"))
    });
    // Does not wait for threads that are still busy: the reader wants the shell back.
    runtime.shutdown_background();
    println!("study: stopped.");
    outcome
}
