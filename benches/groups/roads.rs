//! Lesson 17: what does a test cost that asks the router, beside one that asks over a socket?
//!
//! One test is one build of the lesson's shop, asked three times in turn: a price, a login, and a login with a wrong password.
//! All of it runs on one thread, as under `#[tokio::test]`. The sockets are of the same machine.

use std::{hint::black_box, net::SocketAddr, time::Duration};

use axum::http::{Method, StatusCode};
use criterion::{Criterion, SamplingMode};
use record::{Kind, Role};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Builder};
use whole_app_tests::{
    Shop,
    harness::{Red, Served, ask_router, request, same},
};

use super::{Compares, DO_NOTHING, Group};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "17-one-test",
    question: "How long does a test of three requests take, over the router and over a socket?",
    kind: Kind::Bench,
    compares: Compares::Functions(&[
        (DO_NOTHING, Role::Baseline),
        ("router", Role::Right),
        ("shared-server", Role::Right),
        ("own-server", Role::Right),
    ]),
    measure,
};

#[expect(
    clippy::expect_used,
    reason = "without a runtime, a port and green tests there is nothing to measure"
)]
fn measure(criterion: &mut Criterion, group: &Group) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let asks = asks();
    let shared = runtime.block_on(serve()).expect("there is a free port");
    let client = reqwest::Client::builder().no_proxy().build().expect("the client's settings are valid");
    let mut benchmarks = criterion.benchmark_group(group.name);
    benchmarks.bench_function(DO_NOTHING, |b| b.to_async(&runtime).iter(|| async { black_box(&asks).len() }));
    benchmarks.bench_function("router", |b| {
        b.to_async(&runtime).iter(|| async { over_the_router(&asks).await.expect("the test is green") });
    });
    // reqwest keeps its connection, so after the first test nobody connects.
    benchmarks.bench_function("shared-server", |b| {
        b.to_async(&runtime).iter(|| async {
            over_a_shared_server(&client, shared, &asks).await.expect("the test is green")
        });
    });
    // The system remembers each closed connection for a while, and its ports with it. As long as the others, this row would
    // use up all that there are on some systems.
    benchmarks.sampling_mode(SamplingMode::Flat).sample_size(20);
    benchmarks.warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(300));
    benchmarks.bench_function("own-server", |b| {
        b.to_async(&runtime)
            .iter(|| async { over_a_server_of_its_own(&asks).await.expect("the test is green") });
    });
    benchmarks.finish();
}

/// A path, what is sent there, and the status that a green test sees.
type Ask = (&'static str, Value, StatusCode);

fn asks() -> [Ask; 3] {
    [
        ("/quotes", json!({ "cents": 250, "pieces": 4 }), StatusCode::OK),
        ("/login", json!({ "name": "ada", "password": "a long walk in the rain" }), StatusCode::NO_CONTENT),
        ("/login", json!({ "name": "ada", "password": "hunter2" }), StatusCode::UNAUTHORIZED),
    ]
}

async fn over_the_router(asks: &[Ask]) -> Result<(), Red> {
    let router = Shop::sound().router();
    for (path, body, expected) in asks {
        let answer = ask_router(router.clone(), request(Method::POST, path, body)).await?;
        same(path, answer.status, *expected)?;
    }
    Ok(())
}

async fn over_a_shared_server(
    client: &reqwest::Client,
    address: SocketAddr,
    asks: &[Ask],
) -> Result<(), Red> {
    for (path, body, expected) in asks {
        let sent = client.post(format!("http://{address}{path}")).json(body).send().await;
        let answer = sent.map_err(|error| error.to_string())?;
        let status = answer.status();
        // Read to the end, or the connection is not kept.
        answer.bytes().await.map_err(|error| error.to_string())?;
        same(path, status, *expected)?;
    }
    Ok(())
}

/// The lesson's harness: a new connection for each request.
async fn over_a_server_of_its_own(asks: &[Ask]) -> Result<(), Red> {
    let served = Served::start(&Shop::sound()).await?;
    for (path, body, expected) in asks {
        let answer = served.ask(request(Method::POST, path, body)).await?;
        same(path, answer.status, *expected)?;
    }
    Ok(())
}

/// One server for all tests; it ends with the runtime.
async fn serve() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(Shop::sound().serve(listener));
    Ok(address)
}
