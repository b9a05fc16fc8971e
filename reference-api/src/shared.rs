//! Redis: what several replicas have in common and the database is too slow for. Limits are counted there, and events are told.
//!
//! Without `REDIS_URL` each process keeps both in its own memory, which is right as long as there is one.
//!
//! While Redis is gone, whatever asks for a password is answered with 503: a limit that nobody counts would be none. What needs
//! an access token alone goes on, events are lost, and the service stays ready. When Redis is back, all of it is, without a
//! restart.

use std::{fmt, time::Duration};

use redis::{Client, Script, aio::ConnectionManager, aio::ConnectionManagerConfig};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::auth::throttle::{Answer, Counter, REMEMBERED_SECONDS, Store};

/// Where events are told.
const CHANNEL: &str = "reference-api:events";

/// Redis cannot be used. Nothing was started.
#[derive(Debug, Error)]
#[error("Redis cannot be used: {0}; look at REDIS_URL and at the server")]
pub struct SharedError(#[from] redis::RedisError);

/// A connection to Redis, which comes back by itself.
pub(crate) struct Shared {
    client: Client,
    connection: ConnectionManager,
    count: Script,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

// ANCHOR: shared_limit
/// The same rule as in memory, as one step of the server: Redis runs a script with nothing in between. Each counter is a hash
/// that is forgotten a day after its last failure; its steps come as arguments.
const COUNT: &str = r"
local now = tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
    local count = redis.call('HINCRBY', key, 'count', 1)
    local wait = 0
    for step = 0, 2 do
        local from = tonumber(ARGV[3 + (i - 1) * 6 + step * 2])
        if count >= from then wait = tonumber(ARGV[4 + (i - 1) * 6 + step * 2]) end
    end
    if wait > 0 then redis.call('HSET', key, 'locked_until', now + wait) end
    redis.call('EXPIRE', key, ARGV[2])
end
";
// ANCHOR_END: shared_limit

impl Shared {
    /// Connects.
    ///
    /// # Errors
    /// If the address is not understood or the server does not answer.
    pub(crate) async fn connect(url: &SecretString) -> Result<Self, SharedError> {
        let client = Client::open(url.expose_secret())?;
        // A login waits for this: Redis that hangs must cost less than the request's deadline.
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(Some(Duration::from_secs(2)))
            // Each command that finds no connection makes an attempt of its own; more would only make it wait.
            .set_number_of_retries(0);
        let connection = ConnectionManager::new_with_config(client.clone(), config).await?;
        Ok(Self { client, connection, count: Script::new(COUNT) })
    }

    /// Tells every replica, this one included. An event that cannot be told is lost: the list of items is what counts.
    pub(crate) async fn publish(&self, owner: Uuid, text: &str) {
        let told: Result<(), _> = redis::cmd("PUBLISH")
            .arg(CHANNEL)
            .arg(format!("{owner} {text}"))
            .query_async(&mut self.connection.clone())
            .await;
        if let Err(error) = told {
            tracing::warn!(%error, "an event could not be told to the replicas");
        }
    }

    /// Hands each event to `tell`, until `stopping`. Connects again when the connection breaks.
    pub(crate) fn listen(
        &self,
        stopping: CancellationToken,
        tell: impl Fn(Uuid, String) + Send + Sync + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let client = self.client.clone();
        async move {
            let listening = async {
                loop {
                    if let Err(error) = listen_once(&client, &tell).await {
                        tracing::warn!(%error, "events of other replicas are not heard");
                    }
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            };
            tokio::select! {
                () = listening => (),
                () = stopping.cancelled() => (),
            }
        }
    }
}

async fn listen_once(client: &Client, tell: &(impl Fn(Uuid, String) + Sync)) -> redis::RedisResult<()> {
    let (mut sink, mut messages) = client.get_async_pubsub().await?.split();
    sink.subscribe(CHANNEL).await?;
    while let Some(message) = tokio_stream::StreamExt::next(&mut messages).await {
        let payload: String = message.get_payload()?;
        if let Some((owner, text)) = payload.split_once(' ')
            && let Ok(owner) = owner.parse()
        {
            tell(owner, text.to_owned());
        }
    }
    Ok(())
}

impl Store for Shared {
    fn locked_for<'a>(&'a self, counters: &'a [Counter], now: i64) -> Answer<'a, Option<i64>> {
        Box::pin(async move {
            let mut pipe = redis::pipe();
            for counter in counters {
                pipe.hget(key(counter), "locked_until");
            }
            let asked = pipe.query_async(&mut self.connection.clone()).await;
            let until: Vec<Option<i64>> = match asked {
                // The connection answers with its last failure once more before it connects again: after an outage somebody
                // would be sent away though Redis is there. To ask again changes nothing there.
                Err(error) if error.is_io_error() && !error.is_timeout() => {
                    pipe.query_async(&mut self.connection.clone()).await?
                }
                asked => asked?,
            };
            Ok(until.into_iter().flatten().max().map(|until| until - now).filter(|left| *left > 0))
        })
    }

    fn count<'a>(&'a self, counters: &'a [Counter], now: i64) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut call = self.count.prepare_invoke();
            call.arg(now).arg(REMEMBERED_SECONDS);
            for counter in counters {
                call.key(key(counter));
                for (failures, seconds) in counter.steps {
                    call.arg(failures).arg(seconds);
                }
            }
            Ok(call.invoke_async(&mut self.connection.clone()).await?)
        })
    }

    fn clear<'a>(&'a self, counters: &'a [Counter]) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut pipe = redis::pipe();
            for counter in counters {
                pipe.del(key(counter)).ignore();
            }
            Ok(pipe.query_async(&mut self.connection.clone()).await?)
        })
    }
}

fn key(counter: &Counter) -> String {
    format!("reference-api:attempts:{}", counter.name)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use proptest::{prelude::*, test_runner::TestRunner};
    use serde_json::json;

    use super::*;
    use crate::{
        Settings,
        auth::throttle::InMemory,
        testing::{ADA, EVE, Redis, TestApp},
    };

    /// Two replicas on one database and one Redis, for each engine.
    async fn replicas(redis: &Redis) -> Vec<(TestApp, TestApp)> {
        let settings = Settings { redis_url: Some(redis.url().into()), ..Settings::default() };
        let mut pairs = Vec::new();
        for first in TestApp::start_on_each_engine_with(settings).await {
            let second = first.replica().await;
            pairs.push((first, second));
        }
        pairs
    }

    #[tokio::test]
    async fn p10_a_logout_at_one_replica_bites_on_the_very_next_request_at_the_other() {
        let Some(redis) = Redis::start() else { return };
        for (first, second) in replicas(&redis).await {
            let session = first.session(&ADA).await;
            second.get_as(&session.access, "/api/v1/users/me").await.assert_status(StatusCode::OK);

            let body = json!({ "refresh_token": session.refresh });
            first.post("/api/v1/auth/logout", &body).await.assert_status(StatusCode::NO_CONTENT);

            let answer = second.get_as(&session.access, "/api/v1/users/me").await;
            answer.assert_problem(StatusCode::UNAUTHORIZED, "invalid-token");
        }
    }

    #[tokio::test]
    async fn failed_logins_at_all_replicas_count_together() {
        let Some(redis) = Redis::start() else { return };
        // Both engines count in the same Redis, so each has an account of its own.
        for ((first, second), person) in replicas(&redis).await.into_iter().zip([&ADA, &EVE]) {
            first.register(person).await;
            let wrong = json!({ "email": person.email, "password": "nobody ever chose this one" });
            for number in 0..Settings::default().login_failures {
                let app = if number % 2 == 0 { &first } else { &second };
                let answer = app.post("/api/v1/auth/login", &wrong).await;
                answer.assert_problem(StatusCode::UNAUTHORIZED, "invalid-credentials");
            }
            for app in [&first, &second] {
                let answer = app.post("/api/v1/auth/login", &person.login()).await;
                answer.assert_problem(StatusCode::TOO_MANY_REQUESTS, "too-many-requests");
            }
        }
    }

    #[tokio::test]
    async fn an_event_at_one_replica_is_told_to_all_of_them() {
        let Some(redis) = Redis::start() else { return };
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let shared = Shared::connect(&redis.url().into()).await.unwrap();
        for number in 0..2 {
            let (told, subscribed) = (told.clone(), Shared::connect(&redis.url().into()).await.unwrap());
            let listening = subscribed.listen(CancellationToken::new(), move |owner, text| {
                told.send((number, owner, text)).unwrap()
            });
            tokio::spawn(listening);
        }
        // PUBLISH says how many have heard it; until both have subscribed, nothing is to be expected.
        while subscribers(&shared).await < 2 {
            tokio::task::yield_now().await;
        }
        let owner = Uuid::from_u128(7);

        shared.publish(owner, r#"{"type": "item.created"}"#).await;

        let mut all = [heard.recv().await.unwrap(), heard.recv().await.unwrap()];
        all.sort();
        assert_eq!(all, [0, 1].map(|number| (number, owner, r#"{"type": "item.created"}"#.to_owned())));
    }

    async fn subscribers(shared: &Shared) -> i64 {
        let asked = redis::cmd("PUBSUB")
            .arg("NUMSUB")
            .arg(CHANNEL)
            .query_async::<(String, i64)>(&mut shared.connection.clone())
            .await;
        asked.unwrap().1
    }

    /// Redis decides as the memory of one process does, whatever the order of failures, questions and successes.
    #[test]
    fn the_shared_counters_decide_as_those_in_memory() {
        let Some(redis) = Redis::start() else { return };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let shared = runtime.block_on(Shared::connect(&redis.url().into())).unwrap();
        let steps = prop::collection::vec((0..4_u8, 0..3_usize, 0..500_i64), 1..40);
        let runs = std::cell::Cell::new(0);
        TestRunner::new(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })
            .run(&steps, |steps| {
                let run = runs.get();
                runs.set(run + 1);
                let counters = [0, 1, 2].map(|number| Counter {
                    name: format!("{run} {number}"),
                    steps: [(2, 60), (4, 900), (6, 3600)],
                });
                let (memory, mut now) = (InMemory::default(), 1_767_268_800);
                for (what, which, pause) in steps {
                    now += pause;
                    let some = &counters[which..];
                    runtime.block_on(async {
                        match what {
                            0 => {
                                memory.clear(some).await.unwrap();
                                shared.clear(some).await.unwrap();
                            }
                            _ => {
                                memory.count(some, now).await.unwrap();
                                shared.count(some, now).await.unwrap();
                            }
                        }
                        let expected = memory.locked_for(&counters, now).await.unwrap();
                        assert_eq!(shared.locked_for(&counters, now).await.unwrap(), expected);
                    });
                }
                Ok(())
            })
            .unwrap();
    }

    #[tokio::test]
    async fn while_redis_is_gone_no_password_is_checked_and_the_rest_goes_on_and_nothing_has_to_be_restarted()
    {
        let Some(mut redis) = Redis::start() else { return };
        let settings = Settings { redis_url: Some(redis.url().into()), ..Settings::default() };
        for app in TestApp::start_on_each_engine_with(settings).await {
            let session = app.session(&ADA).await;
            let change =
                json!({ "current_password": ADA.password, "new_password": "a short walk in the snow" });
            let hashes = app.hashes();

            redis.stop();
            for _ in 0..2 {
                let login = app.post("/api/v1/auth/login", &ADA.login()).await;
                login.assert_problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
            }
            let changed = app.post_as(&session.access, "/api/v1/auth/change-password", &change).await;
            changed.assert_problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
            let deleted = app.delete_me(&session.access, "*", ADA.password).await;
            deleted.assert_problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
            assert_eq!(app.hashes(), hashes, "a password was checked, {app:?}");
            app.get("/health/ready").await.assert_status(StatusCode::OK);
            app.get_as(&session.access, "/api/v1/items").await.assert_status(StatusCode::OK);
            app.create_item(&session, "Umbrella").await;
            let session = app.refresh(&session.refresh).await.tokens();

            redis.start_again();
            // The first one already.
            app.post("/api/v1/auth/login", &ADA.login()).await.tokens();
            app.get_as(&session.access, "/api/v1/items").await.assert_status(StatusCode::OK);
        }
    }

    #[tokio::test]
    async fn p24_a_redis_that_is_not_there_is_said_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("unix://{}/none", folder.path().display());

        let error = Shared::connect(&url.into()).await.unwrap_err().to_string();

        assert!(error.contains("REDIS_URL"), "{error}");
    }
}
