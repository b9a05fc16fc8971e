//! The four experiments of the lesson, and what their judges look at.

use axum::{Router, http::StatusCode};
use lab::{
    AppFuture, Count, Experiment, Finding, Observed, Plan, Probes, Request, Side, Step, Timeline, Transcript,
    Variant,
};
use serde_json::json;
use tower_http::timeout::TimeoutLayer;

use crate::{Balances, DEADLINE, Disk, Mood, Office, Prices, SILENCE_MS, feed, prices, right, wrong};

/// A transfer that the deadline cuts off while the auditor is away.
pub const A_TRANSFER_CUT_OFF: Experiment = Experiment {
    slug: "a-transfer-cut-off",
    title: "A transfer that is cut off",
    watch: "The same deadline cuts all of them off. Where is the money afterwards?",
    controls: &[],
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step {
                says: "Ada sends Bob 10 while the auditor is away",
                request: |_| Request::post("/transfers", json!({ "amount": 10 })),
            },
            Step { says: "the auditor is back", request: |_| Request::post("/auditor/back", json!(null)) },
            Step { says: "the balances", request: |_| Request::get("/balances") },
        ],
    }),
    upstream: None,
    variants: &[
        Variant {
            name: "step-by-step",
            side: Side::Wrong,
            says: "debits, asks the auditor, credits",
            app: |probes| cut_off(probes, wrong::step_by_step),
        },
        Variant {
            name: "give-back-on-error",
            side: Side::Wrong,
            says: "gives the money back when the auditor refuses",
            app: |probes| cut_off(probes, wrong::give_back_on_error),
        },
        Variant {
            name: "transaction",
            side: Side::Right,
            says: "asks first, then debits and credits in one transaction",
            app: |probes| cut_off(probes, right::transaction),
        },
        Variant {
            name: "own-task",
            side: Side::Right,
            says: "does all of it in a task that outlives the request",
            app: |probes| cut_off(probes, right::own_task),
        },
    ],
    judge: |report| {
        let [transfer, _, balances] = report.exchanges() else { return Vec::new() };
        let total = serde_json::from_value(balances.body.clone()).map_or(0, Balances::total);
        vec![
            Finding::new(
                "the transfer",
                "status",
                transfer.status.map_or_else(|| "none".to_owned(), |status| status.to_string()),
                504,
                transfer.status == Some(504),
                "The auditor says nothing, so the deadline has to answer.",
            ),
            Finding::new(
                "both accounts, afterwards",
                "money in them",
                total,
                100,
                total == 100,
                "The future was dropped between the two steps. The first had happened, the second never will.",
            ),
        ]
    },
};

/// One request to a service that accepts the call and says nothing.
pub const A_SILENT_SERVICE: Experiment = Experiment {
    slug: "a-silent-service",
    title: "A service that says nothing",
    watch: "Who decides how long the request takes?",
    controls: &[SILENCE_MS],
    plan: Plan::Timeline(Timeline { requests: |_| vec![Request::get("/quote")] }),
    upstream: None,
    variants: &[
        Variant {
            name: "no-timeout",
            side: Side::Wrong,
            says: "awaits the answer",
            app: |probes| priced(probes, wrong::no_timeout),
        },
        Variant {
            name: "timeout-per-try",
            side: Side::Wrong,
            says: "tries three times, each with a timeout",
            app: |probes| priced(probes, wrong::timeout_per_try),
        },
        Variant {
            name: "layer",
            side: Side::Right,
            says: "puts a timeout layer around the handler",
            app: |probes| priced(probes, right::layer),
        },
        Variant {
            name: "deadline",
            side: Side::Right,
            says: "gives all tries one deadline together",
            app: |probes| priced(probes, right::deadline),
        },
    ],
    judge: |report| {
        let Observed::Timeline { lanes, .. } = &report.observed else { return Vec::new() };
        let status = lanes.first().and_then(|lane| lane.status);
        let calls = report.counter(prices::CALLS);
        vec![
            Finding::new(
                "one quote",
                "status",
                status.map_or_else(|| "none".to_owned(), |status| status.to_string()),
                504,
                status == Some(504),
                "The request took as long as the other side liked. That may be for ever.",
            ),
            Finding::new(
                "the price service",
                "calls that were waited for in turn",
                calls,
                1,
                calls == 1,
                "Each try had the whole time for itself, so the request took as long as all of them.",
            ),
        ]
    },
};

/// Frames that arrive in two halves, with a tick of a clock between them.
pub const A_FEED_IN_HALVES: Experiment = Experiment {
    slug: "a-feed-in-halves",
    title: "A feed that arrives in halves",
    watch: "Nothing fails and nobody is slow. How many frames come through?",
    controls: &[],
    plan: Plan::Count(Count { requests: |_| vec![Request::get("/feed")], at_once: |_| 1 }),
    upstream: None,
    variants: &[
        Variant {
            name: "read-exact-in-select",
            side: Side::Wrong,
            says: "selects between `read_exact` and the tick",
            app: |probes| read_by(probes, |feed| Box::pin(wrong::read_exact_in_select(feed))),
        },
        Variant {
            name: "read-buf-in-select",
            side: Side::Right,
            says: "keeps what it has read outside of the future",
            app: |probes| read_by(probes, |feed| Box::pin(right::read_buf_in_select(feed))),
        },
        Variant {
            name: "reader-task",
            side: Side::Right,
            says: "reads in a task of its own and selects on a channel",
            app: |probes| read_by(probes, |feed| Box::pin(right::reader_task(feed))),
        },
    ],
    judge: |report| {
        let (sent, whole, garbled) =
            (report.counter(feed::SENT), report.counter(feed::WHOLE), report.counter(feed::GARBLED));
        let meaning = "A read that has taken half a frame was dropped, and the half with it. All that follows is out of step.";
        vec![
            Finding::new("the feed", "frames read whole", whole, sent, whole == sent, meaning),
            Finding::new("the feed", "frames read garbled", garbled, 0, garbled == 0, meaning),
        ]
    },
};

/// An export on the blocking pool that the deadline cuts off.
pub const A_JOB_WITHOUT_A_CALLER: Experiment = Experiment {
    slug: "a-job-without-a-caller",
    title: "A job that nobody waits for",
    watch: "The deadline has answered. What does the job do with the disk?",
    controls: &[],
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step {
                says: "an export of 1,000 rows, to a disk that is busy",
                request: |_| Request::post("/export", json!(null)),
            },
            Step {
                says: "the disk takes up to three rows",
                request: |_| Request::post("/disk/takes-three", json!(null)),
            },
        ],
    }),
    upstream: None,
    variants: &[
        Variant {
            name: "never-looks",
            side: Side::Wrong,
            says: "loops over the rows in `spawn_blocking`",
            app: |probes| exported(probes, wrong::job_that_never_looks),
        },
        Variant {
            name: "looks-up",
            side: Side::Right,
            says: "asks before each row whether anybody waits",
            app: |probes| exported(probes, right::job_that_looks_up),
        },
    ],
    judge: |report| {
        let [export, _] = report.exchanges() else { return Vec::new() };
        let written = report.counter(WRITTEN);
        vec![
            Finding::new(
                "the export",
                "status",
                export.status.map_or_else(|| "none".to_owned(), |status| status.to_string()),
                504,
                export.status == Some(504),
                "The disk is busy, so the deadline has to answer.",
            ),
            Finding::new(
                "after the answer",
                "rows written",
                written,
                "at most 1",
                written <= 1,
                "The timeout ended the waiting, not the work. The job goes on for nobody.",
            ),
        ]
    },
};

/// The counter of the rows that were written after the answer.
const WRITTEN: &str = "rows written after the answer";

fn cut_off(probes: Probes, build: fn(Office) -> Router) -> AppFuture {
    let office = Office::opened(&probes, Mood::IsAway);
    Box::pin(async move { behind_the_deadline(build(office.clone())).merge(office.desk()) })
}

fn priced(probes: Probes, build: fn(Prices) -> Router) -> AppFuture {
    Box::pin(async move { build(Prices::new(&probes)) })
}

fn read_by(probes: Probes, reader: feed::Reader) -> AppFuture {
    Box::pin(async move { feed::counted(&probes, reader) })
}

fn exported(probes: Probes, build: fn(Disk) -> Router) -> AppFuture {
    let disk = Disk::new(probes.counter(WRITTEN));
    Box::pin(async move { behind_the_deadline(build(disk.clone())).merge(disk.desk()) })
}

fn behind_the_deadline(router: Router) -> Router {
    router.layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, DEADLINE))
}
