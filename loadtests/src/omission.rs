//! Coordinated omission: a service that stands still for half a second in every two, measured by three clients.
//!
//! A quarter of all moments lie in a stall, so a quarter of the users who come at their own time wait. A closed loop does not
//! see them: while the service stands still its few users stand still too, and send nothing that could wait. Each stall costs
//! each of them one slow answer among thousands of quick ones.

use std::{sync::Arc, time::Duration};

use clap::Args;
use record::{Kind, Measure, Role, Row, Settings, Study, Unit};
use tokio::runtime::Builder;

use crate::{
    Keep, Stopped,
    attack::{Users, attack},
    closed, cores, open, progress,
    service::Service,
    wire::Wired,
};

/// What may be chosen.
#[derive(Args)]
pub(crate) struct Ask {
    /// Seconds for each client, 2 to 60; the service stalls once in two
    #[arg(long, default_value_t = 6, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=60))]
    seconds: u16,
    #[command(flatten)]
    pub(crate) keep: Keep,
}

/// Users of the closed loops, and the rate of the open one.
const USERS: u16 = 10;
const PER_SECOND: f64 = 200.0;

/// Measures the same service with the closed loop, with goose's correction and with the open loop.
///
/// # Errors
/// If the service or a client cannot be started.
pub(crate) fn measure(ask: &Ask) -> Result<Vec<Study>, Stopped> {
    let lasts = Duration::from_secs(ask.seconds.into());
    let service = || Service::of_this_program(&["twin", "--what", "stalls"]);

    progress::say("closed loop");
    let stalls = service()?;
    let request = Wired::get(stalls.address, "/");
    let closed = closed::run(stalls.address, &request, USERS.into(), lasts)?;
    drop(stalls);

    progress::say("closed loop with goose's correction");
    let stalls = service()?;
    let runtime = Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime for the users: {error}"))?;
    let asks = Arc::new(vec![lab::Request::get("/")]);
    let users = Users { users: USERS, seconds: ask.seconds, asks, answers: &[], corrected: true };
    let corrected = runtime.block_on(attack(&stalls.url(), &users, None))?;
    if goose::is_killswitch_triggered() {
        return Err(Stopped::Interrupted);
    }
    drop(stalls);

    progress::say("open loop");
    let stalls = service()?;
    let request = Wired::get(stalls.address, "/");
    let open = open::run(stalls.address, &request, PER_SECOND, lasts)?;

    #[expect(clippy::cast_precision_loss, reason = "a bounded run has far fewer than 2^52 answers")]
    let row = |name: &str, p50: f64, p99: f64, answered: usize| Row {
        name: name.to_owned(),
        role: Role::Baseline,
        at: None,
        measures: vec![
            Measure::one("p99", Unit::Milliseconds, p99),
            Measure::one("p50", Unit::Milliseconds, p50),
            Measure::one("answers", Unit::Count, answered as f64),
        ],
    };
    let corrected_p99 = corrected.corrected_p99_ms.unwrap_or(f64::NAN);
    let answered = corrected.waits_ms.len();
    Ok(vec![Study {
        id: "omission".to_owned(),
        kind: Kind::Load,
        lesson: None,
        question: "A service that stands still for 0.5 s in every 2 s, seen by three clients".to_owned(),
        settings: Settings::from([
            ("users of the closed loops".to_owned(), USERS.to_string()),
            ("requests/s of the open loop".to_owned(), PER_SECOND.to_string()),
            ("seconds".to_owned(), ask.seconds.to_string()),
            ("cores".to_owned(), cores::divided().to_owned()),
        ]),
        rows: vec![
            row("closed loop", closed.percentile_ms(0.5), closed.percentile_ms(0.99), closed.answered),
            row("goose, as measured", corrected.percentile_ms(0.5), corrected.percentile_ms(0.99), answered),
            row("goose, corrected", corrected.percentile_ms(0.5), corrected_p99, answered),
            row("open loop", open.percentile_ms(0.5), open.percentile_ms(0.99), open.answered),
        ],
        notes: vec![
            "The open loop counts from the moment at which a request was due. A quarter of them were due in a stall.".to_owned(),
        ],
    }])
}
