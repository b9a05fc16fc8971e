//! `/admin/users`: accounts, as an administrator sees and changes them.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    middleware::from_extractor_with_state,
    response::{IntoResponse, Response},
};
use garde::Validate;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::keep_another_admin;
use crate::{
    auth::{Admin, Email, Role, seconds},
    db::{Db, Executor, Transaction},
    error::ApiError,
    extract::{
        ETag, Id, IfMatch, IfNoneMatch, Page, PageParameters, PageQuery, Rules, Tx, ValidJson, present,
    },
    openapi::{
        AdminProblems, BodyProblems, ConflictProblems, LookupProblems, ParameterProblems, TokenProblems,
        VersionProblems,
    },
    state::AppState,
};

// ANCHOR: admin_router
/// The routes for administrators. The guard is around the router: a route that is added here cannot be without it.
pub(crate) fn router(state: &AppState) -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_users))
        .routes(routes!(get_user, update_user, delete_user))
        .route_layer(from_extractor_with_state::<Admin, _>(state.clone()))
}
// ANCHOR_END: admin_router

#[derive(Debug, sqlx::FromRow)]
struct AccountRow {
    id: Uuid,
    email: Email,
    name: String,
    role: Role,
    disabled_at: Option<i64>,
    created_at: OffsetDateTime,
    version: i64,
}

/// An account, as an administrator sees it: without the address, which is nobody's business here.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AccountResponse {
    id: Uuid,
    email: Email,
    #[schema(example = "Ada Lovelace")]
    name: String,
    role: Role,
    /// Whether nobody can log in with it.
    disabled: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// Raised by every change. In quotes it is the account's `ETag`.
    #[schema(example = 1)]
    version: i64,
}

impl From<AccountRow> for AccountResponse {
    fn from(row: AccountRow) -> Self {
        let AccountRow { id, email, name, role, disabled_at, created_at, version } = row;
        Self { id, email, name, role, disabled: disabled_at.is_some(), created_at, version }
    }
}

/// List all accounts
#[utoipa::path(
    get, path = "/admin/users", tag = "admin", security(("access_token" = [])), params(PageParameters),
    responses(
        (status = 200, description = "A page of accounts, newest first", body = Page<AccountResponse>),
        TokenProblems, AdminProblems, ParameterProblems,
    )
)]
async fn list_users(
    State(state): State<AppState>,
    page: PageQuery,
) -> Result<Page<AccountResponse>, ApiError> {
    let rows: Vec<AccountRow> = state
        .db
        .query(
            "SELECT id, email, name, role, disabled_at, created_at, version FROM users
             WHERE id < $1 ORDER BY id DESC LIMIT $2",
        )
        .bind(page.before())
        .bind(page.rows())
        .fetch_all()
        .await?;
    Ok(page.page(rows, |row| row.id))
}

/// Read an account
#[utoipa::path(
    get, path = "/admin/users/{id}", tag = "admin", security(("access_token" = [])),
    params(("id" = Uuid, Path, description = "The account")),
    responses(
        (status = 200, description = "The account", body = AccountResponse, headers(("etag" = String, description = "Its version"))),
        (status = 304, description = "It is as it was", headers(("etag" = String, description = "Its version"))),
        TokenProblems, AdminProblems, ParameterProblems, LookupProblems,
    )
)]
async fn get_user(
    State(state): State<AppState>,
    Id(id): Id,
    known: IfNoneMatch,
) -> Result<Response, ApiError> {
    let row: Option<AccountRow> = state
        .db
        .query("SELECT id, email, name, role, disabled_at, created_at, version FROM users WHERE id = $1")
        .bind(id)
        .fetch_optional()
        .await?;
    let row = row.ok_or(ApiError::NotFound)?;
    Ok(known.answer(row.version, Json(AccountResponse::from(row))))
}

/// What changes. A field that is absent stays as it is.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Rules))]
struct UpdateUser {
    /// What the user may do.
    #[garde(skip)]
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Role, required = false)]
    role: Option<Role>,
    /// Whether the account is closed: its sessions end at once, and nobody can log in with it.
    #[garde(skip)]
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = bool, required = false)]
    disabled: Option<bool>,
}

/// Change an account
///
/// A role or a closing bites on the account's very next request. The last administrator cannot step down.
#[utoipa::path(
    patch, path = "/admin/users/{id}", tag = "admin", request_body = UpdateUser, security(("access_token" = [])),
    params(
        ("id" = Uuid, Path, description = "The account"),
        ("if-match" = String, Header, description = "The `ETag` of the version that was read", example = "\"1\""),
    ),
    responses(
        (status = 200, description = "The account after the change", body = AccountResponse, headers(("etag" = String, description = "Its new version"))),
        TokenProblems, AdminProblems, BodyProblems, LookupProblems, VersionProblems, ConflictProblems,
    )
)]
async fn update_user(
    State(state): State<AppState>,
    Admin(admin): Admin,
    Id(id): Id,
    expected: IfMatch,
    tx: Tx,
    ValidJson(change): ValidJson<UpdateUser>,
) -> Result<impl IntoResponse, ApiError> {
    let now = seconds(state.clock.now());
    let mut tx = tx.begin().await?;
    if change.role == Some(Role::User) || change.disabled == Some(true) {
        keep_another_admin(&mut tx, id).await?;
    }
    let mut row = lock(&mut tx, id).await?.ok_or(ApiError::NotFound)?;
    expected.check(row.version)?;
    row.role = change.role.unwrap_or(row.role);
    row.disabled_at = match change.disabled {
        Some(true) => row.disabled_at.or(Some(now)),
        Some(false) => None,
        None => row.disabled_at,
    };
    row.version += 1;
    tx.query("UPDATE users SET role = $1, disabled_at = $2, version = $3 WHERE id = $4")
        .bind(row.role)
        .bind(row.disabled_at)
        .bind(row.version)
        .bind(id)
        .execute()
        .await?;
    if change.disabled == Some(true) {
        // Opened again one day, the account begins without the sessions of today.
        tx.query("UPDATE sessions SET revoked_at = $1 WHERE user_id = $2 AND revoked_at IS NULL")
            .bind(now)
            .bind(id)
            .execute()
            .await?;
    }
    tracing::info!(by = %admin.id, user = %id, role = ?row.role, disabled = row.disabled_at.is_some(), "changed an account");
    Ok((ETag(row.version), Json(AccountResponse::from(row))))
}

async fn lock(tx: &mut Transaction, id: Uuid) -> Result<Option<AccountRow>, ApiError> {
    let row = tx
        .query("SELECT id, email, name, role, disabled_at, created_at, version FROM users WHERE id = $1")
        .bind(id)
        .for_update()
        .fetch_optional()
        .await?;
    Ok(row)
}

/// Delete an account
///
/// With everything that belongs to it.
#[utoipa::path(
    delete, path = "/admin/users/{id}", tag = "admin", security(("access_token" = [])),
    params(
        ("id" = Uuid, Path, description = "The account"),
        ("if-match" = String, Header, description = "The `ETag` of the version that was read", example = "\"1\""),
    ),
    responses(
        (status = 204, description = "The account is gone"),
        TokenProblems, AdminProblems, ParameterProblems, LookupProblems, VersionProblems, ConflictProblems,
    )
)]
async fn delete_user(
    Admin(admin): Admin,
    Id(id): Id,
    expected: IfMatch,
    tx: Tx,
) -> Result<StatusCode, ApiError> {
    let mut tx = tx.begin().await?;
    keep_another_admin(&mut tx, id).await?;
    let row = lock(&mut tx, id).await?.ok_or(ApiError::NotFound)?;
    expected.check(row.version)?;
    tx.query("DELETE FROM users WHERE id = $1").bind(id).execute().await?;
    tracing::info!(by = %admin.id, user = %id, "deleted an account");
    Ok(StatusCode::NO_CONTENT)
}

/// Why an account could not be made an administrator.
#[derive(Debug, Error)]
pub enum MakeAdminError {
    /// Nobody has registered with that address.
    #[error("there is no account with the address {0}; register it first")]
    NoSuchAccount(String),
    /// The database cannot be used.
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
}

/// Makes the account with that address an administrator: how the first one comes about.
pub(crate) async fn make_admin(db: &Db, email: &str) -> Result<(), MakeAdminError> {
    let changed = db
        .query("UPDATE users SET role = 'admin', version = version + 1 WHERE email = $1")
        .bind(email.to_ascii_lowercase())
        .execute()
        .await?;
    if changed == 0 { Err(MakeAdminError::NoSuchAccount(email.to_owned())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::{Value, json};

    use crate::testing::{ADA, EVE, Person, TestApp, Tokens};

    const ME: &str = "/api/v1/users/me";

    /// Ada looks after the service; Eve uses it.
    async fn ada_and_eve(app: &TestApp) -> (Tokens, Tokens, String) {
        let (ada, eve) = (app.admin_session().await, app.session(&EVE).await);
        let id = app.get_as(&eve.access, ME).await.json()["id"].as_str().unwrap().to_owned();
        (ada, eve, format!("/api/v1/admin/users/{id}"))
    }

    #[tokio::test]
    async fn an_administrator_sees_all_accounts_without_addresses_and_hashes() {
        let app = TestApp::start().await;
        let (ada, _, eve_path) = ada_and_eve(&app).await;

        let page = app.get_as(&ada.access, "/api/v1/admin/users?limit=1").await;
        page.assert_status(StatusCode::OK);
        let cursor = page.json()["page"]["next_cursor"].as_str().unwrap().to_owned();
        let next = app.get_as(&ada.access, &format!("/api/v1/admin/users?limit=1&cursor={cursor}")).await;

        let names: Vec<_> = [&page, &next].map(|page| page.json()["data"][0]["name"].clone()).into();
        assert!(names.contains(&json!("Eve")) && names.contains(&json!("Ada Lovelace")), "{names:?}");
        assert!(!page.text().contains("argon2") && !page.text().contains("street"), "{}", page.text());
        let one = app.get_as(&ada.access, &eve_path).await;
        one.assert_status(StatusCode::OK);
        assert_eq!((&one.json()["name"], &one.json()["disabled"]), (&json!("Eve"), &json!(false)));
    }

    #[tokio::test]
    async fn p10_a_demotion_bites_on_the_very_next_request_though_the_token_is_fresh() {
        let app = TestApp::start().await;
        let (ada, eve, eve_path) = ada_and_eve(&app).await;
        let patch = async |tag: &str, role: &str| {
            app.patch_as(&ada.access, &eve_path, tag, &json!({ "role": role })).await
        };
        let list = async || app.get_as(&eve.access, "/api/v1/admin/users").await;

        list().await.assert_problem(StatusCode::FORBIDDEN, "forbidden");
        patch("\"1\"", "admin").await.assert_status(StatusCode::OK);
        list().await.assert_status(StatusCode::OK);
        patch("\"2\"", "user").await.assert_status(StatusCode::OK);
        list().await.assert_problem(StatusCode::FORBIDDEN, "forbidden");
        // The session goes on, with the new role.
        assert_eq!(app.get_as(&eve.access, ME).await.json()["role"], "user");
        app.refresh(&eve.refresh).await.tokens();
    }

    #[tokio::test]
    async fn p10_a_closed_account_is_out_on_the_very_next_request_and_cannot_log_in() {
        let app = TestApp::start().await;
        let (ada, eve, eve_path) = ada_and_eve(&app).await;

        let closed = app.patch_as(&ada.access, &eve_path, "\"1\"", &json!({ "disabled": true })).await;
        closed.assert_status(StatusCode::OK);
        assert_eq!(closed.json()["disabled"], true);

        app.get_as(&eve.access, ME).await.assert_problem(StatusCode::UNAUTHORIZED, "invalid-token");
        app.refresh(&eve.refresh).await.assert_problem(StatusCode::UNAUTHORIZED, "invalid-refresh-token");
        let hashes = app.hashes();
        let login = app.post("/api/v1/auth/login", &EVE.login()).await;
        login.assert_problem(StatusCode::UNAUTHORIZED, "invalid-credentials");
        assert_eq!(app.hashes() - hashes, 1, "a closed account costs as much as an open one");

        app.patch_as(&ada.access, &eve_path, "\"2\"", &json!({ "disabled": false })).await;
        app.get_as(&eve.access, ME).await.assert_problem(StatusCode::UNAUTHORIZED, "invalid-token");
        app.post("/api/v1/auth/login", &EVE.login()).await.tokens();
    }

    #[tokio::test]
    async fn p10_a_deleted_account_is_out_on_the_very_next_request() {
        let app = TestApp::start().await;
        let (ada, eve, eve_path) = ada_and_eve(&app).await;

        app.delete_as(&ada.access, &eve_path, "\"1\"").await.assert_status(StatusCode::NO_CONTENT);

        app.get_as(&eve.access, ME).await.assert_problem(StatusCode::UNAUTHORIZED, "invalid-token");
        app.get_as(&ada.access, &eve_path).await.assert_problem(StatusCode::NOT_FOUND, "not-found");
    }

    #[tokio::test]
    async fn the_last_administrator_stays() {
        let app = TestApp::start().await;
        let (ada, _, eve_path) = ada_and_eve(&app).await;
        let id = app.get_as(&ada.access, ME).await.json()["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/admin/users/{id}");
        let leave: [(&str, Option<Value>); 4] = [
            (&path, Some(json!({ "role": "user" }))),
            (&path, Some(json!({ "disabled": true }))),
            (&path, None),
            (ME, None),
        ];
        for (path, body) in &leave {
            let answer = match body {
                Some(body) => app.patch_as(&ada.access, path, "\"2\"", body).await,
                None if *path == ME => app.delete_me(&ada.access, "\"2\"", ADA.password).await,
                None => app.delete_as(&ada.access, path, "\"2\"").await,
            };
            answer.assert_problem(StatusCode::CONFLICT, "conflict");
        }
        app.patch_as(&ada.access, &eve_path, "\"1\"", &json!({ "role": "admin" })).await;

        app.delete_me(&ada.access, "\"2\"", ADA.password).await.assert_status(StatusCode::NO_CONTENT);
    }

    #[tokio::test]
    async fn of_two_administrators_who_leave_at_the_same_moment_one_stays() {
        for app in TestApp::start_on_each_engine().await {
            let (ada, eve, eve_path) = ada_and_eve(&app).await;
            app.patch_as(&ada.access, &eve_path, "\"1\"", &json!({ "role": "admin" })).await;

            let leave = |session: Tokens, person: &'static Person| {
                let app = app.clone();
                tokio::spawn(async move {
                    app.delete_me(&session.access, "\"2\"", person.password).await.status()
                })
            };
            let (one, other) = (leave(ada, &ADA), leave(eve, &EVE));
            let mut statuses = [one.await.unwrap(), other.await.unwrap()];
            statuses.sort();

            assert_eq!(statuses, [StatusCode::NO_CONTENT, StatusCode::CONFLICT], "{app:?}");
            assert_eq!(app.count("SELECT count(*) FROM users WHERE role = 'admin'").await, 1, "{app:?}");
        }
    }
}
