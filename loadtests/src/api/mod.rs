//! The reference API under load: journeys of users, the knee, what each promise costs, and a storm of logins.

mod costs;
mod journeys;
mod knee;
mod reference;
mod storm;

use clap::{Args, ValueEnum};
use record::Study;

pub(crate) use reference::Reference;

use crate::{Keep, Stopped, optimised};

/// What may be chosen.
#[derive(Args)]
pub(crate) struct Ask {
    /// Only these parts; without it, all
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Rounds of the parts that compare, 1 to 20
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=20))]
    rounds: u16,
    /// Seconds of each part's load, 1 to 60
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=60))]
    seconds: u16,
    /// Users on their journeys, 4 to 200
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u16).range(4..=200))]
    users: u16,
    /// Send the journeys to this service instead of one of our own, such as http://127.0.0.1:8080
    #[arg(long, value_name = "URL")]
    host: Option<String>,
    /// Allow a host that is not this machine. Only for a service of your own whose operators know about it
    #[arg(long, requires = "host")]
    i_may_load_this_host: bool,
    /// Measure with this build, also if it is unoptimised: shows that it runs, and nothing about speed
    #[arg(long)]
    as_built: bool,
    #[command(flatten)]
    pub(crate) keep: Keep,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Readers, writers and newcomers with a stated mix, a ramp, and lines that must hold
    Journeys,
    /// Offered load in steps: where more load brings no more answers
    Knee,
    /// What an answer costs the server, promise by promise
    Costs,
    /// Logins all at once: what the others feel, and how much memory stays
    Storm,
}

/// Measures the parts that were asked for.
///
/// # Errors
/// If the host may not be loaded, a service cannot be started, or a line did not hold.
pub(crate) fn measure(ask: &Ask) -> Result<Vec<Study>, Stopped> {
    if let Some(host) = &ask.host {
        may_be_loaded(host, ask.i_may_load_this_host).map_err(Stopped::Refused)?;
    }
    optimised::instead_of_this(ask.as_built)?;
    let wanted = |part| ask.parts.is_empty() || ask.parts.contains(&part);
    let mut studies = Vec::new();
    if wanted(Part::Journeys) || ask.host.is_some() {
        studies.push(journeys::measure(ask)?);
    }
    if ask.host.is_some() {
        // The other parts count the server's processor time and memory: they start their own.
        return Ok(studies);
    }
    if wanted(Part::Knee) {
        studies.push(knee::measure(ask.seconds)?);
    }
    if wanted(Part::Costs) {
        studies.extend(costs::measure(ask.rounds, ask.seconds)?);
    }
    if wanted(Part::Storm) {
        studies.push(storm::measure(ask.rounds.min(3), ask.seconds)?);
    }
    Ok(studies)
}

/// Load on somebody else's machine is an attack, however it was meant.
fn may_be_loaded(host: &str, allowed: bool) -> Result<(), String> {
    let url = reqwest::Url::parse(host).map_err(|error| format!("{host} is no address: {error}."))?;
    let loopback = match url.host_str() {
        Some("localhost") => true,
        Some(name) => {
            let name = name.trim_start_matches('[').trim_end_matches(']');
            name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        None => return Err(format!("{host} names no host.")),
    };
    if loopback || allowed {
        return Ok(());
    }
    Err(format!(
        "{host} is not this machine, so nothing was sent. If it is yours and its operators know, add --i-may-load-this-host."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loaded_unless_it_is_allowed_by_name() {
        for host in ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:80", "http://127.8.8.8"] {
            assert_eq!(may_be_loaded(host, false), Ok(()), "{host}");
        }
        for host in
            ["http://192.168.0.1", "https://example.com", "http://localhost.example.com", "http://[::2]"]
        {
            let error = may_be_loaded(host, false).unwrap_err();
            assert!(error.contains("nothing was sent"), "{error}");
            assert_eq!(may_be_loaded(host, true), Ok(()), "{host}");
        }
        assert!(may_be_loaded("not an address", true).is_err());
    }
}
