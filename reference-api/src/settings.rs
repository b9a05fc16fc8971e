//! Settings: read once, typed, from a file and the environment. Every fault is listed at once, and nothing starts with one.

mod reader;

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use config::{Config, ConfigError, Environment, File, FileFormat, Map, Source, Value, ValueKind};
use ipnet::IpNet;
use secrecy::SecretString;

use self::reader::Reader;

/// HMAC-SHA256 is as strong as its key: 32 bytes, as long as the hash (RFC 7518 §3.2).
pub(crate) const SHORTEST_SECRET_BYTES: usize = 32;

/// NIST SP 800-63B-4 allows no less than 8 for any password.
const SHORTEST_PASSWORD_MINIMUM: usize = 8;

/// OWASP's minimum for argon2id: 19 MiB and two passes (Password Storage Cheat Sheet).
pub(crate) const ARGON2_LEAST_KIB: u32 = 19_456;
pub(crate) const ARGON2_LEAST_PASSES: u32 = 2;

/// All settings of the service.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen.
    pub bind: SocketAddr,
    /// Where the data is: `sqlite:` and a path, `sqlite::memory:`, or `postgres://user:password@host/database`.
    pub database_url: SecretString,
    /// How many connections there are at most in the database pool. An SQLite file has some more, which only read.
    pub database_pool: u32,
    /// What the keys for tokens are derived from. Without it a key file is kept beside the database.
    pub auth_secret: Option<SecretString>,
    /// Secrets that signed before it and are still believed, until everything that they signed has expired.
    pub previous_secrets: Vec<SecretString>,
    /// How long an access token lives, in seconds.
    pub access_seconds: u32,
    /// How long a session lives without a new login, in days.
    pub session_days: u32,
    /// The shortest password that is accepted, in characters.
    pub password_min: usize,
    /// Memory that a password hash takes, in KiB: what makes guessing costly. `reference-api calibrate` suggests a value.
    pub argon2_kib: u32,
    /// Passes that a password hash makes over its memory.
    pub argon2_passes: u32,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines there are, in the syntax of `tracing`'s `EnvFilter`.
    pub log_filter: String,
    /// The largest body that is read, in bytes.
    pub body_bytes: usize,
    /// How long a body may take to arrive, in seconds.
    pub body_seconds: u64,
    /// How many failed logins in a row are free. The other limits are multiples of it; above 5, one account can see more than
    /// the 100 failures that NIST allows.
    pub login_failures: u32,
    /// Networks of our own proxies: what they put into `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a request may take, in seconds.
    pub deadline_seconds: u64,
    /// How many requests are worked on at once. More are answered with 503 at the door. The last one let in waits for all the
    /// others: their number, times what one takes of a core, is how long.
    pub requests: usize,
    /// Origins of web pages that may call the API from a browser and open its WebSocket, such as `https://app.example.com`.
    pub origins: Vec<String>,
    /// Redis, where several replicas share their limits and tell each other of events. Without it, each keeps its own.
    pub redis_url: Option<SecretString>,
    /// Where Prometheus may ask for metrics; nowhere, if it is not set.
    pub metrics_bind: Option<SocketAddr>,
    /// How many workers do jobs in this process; with 0, other processes do them all.
    pub job_workers: usize,
    /// The sender of mails.
    pub mail_from: String,
    /// The folder for mails, where no SMTP server is set.
    pub mail_outbox: PathBuf,
    /// The SMTP server: `smtps://user:password@host`, `smtp://…?tls=required` with STARTTLS, or `smtp://localhost` for one on
    /// this machine.
    pub mail_smtp_url: Option<SecretString>,
    /// Whether webhooks may lead into private networks: for development.
    pub webhooks_allow_private: bool,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person at a terminal.
    Pretty,
    /// One JSON object a line, for a machine.
    Json,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 8080)),
            database_url: "sqlite:.local/reference-api.sqlite".into(),
            database_pool: 4,
            auth_secret: None,
            previous_secrets: Vec::new(),
            access_seconds: 15 * 60,
            session_days: 30,
            password_min: 15,
            argon2_kib: ARGON2_LEAST_KIB,
            argon2_passes: ARGON2_LEAST_PASSES,
            log_format: LogFormat::Pretty,
            log_filter: "info".to_owned(),
            body_bytes: 64 * 1024,
            body_seconds: 5,
            login_failures: 5,
            trusted_proxies: Vec::new(),
            deadline_seconds: 10,
            requests: 256,
            origins: Vec::new(),
            redis_url: None,
            metrics_bind: None,
            job_workers: 2,
            mail_from: "Reference API <no-reply@localhost>".to_owned(),
            mail_outbox: PathBuf::from(".local/outbox"),
            mail_smtp_url: None,
            webhooks_allow_private: false,
        }
    }
}

/// One setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key, such as `auth.secret`.
    pub key: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl Fault {
    fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into() }
    }
}

/// Every fault of the settings. Nothing was started.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingsError(pub Vec<Fault>);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "settings: {count} fault{}, nothing was started", if count == 1 { "" } else { "s" })?;
        let width = self.0.iter().map(|fault| fault.key.len()).max().unwrap_or(0);
        for Fault { key, problem } in &self.0 {
            write!(f, "\n  {key:<width$}  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

impl Settings {
    /// Reads the file, if one is named, then variables such as `API_DATABASE__URL`, which win over it. Variables that are not
    /// set are read from `.env` in the current folder, if there is one.
    ///
    /// # Errors
    /// Every key that is unknown, unreadable or out of bounds.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        // A variable that is not Unicode is none of ours.
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let (mut all, mut faults) = match dotenvy::from_path_iter(".env") {
            Ok(lines) => dotenv(lines),
            Err(error) if error.not_found() => (Map::default(), Vec::new()),
            Err(error) => (Map::default(), vec![Fault::new(".env", error.to_string())]),
        };
        all.extend(variables);
        match Self::load_from(file, &all) {
            Ok(settings) if faults.is_empty() => Ok(settings),
            Ok(_) => Err(SettingsError(faults)),
            Err(SettingsError(more)) => {
                faults.extend(more);
                Err(SettingsError(faults))
            }
        }
    }

    fn load_from(file: Option<&Path>, variables: &Map<String, String>) -> Result<Self, SettingsError> {
        let environment = Environment::default().source(Some(variables.clone()));
        let environment = environment.prefix("API").prefix_separator("_").separator("__");
        let mut faults = Vec::new();
        let mut sources = Config::builder();
        if let Some(file) = file {
            let source = File::from(file).format(FileFormat::Toml);
            // Read by itself first: if it cannot be read, the faults of the environment are still found.
            match Config::builder().add_source(source.clone()).build() {
                Ok(_) => sources = sources.add_source(source),
                Err(error) => {
                    faults.push(Fault::new("file", error.to_string().trim_end().replace('\n', "\n    ")))
                }
            }
        }
        // The name that every hoster sets. Ours wins over it, since whoever writes that one means this service.
        for (variable, key) in [("DATABASE_URL", "database.url"), ("REDIS_URL", "redis.url")] {
            if let Some(value) = variables.get(variable) {
                let value =
                    Value::new(Some(&format!("the variable {variable}")), ValueKind::String(value.clone()));
                sources = sources.add_source(Single { key, value });
            }
        }
        // Of two sources that name a key, the later one wins.
        match sources.add_source(environment).build() {
            Ok(config) => Reader::new(config, faults).settings(),
            Err(error) => {
                faults.push(Fault::new("environment", error.to_string()));
                Err(SettingsError(faults))
            }
        }
    }
}

/// The variables of a `.env` file. A line that is wrong is named by its number alone: it may hold a secret.
fn dotenv(
    lines: impl Iterator<Item = dotenvy::Result<(String, String)>>,
) -> (Map<String, String>, Vec<Fault>) {
    let (mut variables, mut faults) = (Map::default(), Vec::new());
    for (number, line) in lines.enumerate() {
        match line {
            Ok((name, value)) => drop(variables.insert(name, value)),
            Err(_) => faults.push(Fault::new(".env", format!("entry {} is not NAME=value", number + 1))),
        }
    }
    (variables, faults)
}

/// One key with its value.
#[derive(Clone, Debug)]
struct Single {
    key: &'static str,
    value: Value,
}

impl Source for Single {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(Map::from_iter([(self.key.to_owned(), self.value.clone())]))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Map<String, String> {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn faults(variables: &[(&str, &str)]) -> String {
        Settings::load_from(None, &environment(variables)).unwrap_err().to_string()
    }

    #[test]
    fn without_any_source_the_defaults_hold() {
        let settings = Settings::load_from(None, &environment(&[])).unwrap();

        assert_eq!(settings.bind, SocketAddr::from(([127, 0, 0, 1], 8080)));
        assert_eq!(settings.password_min, 15);
        assert!(settings.auth_secret.is_none());
    }

    #[test]
    fn a_variable_wins_over_the_file() {
        let mut file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        writeln!(file, "bind = \"127.0.0.1:1\"\n[database]\npool = 2").unwrap();

        let settings =
            Settings::load_from(Some(file.path()), &environment(&[("API_DATABASE__POOL", "7")])).unwrap();

        assert_eq!((settings.bind.port(), settings.database_pool), (1, 7));
    }

    #[test]
    fn all_faults_are_listed_at_once() {
        insta::assert_snapshot!(
            faults(&[
                ("API_AUTH__SECRET", "too short"),
                ("API_BIND", "[::1]:99999"),
                ("API_DATABASE__POOL", "many"),
                ("API_DATABASE__URL", "mysql://localhost"),
                ("API_LOG__FILTER", "info,,=,"),
                ("API_LOG__FORMAT", "xml"),
            ]),
            @r#"
        settings: 6 faults, nothing was started
          bind           [::1]:99999 is not an address and a port, such as 127.0.0.1:8080
          database.url   must begin with `sqlite:` or `postgres:`, such as sqlite:.local/reference-api.sqlite
          database.pool  "many" in the environment is not an integer
          auth.secret    is 9 bytes; at least 32 are needed (`openssl rand -hex 32` makes one)
          log.format     is "xml"; it is either "pretty" or "json"
          log.filter     "info,,=," is not a filter: invalid filter directive; `info` and `warn,sqlx=debug` are
        "#
        );
    }

    #[test]
    fn a_key_that_does_not_exist_is_a_fault() {
        assert!(faults(&[("API_AUTH__SECRETS", "x")]).contains("auth.secrets  does not exist"));
    }

    #[test]
    fn a_value_out_of_bounds_names_the_bounds() {
        assert!(faults(&[("API_AUTH__PASSWORD_MIN", "7")]).contains("is 7; it goes from 8 to 64"));
    }

    #[test]
    fn a_mail_server_on_another_machine_is_reached_with_tls_or_nothing_starts() {
        let load = |url| Settings::load_from(None, &environment(&[("API_MAIL__SMTP_URL", url)]));
        for url in [
            "smtps://ada:secret@mail.example.com",
            "smtp://ada:secret@mail.example.com?tls=required",
            "smtp://localhost:1025",
            "smtp://127.0.0.1:1025",
            "smtp://[::1]:1025",
            "smtp://LOCALHOST:1025?tls=opportunistic",
        ] {
            let settings = load(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            // What passes here is understood by what sends.
            crate::mail::mailer(&settings).unwrap_or_else(|error| panic!("{url}: {error}"));
        }
        for url in [
            "smtp://ada:secret@mail.example.com",
            "smtp://ada:secret@mail.example.com:587?tls=opportunistic",
            "smtp://mail.example.com?TLS=required",
            "smtp://mail.example.com?tls=none&tls=required",
            "smtp://localhost.example.com",
            "smtp://localhost@mail.example.com",
            "smtp://192.0.2.1",
            "smtp://[2001:db8::1]",
            "smtp://127.0.0.1.example.com",
            "smtp://",
        ] {
            let error = load(url).expect_err(url).to_string();
            assert!(error.contains("mail.smtp_url") && !error.contains("secret"), "{url}: {error}");
        }
        insta::assert_snapshot!(faults(&[("API_MAIL__SMTP_URL", "smtp://ada:secret@mail.example.com")]), @"
        settings: 1 fault, nothing was started
          mail.smtp_url  would send mails without TLS to another machine; write smtps://… (TLS from the beginning, port 465) or smtp://…?tls=required (STARTTLS, port 587)
        ");
    }

    #[test]
    fn a_missing_file_is_a_fault_that_names_it() {
        let error = Settings::load_from(Some(Path::new("no-such.toml")), &environment(&[])).unwrap_err();
        assert!(error.to_string().contains("no-such.toml"), "{error}");
    }

    #[test]
    fn a_file_that_cannot_be_read_does_not_hide_the_faults_of_the_environment() {
        let mut file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        writeln!(file, "bind = \"127.0.0.1:1").unwrap();

        let error =
            Settings::load_from(Some(file.path()), &environment(&[("API_DATABASE__POOL", "0")])).unwrap_err();

        let keys: Vec<_> = error.0.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(keys, ["file", "database.pool"], "{error}");
    }

    #[test]
    fn the_example_file_names_every_setting_with_its_default() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("settings.example.toml");
        let text = std::fs::read_to_string(&path).unwrap();

        let settings = Settings::load_from(Some(&path), &environment(&[])).unwrap();

        assert_eq!(format!("{settings:?}"), format!("{:?}", Settings::default()));
        let error = faults(&[("API_NO__SUCH_KEY", "x")]);
        let (_, known) = error.split_once("there are: ").unwrap();
        for key in known.trim().split(", ") {
            let (_, name) = key.rsplit_once('.').unwrap_or(("", key));
            assert!(text.contains(&format!("{name} = ")), "{key} is missing");
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret = "0123456789abcdef0123456789abcdef";
        let settings = Settings::load_from(None, &environment(&[("API_AUTH__SECRET", secret)])).unwrap();

        assert!(!format!("{settings:?}").contains(secret));
    }
}
