//! Must not compile: a route asks for a state that the service is not given.

use axum::{Router, extract::State, routing::get};
use state_not_globals::Ledger;

async fn issued(State(ledger): State<Ledger>) -> String {
    ledger.issued().to_string()
}

// ANCHOR: missing_state
fn service() -> Router {
    Router::new().route("/invoices", get(issued))
}
// ANCHOR_END: missing_state

fn main() {
    drop(service());
}
