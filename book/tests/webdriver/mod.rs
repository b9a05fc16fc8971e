//! A browser that tests can steer: the few W3C WebDriver commands they need, spoken to chromedriver.
//!
//! Written here because the client crates bring 21 more packages for what is five requests.

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

/// How long the page may take for something that a test waits for.
const PATIENCE_MS: u64 = 30_000;

/// A headless Chromium and its driver. Both end when the value goes away.
pub(crate) struct Browser {
    driver: Child,
    /// Kept open: the driver may have more to say.
    _output: BufReader<ChildStdout>,
    session: String,
    http: reqwest::Client,
}

/// A program on the `PATH`.
fn on_path(names: &[&str]) -> Option<std::path::PathBuf> {
    let folders: Vec<_> = env::split_paths(&env::var_os("PATH")?).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
}

/// Chromium's sandbox refuses to run as root, and in the containers of most CI services.
fn needs_no_sandbox() -> bool {
    let id = Command::new("id").arg("-u").output();
    env::var_os("CI").is_some() || id.is_ok_and(|output| output.stdout == b"0\n")
}

impl Browser {
    /// Starts one; `None` where there is no Chromium or no chromedriver.
    pub(crate) async fn start() -> Option<Self> {
        let chromium = on_path(&["chromium", "chromium-browser", "google-chrome"])?;
        let mut driver = Command::new(on_path(&["chromedriver"])?)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut output = BufReader::new(driver.stdout.take().unwrap());
        let port = loop {
            said.clear();
            assert!(output.read_line(&mut said).unwrap() > 0, "chromedriver has stopped");
            if let Some((_, port)) =
                said.trim_end().trim_end_matches('.').rsplit_once("successfully on port ")
            {
                break port.to_owned();
            }
        };
        let mut arguments = vec!["--headless=new", "--disable-gpu", "--window-size=1280,1000"];
        if needs_no_sandbox() {
            arguments.push("--no-sandbox");
        }
        let capabilities = json!({ "alwaysMatch": {
            "goog:chromeOptions": { "binary": chromium, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "script": PATIENCE_MS },
        } });
        let root = format!("http://127.0.0.1:{port}/session");
        let mut browser = Self { driver, _output: output, session: root, http: reqwest::Client::new() };
        let session = browser.command("", json!({ "capabilities": capabilities })).await;
        browser.session = format!("{}/{}", browser.session, session["sessionId"].as_str().unwrap());
        Some(browser)
    }

    async fn command(&self, path: &str, body: Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.session)).json(&body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let failed = answer["value"]["error"].is_string();
        assert!(!failed, "{path} {body}: {}", answer["value"]);
        answer["value"].clone()
    }

    /// Opens an address and waits until it is loaded.
    pub(crate) async fn open(&self, address: &str) {
        self.command("/url", json!({ "url": address })).await;
    }

    /// Runs a script and gives what it returns.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.command("/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// Waits until the expression is truthy in the page, and gives its value. The page does the waiting.
    pub(crate) async fn until(&self, expression: &str) -> Value {
        let script = format!(
            "const done = arguments[0]; (function look() {{ let seen; try {{ seen = {expression}; }} catch {{}} \
             seen ? done(seen) : setTimeout(look, 10); }})()"
        );
        self.command("/execute/async", json!({ "script": script, "args": [] })).await
    }

    /// What the pages have written to the console since the last call: faults of scripts, blocked requests.
    pub(crate) async fn console(&self) -> Vec<String> {
        let entries = self.command("/se/log", json!({ "type": "browser" })).await;
        entries.as_array().unwrap().iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// Ends the browser.
    pub(crate) async fn quit(self) {
        self.http.delete(&self.session).send().await.unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
