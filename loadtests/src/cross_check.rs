//! Our generator beside wrk, on one endpoint: whether the figures of this kit are figures of the server or of its client.
//!
//! wrk is written in C and known for asking more than most servers can answer. Where our closed loop stays far behind it, our
//! numbers are those of our loop. Both have the same cores and the same number of connections.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use clap::Args;
use record::{Kind, Measure, Role, Row, Settings, Study, Unit};

use crate::{Keep, Stopped, closed, cores, optimised, progress, service::Service, wire::Wired};

/// What may be chosen.
#[derive(Args)]
pub(crate) struct Ask {
    /// Rounds, 1 to 20; from 5 on the table says faster, slower or can't tell
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=20))]
    rounds: u16,
    /// Measure with this build, also if it is unoptimised: shows that it runs, and nothing about speed
    #[arg(long)]
    as_built: bool,
    #[command(flatten)]
    pub(crate) keep: Keep,
}

const CONNECTIONS: usize = 32;

/// wrk counts whole seconds.
const LASTS: Duration = Duration::from_secs(1);

/// Asks bare hyper for the same by both, in turn.
///
/// # Errors
/// If wrk is not installed, or the server cannot be started or does not answer.
pub(crate) fn measure(ask: &Ask) -> Result<Vec<Study>, Stopped> {
    if Command::new("wrk").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        return Err(Stopped::Refused(
            "wrk is not installed, so there is nothing to compare with; `apt install wrk` or `brew install wrk`.".to_owned(),
        ));
    }
    optimised::instead_of_this(ask.as_built)?;
    let hyper = Service::of_this_program(&["twin", "--what", "hyper"])?;
    let url = format!("{}/hello", hyper.url());
    let request = Wired::get(hyper.address, "/hello");
    let mut study = Study {
        id: "wrk".to_owned(),
        kind: Kind::Load,
        lesson: None,
        question: "Our closed loop beside wrk, asking bare hyper for the same".to_owned(),
        settings: Settings::from([
            ("connections".to_owned(), CONNECTIONS.to_string()),
            ("seconds".to_owned(), LASTS.as_secs().to_string()),
            ("cores".to_owned(), cores::divided().to_owned()),
        ]),
        rows: Vec::new(),
        notes: vec![NOTE.to_owned()],
    };
    for round in 0..ask.rounds {
        progress::say(&format!("round {} of {}, our loop and wrk", round + 1, ask.rounds));
        let row = |name: &str, role, answers| Row {
            name: name.to_owned(),
            role,
            at: None,
            measures: vec![Measure::one("goodput", Unit::PerSecond, answers)],
        };
        let ours = || -> Result<Row, String> {
            let done = closed::run(hyper.address, &request, CONNECTIONS, LASTS)?;
            Ok(row("our closed loop", Role::Ours, done.per_second()))
        };
        let theirs = || -> Result<Row, String> { Ok(row("wrk", Role::Limit, wrk(&url)?)) };
        // There and back: what drifts over a round then favours nobody.
        let rows = if round % 2 == 0 {
            let first = ours()?;
            vec![first, theirs()?]
        } else {
            let first = theirs()?;
            vec![ours()?, first]
        };
        study.merge(Study { rows, ..study.clone() });
    }
    Ok(vec![study])
}

const NOTE: &str = "The server has one core to itself, both clients the others. If the two reach about the same, the server \
                    was the limit of both.";

fn wrk(url: &str) -> Result<f64, String> {
    let asked = Command::new("wrk")
        .args(["--threads", "1", "--connections", &CONNECTIONS.to_string()])
        .args(["--duration", &format!("{}s", LASTS.as_secs()), url])
        .stdin(Stdio::null())
        .output();
    let output = asked.map_err(|error| format!("wrk could not be started: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    answers_a_second(&said).ok_or_else(|| format!("wrk said nothing that can be used: {said}"))
}

/// Answers a second, if every answer was a good one: wrk counts the others as well.
fn answers_a_second(said: &str) -> Option<f64> {
    let all_good = !said.contains("Non-2xx") && !said.contains("Socket errors");
    let line = said.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"))?;
    line.trim().parse().ok().filter(|_| all_good)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Running 1s test @ http://127.0.0.1:4000/hello\n  1 threads and 32 connections\n  \
                        Thread Stats   Avg      Stdev     Max   +/- Stdev\n  98214 requests in 1.10s, 12.18MB read\n\
                        Requests/sec:  89276.31\nTransfer/sec:     11.07MB\n";

    #[test]
    fn the_rate_is_found_in_what_wrk_says() {
        assert_eq!(answers_a_second(SAID), Some(89_276.31));
        assert_eq!(answers_a_second("unable to connect to 127.0.0.1:4000 Connection refused\n"), None);
    }

    #[test]
    fn a_rate_with_refusals_in_it_is_no_goodput() {
        let refused = SAID.replace("Requests/sec", "  Non-2xx or 3xx responses: 7\nRequests/sec");
        assert_eq!(answers_a_second(&refused), None);
    }
}
