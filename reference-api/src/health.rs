//! Health: whether the process lives, and whether it can serve.

use axum::{Json, extract::State};
use serde::Serialize;
use sqlx::SqlitePool;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{error::ApiError, problem::Problem, state::AppState};

/// Both health routes; nobody needs a login for them.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready))
}

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthResponse {
    /// Always `ok`: anything else is not answered with 200.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the process lives
///
/// It asks nobody: a database that is gone is no reason to restart this process.
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, body = HealthResponse)))]
pub(crate) async fn live() -> Json<HealthResponse> {
    Json(HealthResponse { status: "ok" })
}

/// Whether requests can be served
#[utoipa::path(
    get, path = "/health/ready", tag = "health",
    responses(
        (status = 200, body = HealthResponse),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn ready(State(db): State<SqlitePool>) -> Result<Json<HealthResponse>, ApiError> {
    let answered = sqlx::query_scalar::<_, i64>("SELECT 1").fetch_one(&db).await;
    // Whatever the reason, the cure is not here: send requests elsewhere until it is over.
    answered.map_err(|error| ApiError::Unavailable(error.into()))?;
    Ok(Json(HealthResponse { status: "ok" }))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn without_its_database_the_service_lives_and_is_not_ready() {
        let app = TestApp::start().await;
        app.get("/health/ready").await.assert_status(StatusCode::OK);

        app.lose_database().await;

        app.get("/health/live").await.assert_status(StatusCode::OK);
        let answer = app.get("/health/ready").await;
        answer.assert_problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
        assert_eq!(answer.header("retry-after"), "1");
    }
}
