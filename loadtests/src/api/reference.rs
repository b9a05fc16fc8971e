//! The reference API as a program of its own, on a database of its own, and an account in it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::{Value, json};

use crate::{
    fastapi::ask_once,
    optimised, progress,
    service::{Service, that_ends_with_this},
    wire::Wired,
};

/// A running reference API.
pub(crate) struct Reference {
    pub(crate) service: Service,
    database: PathBuf,
}

impl Reference {
    /// Starts it on a new database in that folder. `log` is the filter of its log: `warn` writes no line a request.
    ///
    /// # Errors
    /// If it cannot be built or started.
    pub(crate) fn start(folder: &Path, log: &str) -> Result<Self, String> {
        progress::say("the reference API starts");
        let program = optimised::sibling("reference-api")?;
        let database = folder.join("reference.sqlite");
        let mut command = that_ends_with_this(&program)?;
        command
            .env("API_BIND", "127.0.0.1:0")
            .env("API_DATABASE__URL", format!("sqlite:{}", database.display()))
            // It signs tokens of a service that lives for minutes on this machine alone.
            .env("API_AUTH__SECRET", "for the length of this measurement only")
            .env("API_LOG__FILTER", log)
            .env("API_LOG__FORMAT", "pretty")
            // As in the service's image.
            .env("MIMALLOC_ARENA_MAX_OBJECT_SIZE", "8192")
            .env("MIMALLOC_PURGE_DELAY", "0")
            // All users of a load test are one address: what would be an attack elsewhere is the measurement here.
            .env("API_LIMITS__LOGIN_FAILURES", "1000")
            .stdin(Stdio::null())
            .current_dir(folder);
        Ok(Self { service: Service::that_says_where(command, "the reference API")?, database })
    }

    /// The file of its database.
    pub(crate) fn database(&self) -> &Path {
        &self.database
    }

    /// Registers an account and logs it in: its access token, and its id.
    ///
    /// # Errors
    /// If it refuses.
    pub(crate) fn account(&self, email: &str, password: &str) -> Result<(String, String), String> {
        let new = json!({ "email": email, "name": "Ada", "password": password });
        let user = self.post("/api/v1/auth/register", None, &new)?;
        let tokens =
            self.post("/api/v1/auth/login", None, &json!({ "email": email, "password": password }))?;
        match (tokens["access_token"].as_str(), user["id"].as_str()) {
            (Some(access), Some(id)) => Ok((access.to_owned(), id.to_owned())),
            _ => Err(format!("the reference API answered {user} and {tokens}")),
        }
    }

    /// Creates items, one after the other.
    ///
    /// # Errors
    /// If it refuses.
    pub(crate) fn items(&self, access: &str, count: usize) -> Result<(), String> {
        for number in 0..count {
            let item = json!({ "title": format!("item {number}"), "description": "Black, one spoke bent" });
            self.post("/api/v1/items", Some(access), &item)?;
        }
        Ok(())
    }

    fn post(&self, path: &str, access: Option<&str>, body: &Value) -> Result<Value, String> {
        let bearer = access.map(|access| format!("Bearer {access}"));
        let headers: Vec<_> = bearer.iter().map(|bearer| ("Authorization", bearer.as_str())).collect();
        let request = Wired::new(self.service.address, "POST", path, &headers, Some(body));
        ask_once(&self.service, &request).map_err(|error| format!("{path} {error}"))
    }

    /// A GET request with that token.
    pub(crate) fn get(&self, path: &str, access: &str) -> Wired {
        let bearer = format!("Bearer {access}");
        Wired::new(self.service.address, "GET", path, &[("Authorization", &bearer)], None)
    }
}
