//! `GET /health/live`: whether the process answers at all.

use axum::Json;

use super::HealthResponse;

// ANCHOR: live
/// Ask whether the process lives
///
/// It touches nothing but itself. If it asked the database, an outage there would restart every replica here.
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, description = "It lives", body = HealthResponse)))]
pub(crate) async fn get_live() -> Json<HealthResponse> {
    Json(HealthResponse { status: "live" })
}
// ANCHOR_END: live

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn liveness_does_not_depend_on_the_database() {
        let app = TestApp::start().await;
        app.close_database().await;

        app.get("/health/live").await.assert_status(StatusCode::OK);
    }
}
