//! Requests with headers that single tests need.

use std::{future::poll_fn, task::Poll};

use axum::{Router, body::Body, http::Request};
use serde_json::{Value, json};

use super::{ADA, Answer, TestApp, Tokens, next_number};
use crate::Settings;

impl TestApp {
    /// On SQLite alone: for thousands of requests, and for what counts statements.
    pub(crate) async fn start_on_sqlite() -> Self {
        Self::on_sqlite(&Router::new(), next_number(), Settings::default()).await
    }

    /// Ada, who looks after the service.
    pub(crate) async fn admin_session(&self) -> Tokens {
        let session = self.session(&ADA).await;
        for db in self.databases() {
            crate::users::make_admin(db, ADA.email).await.unwrap();
        }
        session
    }

    /// A request with all that is given; an empty tag or body is left out.
    pub(crate) async fn request_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.call(request.body(body).unwrap()).await
    }

    pub(crate) async fn patch_as(&self, token: &str, path: &str, tag: &str, body: &Value) -> Answer {
        self.request_as(token, "PATCH", path, &[("if-match", tag)], Some(body)).await
    }

    pub(crate) async fn patch_without_version(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.request_as(token, "PATCH", path, &[], Some(body)).await
    }

    pub(crate) async fn delete_as(&self, token: &str, path: &str, tag: &str) -> Answer {
        self.request_as(token, "DELETE", path, &[("if-match", tag)], None).await
    }

    pub(crate) async fn delete_me(&self, token: &str, tag: &str, password: &str) -> Answer {
        let body = json!({ "current_password": password });
        self.request_as(token, "DELETE", "/api/v1/users/me", &[("if-match", tag)], Some(&body)).await
    }

    pub(crate) async fn get_if_changed(&self, token: &str, path: &str, tag: &str) -> Answer {
        self.request_as(token, "GET", path, &[("if-none-match", tag)], None).await
    }

    pub(crate) async fn post_empty_as(&self, token: &str, path: &str) -> Answer {
        self.request_as(token, "POST", path, &[], None).await
    }

    /// Drops the request when it has been polled so many times, as a server does when its client hangs up. Says whether it was
    /// finished before.
    pub(crate) async fn cut_after<F: Future>(&self, polls: usize, request: F) -> bool {
        let mut request = Box::pin(request);
        let mut left = polls;
        poll_fn(|context| {
            left -= 1;
            match request.as_mut().poll(context) {
                Poll::Ready(_) => Poll::Ready(true),
                Poll::Pending if left == 0 => Poll::Ready(false),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}
