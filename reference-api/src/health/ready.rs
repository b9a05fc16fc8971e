//! `GET /health/ready`: whether requests can be served.

use std::time::Duration;

use axum::{Json, extract::State};
use tokio::time::timeout;

use super::HealthResponse;
use crate::{
    db::{Db, Executor},
    error::ApiError,
};

/// An orchestrator that waits ten seconds for a no has lost ten seconds.
const PATIENCE: Duration = Duration::from_secs(2);

// ANCHOR: ready
/// Ask whether requests can be served
#[utoipa::path(
    get, path = "/health/ready", tag = "health",
    responses((status = 200, description = "The database answers", body = HealthResponse))
)]
pub(crate) async fn get_ready(State(db): State<Db>) -> Result<Json<HealthResponse>, ApiError> {
    let asked = timeout(PATIENCE, db.query("SELECT 1").execute()).await;
    // Whatever is wrong with the database, the answer is the same: send the traffic elsewhere.
    match asked {
        Ok(Ok(_)) => Ok(Json(HealthResponse { status: "ready" })),
        Ok(Err(error)) => Err(ApiError::Unavailable(error.into())),
        Err(elapsed) => Err(ApiError::Unavailable(elapsed.into())),
    }
}
// ANCHOR_END: ready

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn the_service_is_ready_while_the_database_answers() {
        TestApp::start().await.get("/health/ready").await.assert_status(StatusCode::OK);
    }

    #[tokio::test]
    async fn the_service_is_unavailable_without_its_database_and_says_when_to_ask_again() {
        let app = TestApp::start().await;
        app.close_database().await;

        let answer = app.get("/health/ready").await;

        answer.assert_problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
        assert_eq!(answer.header("retry-after"), "1");
    }
}
