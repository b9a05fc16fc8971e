//! What holds: a bound that belongs to what it protects, a refusal instead of a queue, and one load for each key.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Extension, Json, Router,
    error_handling::HandleErrorLayer,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::{StreamExt, stream};
use tokio::sync::{OnceCell, Semaphore};
use tower::{BoxError, ServiceBuilder, limit::GlobalConcurrencyLimitLayer};

use crate::{CAPACITY, CURRENCIES, Crawled, Engine, NoRate, Rates, SEATS, Site, busy, tally};

/// A crawl whose bound is shared by all crawls.
pub fn shared_bound(site: Site) -> Router {
    // ANCHOR: shared_bound
    async fn crawl(State((site, places)): State<(Site, Arc<Semaphore>)>) -> Json<Crawled> {
        let fetch = async |page| {
            // A place at the site, whoever asks for it. The guard gives it back, also when this crawl is dropped.
            let _place = places.acquire().await;
            site.fetch(page).await
        };
        // Bounds the futures of this crawl; the places bound the calls of all.
        let fetched = stream::iter(site.pages()).map(fetch).buffer_unordered(CAPACITY);
        Json(tally(fetched.collect::<Vec<_>>().await))
    }

    // Made once, beside the client that it protects. Nobody closes it, so `acquire` gives a place in the end.
    Router::new().route("/crawl", post(crawl)).with_state((site, Arc::new(Semaphore::new(CAPACITY))))
    // ANCHOR_END: shared_bound
}

/// The same layers, with one count for the whole service.
pub fn global_limit(engine: Engine) -> Router {
    // ANCHOR: global_limit
    async fn search(Extension(engine): Extension<Engine>) -> &'static str {
        engine.search().await
    }

    let overload = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(async |_: BoxError| busy()))
        .load_shed()
        // Made here, once. Every limiter that the layer makes later shares this count.
        .layer(GlobalConcurrencyLimitLayer::new(SEATS));
    Router::new().route("/search", get(search)).layer(overload).layer(Extension(engine))
    // ANCHOR_END: global_limit
}

/// The same without layers: a seat, or a refusal.
pub fn permit(engine: Engine) -> Router {
    // ANCHOR: permit
    async fn search(State((engine, seats)): State<(Engine, Arc<Semaphore>)>) -> Response {
        // `try_acquire` and not `acquire`: who finds no seat hears so now, while it is still of use.
        let Ok(_seat) = seats.try_acquire() else { return busy().into_response() };
        engine.search().await.into_response()
    }

    Router::new().route("/search", get(search)).with_state((engine, Arc::new(Semaphore::new(SEATS))))
    // ANCHOR_END: permit
}

/// A cell for each key, and one load for each cell.
pub fn cell_per_key(rates: Rates) -> Router {
    // ANCHOR: cell_per_key
    type Cache = Arc<Mutex<HashMap<String, Arc<OnceCell<u64>>>>>;

    async fn rate(
        State((rates, cache)): State<(Rates, Cache)>,
        Path(currency): Path<String>,
    ) -> Result<Json<u64>, NoRate> {
        // Before the cache: otherwise anybody could fill it with keys that do not exist.
        if !CURRENCIES.contains(&currency.as_str()) {
            return Err(NoRate::Unknown);
        }
        // The lock is held to find the cell, and not to fill it.
        let cell = {
            let mut cells = cache.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(currency.clone()).or_default())
        };
        // The first one loads, the others of this key wait for it. A load that fails or is dropped leaves the cell
        // empty, and the next one in line tries.
        cell.get_or_try_init(|| rates.load(&currency)).await.copied().map(Json)
    }

    Router::new().route("/rates/{currency}", get(rate)).with_state((rates, Cache::default()))
    // ANCHOR_END: cell_per_key
}
