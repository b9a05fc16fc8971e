//! Keyset pages: which page is asked for, and the cursor that leads to the next.

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::query::Parameters;
use crate::error::ApiError;

const DEFAULT_LIMIT: u32 = 20;
const MOST: u32 = 100;
/// Bytes for a row. Most are shorter; a page that needs more takes more.
const ROOM: usize = 256;

/// The page that is asked for: rows after a known one, at most so many.
///
/// A keyset, not an offset: rows that are added or removed meanwhile make no row appear twice or never, and the last page
/// costs as little as the first.
#[derive(Clone, Copy, Debug)]
pub struct PageQuery {
    /// How many rows at most: 1 to 100.
    pub limit: u32,
    /// The last row of the page before.
    pub after: Option<Uuid>,
}

/// The query parameters of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "names the parameters for the documentation; they are read one by one for better errors"
)]
pub struct PageParameters {
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// Where to go on: `page.next_cursor` of the page before.
    cursor: Option<String>,
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Page<T> {
    /// The rows, newest first.
    pub data: Vec<T>,
    /// Where they stand in the list.
    pub page: PageMeta,
}

/// What a page says about itself. There is no total: counting would cost more than the page.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PageMeta {
    /// How many rows it holds at most.
    #[schema(example = 20)]
    pub limit: u32,
    /// Leads to the next page; `null` on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// As JSON, in a buffer that has room for nearly every page: axum's own begins small and would copy a hundred rows eight times.
impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(ROOM * (self.data.len() + 1));
        match serde_json::to_writer(&mut body, &self) {
            Ok(()) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => ApiError::internal(error).into_response(),
        }
    }
}

impl PageQuery {
    // ANCHOR: keyset_page
    /// Rows come before this one, newest first. Without a cursor that is above the highest identifier that there can be: one
    /// statement for both cases.
    pub(crate) fn before(&self) -> Uuid {
        self.after.unwrap_or(Uuid::max())
    }

    /// How many rows to ask the database for: one more than fit, which says whether there is a next page.
    pub(crate) fn rows(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Cuts the row that is one too many, and makes the cursor that goes on after the last that is left.
    ///
    /// The cursor is opaque so that its content can change, not to hide it. A forged one shows nothing: whose rows are read
    /// is not in it.
    pub(crate) fn page<R, T: From<R>>(&self, mut rows: Vec<R>, id: impl Fn(&R) -> Uuid) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|row| BASE64_URL_SAFE_NO_PAD.encode(id(row)));
        Page {
            data: rows.into_iter().map(T::from).collect(),
            page: PageMeta { limit: self.limit, next_cursor },
        }
    }
    // ANCHOR_END: keyset_page
}

impl PageQuery {
    /// Reads its two parameters out of those of a list.
    pub(crate) fn of(parameters: &mut Parameters) -> Self {
        let limit =
            parameters.take("limit", "out_of_range", "must be a whole number from 1 to 100", |text| {
                text.parse().ok().filter(|limit| (1..=MOST).contains(limit))
            });
        let after = parameters.take("cursor", "invalid", "is not a cursor that this list gave out", decode);
        Self { limit: limit.unwrap_or(DEFAULT_LIMIT), after }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PageQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut parameters = Parameters::of(parts).await?;
        let page = Self::of(&mut parameters);
        parameters.finish()?;
        Ok(page)
    }
}

fn decode(cursor: &str) -> Option<Uuid> {
    Uuid::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}
