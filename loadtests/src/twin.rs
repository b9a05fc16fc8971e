//! Counterparts of the FastAPI system: the same endpoints in axum, and what bare hyper and bare SQLite reach.

use std::{convert::Infallible, net::SocketAddr, path::PathBuf, rc::Rc, time::Duration};

use axum::{
    Json, Router,
    http::StatusCode,
    response::IntoResponse,
    routing::{get, post},
};
use clap::{Args, ValueEnum};
use garde::Validate;
use http_body_util::Full;
use hyper::{Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, runtime::Builder, task::LocalSet, time::Instant};
use uuid::Uuid;

use crate::service::until_stdin_closes;

/// What to serve, as the parent says it to the child.
#[derive(Args)]
pub(crate) struct Twin {
    #[arg(long)]
    what: What,
    /// The database of the bare SQLite loop
    #[arg(long)]
    database: Option<PathBuf>,
    /// Whose rows it lists
    #[arg(long, default_value_t = Uuid::nil())]
    owner: Uuid,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// The endpoints of `fastapi/app.py` that need no database
    Axum,
    /// One constant answer
    Hyper,
    /// A hundred rows, read on the thread that serves
    Sqlite,
    /// An endpoint that stands still for half a second in every two
    Stalls,
}

/// As long as `SECONDS` in `fastapi/app.py`.
const SLEEP: Duration = Duration::from_millis(300);

/// Serves it on a free port of 127.0.0.1, says where, and returns when stdin closes.
///
/// # Errors
/// If it cannot be served.
pub(crate) fn serve(twin: &Twin) -> Result<(), String> {
    let (tell, told) = std::sync::mpsc::channel();
    let router = match twin.what {
        What::Axum => Some(endpoints()),
        What::Stalls => Some(stalls()),
        What::Hyper | What::Sqlite => None,
    };
    let rows = match (twin.what, &twin.database) {
        (What::Sqlite, Some(path)) => Some(Rows { path: path.clone(), owner: twin.owner }),
        (What::Sqlite, None) => return Err("the bare SQLite loop needs --database.".to_owned()),
        _ => None,
    };
    std::thread::spawn(move || {
        // One thread, since the server has one core: a second worker would only hand work to and fro.
        let runtime = Builder::new_current_thread().enable_all().build();
        let outcome = runtime.map_err(|error| error.to_string()).and_then(|runtime| {
            let local = LocalSet::new();
            local.block_on(&runtime, async {
                let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
                let address = listener.local_addr().map_err(|error| error.to_string())?;
                let _ = tell.send(Ok(address));
                match router {
                    Some(router) => axum::serve(listener, router).await.map_err(|error| error.to_string()),
                    None => bare(listener, rows).await,
                }
            })
        });
        if let Err(error) = outcome {
            let _ = tell.send(Err(error));
        }
    });
    let address: Result<SocketAddr, String> = told.recv().map_err(|error| error.to_string())?;
    until_stdin_closes(address?)
}

// --- axum ---

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

#[derive(Serialize)]
struct Status {
    status: &'static str,
}

#[derive(Debug, Deserialize, Serialize, Validate)]
struct Address {
    #[garde(length(min = 1))]
    street: String,
    #[garde(length(min = 1))]
    city: String,
    #[garde(length(min = 1))]
    country: String,
}

#[derive(Debug, Deserialize, Validate)]
struct SignUp {
    #[garde(length(min = 3, max = 50), custom(alphanumeric))]
    username: String,
    #[garde(email)]
    email: String,
    #[garde(length(min = 8), custom(strong))]
    password: String,
    #[garde(range(min = 18, max = 120))]
    age: u8,
    #[garde(dive)]
    address: Address,
}

#[derive(Serialize)]
struct SignedUp {
    username: String,
    email: String,
    age: u8,
    address: Address,
}

fn alphanumeric(text: &str, (): &()) -> garde::Result {
    if text.chars().all(char::is_alphanumeric) {
        Ok(())
    } else {
        Err(garde::Error::new("must be alphanumeric"))
    }
}

fn strong(password: &str, (): &()) -> garde::Result {
    if !password.contains(|c: char| c.is_ascii_digit()) {
        return Err(garde::Error::new("must contain a digit"));
    }
    if !password.contains(char::is_uppercase) {
        return Err(garde::Error::new("must contain an upper case letter"));
    }
    Ok(())
}

fn endpoints() -> Router {
    Router::new()
        .route("/hello", get(|| async { Json(Message { message: "hello" }) }))
        .route(
            "/async-sleep",
            get(|| async {
                tokio::time::sleep(SLEEP).await;
                Json(Status { status: "done" })
            }),
        )
        .route(
            "/blocking-pool-sleep",
            get(|| async {
                // A closure that only sleeps does not panic, and the runtime lives as long as the server.
                let _ = tokio::task::spawn_blocking(sleep).await;
                Json(Status { status: "done" })
            }),
        )
        .route(
            "/async-blocking-sleep",
            get(|| async {
                sleep();
                Json(Status { status: "done" })
            }),
        )
        .route("/sign-ups", post(sign_up))
}

#[expect(clippy::disallowed_methods, reason = "the blocking call that is compared with FastAPI's")]
fn sleep() {
    std::thread::sleep(SLEEP);
}

async fn sign_up(Json(new): Json<SignUp>) -> Result<Json<SignedUp>, impl IntoResponse> {
    if let Err(report) = new.validate() {
        let faults: Vec<_> = report.iter().map(|(path, error)| format!("{path}: {error}")).collect();
        return Err((StatusCode::UNPROCESSABLE_ENTITY, Json(faults)));
    }
    let SignUp { username, email, password: _, age, address } = new;
    Ok(Json(SignedUp { username, email, age, address }))
}

fn stalls() -> Router {
    const EVERY: Duration = Duration::from_secs(2);
    const STALL: Duration = Duration::from_millis(500);
    let began = Instant::now();
    Router::new().route(
        "/",
        get(move || async move {
            let now = Instant::now() - began;
            let turn = Duration::from_secs(now.as_secs() / EVERY.as_secs() * EVERY.as_secs());
            if now - turn < STALL {
                tokio::time::sleep_until(began + turn + STALL).await;
            }
            "ok"
        }),
    )
}

// --- bare hyper, bare SQLite ---

struct Rows {
    path: PathBuf,
    owner: Uuid,
}

/// As the reference API shows it.
#[derive(Serialize)]
struct Item {
    id: Uuid,
    title: String,
    description: Option<String>,
    availability: Option<(String, String)>,
    created_at: String,
    version: i64,
}

async fn bare(listener: TcpListener, rows: Option<Rows>) -> Result<(), String> {
    let connection = rows.map(|rows| -> rusqlite::Result<_> {
        // Opened as the reference API opens it for its readers.
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&rows.path, flags)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok((connection, rows.owner))
    });
    let connection = Rc::new(connection.transpose().map_err(|error| error.to_string())?);
    loop {
        let (stream, _) = listener.accept().await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let connection = Rc::clone(&connection);
        tokio::task::spawn_local(async move {
            let service = service_fn(move |_: Request<Incoming>| {
                let connection = Rc::clone(&connection);
                async move { Ok::<_, Infallible>(answer(connection.as_ref().as_ref())) }
            });
            // A client that hangs up ends its connection and nothing else.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer(connection: Option<&(Connection, Uuid)>) -> Response<Full<Bytes>> {
    let body = match connection {
        None => Ok(Bytes::from_static(br#"{"message":"hello"}"#)),
        Some((connection, owner)) => list(connection, *owner).map_err(|error| error.to_string()),
    };
    let (status, body) = match body {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, Bytes::from(error)),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
    response
}

/// The reference API's statement for its list and the fields of its answer: prepared once, run and written as JSON on this thread.
fn list(connection: &Connection, owner: Uuid) -> rusqlite::Result<Bytes> {
    let mut statement = connection.prepare_cached(
        "SELECT id, title, description, available_from, available_until, created_at, version FROM items
         WHERE owner_id = ?1 AND id < ?2 AND title_folded LIKE ?3 ESCAPE '\\'
         AND (?4 IS NULL OR (available_from <= ?4 AND available_until >= ?4))
         ORDER BY id DESC LIMIT ?5",
    )?;
    // The first page, one row more than it shows: that there is one says that there is a next page.
    let values = rusqlite::params![owner, Uuid::max(), "%", None::<String>, 101];
    let rows = statement.query_map(values, |row| {
        let availability = row.get::<_, Option<String>>(3)?.zip(row.get(4)?);
        Ok(Item {
            id: row.get(0)?,
            title: row.get(1)?,
            description: row.get(2)?,
            availability,
            created_at: row.get(5)?,
            version: row.get(6)?,
        })
    })?;
    let items = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    // A list of strings always has a JSON form.
    Ok(Bytes::from(serde_json::to_vec(&items).unwrap_or_default()))
}
