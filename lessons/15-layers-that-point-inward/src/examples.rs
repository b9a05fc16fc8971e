//! The rule of the shop as a table of forty examples, and a service that tests one row at each request.

use axum::{Router, extract::Path, http::StatusCode, routing::post};
use lab::{Controls, Probes, Request};
use ordering::{Line, Refusal};
use serde_json::json;

/// The counter of requests that a test wrote in order to reach the rule.
pub const REQUESTS: &str = "requests through the router";

/// How many there are.
pub const EXAMPLES: u64 = 40;

/// One order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// Whether a member orders.
    pub member: bool,
    /// What is ordered.
    pub line: Line,
}

impl Example {
    /// The example of that number: guests and members in turn, around each bound of the rule.
    pub fn of(number: u64) -> Self {
        const PIECES: [u64; 10] = [1, 2, 9, 10, 11, 99, 100, 101, 0, 50];
        const CENTS: [u64; 4] = [1, 999, 10_000, 12_345];
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let line = Line { cents: CENTS[place / 10 % 4], pieces: PIECES[place % 10] };
        Self { member: number % 2 == 1, line }
    }
}

/// What the rule says to it, worked out another way: in fractions, and by hand at the bounds.
///
/// # Errors
/// If the shop does not accept it.
pub fn expected(Example { member, line }: Example) -> Result<u64, Refusal> {
    if !(1..=100).contains(&line.pieces) {
        return Err(Refusal::Pieces);
    }
    // A discount that is rounded down is a price that is rounded up.
    let many = if line.pieces < 10 { 10 } else { 9 };
    let price = (line.cents * line.pieces * many).div_ceil(10);
    let price = if member { (price * 19).div_ceil(20) } else { price };
    if price > 1_000_000 { Err(Refusal::TooMuch) } else { Ok(price) }
}

/// How a design lets the rule be tested: what it said to an example.
pub(crate) type Try = fn(Probes, Example) -> TryFuture;

/// The future of a [`Try`].
pub(crate) type TryFuture = std::pin::Pin<Box<dyn Future<Output = Result<u64, String>> + Send>>;

pub(crate) async fn tested(probes: Probes, try_it: Try) -> Router {
    let test = async move |Path(number): Path<u64>| {
        let example = Example::of(number);
        let holds = try_it(probes, example).await == expected(example).map_err(|refusal| refusal.to_string());
        if holds { StatusCode::NO_CONTENT } else { StatusCode::INTERNAL_SERVER_ERROR }
    };
    Router::new().route("/examples/{number}", post(test))
}

pub(crate) fn requests(controls: &Controls) -> Vec<Request> {
    (0..controls.requests()).map(|number| Request::post(format!("/examples/{number}"), json!({}))).collect()
}
