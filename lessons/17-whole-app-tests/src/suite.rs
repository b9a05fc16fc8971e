//! The pieces of a suite that the sides share, and the service that runs a suite against a build.

use std::pin::Pin;

use axum::{Json, Router, extract::Path, http::Method, routing::post};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    Shop,
    harness::{Answer, Red, request},
};

/// A suite: red if one of its tests is.
pub type Suite = fn(Shop) -> SuiteFuture;

/// The future of a [`Suite`].
pub type SuiteFuture = Pin<Box<dyn Future<Output = Result<(), Red>> + Send>>;

/// How many ask for a report at once.
pub const ASKED: usize = 10;

/// Asks for ten reports at once and counts those that were made. `ask` says over which road.
///
/// No clock decides: each report that begins and each that is refused counts itself, and only when all ten have done so are the
/// reports allowed to end.
///
/// # Errors
/// If a request is not answered.
pub async fn reports_made<F>(shop: &Shop, ask: impl Fn() -> F) -> Result<usize, Red>
where
    F: Future<Output = Result<Answer, Red>>,
{
    let (told, mut settled) = mpsc::unbounded_channel();
    let mut asked: FuturesUnordered<_> = (0..ASKED).map(|_| ask()).collect();
    let begun = async {
        loop {
            shop.reports().begun(1).await;
            // Whoever listens is below, in this function.
            let _ = told.send(1);
        }
    };
    let all_settled = async {
        let mut begun = 0;
        for _ in 0..ASKED {
            begun += settled.recv().await.unwrap_or_default();
        }
        shop.reports().end(begun);
        std::future::pending::<()>().await;
    };
    let answers = async {
        let mut made = 0;
        while let Some(answer) = asked.next().await {
            if answer?.status.is_success() {
                made += 1;
            } else {
                let _ = told.send(0);
            }
        }
        Ok(made)
    };
    tokio::select! {
        made = answers => made,
        () = begun => unreachable!("it loops for ever"),
        () = all_settled => unreachable!("it waits for ever"),
    }
}

/// A request for a report.
pub(crate) fn for_a_report() -> axum::http::Request<axum::body::Body> {
    request(Method::GET, "/report", &Value::Null)
}

/// A service that runs the suite against the build in the path, and says whether it is green.
pub(crate) fn run(suite: Suite) -> Router {
    let run = async move |Path(build): Path<String>| {
        let Some(shop) = Shop::named(&build) else {
            return Json(json!({ "green": false, "red": "no such build" }));
        };
        match suite(shop).await {
            Ok(()) => Json(json!({ "green": true })),
            Err(red) => Json(json!({ "green": false, "red": red })),
        }
    };
    Router::new().route("/suite/{build}", post(run))
}
