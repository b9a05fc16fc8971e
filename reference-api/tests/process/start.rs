//! P24: it starts only when all is well.

use std::net::TcpListener;

use reference_api::{AppState, Settings};
use sqlx::{Connection, SqliteConnection};

use crate::service::program;

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
