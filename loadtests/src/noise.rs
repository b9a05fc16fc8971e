//! A/A: one server, measured as if it were two. Whatever differs is noise, and a smaller difference elsewhere means nothing.

use std::time::Duration;

use clap::Args;
use record::{Kind, Role, Settings, Study};

use crate::{
    Keep, Stopped,
    beside::{self, Pace, Target},
    optimised,
    service::Service,
    wire::Wired,
};

/// What may be chosen.
#[derive(Args)]
pub(crate) struct Ask {
    /// Rounds, 1 to 20
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=20))]
    rounds: u16,
    /// Milliseconds of load on each in each round, 50 to 10000
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u16).range(50..=10_000))]
    millis: u16,
    /// Measure with this build, also if it is unoptimised: shows that it runs, and nothing about speed
    #[arg(long)]
    as_built: bool,
    #[command(flatten)]
    pub(crate) keep: Keep,
}

/// Measures bare hyper twice.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn measure(ask: &Ask) -> Result<Vec<Study>, Stopped> {
    optimised::instead_of_this(ask.as_built)?;
    let hyper = Service::of_this_program(&["twin", "--what", "hyper"])?;
    let request = Wired::get(hyper.address, "/hello");
    let target = |name| Target { name, role: Role::Baseline, service: &hyper, request: request.clone() };
    let study = Study {
        id: "noise-load".to_owned(),
        kind: Kind::LoadNoise,
        lesson: None,
        question: "One server measured as if it were two".to_owned(),
        settings: Settings::new(),
        rows: Vec::new(),
        notes: Vec::new(),
    };
    let lasts = Duration::from_millis(ask.millis.into());
    let pace = Pace { rounds: ask.rounds, lasts, connections: 32 };
    Ok(vec![beside::measure(study, &[target("bare hyper"), target("bare hyper again")], pace)?])
}
