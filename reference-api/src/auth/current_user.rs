//! The user behind a request: found once, by a layer around every guarded route.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::Response,
};
use serde::{Deserialize, Serialize};
use sqlx::{Database, Decode, Encode, Type, encode::IsNull, error::BoxDynError};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{email::Email, sessions::seconds};
use crate::{
    error::ApiError,
    state::AppState,
    users::{Address, UserRow},
};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Works with their own things.
    User,
    /// Looks after the service.
    Admin,
}

impl Role {
    /// As it stands in the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        [Self::User, Self::Admin].into_iter().find(|role| role.as_str() == text)
    }
}

// A text in both engines. The derive would look for a type named `Role` in PostgreSQL.
impl<DB: Database> Type<DB> for Role
where
    str: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        str::type_info()
    }

    fn compatible(ty: &DB::TypeInfo) -> bool {
        str::compatible(ty)
    }
}

impl<'q, DB: Database> Encode<'q, DB> for Role
where
    &'q str: Encode<'q, DB>,
{
    fn encode_by_ref(&self, buffer: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        self.as_str().encode(buffer)
    }
}

impl rusqlite::types::FromSql for Role {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        Self::from_text(value.as_str()?).ok_or(rusqlite::types::FromSqlError::InvalidType)
    }
}

impl<'r, DB: Database> Decode<'r, DB> for Role
where
    &'r str: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        let text = <&str>::decode(value)?;
        Self::from_text(text).ok_or_else(|| format!("{text:?} is no role").into())
    }
}

/// The user who makes the request, as the database says right now.
#[derive(Clone, Debug)]
pub struct CurrentUser {
    /// The user's identifier.
    pub id: Uuid,
    /// The login that the request belongs to.
    pub session: Uuid,
    /// The address.
    pub email: Email,
    /// The name to show.
    pub name: String,
    /// What the user may do: read from the record, never from the token.
    pub role: Role,
    /// Where post goes.
    pub address: Option<Address>,
    /// When the account was made.
    pub created_at: OffsetDateTime,
    /// Raised by every change of the account.
    pub version: i64,
}

// ANCHOR: current_user
/// Lets a request through if its token is good, its session is alive, and its user exists.
///
/// Session and user are read on every request, in one statement. That is the price of a logout that bites at once.
pub(crate) async fn require_user(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let user = authenticate(&state, bearer(request.headers())?).await?;
    // Kept with the request: extractors that need the user find it here and do not ask again.
    request.extensions_mut().insert(user);
    Ok(next.run(request).await)
}

/// Who the token stands for at this moment.
pub(crate) async fn authenticate(state: &AppState, token: &str) -> Result<CurrentUser, ApiError> {
    let now = state.clock.now();
    let subject = state.access_tokens.check(token, now).ok_or(ApiError::InvalidToken)?;
    let user: Option<UserRow> = state
        .db
        .read(
            "SELECT users.id, users.email, users.name, users.role, users.created_at, users.version,
             users.street, users.city, users.country
             FROM sessions JOIN users ON users.id = sessions.user_id
             WHERE sessions.id = $1 AND users.id = $2 AND sessions.revoked_at IS NULL
             AND sessions.expires_at > $3 AND users.disabled_at IS NULL",
        )
        .bind(subject.session)
        .bind(subject.user)
        .bind(seconds(now))
        .fetch_optional()
        .await?;
    // A token of nobody is a bad token: 404 would tell that the account is gone.
    Ok(user.ok_or(ApiError::InvalidToken)?.in_session(subject.session))
}
// ANCHOR_END: current_user

// ANCHOR: current_user_extractor
/// A handler that takes a `CurrentUser` argument cannot run without one.
impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // Outside the guard there is no user, and a handler that needs one stays shut.
        parts.extensions.get().cloned().ok_or(ApiError::AuthenticationRequired)
    }
}
// ANCHOR_END: current_user_extractor

// ANCHOR: admin_extractor
/// A user who looks after the service. An extractor that is made of another one, as dependencies are nested in FastAPI.
#[derive(Clone, Debug)]
pub struct Admin(pub CurrentUser);

impl<S: Send + Sync> FromRequestParts<S> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let user = CurrentUser::from_request_parts(parts, state).await?;
        // The role is that of the row, read a moment ago. One in the token would outlive a demotion by minutes.
        match user.role {
            Role::Admin => Ok(Self(user)),
            Role::User => Err(ApiError::Forbidden),
        }
    }
}
// ANCHOR_END: admin_extractor

/// The token in the one `Authorization` header. The scheme's name may be in any case (RFC 9110 §11.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(ApiError::AuthenticationRequired)?;
    if values.next().is_some() {
        return Err(ApiError::InvalidRequest("there is more than one Authorization header"));
    }
    let (scheme, token) = value.to_str().unwrap_or_default().split_once(' ').ok_or(ApiError::InvalidToken)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token) } else { Err(ApiError::AuthenticationRequired) }
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        http::{Request, StatusCode},
    };
    use time::Duration;

    use crate::{
        auth::access_token::Subject,
        testing::{ADA, EVE, TestApp},
    };

    #[tokio::test]
    async fn p09_credentials_in_the_wrong_form_do_not_open_anything() {
        let app = TestApp::start().await;
        let token = app.session(&ADA).await.access;
        for (header, status) in [
            (format!("bearer {token}"), 200),
            (format!("BEARER {token}"), 200),
            (format!("Bearer  {token}"), 401),
            (format!("Basic {token}"), 401),
            (format!("Bearer {token}="), 401),
            (format!("Bearer {token}.{token}"), 401),
            (format!("Bearer {token}, Bearer {token}"), 401),
            ("Bearer".to_owned(), 401),
            (token, 401),
        ] {
            let answer = app.send("get", "/api/v1/users/me", Some(&header)).await;
            assert_eq!(answer.status().as_u16(), status, "{header}");
        }
    }

    #[tokio::test]
    async fn p09_two_authorization_headers_are_a_bad_request() {
        let app = TestApp::start().await;
        let token = format!("Bearer {}", app.session(&ADA).await.access);
        let request =
            Request::get("/api/v1/users/me").header("authorization", &token).header("authorization", &token);

        let answer = app.call(request.body(Body::empty()).unwrap()).await;

        answer.assert_problem(StatusCode::BAD_REQUEST, "invalid-request");
    }

    #[tokio::test]
    async fn a_bad_token_is_told_that_it_is_bad_and_a_missing_one_only_that_it_is_needed() {
        let app = TestApp::start().await;

        let bad = app.get_as("bad", "/api/v1/users/me").await;
        let missing = app.get("/api/v1/users/me?access_token=in-the-query").await;

        bad.assert_problem(StatusCode::UNAUTHORIZED, "invalid-token");
        assert_eq!(bad.header("www-authenticate"), "Bearer realm=\"reference-api\", error=\"invalid_token\"");
        missing.assert_problem(StatusCode::UNAUTHORIZED, "authentication-required");
        assert_eq!(missing.header("www-authenticate"), "Bearer realm=\"reference-api\"");
    }

    #[tokio::test]
    async fn p09_an_access_token_is_refused_when_its_time_is_over_by_our_clock() {
        let app = TestApp::start().await;
        let session = app.session(&ADA).await;

        app.pass(Duration::seconds(900 + 4));
        app.get_as(&session.access, "/api/v1/users/me").await.assert_status(StatusCode::OK);

        app.pass(Duration::seconds(2));
        let answer = app.get_as(&session.access, "/api/v1/users/me").await;
        answer.assert_problem(StatusCode::UNAUTHORIZED, "invalid-token");
    }

    #[tokio::test]
    async fn p09_a_token_that_pairs_a_user_with_the_session_of_another_is_refused() {
        let app = TestApp::start().await;
        let now = app.now();
        let tokens = &app.state().access_tokens;
        let ada = tokens.check(&app.session(&ADA).await.access, now).unwrap();
        let eve = tokens.check(&app.session(&EVE).await.access, now).unwrap();

        let subject = Subject { user: eve.user, session: ada.session };
        let mixed = tokens.issue(subject, uuid::Uuid::from_u128(1), now).unwrap();

        app.get_as(&mixed, "/api/v1/users/me")
            .await
            .assert_problem(StatusCode::UNAUTHORIZED, "invalid-token");
    }
}
