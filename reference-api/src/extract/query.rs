//! Query parameters, read one by one, so that every fault is reported and not only the first.

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};

use crate::{error::ApiError, problem::FieldError};

/// The parameters of one request, and what is wrong with them so far.
#[derive(Debug)]
pub(crate) struct Parameters {
    pairs: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl Parameters {
    pub(crate) async fn of(parts: &mut Parts) -> Result<Self, ApiError> {
        let Query(pairs) = Query::from_request_parts(parts, &())
            .await
            .map_err(|_| ApiError::InvalidRequest("the query string is not understood"))?;
        Ok(Self { pairs, errors: Vec::new() })
    }

    /// The parameter as `read` understands it; a fault of that code and text, if it does not.
    pub(crate) fn take<T>(
        &mut self,
        name: &str,
        code: &'static str,
        detail: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let place = self.pairs.iter().position(|(key, _)| key == name)?;
        let (_, text) = self.pairs.swap_remove(place);
        let value = read(&text);
        if value.is_none() {
            self.fault(name, code, detail);
        }
        value
    }

    /// What is left is nothing that anybody asked for, or stands there twice.
    ///
    /// # Errors
    /// All faults, if there are any.
    pub(crate) fn finish(mut self) -> Result<(), ApiError> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            self.fault(&name, "unknown_parameter", "there is no such parameter, or it stands here twice");
        }
        if self.errors.is_empty() { Ok(()) } else { Err(ApiError::ValidationFailed(self.errors)) }
    }

    fn fault(&mut self, name: &str, code: &'static str, detail: &str) {
        self.errors.push(FieldError { pointer: name.to_owned(), code, detail: detail.to_owned() });
    }
}
