//! P23 and P24: the program as an orchestrator sees it: how it refuses to start, and how it ends when it is asked to.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a fault in the setup of a check is a failed check")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use reference_api::{AppState, Settings};
use sqlx::{Connection, SqliteConnection};

fn program(folder: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reference-api"));
    command.env_clear().current_dir(folder).envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn p24_a_start_that_is_not_sane_ends_with_one_line_for_each_cause_before_a_port_is_opened() {
    // Held by us: a service that listened before it had looked at everything would complain of this port instead.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = taken.local_addr().unwrap().to_string();
    for (variables, causes) in [
        (&[("API_BIND", "nowhere")][..], &["bind "][..]),
        (&[("API_AUTH__SECRET", "short")], &["auth.secret "]),
        (&[("API_DATABASE__POOL", "0")], &["database.pool "]),
        (&[("API_DATABASE__POL", "4")], &["database.pol "]),
        (&[("DATABASE_URL", "mysql://user:hunter2@host/db")], &["database.url "]),
        // A service on PostgreSQL has no folder for a key file.
        (&[("DATABASE_URL", "postgres://user:hunter2@127.0.0.1:1/db")], &["auth.secret "]),
        (&[("API_CORS__ORIGINS", "*")], &["cors.origins "]),
        (&[("API_MAIL__FROM", "nobody")], &["mail.from "]),
        (&[("REDIS_URL", "http://127.0.0.1")], &["redis.url "]),
        (&[("REDIS_URL", "redis://127.0.0.1:1")], &["Redis", "REDIS_URL"]),
        (&[("API_AUTH__ARGON2_KIB", "8"), ("API_LOG__FILTER", "=")], &["auth.argon2_kib ", "log.filter "]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = program(folder.path(), &[("API_BIND", &bind)]);
        let ended = command.envs(variables.iter().copied()).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();

        assert!(!ended.status.success(), "{variables:?}: {said}");
        for cause in causes {
            assert!(
                said.lines().any(|line| line.contains(cause)),
                "{variables:?}: {cause} is not in\n{said}"
            );
        }
        assert!(!said.contains("is taken") && !said.contains("hunter2"), "{variables:?}: {said}");
        let told = String::from_utf8(ended.stdout).unwrap();
        assert!(!told.contains("listens on"), "{variables:?}: {told}");
    }
}

#[tokio::test]
async fn p24_a_database_of_a_newer_version_ends_the_start_before_a_port_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("api.sqlite").display());
    let settings = Settings { database_url: url.clone().into(), ..Settings::default() };
    AppState::connect(settings).await.unwrap().close().await;
    let mut database = SqliteConnection::connect(&url).await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'of tomorrow', TRUE, x'00', 0)";
    sqlx::query(newer).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = taken.local_addr().unwrap().to_string();

    let ended = program(folder.path(), &[("API_BIND", &bind), ("DATABASE_URL", &url)]).output().unwrap();

    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(!ended.status.success() && said.contains("9999") && !said.contains("is taken"), "{said}");
}

/// A running service, which is killed if the test fails.
struct Service {
    child: Child,
    address: String,
}

impl Service {
    fn start(folder: &Path) -> Self {
        let mut child = program(folder, &[("API_BIND", "127.0.0.1:0")]).spawn().unwrap();
        // Log lines may come before it.
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let line = lines.find(|line| line.contains("listens on http://")).unwrap();
        let (_, address) = line.split_once("http://").unwrap();
        let address = address.split_once(';').unwrap().0.to_owned();
        // Read on, so that the service can write its log until the end.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn p23_what_is_in_flight_at_sigterm_is_answered_and_the_exit_is_clean() {
    let folder = tempfile::tempdir().unwrap();
    let body = r#"{"email": "nobody@example.com", "password": "a long walk in the rain"}"#;
    for _ in 0..5 {
        let mut service = Service::start(folder.path());
        let _idle = TcpStream::connect(&service.address).unwrap();
        let mut client = TcpStream::connect(&service.address).unwrap();
        let head = format!(
            "POST /api/v1/auth/login HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nexpect: 100-continue\r\n\r\n",
            service.address,
            body.len()
        );
        client.write_all(head.as_bytes()).unwrap();
        // The server asks for the body: the request has reached its handler.
        let mut go_on = [0; 25];
        client.read_exact(&mut go_on).unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");

        let signalled =
            Command::new("kill").args(["-TERM", &service.child.id().to_string()]).status().unwrap();
        assert!(signalled.success());
        // Nobody else gets in, and the one who is in is waited for.
        while TcpStream::connect(&service.address).is_ok() {
            std::thread::yield_now();
        }
        client.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();

        assert!(answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
        assert_eq!(service.child.wait().unwrap().code(), Some(0));
    }
}
