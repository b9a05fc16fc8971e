//! The whole site as a reader meets it: a real browser, the real book, a live lab, the API's own pages.

#![expect(clippy::unwrap_used, reason = "a fault in the setup of a check is a failed check")]

mod running_site;
mod webdriver;

use std::{io::Write as _, process::Command};

use running_site::Running;
use serde_json::json;
use webdriver::Browser;

#[tokio::test]
async fn a_reader_runs_a_lab_marks_the_chapter_and_calls_the_api_from_its_docs() {
    let Some(browser) = Browser::start().await else {
        // Not `println!`, which the test harness keeps to itself when a test passes.
        writeln!(std::io::stderr(), "skipped: no Chromium and chromedriver found").unwrap();
        return;
    };
    let local = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_study"));
    command.args(["--no-open", "--port", "0", "--local"]).arg(local.path());
    let site = Running::start(command);
    let root = format!("http://127.0.0.1:{}", site.port);
    assert!(!site.said.contains("taken"), "port 0 takes any: {}", site.said);

    // What was recorded is there before anything is run.
    browser.open(&format!("{root}/18-blocking-the-runtime.html")).await;
    let drawn = "[...document.querySelector('.lab').querySelectorAll('.lab-side')].map(side => \
                 [side.querySelector('.lab-when').textContent, side.querySelectorAll('.lab-works').length])";
    let recorded = browser.until(&format!("{drawn}.every(([, lanes]) => lanes === 10) && {drawn}")).await;
    assert_eq!(recorded, json!([["recorded", 10], ["recorded", 10]]));

    // A run draws its lanes while they happen, and ends in a verdict on each side.
    browser.script("document.querySelector('.lab-controls .lab-run').click()").await;
    browser.until("document.querySelector('.lab-wrong .lab-when').textContent === 'running'").await;
    browser.until("document.querySelector('.lab-wrong .lab-works')").await;
    let verdicts = "[...document.querySelector('.lab').querySelectorAll('.lab-verdict')].map(verdict => \
                    verdict.querySelector('.lab-word').textContent)";
    let said = browser
        .until(&format!(
            "document.querySelector('.lab-source').textContent === 'Run on this machine, just now.' && {verdicts}"
        ))
        .await;
    assert_eq!(said, json!(["It does not hold.", "It holds."]));
    assert_eq!(browser.script(&format!("return {drawn}")).await, json!([["just now", 10], ["just now", 10]]));

    // A mark on the chapter survives a reload.
    browser.until("document.querySelector('.progress input')").await;
    browser.script("document.querySelector('.progress input').click()").await;
    browser.until("fetch('/progress') && document.querySelector('.progress input').checked").await;
    browser.open(&format!("{root}/18-blocking-the-runtime.html")).await;
    browser.until("document.querySelector('.progress input')?.checked").await;

    // What the runner said of an answer appears while the page is open, as text.
    exercises::progress::update(&local.path().join(exercises::PROGRESS_FILE), |progress| {
        let mark = progress.exercise("unblock-the-report");
        mark.failed(Some("an_export_adds_up_every_row"));
        let text = "<img src=x onerror=alert(1)> <b>printed</b>".to_owned();
        mark.last = Some(exercises::progress::LastVerdict {
            at: time::OffsetDateTime::UNIX_EPOCH,
            solved: false,
            text,
        });
    })
    .unwrap();
    let said = "!document.querySelector('.last-verdict')?.hidden && document.querySelector('.last-verdict').textContent";
    let said = browser.until(said).await;
    assert_eq!(said, "last verdict: not yet\n\n<img src=x onerror=alert(1)> <b>printed</b>");

    // An exercise with two stages says which of them holds, in its chapter and in the table of all.
    exercises::progress::update(&local.path().join(exercises::PROGRESS_FILE), |progress| {
        let mark = progress.exercise("serve-the-login");
        mark.failed(Some("an_old_hash_is_made_new_when_its_owner_logs_in"));
        mark.reached(1);
    })
    .unwrap();
    browser.open(&format!("{root}/10-passwords.html")).await;
    let said = "The exercise is past stage 1 of 2, 1 attempt.";
    browser.until(&format!("document.querySelector('.exercise').textContent.includes('{said}')")).await;
    browser.open(&format!("{root}/exercises.html")).await;
    let states = "['serve-the-login', 'unblock-the-report'].map(slug => \
                  document.querySelector(`tr[data-exercise=${slug}] .exercise-state`).textContent)";
    let states = browser.until(&format!("!{states}.includes('–') && {states}")).await;
    assert_eq!(states, json!(["stage 1 of 2", "started"]));

    // Nothing on the pages of the book was blocked, missing or broken.
    assert_eq!(browser.console().await, [] as [String; 0]);

    // The API's docs call the API.
    browser.script("document.querySelector('.study-docs').click()").await;
    let operation =
        "document.querySelector('.opblock-summary-path[data-path=\"/health/live\"]')?.closest('.opblock')";
    browser.until(operation).await;
    browser.script(&format!("{operation}.querySelector('.opblock-summary-control').click()")).await;
    // "Try it out" is open already. Swagger UI draws the button before it has resolved the operation, and then forgets a
    // call that was made in between.
    let resolved = "window.ui.specSelectors.specResolvedSubtree(['paths', '/health/live', 'get'])?.size";
    browser.until(&format!("{operation}.querySelector('.execute') && {resolved}")).await;
    browser.script(&format!("{operation}.querySelector('.execute').click()")).await;
    let status = format!(
        "{operation}.querySelector('.live-responses-table .response .response-col_status')?.textContent"
    );
    assert_eq!(browser.until(&status).await, "200");
    assert_eq!(browser.console().await, [] as [String; 0]);

    // A page that is open in a browser does not keep the site from stopping.
    #[cfg(unix)]
    assert_eq!(site.end("-INT").0.code(), Some(0));
    browser.quit().await;
}
