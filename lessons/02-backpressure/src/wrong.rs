//! What people write. One user, one crawl, one request at a time: all of it is right, and a functional test is green.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
};

use axum::{
    Extension, Json, Router,
    error_handling::HandleErrorLayer,
    extract::{Path, State},
    routing::{get, post},
};
use futures_util::{StreamExt, future, stream};
use tower::{
    BoxError, ServiceBuilder,
    limit::{ConcurrencyLimitLayer, GlobalConcurrencyLimitLayer},
};

use crate::{CAPACITY, CURRENCIES, Crawled, Engine, NoRate, Rates, SEATS, Site, busy, tally};

/// A crawl that begins with everything.
pub fn join_all(site: Site) -> Router {
    // ANCHOR: join_all
    async fn crawl(State(site): State<Site>) -> Json<Crawled> {
        // Together is better than in turn. But nothing here says how many: the list does.
        let fetched = future::join_all(site.pages().into_iter().map(|page| site.fetch(page))).await;
        Json(tally(fetched))
    }

    Router::new().route("/crawl", post(crawl)).with_state(site)
    // ANCHOR_END: join_all
}

/// A crawl with a bound of its own.
pub fn bound_per_crawl(site: Site) -> Router {
    // ANCHOR: bound_per_crawl
    async fn crawl(State(site): State<Site>) -> Json<Crawled> {
        // Eight at once, in this request. The site counts the calls of all requests together.
        let fetched = stream::iter(site.pages()).map(|page| site.fetch(page)).buffer_unordered(CAPACITY);
        Json(tally(fetched.collect::<Vec<_>>().await))
    }

    Router::new().route("/crawl", post(crawl)).with_state(site)
    // ANCHOR_END: bound_per_crawl
}

/// A service with a limiter that everybody has tested with one client.
pub fn limit_per_connection(engine: Engine) -> Router {
    // ANCHOR: limit_per_connection
    async fn search(Extension(engine): Extension<Engine>) -> &'static str {
        engine.search().await
    }

    let overload = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(async |_: BoxError| busy()))
        .load_shed()
        // The layer is a recipe: it makes a limiter, with a count of its own, whenever it is applied. For a router
        // that was never given a state, axum applies it anew for each connection.
        .layer(ConcurrencyLimitLayer::new(SEATS));
    Router::new().route("/search", get(search)).layer(overload).layer(Extension(engine))
    // ANCHOR_END: limit_per_connection
}

/// A service that lets nobody in who has no seat, and nobody go either.
pub fn queue_without_end(engine: Engine) -> Router {
    // ANCHOR: queue_without_end
    async fn search(State(engine): State<Engine>) -> &'static str {
        engine.search().await
    }

    // The count is right. Who finds no seat waits for one, however many are waiting already.
    let limit = GlobalConcurrencyLimitLayer::new(SEATS);
    Router::new().route("/search", get(search)).layer(limit).with_state(engine)
    // ANCHOR_END: queue_without_end
}

/// A cache as it is written the first time.
pub fn check_then_load(rates: Rates) -> Router {
    // ANCHOR: check_then_load
    type Cache = Arc<std::sync::Mutex<HashMap<String, u64>>>;

    async fn rate(
        State((rates, cache)): State<(Rates, Cache)>,
        Path(currency): Path<String>,
    ) -> Result<Json<u64>, NoRate> {
        if !CURRENCIES.contains(&currency.as_str()) {
            return Err(NoRate::Unknown);
        }
        let known = cache.lock().unwrap_or_else(PoisonError::into_inner).get(&currency).copied();
        if let Some(rate) = known {
            return Ok(Json(rate));
        }
        // Everybody who has missed by now loads, and the first of them is not back yet.
        let rate = rates.load(&currency).await?;
        cache.lock().unwrap_or_else(PoisonError::into_inner).insert(currency, rate);
        Ok(Json(rate))
    }

    Router::new().route("/rates/{currency}", get(rate)).with_state((rates, Cache::default()))
    // ANCHOR_END: check_then_load
}

/// The same cache after the first complaint.
pub fn one_lock(rates: Rates) -> Router {
    // ANCHOR: one_lock
    type Cache = Arc<tokio::sync::Mutex<HashMap<String, u64>>>;

    async fn rate(
        State((rates, cache)): State<(Rates, Cache)>,
        Path(currency): Path<String>,
    ) -> Result<Json<u64>, NoRate> {
        if !CURRENCIES.contains(&currency.as_str()) {
            return Err(NoRate::Unknown);
        }
        // Held over the load: nobody loads twice, and whoever wants another currency, or one that is there, waits too.
        let mut cache = cache.lock().await;
        if let Some(rate) = cache.get(&currency) {
            return Ok(Json(*rate));
        }
        let rate = rates.load(&currency).await?;
        cache.insert(currency, rate);
        Ok(Json(rate))
    }

    Router::new().route("/rates/{currency}", get(rate)).with_state((rates, Cache::default()))
    // ANCHOR_END: one_lock
}
