//! The study site: who may talk to it, what it answers, and what happens to a run that nobody watches.

#![expect(clippy::unwrap_used, reason = "a fault in the setup of a check is a failed check")]

use std::{io, path::Path};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, StatusCode, header},
    response::Response,
    routing::get,
};
use book::{
    Pages,
    site::{MOST_RUNS, Site, TOKEN_HEADER, listen},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

const PORT: u16 = 4000;
const HOST: &str = "127.0.0.1:4000";
const RUN: &str = "/lab/18/ten-reports/async-driver";

struct Fixture {
    site: Site,
    folder: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let page = "<!DOCTYPE HTML><html><head></head><body><script>let a = 1;</script><div class=\"right-buttons\"></div>";
        let pages = Pages::from([
            ("index.html".to_owned(), page.into()),
            ("404.html".to_owned(), b"<html><head></head>nothing here".into()),
            ("toc.html".to_owned(), b"<html><head></head>contents".into()),
            ("css/a.css".to_owned(), b"a {}".into()),
        ]);
        let progress = folder.path().join("progress.json");
        let site = Site::new(pages, PORT, progress, nothing_opens, CancellationToken::new()).unwrap();
        Self { site, folder }
    }

    async fn send(&self, request: Request<Body>) -> Response {
        let api = Router::new().route("/api/v1/items", get(|| async { "items" }).post(|| async { "made" }));
        self.site.router(api).oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        self.send(Request::get(path).header(header::HOST, HOST).body(Body::empty()).unwrap()).await
    }

    /// A request as the site's own page sends it.
    fn own(&self, method: &str, path: &str, body: &Value) -> Request<Body> {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, HOST)
            .header(header::ORIGIN, format!("http://{HOST}"))
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/json")
            .header(TOKEN_HEADER, self.site.token())
            .body(body.to_string().into())
            .unwrap()
    }

    async fn run(&self, path: &str, controls: Value) -> Response {
        self.send(self.own("POST", path, &controls)).await
    }
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}

/// The status, and the detail of the problem that the answer must be.
async fn problem(response: Response) -> (StatusCode, String) {
    let status = response.status();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json", "{status}");
    let body: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(body["status"], status.as_u16());
    (status, body["detail"].as_str().unwrap().to_owned())
}

/// Name and data of each event.
async fn events(response: Response) -> Vec<(String, Value)> {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let stream = text(response).await;
    let blocks = stream.split("\n\n").filter(|block| block.contains("event:"));
    blocks
        .map(|block| {
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
            (field("event:").to_owned(), serde_json::from_str(field("data:")).unwrap())
        })
        .collect()
}

#[tokio::test]
async fn every_route_answers_to_our_own_host_names_only() {
    let fixture = Fixture::new();
    for path in ["/", "/css/a.css", "/nowhere", "/lab", "/progress", "/api/v1/items"] {
        for (host, ours) in [
            (Some("127.0.0.1:4000"), true),
            (Some("localhost:4000"), true),
            (Some("[::1]:4000"), true),
            (None, false),
            (Some(""), false),
            (Some("localhost"), false),
            (Some("localhost:4001"), false),
            (Some("localhost:04000"), false),
            (Some("localhost.evil.example:4000"), false),
            (Some("evil.example:4000"), false),
            (Some("127.0.0.1.nip.io:4000"), false),
            (Some("[::ffff:127.0.0.1]:4000"), false),
            (Some("0.0.0.0:4000"), false),
            (Some("evil@localhost:4000"), false),
        ] {
            let mut request = Request::get(path);
            if let Some(host) = host {
                request = request.header(header::HOST, host);
            }
            let status = fixture.send(request.body(Body::empty()).unwrap()).await.status();
            assert_eq!(status != StatusCode::FORBIDDEN, ours, "{path} {host:?}: {status}");
        }
    }
}

#[tokio::test]
async fn two_host_headers_are_refused_because_only_one_of_them_was_checked() {
    let request = Request::get("/").header(header::HOST, HOST).header(header::HOST, "evil.example");
    let (status, _) = problem(Fixture::new().send(request.body(Body::empty()).unwrap()).await).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_write_needs_our_origin_our_token_and_json() {
    let fixture = Fixture::new();
    for (name, value, expected) in [
        ("origin", Some("http://127.0.0.1:4000"), StatusCode::OK),
        ("origin", None, StatusCode::OK),
        ("origin", Some("http://localhost:4000"), StatusCode::FORBIDDEN),
        ("origin", Some("http://127.0.0.1:4001"), StatusCode::FORBIDDEN),
        ("origin", Some("https://127.0.0.1:4000"), StatusCode::FORBIDDEN),
        ("origin", Some("http://evil.example"), StatusCode::FORBIDDEN),
        ("origin", Some("null"), StatusCode::FORBIDDEN),
        ("sec-fetch-site", Some("none"), StatusCode::OK),
        ("sec-fetch-site", None, StatusCode::OK),
        ("sec-fetch-site", Some("same-site"), StatusCode::FORBIDDEN),
        ("sec-fetch-site", Some("cross-site"), StatusCode::FORBIDDEN),
        (TOKEN_HEADER, None, StatusCode::FORBIDDEN),
        (TOKEN_HEADER, Some(""), StatusCode::FORBIDDEN),
        (TOKEN_HEADER, Some("guessed"), StatusCode::FORBIDDEN),
        ("content-type", Some("application/json; charset=utf-8"), StatusCode::OK),
        ("content-type", None, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("content-type", Some("text/plain"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("content-type", Some("application/x-www-form-urlencoded"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        for (method, path, body) in [
            ("POST", RUN, json!({ "requests": 1, "hold_ms": 1 })),
            ("PUT", "/progress", json!({ "chapters": {} })),
        ] {
            let mut request = fixture.own(method, path, &body);
            request.headers_mut().remove(name);
            if let Some(value) = value {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
            let response = fixture.send(request).await;
            assert_eq!(response.status(), expected, "{method} {name}: {value:?}");
            // Reads a run to its end: the next one needs its place.
            text(response).await;
            fixture.site.runs().idle().await;
        }
    }
}

#[tokio::test]
async fn the_reference_api_keeps_its_own_rules_for_writes() {
    let request = Request::post("/api/v1/items").header(header::HOST, HOST).body(Body::empty()).unwrap();
    let response = Fixture::new().send(request).await;
    assert_eq!((response.status(), text(response).await), (StatusCode::OK, "made".to_owned()));
}

#[tokio::test]
async fn every_answer_says_that_it_is_not_to_be_framed_or_guessed_and_none_opens_the_door_to_other_origins() {
    let fixture = Fixture::new();
    for path in ["/", "/css/a.css", "/nowhere", "/lab", "/progress", "/api/v1/items", "/docs/"] {
        let response = fixture.get(path).await;
        let headers = response.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert!(headers.contains_key("referrer-policy"), "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(
            headers.keys().all(|name| !name.as_str().starts_with("access-control-")),
            "{path}: {headers:?}"
        );
    }
}

#[tokio::test]
async fn a_page_carries_the_token_and_allows_no_inline_script_but_its_own() {
    let fixture = Fixture::new();
    let response = fixture.get("/").await;
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let page = text(response).await;

    assert!(
        page.contains(&format!("<meta name=\"study-token\" content=\"{}\">", fixture.site.token())),
        "{page}"
    );
    assert!(page.contains("href=\"/docs/\""), "{page}");
    let scripts = policy.split("; ").find(|part| part.starts_with("script-src")).unwrap();
    assert!(scripts.contains("'sha256-") && !scripts.contains("unsafe"), "{scripts}");
}

#[tokio::test]
async fn the_catalogue_lists_every_lesson_with_its_experiments() {
    let body: Value = serde_json::from_str(&text(Fixture::new().get("/lab").await).await).unwrap();
    let numbers: Vec<_> =
        body["lessons"].as_array().unwrap().iter().map(|lesson| lesson["number"].clone()).collect();
    let expected: Vec<_> = catalogue::LESSONS.iter().map(|lesson| Value::from(lesson.number)).collect();
    assert_eq!(numbers, expected);
    assert!(body.to_string().contains("ten-reports"));
}

#[tokio::test]
async fn a_run_tells_its_lanes_and_ends_in_one_report() {
    let response = Fixture::new().run(RUN, json!({ "requests": 3, "hold_ms": 1 })).await;

    let events = events(response).await;
    let (last, told) = events.split_last().unwrap();
    assert_eq!(last.0, "report");
    assert_eq!(last.1["observed"]["lanes"].as_array().unwrap().len(), 3);
    assert!(told.iter().all(|(name, _)| name == "lane"), "{told:?}");
    // Sent, taken up, answered: three changes for each of three lanes.
    assert_eq!(told.len(), 9);
}

#[tokio::test]
async fn each_kind_of_experiment_tells_its_own_kind_of_event() {
    for (path, kind) in
        [("/lab/12/a-stolen-token/rotate", "exchange"), ("/lab/3/twenty-quotes/shared-client", "counts")]
    {
        let events = events(Fixture::new().run(path, json!({})).await).await;
        let (last, told) = events.split_last().unwrap();
        assert_eq!(last.0, "report", "{path}");
        assert!(!told.is_empty() && told.iter().all(|(name, _)| name == kind), "{path}: {told:?}");
    }
}

#[tokio::test]
async fn a_run_whose_page_goes_away_is_cancelled() {
    let fixture = Fixture::new();
    // Forty requests of 250 ms, one after the other: as long as a run may take.
    let response =
        fixture.run("/lab/18/ten-reports/sync-driver", json!({ "requests": 40, "hold_ms": 250 })).await;
    let mut body = response.into_body();
    let first: Bytes = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(first.starts_with(b"event: lane"), "{first:?}");

    drop(body);

    fixture.site.runs().idle().await;
    assert_eq!(fixture.site.runs().cancelled(), 1);
}

#[tokio::test]
async fn one_run_more_than_there_are_places_is_told_to_come_back() {
    let fixture = Fixture::new();
    let long = json!({ "requests": 40, "hold_ms": 250 });
    let mut running = Vec::new();
    for _ in 0..MOST_RUNS {
        running.push(fixture.run("/lab/18/ten-reports/sync-driver", long.clone()).await);
    }

    let refused = fixture.run(RUN, json!({})).await;
    assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
    assert_eq!(problem(refused).await.0, StatusCode::SERVICE_UNAVAILABLE);

    drop(running);
    fixture.site.runs().idle().await;
    assert_eq!(fixture.run(RUN, json!({ "hold_ms": 1 })).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_cannot_be_run_is_refused_with_the_next_step() {
    let fixture = Fixture::new();
    for (path, body, status, says) in [
        (RUN, json!({ "requests": 41 }), 422, "`requests` is 41; it goes from 1 to 40."),
        (RUN, json!({ "requests": 0 }), 422, "`requests` is 0; it goes from 1 to 40."),
        (RUN, json!({ "requests": 1.5 }), 422, "`requests` is 1.5; it must be a whole number."),
        (RUN, json!({ "requests": -1 }), 422, "`requests` is -1; it must be a whole number."),
        (RUN, json!({ "requests": "10" }), 422, "`requests` is \"10\"; it must be a whole number."),
        (RUN, json!({ "threads": 1 }), 422, "`threads` is not a control of ten-reports"),
        (RUN, json!([1]), 400, "The body is not a JSON object of controls"),
        (RUN, json!({ "requests": "x".repeat(5000) }), 413, ""),
        ("/lab/31/ten-reports/async-driver", json!({}), 404, "lesson 31 does not exist. There are lessons "),
        (
            "/lab/18/nine-reports/async-driver",
            json!({}),
            404,
            "There is no experiment `nine-reports` here; there are: ten-reports",
        ),
        (
            "/lab/18/ten-reports/magic",
            json!({}),
            404,
            "There is no variant `magic` here; there are: sync-driver",
        ),
    ] {
        let (got, detail) = problem(fixture.run(path, body.clone()).await).await;
        assert_eq!(got.as_u16(), status, "{path}: {detail}");
        assert!(detail.starts_with(says), "{detail}");
    }
}

#[tokio::test]
async fn no_path_climbs_out_of_the_book() {
    let fixture = Fixture::new();
    for path in [
        "/../Cargo.toml",
        "/css/../../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/%2e%2e%2fCargo.toml",
        "/%252e%252e/Cargo.toml",
        "/..%5cCargo.toml",
        "/css/..%5c..%5cCargo.toml",
        "//etc/passwd",
        "/%00",
        "/.git/config",
        "/.local/progress.json",
        "/css",
        "/css/",
        "/css/a.css/",
        "/index.html%00.css",
    ] {
        let response = fixture.get(path).await;
        let status = response.status();
        assert_eq!(
            (status, text(response).await.contains("nothing here")),
            (StatusCode::NOT_FOUND, true),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_type_of_an_api_error_leads_to_its_entry_in_the_book() {
    let fixture = Fixture::new();
    for kind in reference_api::problem::ALL {
        let response = fixture.get(&format!("/problems/{}", kind.slug)).await;
        assert_eq!(response.headers()[header::LOCATION], format!("/problems.html#{}", kind.slug));
    }
    assert_eq!(fixture.get("/problems/none-such").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_can_only_be_read() {
    let request = Request::delete("/index.html").header(header::HOST, HOST).body(Body::empty()).unwrap();
    let (status, _) = problem(Fixture::new().send(request).await).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_mark_on_a_chapter_is_kept_in_the_file_that_the_runner_reads() {
    let fixture = Fixture::new();
    let marks = json!({ "chapters": { "18-blocking-the-runtime": { "read": true } } });

    let answer = fixture.send(fixture.own("PUT", "/progress", &marks)).await;
    assert_eq!(answer.status(), StatusCode::OK);

    let body: Value = serde_json::from_str(&text(fixture.get("/progress").await).await).unwrap();
    assert_eq!(body["progress"]["chapters"]["18-blocking-the-runtime"]["read"], true);
    let (kept, _) = exercises::Progress::load(&fixture.folder.path().join("progress.json")).unwrap();
    assert!(kept.chapters["18-blocking-the-runtime"].read);
}

#[tokio::test]
async fn a_page_cannot_mark_an_exercise_as_solved_or_invent_a_chapter() {
    let fixture = Fixture::new();
    let solved = json!({ "chapters": {}, "exercises": { "unblock-the-report": { "state": "solved" } } });
    let answer = fixture.send(fixture.own("PUT", "/progress", &solved)).await;
    let body: Value = serde_json::from_str(&text(answer).await).unwrap();
    assert_eq!(body["progress"]["exercises"], json!({}));

    let invented = json!({ "chapters": { "../../etc/passwd": { "read": true } } });
    let (status, detail) = problem(fixture.send(fixture.own("PUT", "/progress", &invented)).await).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{detail}");
}

/// Stands in for the file manager, and has none.
fn nothing_opens(folder: &Path) -> io::Result<()> {
    assert!(folder.join("task.md").is_file(), "{} is no exercise", folder.display());
    Err(io::Error::other("no file manager"))
}

#[tokio::test]
async fn the_folder_of_an_exercise_is_named_where_it_cannot_be_opened() {
    let fixture = Fixture::new();

    let opened = fixture.send(fixture.own("POST", "/exercise/18/open", &json!({}))).await;

    assert_eq!(opened.status(), StatusCode::OK);
    let said: Value = serde_json::from_str(&text(opened).await).unwrap();
    assert_eq!(said["opened"], false);
    assert!(said["folder"].as_str().unwrap().ends_with("18-unblock-the-report"), "{said}");
}

#[tokio::test]
async fn only_folders_of_the_kits_own_exercises_are_opened() {
    let fixture = Fixture::new();

    for asked in ["99", "..%2F..", "18%00", "%2Fetc", "18;ls", "-1"] {
        let refused = fixture.send(fixture.own("POST", &format!("/exercise/{asked}/open"), &json!({}))).await;
        assert_eq!(problem(refused).await.0, StatusCode::NOT_FOUND, "{asked}");
    }
    let foreign = Request::post("/exercise/18/open")
        .header(header::HOST, HOST)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from("{}"))
        .unwrap();
    assert_eq!(problem(fixture.send(foreign).await).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_damaged_progress_file_is_set_aside_and_the_reader_is_told() {
    let fixture = Fixture::new();
    let path = fixture.folder.path().join("progress.json");
    std::fs::write(&path, "{ half a fi").unwrap();

    let body: Value = serde_json::from_str(&text(fixture.get("/progress").await).await).unwrap();

    assert!(body["notice"].as_str().unwrap().contains("was damaged"), "{body}");
    let kept = std::fs::read_dir(fixture.folder.path()).unwrap().flatten();
    let kept = kept.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    assert_eq!(kept.filter(|text| text == "{ half a fi").count(), 1);
}

#[tokio::test]
async fn a_taken_port_is_passed_over_for_the_next_free_one() {
    let first = listen(0).await.unwrap();
    let second = listen(first.port).await.unwrap();

    assert!(!first.moved);
    assert!(second.moved);
    assert!(second.port > first.port, "{} {}", first.port, second.port);
    assert!(second.listener.local_addr().unwrap().ip().is_loopback());
}
