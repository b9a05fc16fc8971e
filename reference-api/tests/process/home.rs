//! Where a service lives: its folder, its variables, and its database as others see it.

use std::{fs, path::Path};

use sqlx::{
    AssertSqlSafe, Connection, FromRow, PgConnection, SqliteConnection, postgres::PgRow, sqlite::SqliteRow,
};
use tempfile::TempDir;

use crate::{
    postgres::Database,
    service::{Request, Service, program, program_killed_at},
};

const ADA: &str = r#"{"email": "ada@example.com", "name": "Ada", "password": "a long walk in the rain"}"#;
const LOGIN: &str = r#"{"email": "ada@example.com", "password": "a long walk in the rain"}"#;

pub(crate) struct Home {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
    postgres: Option<Database>,
}

impl Home {
    pub(crate) fn on_sqlite() -> Self {
        Self::new("sqlite:api.sqlite".to_owned(), None)
    }

    /// `None` where there is no PostgreSQL.
    pub(crate) async fn on_postgres() -> Option<Self> {
        let database = Database::create().await?;
        Some(Self::new(database.url(), Some(database)))
    }

    fn new(url: String, postgres: Option<Database>) -> Self {
        let variables = vec![
            ("DATABASE_URL", url),
            ("API_AUTH__SECRET", "0123456789abcdef0123456789abcdef".to_owned()),
            ("API_WEBHOOKS__ALLOW_PRIVATE", "true".to_owned()),
        ];
        Self { folder: tempfile::tempdir().unwrap(), variables, postgres }
    }

    /// Another one on SQLite with the same files. The service must have ended.
    pub(crate) fn copy(&self) -> Self {
        let home = Self { variables: self.variables.clone(), ..Self::on_sqlite() };
        for file in self.folder.path().read_dir().unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), home.folder.path().join(file.file_name())).unwrap();
        }
        home
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn is_on_postgres(&self) -> bool {
        self.postgres.is_some()
    }

    /// The service, with that many workers and with one connection to SQLite, so that one thread makes all its calls.
    pub(crate) fn start(&self, workers: &str) -> Service {
        Service::start(program(self.folder(), &self.variables(workers))).unwrap()
    }

    /// The same, and not waited for.
    pub(crate) fn spawn(&self, workers: &str) -> Service {
        Service::spawn(program(self.folder(), &self.variables(workers)))
    }

    /// The service, killed at the n-th of those calls; `None` if that was before it listened.
    pub(crate) fn start_to_be_killed_at(&self, calls: &str, n: u32, workers: &str) -> Option<Service> {
        Service::start(program_killed_at(calls, n, self.folder(), &self.variables(workers)))
    }

    fn variables<'a>(&'a self, workers: &'a str) -> Vec<(&'a str, &'a str)> {
        let own = self.variables.iter().map(|(name, value)| (*name, value.as_str()));
        let pool = if self.is_on_postgres() { "4" } else { "1" };
        own.chain([("API_JOBS__WORKERS", workers), ("API_DATABASE__POOL", pool)]).collect()
    }

    /// Ada has an account, and nothing is left to be done. Her access token.
    pub(crate) async fn move_in(&self, webhook: Option<&str>) -> String {
        let service = self.start("0");
        service.done(&Request { path: "/auth/register", body: ADA, ..Request::default() });
        let session = service.done(&Request { path: "/auth/login", body: LOGIN, ..Request::default() });
        let session: serde_json::Value = serde_json::from_str(&session).unwrap();
        let token = session["access_token"].as_str().unwrap().to_owned();
        if let Some(url) = webhook {
            let body = serde_json::json!({ "url": url }).to_string();
            service.done(&Request { path: "/webhooks", token: &token, body: &body, ..Request::default() });
        }
        service.terminate();
        assert_eq!(service.ended(), Some(0));
        token
    }

    // Each connection is closed, and not only dropped: SQLite takes its files away when the last one is, and a copy would meet
    // them half gone.

    pub(crate) async fn execute(&self, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        if self.is_on_postgres() {
            let mut database = self.postgres().await;
            sql.execute(&mut database).await.unwrap();
            database.close().await.unwrap();
        } else {
            let mut database = self.sqlite().await;
            sql.execute(&mut database).await.unwrap();
            database.close().await.unwrap();
        }
    }

    /// The first column of each row.
    pub(crate) async fn column<T>(&self, sql: &'static str) -> Vec<T>
    where
        T: Send + Unpin,
        (T,): for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
    {
        if self.is_on_postgres() {
            let mut database = self.postgres().await;
            let column = sqlx::query_scalar(sql).fetch_all(&mut database).await.unwrap();
            database.close().await.unwrap();
            column
        } else {
            let mut database = self.sqlite().await;
            let column = sqlx::query_scalar(sql).fetch_all(&mut database).await.unwrap();
            database.close().await.unwrap();
            column
        }
    }

    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        self.column(sql).await[0]
    }

    pub(crate) async fn postgres(&self) -> PgConnection {
        PgConnection::connect(&self.postgres.as_ref().unwrap().url()).await.unwrap()
    }

    async fn sqlite(&self) -> SqliteConnection {
        let file = self.folder().join("api.sqlite");
        SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap()
    }
}
