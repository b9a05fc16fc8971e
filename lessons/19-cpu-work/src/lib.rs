//! Lesson 19 · `spawn_blocking` and CPU work.
//!
//! A thread that waits costs memory; a thread that computes costs a core. So there may be hundreds of the first kind and
//! only as many of the second as there are cores. Tokio's blocking pool is made for the first. Work that computes needs a
//! bound in front of it, or a pool of its own, and the bound has to last as long as the work does, which is longer than
//! the request may live.
//!
//! Read `wrong.rs` first (it passes a functional test), then `right.rs`, then `tests/proof.rs`.

mod photos;
pub mod right;
pub mod wrong;

use std::time::Duration;

use axum::{Router, http::StatusCode};
use lab::{
    AppFuture, Control, Experiment, Finding, Lesson, Observed, Plan, Probes, Question, Request, Side, Step,
    Timeline, Transcript, Variant,
};
use serde_json::json;
use tower_http::timeout::TimeoutLayer;

pub use photos::{BROKEN, CORES, Photo, Photos};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 19,
    slug: "cpu-work",
    title: "spawn_blocking and CPU work",
    question: Question::Q24,
    saying: "put it into a thread pool",
    experiments: &[TEN_THUMBNAILS, IMPATIENT_CLIENTS],
};

/// Ten photos at once, for two cores.
pub const TEN_THUMBNAILS: Experiment = Experiment {
    slug: "ten-thumbnails",
    title: "Ten thumbnails, two cores",
    watch: "The work is the same. When does the first one have its thumbnail, and how many photos are in memory?",
    controls: &[Control::REQUESTS, Control::HOLD_MS.default_of(40)],
    plan: Plan::Timeline(Timeline {
        requests: |controls| {
            // None of them is the broken one.
            (100..).take(controls.requests()).map(|n| Request::get(format!("/thumbnails/{n}"))).collect()
        },
    }),
    upstream: None,
    variants: &[
        Variant {
            name: "blocking-pool",
            side: Side::Wrong,
            says: "hands each photo to `spawn_blocking`",
            app: |probes| made(Photos::new(&probes), wrong::blocking_pool),
        },
        Variant {
            name: "permit-in-the-job",
            side: Side::Right,
            says: "waits for one of 2 permits, which goes along into the job",
            app: |probes| made(Photos::new(&probes), right::permit_in_the_job),
        },
        Variant {
            name: "rayon-pool",
            side: Side::Right,
            says: "hands each photo to a pool of 2 threads",
            app: |probes| made(Photos::new(&probes), right::rayon_pool),
        },
    ],
    judge: |report| {
        let Observed::Timeline { lanes, .. } = &report.observed else { return Vec::new() };
        let made = lanes.iter().filter(|lane| lane.status == Some(200)).count();
        let in_memory = report.gauge(photos::IN_MEMORY);
        let most = CORES.min(lanes.len());
        vec![
            Finding::all_answered(
                format!("{} photos, sent together", lanes.len()),
                "answered with 200",
                made,
                lanes.len(),
            ),
            Finding::new(
                "two cores",
                photos::IN_MEMORY,
                in_memory,
                most,
                usize::try_from(in_memory) == Ok(most),
                "Each core makes one thumbnail at a time. What is begun beyond that takes memory and turns, and ends later.",
            ),
        ]
    },
};

/// Five clients that go away before their thumbnail is done.
pub const IMPATIENT_CLIENTS: Experiment = Experiment {
    slug: "impatient-clients",
    title: "Clients that do not wait",
    watch: "There are two permits and every request is cut off. How many jobs are left at work?",
    controls: &[],
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step { says: "a photo that takes long", request: |_| Request::get("/thumbnails/1") },
            Step { says: "another one", request: |_| Request::get("/thumbnails/2") },
            Step { says: "a third one", request: |_| Request::get("/thumbnails/3") },
            Step { says: "a fourth one", request: |_| Request::get("/thumbnails/4") },
            Step { says: "a fifth one", request: |_| Request::get("/thumbnails/5") },
            Step { says: "the jobs may end", request: |_| Request::post("/photos/go-on", json!(null)) },
        ],
    }),
    upstream: None,
    variants: &[
        Variant {
            name: "permit-in-the-handler",
            side: Side::Wrong,
            says: "holds one of 2 permits in the handler",
            app: |probes| cut_off(&probes, wrong::permit_in_the_handler),
        },
        Variant {
            name: "permit-in-the-job",
            side: Side::Right,
            says: "waits for one of 2 permits, which goes along into the job",
            app: |probes| cut_off(&probes, right::permit_in_the_job),
        },
        Variant {
            name: "rayon-pool",
            side: Side::Right,
            says: "hands each photo to a pool of 2 threads",
            app: |probes| cut_off(&probes, right::rayon_pool),
        },
    ],
    judge: |report| {
        let [requests @ .., _] = report.exchanges() else { return Vec::new() };
        let cut = requests.iter().filter(|request| request.status == Some(504)).count();
        let in_memory = report.gauge(photos::IN_MEMORY);
        vec![
            Finding::new(
                "five requests",
                "cut off with 504",
                cut,
                5,
                cut == 5,
                "The photos take longer than the deadline, so the deadline has to answer.",
            ),
            Finding::new(
                "two permits",
                photos::IN_MEMORY,
                in_memory,
                CORES,
                usize::try_from(in_memory).is_ok_and(|most| most <= CORES),
                "The request is gone and so is its permit. Its job computes on, and the next one begins beside it.",
            ),
        ]
    },
};

/// How long a request may take in the second experiment. Short, so that a run takes no longer.
const DEADLINE: Duration = Duration::from_millis(50);

fn made(photos: Photos, build: fn(Photos) -> Router) -> AppFuture {
    Box::pin(async move { photos.around(build(photos.clone())) })
}

fn cut_off(probes: &Probes, build: fn(Photos) -> Router) -> AppFuture {
    let photos = Photos::held(probes);
    let deadline = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, DEADLINE);
    Box::pin(async move { photos.around(build(photos.clone()).layer(deadline)) })
}
