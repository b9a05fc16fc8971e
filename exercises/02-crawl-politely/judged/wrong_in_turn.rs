//! mistake: one call at a time is polite, and takes as long as all pages together.
//! fails: eight_calls_are_at_the_site_and_never_more, two_crawls_share_the_eight_places, a_slow_page_holds_up_nobody_else

#[path = "../checks.rs"]
mod checks;

use axum::{Json, Router, extract::State, routing::post};
use backpressure::{Crawled, Site, tally};

fn app(site: Site) -> Router {
    Router::new().route("/crawl", post(crawl)).with_state(site)
}

async fn crawl(State(site): State<Site>) -> Json<Crawled> {
    let mut fetched = Vec::new();
    for page in site.pages() {
        fetched.push(site.fetch(page).await);
    }
    Json(tally(fetched))
}
