//! From sources to settings: key by key, so that one fault does not hide the next.

use std::{
    fmt,
    net::{AddrParseError, IpAddr, SocketAddr},
};

use config::{Config, ConfigError, Source as _, Value, ValueKind};
use ipnet::IpNet;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use super::{
    ARGON2_LEAST_KIB, ARGON2_LEAST_PASSES, Fault, LogFormat, SHORTEST_PASSWORD_MINIMUM,
    SHORTEST_SECRET_BYTES, Settings, SettingsError,
};
use crate::db;

/// What was read so far, and what was wrong with it.
pub(super) struct Reader {
    config: Config,
    known: Vec<&'static str>,
    faults: Vec<Fault>,
}

impl Reader {
    /// `faults` are those that were found on the way to the configuration.
    pub(super) fn new(config: Config, faults: Vec<Fault>) -> Self {
        Self { config, known: Vec::new(), faults }
    }

    /// # Errors
    /// Every key that is unknown, unreadable or out of bounds.
    pub(super) fn settings(mut self) -> Result<Settings, SettingsError> {
        let default = Settings::default();
        let bind = self.bind(default.bind);
        let database_url = self.database_url(default.database_url);
        let settings = Settings {
            bind,
            database_pool: self.within("database.pool", default.database_pool, 1..=64),
            auth_secret: self.secret(&database_url),
            previous_secrets: self.previous_secrets(),
            database_url,
            access_seconds: self.within("auth.access_seconds", default.access_seconds, 60..=3600),
            session_days: self.within("auth.session_days", default.session_days, 1..=365),
            password_min: self.within(
                "auth.password_min",
                default.password_min,
                SHORTEST_PASSWORD_MINIMUM..=64,
            ),
            argon2_kib: self.within("auth.argon2_kib", default.argon2_kib, ARGON2_LEAST_KIB..=1 << 20),
            argon2_passes: self.within("auth.argon2_passes", default.argon2_passes, ARGON2_LEAST_PASSES..=16),
            log_format: self.log_format(default.log_format),
            log_filter: self.log_filter(default.log_filter),
            body_bytes: self.within("limits.body_bytes", default.body_bytes, 1024..=10 << 20),
            body_seconds: self.within("limits.body_seconds", default.body_seconds, 1..=300),
            login_failures: self.within("limits.login_failures", default.login_failures, 1..=1000),
            trusted_proxies: self.trusted_proxies(),
            deadline_seconds: self.within("limits.deadline_seconds", default.deadline_seconds, 1..=300),
            requests: self.within("limits.requests", default.requests, 1..=100_000),
            origins: self.origins(),
            redis_url: self.url("redis.url", &["redis://", "unix://"]),
            metrics_bind: self.metrics_bind(),
            job_workers: self.within("jobs.workers", default.job_workers, 0..=64),
            mail_from: self.mail_from(default.mail_from),
            mail_outbox: self.read("mail.outbox", default.mail_outbox),
            mail_smtp_url: self.mail_smtp_url(),
            webhooks_allow_private: self.read("webhooks.allow_private", default.webhooks_allow_private),
        };
        self.unknown_keys();
        if self.faults.is_empty() { Ok(settings) } else { Err(SettingsError(self.faults)) }
    }

    fn fault(&mut self, key: &str, problem: impl Into<String>) {
        self.faults.push(Fault::new(key, problem));
    }

    /// The value, or the default where the key is not set. A value that cannot be read is a fault.
    fn read<'de, T: Deserialize<'de>>(&mut self, key: &'static str, default: T) -> T {
        self.known.push(key);
        match self.config.get(key) {
            Ok(value) => value,
            Err(ConfigError::NotFound(_)) => default,
            Err(ConfigError::Type { origin, unexpected, expected, .. }) => {
                let place = origin.map_or_else(String::new, |origin| format!(" in {origin}"));
                let found = unexpected.to_string();
                self.fault(key, format!("{}{place} is not {expected}", found.trim_start_matches("string ")));
                default
            }
            Err(error) => {
                self.fault(key, error.to_string());
                default
            }
        }
    }

    // ANCHOR: settings_bounds
    fn within<'de, T>(&mut self, key: &'static str, default: T, bounds: std::ops::RangeInclusive<T>) -> T
    where
        T: Copy + Deserialize<'de> + fmt::Display + PartialOrd,
    {
        let value = self.read(key, default);
        if !bounds.contains(&value) {
            let (least, most) = (bounds.start(), bounds.end());
            self.fault(key, format!("is {value}; it goes from {least} to {most}"));
        }
        value
    }
    // ANCHOR_END: settings_bounds

    fn bind(&mut self, default: SocketAddr) -> SocketAddr {
        let text = self.read("bind", default.to_string());
        text.parse().unwrap_or_else(|_| {
            self.fault("bind", format!("{text} is not an address and a port, such as 127.0.0.1:8080"));
            default
        })
    }

    fn database_url(&mut self, default: SecretString) -> SecretString {
        let url: SecretString = self.read("database.url", default);
        let text = url.expose_secret();
        if !text.starts_with("sqlite:") && !db::is_postgres(text) {
            // Not repeated: it may hold a password.
            let problem =
                "must begin with `sqlite:` or `postgres:`, such as sqlite:.local/reference-api.sqlite";
            self.fault("database.url", problem);
        }
        url
    }

    /// Separated by commas, so that one variable can hold them.
    fn trusted_proxies(&mut self) -> Vec<IpNet> {
        let text: String = self.read("limits.trusted_proxies", String::new());
        let mut networks = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.parse::<IpNet>().or_else(|_| part.parse::<IpAddr>().map(IpNet::from)) {
                Ok(network) => networks.push(network),
                Err::<_, AddrParseError>(_) => self.fault(
                    "limits.trusted_proxies",
                    format!("{part} is no network, such as 10.0.0.0/8, and no address"),
                ),
            }
        }
        networks
    }

    /// Separated by commas, so that one variable can hold them. Exact: `*` would let every page in.
    fn origins(&mut self) -> Vec<String> {
        let text: String = self.read("cors.origins", String::new());
        let origins: Vec<_> = text.split(',').map(str::trim).filter(|text| !text.is_empty()).collect();
        for origin in &origins {
            let parsed = Url::parse(origin);
            if !parsed.is_ok_and(|url| url.origin().ascii_serialization() == *origin) {
                self.fault(
                    "cors.origins",
                    format!("{origin:?} is not an origin, such as https://app.example.com"),
                );
            }
        }
        origins.into_iter().map(str::to_owned).collect()
    }

    /// An address that may hold a password, and so is never repeated.
    fn url(&mut self, key: &'static str, schemes: &[&str]) -> Option<SecretString> {
        let url: Option<SecretString> = self.read(key, None);
        let url = url?;
        if !schemes.iter().any(|scheme| url.expose_secret().starts_with(scheme)) {
            self.fault(key, format!("must begin with {}", schemes.join(" or ")));
        }
        Some(url)
    }

    fn metrics_bind(&mut self) -> Option<SocketAddr> {
        let text: Option<String> = self.read("metrics.bind", None);
        let text = text?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.fault(
                "metrics.bind",
                format!("{text} is not an address and a port, such as 127.0.0.1:9090"),
            );
        }
        parsed
    }

    fn mail_from(&mut self, default: String) -> String {
        let text: String = self.read("mail.from", default);
        if text.parse::<lettre::message::Mailbox>().is_err() {
            self.fault("mail.from", "is not a sender, such as `Shop <no-reply@example.com>`");
        }
        text
    }

    /// The mails and the server's password travel over this connection. Without TLS anybody on the way reads them, and with
    /// `tls=opportunistic` anybody on the way can take TLS out of it: either is for a server on this machine alone.
    fn mail_smtp_url(&mut self) -> Option<SecretString> {
        const KEY: &str = "mail.smtp_url";
        let url = self.url(KEY, &["smtp://", "smtps://"])?;
        match Url::parse(url.expose_secret()) {
            Ok(parsed) if is_in_clear(&parsed) && !is_loopback(&parsed) => self.fault(
                KEY,
                "would send mails without TLS to another machine; write smtps://… (TLS from the beginning, port 465) \
                 or smtp://…?tls=required (STARTTLS, port 587)",
            ),
            Ok(_) => (),
            Err(error) => self.fault(KEY, format!("is not an address: {error}")),
        }
        Some(url)
    }

    fn log_format(&mut self, default: LogFormat) -> LogFormat {
        let text: Option<String> = self.read("log.format", None);
        match text.as_deref() {
            None => default,
            Some("pretty") => LogFormat::Pretty,
            Some("json") => LogFormat::Json,
            Some(other) => {
                self.fault("log.format", format!("is {other:?}; it is either \"pretty\" or \"json\""));
                default
            }
        }
    }

    fn log_filter(&mut self, default: String) -> String {
        let text: String = self.read("log.filter", default);
        if let Err(error) = EnvFilter::try_new(&text) {
            self.fault(
                "log.filter",
                format!("{text:?} is not a filter: {error}; `info` and `warn,sqlx=debug` are"),
            );
        }
        text
    }

    fn secret(&mut self, database: &SecretString) -> Option<SecretString> {
        let secret: Option<SecretString> = self.read("auth.secret", None);
        match &secret {
            Some(secret) => self.long_enough("auth.secret", secret),
            // There is no file to keep a key beside, and every replica has to have the same one.
            None if db::is_postgres(database.expose_secret()) => {
                self.fault("auth.secret", "is needed with PostgreSQL (`openssl rand -hex 32` makes one)");
            }
            None => (),
        }
        secret
    }

    /// Separated by commas, so that one variable can hold them.
    fn previous_secrets(&mut self) -> Vec<SecretString> {
        let Some(text): Option<SecretString> = self.read("auth.previous_secrets", None) else {
            return Vec::new();
        };
        let secrets = text.expose_secret().split(',').map(str::trim).filter(|secret| !secret.is_empty());
        let secrets: Vec<SecretString> = secrets.map(SecretString::from).collect();
        for secret in &secrets {
            self.long_enough("auth.previous_secrets", secret);
        }
        secrets
    }

    fn long_enough(&mut self, key: &str, secret: &SecretString) {
        let bytes = secret.expose_secret().len();
        if bytes < SHORTEST_SECRET_BYTES {
            self.fault(
                key,
                format!(
                    "is {bytes} bytes; at least {SHORTEST_SECRET_BYTES} are needed \
                     (`openssl rand -hex 32` makes one)"
                ),
            );
        }
    }

    /// A key that is spelled wrongly would otherwise be a setting that silently does nothing.
    fn unknown_keys(&mut self) {
        let mut keys = Vec::new();
        for (name, value) in self.config.collect().unwrap_or_default() {
            leaves(name, &value, &mut keys);
        }
        keys.sort_unstable();
        for key in keys.into_iter().filter(|key| !self.known.contains(&key.as_str())) {
            self.faults.push(Fault {
                key,
                problem: format!("does not exist; there are: {}", self.known.join(", ")),
            });
        }
    }
}

/// As lettre reads it: the first `tls` counts.
fn is_in_clear(smtp: &Url) -> bool {
    let tls = smtp.query_pairs().find(|(name, _)| name == "tls");
    smtp.scheme() == "smtp" && tls.is_none_or(|(_, value)| value != "required")
}

/// Whether the host is this machine, by its name or its address; no name is looked up.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn leaves(path: String, value: &Value, keys: &mut Vec<String>) {
    if let ValueKind::Table(table) = &value.kind {
        for (name, value) in table {
            leaves(format!("{path}.{name}"), value, keys);
        }
    } else {
        keys.push(path);
    }
}
