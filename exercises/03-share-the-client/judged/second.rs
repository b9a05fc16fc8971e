//! The client lives in a small price client of its own; the timeout is set around the call, by tokio.

#[path = "../checks.rs"]
mod checks;

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use reqwest::Client;

struct Prices {
    client: Client,
    url: String,
}

impl Prices {
    async fn price(&self) -> Result<u64, StatusCode> {
        let mut answer = self.client.get(&self.url).send().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
        if answer.status().is_success() {
            return answer.json().await.map_err(|_| StatusCode::BAD_GATEWAY);
        }
        // Nobody needs the text of a refusal. It is read all the same, so that the connection can be used again.
        while let Ok(Some(_)) = answer.chunk().await {}
        Err(StatusCode::BAD_GATEWAY)
    }
}

fn app(upstream: String) -> Router {
    let prices = Prices { client: Client::new(), url: format!("{upstream}/price") };
    Router::new().route("/quote", get(quote)).with_state(Arc::new(prices))
}

async fn quote(State(prices): State<Arc<Prices>>) -> Result<Json<u64>, StatusCode> {
    let price = tokio::time::timeout(Duration::from_secs(1), prices.price());
    price.await.map_err(|_| StatusCode::GATEWAY_TIMEOUT)?.map(Json)
}
