//! A throwaway PostgreSQL: one server for the test binary, one database for each test, nothing left behind.
//!
//! The server listens on a socket in a folder of its own and nowhere else, so it meets no other server. It writes without
//! waiting for the disk: what it holds is worth nothing. Without PostgreSQL's programs the tests run on SQLite alone and say so;
//! with `REQUIRE_POSTGRES` set, as in CI, that is a failure.

use std::{
    env,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection,
    postgres::PgConnectOptions,
};

/// The account of the server in itself; it has no password, and only who may enter the folder reaches the socket.
const USER: &str = "kit";

/// A database of one test.
pub(crate) struct Database {
    name: String,
    server: &'static Server,
}

impl Database {
    /// A new and empty one; `None` where there is no PostgreSQL.
    pub(crate) async fn create() -> Option<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let server = server()?;
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::SeqCst));
        let mut connection = server.connect().await;
        // Those of finished tests make room first.
        let finished = std::mem::take(&mut *server.finished.lock().unwrap());
        for name in finished {
            let drop = format!("DROP DATABASE {name} WITH (FORCE)");
            connection.execute(AssertSqlSafe(drop)).await.unwrap();
        }
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        connection.close().await.unwrap();
        Some(Self { name, server })
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("postgres:///{}?host={}&user={USER}", self.name, self.server.folder.display())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Dropping takes a connection, and a destructor cannot wait for one: the next test does it.
        if let Ok(mut finished) = self.server.finished.lock() {
            finished.push(std::mem::take(&mut self.name));
        }
    }
}

struct Server {
    folder: PathBuf,
    finished: Mutex<Vec<String>>,
}

impl Server {
    async fn connect(&self) -> PgConnection {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.folder)
            .username(USER)
            .database("postgres")
            .connect()
            .await
            .unwrap()
    }
}

/// The server, started by the first test that asks.
fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| match programs() {
        Some(programs) => Some(start(&programs)),
        None => {
            assert!(
                env::var_os("REQUIRE_POSTGRES").is_none(),
                "REQUIRE_POSTGRES is set, and PostgreSQL's `initdb` is neither in PATH nor in /usr/lib/postgresql"
            );
            // Past the capture of test output: who runs the tests has to see it.
            let _ = std::io::stderr().write_all(
                b"\nPostgreSQL is not installed: the tests of the reference API run on SQLite alone.\n\n",
            );
            None
        }
    });
    server.as_ref()
}

/// The folder with `initdb` and `postgres`: from PATH, or where Debian keeps them.
fn programs() -> Option<PathBuf> {
    let in_path = env::split_paths(&env::var_os("PATH")?).collect::<Vec<_>>();
    let mut of_debian: Vec<_> = Path::new("/usr/lib/postgresql")
        .read_dir()
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    of_debian.sort();
    let folders = in_path.into_iter().chain(of_debian.into_iter().rev());
    // A link in PATH leads to one program; the others are beside what it points to.
    let mut real =
        folders.filter_map(|folder| Some(folder.join("initdb").canonicalize().ok()?.parent()?.to_owned()));
    real.find(|folder| ["postgres", "pg_isready"].iter().all(|program| folder.join(program).is_file()))
}

// The folder holds the sockets' and files' owner in check, and the shell outlives us just long enough to clear it away.
const SUPERVISOR: &str = r#"
"$1/initdb" -D "$2/data" -U "$3" -A trust -E UTF8 --locale=C --no-sync >"$2/log" 2>&1 || { cat "$2/log"; exit 1; }
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=300 -c fsync=off \
    -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off >>"$2/log" 2>&1 &
server=$!
until "$1/pg_isready" -q -h "$2" -U "$3"; do
    kill -0 $server 2>/dev/null || { cat "$2/log"; exit 1; }
    sleep 0.05
done
echo ready
# Our end of the pipe closes when the test binary ends, however it ends.
cat >/dev/null
kill -INT $server
wait $server
rm -rf "$2"
"#;

#[expect(clippy::zombie_processes, reason = "the shell ends after us: it waits for our end of the pipe")]
fn start(programs: &Path) -> Server {
    // Short: the path of a socket holds 107 bytes.
    let folder = tempfile::Builder::new().prefix("pg-").tempdir_in("/tmp").unwrap().keep();
    let mut shell = Command::new("sh");
    shell.args(["-c", SUPERVISOR, "sh"]).arg(programs).arg(&folder).arg(USER);
    as_somebody_else(&mut shell, &folder);
    // Ctrl-C goes to the whole group of a terminal. The shell must live on to end the server and clear the folder away.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let output = shell.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut first).unwrap();
    assert_eq!(first, "ready\n", "PostgreSQL did not start");
    // Held until the process ends, and then closed by the operating system.
    std::mem::forget(shell.stdin.take());
    Server { folder, finished: Mutex::default() }
}

/// PostgreSQL refuses to run as root. Where we are root, as in a container of CI, it runs as its own user or as nobody.
#[cfg(unix)]
fn as_somebody_else(shell: &mut Command, folder: &Path) {
    use std::os::unix::{
        fs::{MetadataExt as _, chown},
        process::CommandExt as _,
    };
    // The folder was made a moment ago, so its owner is who we are.
    if std::fs::metadata(folder).unwrap().uid() != 0 {
        return;
    }
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap();
    let find = |wanted: &str| {
        let fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let mut fields = fields.filter(|fields| fields.len() > 3 && fields[0] == wanted);
        fields.next().map(|fields| (fields[2].parse().unwrap(), fields[3].parse().unwrap()))
    };
    let (uid, gid): (u32, u32) =
        find("postgres").or_else(|| find("nobody")).expect("an account that is not root");
    chown(folder, Some(uid), Some(gid)).unwrap();
    shell.uid(uid).gid(gid).current_dir(folder);
}

#[cfg(not(unix))]
fn as_somebody_else(_: &mut Command, _: &Path) {}
