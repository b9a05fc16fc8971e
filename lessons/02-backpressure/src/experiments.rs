//! The three experiments of the lesson, and what their judges look at.

use axum::Router;
use lab::{
    AppFuture, Control, Count, Experiment, Finding, Observed, Plan, Probes, Request, Side, Timeline, Variant,
};
use serde_json::json;

use crate::{
    CAPACITY, CURRENCIES, Engine, PAGES, Rates, SEATS, Site, door::Door, engine, rates, right, site, wrong,
};

/// Ten requests over ten connections, for a service with four seats.
pub const TEN_AT_THE_DOOR: Experiment = Experiment {
    slug: "ten-at-the-door",
    title: "Ten requests, four seats",
    watch: "How many are in a search at once, and what do the others hear?",
    controls: &[Control::REQUESTS, Control::HOLD_MS],
    plan: Plan::Timeline(Timeline {
        requests: |controls| vec![Request::get("/search"); controls.requests()],
    }),
    upstream: None,
    variants: &[
        Variant {
            name: "limit-per-connection",
            side: Side::Wrong,
            says: "puts a concurrency limit of 4 on the router",
            app: |probes| searched(probes, wrong::limit_per_connection),
        },
        Variant {
            name: "queue-without-end",
            side: Side::Wrong,
            says: "lets everybody wait until one of the 4 seats is free",
            app: |probes| searched(probes, wrong::queue_without_end),
        },
        Variant {
            name: "global-limit",
            side: Side::Right,
            says: "shares one limit of 4 and refuses the rest",
            app: |probes| searched(probes, right::global_limit),
        },
        Variant {
            name: "permit",
            side: Side::Right,
            says: "takes one of 4 permits in the handler, or refuses",
            app: |probes| searched(probes, right::permit),
        },
    ],
    judge: |report| {
        let Observed::Timeline { lanes, .. } = &report.observed else { return Vec::new() };
        let with = |status| lanes.iter().filter(|lane| lane.status == Some(status)).count();
        let (served, refused) = (with(200), with(503));
        let searching = report.gauge(engine::SEARCHING);
        let seats = SEATS.min(lanes.len());
        vec![
            Finding::new(
                format!("{} requests, sent together", lanes.len()),
                "most in a search at once",
                searching,
                seats,
                usize::try_from(searching) == Ok(seats),
                "There is memory for four searches. Each connection has counted to four for itself.",
            ),
            Finding::new(
                "who finds no seat",
                "refused with 503",
                refused,
                lanes.len() - seats,
                served == seats && refused == lanes.len() - seats,
                "Who cannot be served soon has to hear so at once. A queue without a bound grows for as long as the overload lasts.",
            ),
        ]
    },
};

/// Two crawls of the same site at the same time.
pub const TWO_CRAWLS: Experiment = Experiment {
    slug: "two-crawls",
    title: "Two crawls, one site",
    watch: "The site serves eight calls at once and refuses what is more. What do the crawls bring home?",
    controls: &[
        Control { label: "crawls", max: 4, ..Control::REQUESTS.default_of(2) },
        PAGES,
        Control::HOLD_MS.default_of(2),
    ],
    plan: Plan::Count(Count {
        requests: |controls| vec![Request::post("/crawl", json!(null)); controls.requests()],
        at_once: |controls| controls.requests(),
    }),
    upstream: None,
    variants: &[
        Variant {
            name: "join-all",
            side: Side::Wrong,
            says: "fetches all pages at once",
            app: |probes| crawled(probes, wrong::join_all),
        },
        Variant {
            name: "bound-per-crawl",
            side: Side::Wrong,
            says: "fetches eight at once in each crawl",
            app: |probes| crawled(probes, wrong::bound_per_crawl),
        },
        Variant {
            name: "shared-bound",
            side: Side::Right,
            says: "shares eight places among all crawls",
            app: |probes| crawled(probes, right::shared_bound),
        },
    ],
    judge: |report| {
        let Observed::Count { sent, .. } = report.observed else { return Vec::new() };
        let most = report.gauge(site::AT_ONCE);
        let fetched = report.counter(site::FETCHED);
        let pages = sent * report.controls.get(PAGES.name).unwrap_or(0);
        let meaning = "The site refuses what is more than eight. The bound has to be counted where the site is shared: over all crawls.";
        vec![
            Finding::new(
                format!("{sent} crawls at once"),
                "most calls at the site at once",
                most,
                CAPACITY,
                usize::try_from(most) == Ok(CAPACITY),
                meaning,
            ),
            Finding::new("their pages", site::FETCHED, fetched, pages, fetched == pages, meaning),
        ]
    },
};

/// A hundred requests for two rates that nobody has loaded yet.
pub const A_COLD_KEY: Experiment = Experiment {
    slug: "a-cold-key",
    title: "A hundred misses, two keys",
    watch: "How often is a rate loaded, and does one currency wait for the other?",
    controls: &[
        Control { min: 2, max: 200, ..Control::REQUESTS.default_of(100) },
        Control::HOLD_MS.default_of(20),
    ],
    plan: Plan::Count(Count {
        requests: |controls| {
            let currencies = CURRENCIES.into_iter().cycle().take(controls.requests());
            currencies.map(|currency| Request::get(format!("/rates/{currency}"))).collect()
        },
        at_once: |controls| controls.requests(),
    }),
    upstream: None,
    variants: &[
        Variant {
            name: "check-then-load",
            side: Side::Wrong,
            says: "looks into the cache, and loads on a miss",
            app: |probes| rated(probes, wrong::check_then_load),
        },
        Variant {
            name: "one-lock",
            side: Side::Wrong,
            says: "holds the cache's lock while it loads",
            app: |probes| rated(probes, wrong::one_lock),
        },
        Variant {
            name: "cell-per-key",
            side: Side::Right,
            says: "lets the first of each key load, the others wait for it",
            app: |probes| rated(probes, right::cell_per_key),
        },
    ],
    judge: |report| {
        let Observed::Count { sent, succeeded } = report.observed else { return Vec::new() };
        let loads = report.counter(rates::LOADS);
        let at_once = report.gauge(rates::LOADING);
        vec![
            Finding::all_answered(format!("{sent} requests"), "answered with 2xx", succeeded, sent),
            Finding::new(
                "two rates",
                rates::LOADS,
                loads,
                2,
                loads == 2,
                "Everybody who misses before the first load is back loads as well: the more traffic, the more loads.",
            ),
            Finding::new(
                "the two loads",
                "most at once",
                at_once,
                "at least 2",
                at_once >= 2,
                "One currency waits for the other, because the lock is held over the load.",
            ),
        ]
    },
};

fn searched(probes: Probes, build: fn(Engine) -> Router) -> AppFuture {
    Box::pin(async move {
        let door = Door::new(&probes);
        door.around(build(Engine::new(&probes, &door)))
    })
}

fn crawled(probes: Probes, build: fn(Site) -> Router) -> AppFuture {
    Box::pin(async move {
        let site = Site::new(&probes);
        site.behind_the_door(build(site.clone()))
    })
}

fn rated(probes: Probes, build: fn(Rates) -> Router) -> AppFuture {
    Box::pin(async move {
        let rates = Rates::new(&probes);
        rates.door().around(build(rates.clone()))
    })
}
