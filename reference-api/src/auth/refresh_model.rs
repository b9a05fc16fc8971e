//! P11 against a model: logins, refreshes, logouts and lost answers in any order, and what has to be true after each of them.

use axum::http::StatusCode;
use proptest::{
    collection::vec,
    prelude::{Just, Strategy},
    prop_oneof,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::json;
use time::Duration;
use tokio::runtime::Builder;
use uuid::Uuid;

use super::sessions;
use crate::testing::{ADA, TestApp};

const GRACE: i64 = 10;
const LIFE: i64 = 30 * 24 * 3600;
/// The life of an access token and the leeway.
const ACCESS: i64 = 900 + 5;

#[derive(Clone, Debug)]
enum Step {
    Login,
    /// With the newest token of a session (0) or one that is so many generations older.
    Refresh {
        session: usize,
        older: u32,
    },
    /// The client hangs up while the answer is on its way: it does not get the new token.
    RefreshAndLoseTheAnswer {
        session: usize,
    },
    /// The same, but cut after so many polls, maybe before anything was written.
    RefreshCut {
        session: usize,
        polls: usize,
    },
    /// A token with a character changed.
    RefreshForged {
        session: usize,
    },
    UseAccess {
        session: usize,
    },
    Logout {
        session: usize,
    },
    LogoutAll {
        session: usize,
    },
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let session = || 0..4_usize;
    prop_oneof![
        2 => Just(Step::Login),
        8 => session().prop_map(|session| Step::Refresh { session, older: 0 }),
        4 => (session(), 1..4_u32).prop_map(|(session, older)| Step::Refresh { session, older }),
        3 => session().prop_map(|session| Step::RefreshAndLoseTheAnswer { session }),
        3 => (session(), 1..12_usize).prop_map(|(session, polls)| Step::RefreshCut { session, polls }),
        1 => session().prop_map(|session| Step::RefreshForged { session }),
        4 => session().prop_map(|session| Step::UseAccess { session }),
        1 => session().prop_map(|session| Step::Logout { session }),
        1 => session().prop_map(|session| Step::LogoutAll { session }),
        5 => prop_oneof![Just(0_i64), Just(1), Just(5), Just(9), Just(10), Just(11), Just(900), Just(906)].prop_map(Step::Pass),
        1 => prop_oneof![Just(24 * 3600_i64), Just(15 * 24 * 3600), Just(LIFE)].prop_map(Step::Pass),
    ]
}

/// A session as it should be.
#[derive(Debug)]
struct Model {
    id: Uuid,
    begun: i64,
    generation: u32,
    rotated: i64,
    revoked: bool,
    /// The newest access token, and when it was issued.
    access: (String, i64),
}

impl Model {
    fn alive(&self, now: i64) -> bool {
        !self.revoked && now < self.begun + LIFE
    }

    /// What a refresh with that generation should lead to: the generation of the answer, or a refusal.
    fn refresh(&mut self, presented: u32, now: i64) -> Option<u32> {
        if !self.alive(now) {
            return None;
        }
        match self.generation - presented {
            0 => {
                (self.generation, self.rotated) = (self.generation + 1, now);
                Some(self.generation)
            }
            1 if now - self.rotated < GRACE => Some(self.generation),
            _ => {
                self.revoked = true;
                None
            }
        }
    }
}

struct World {
    app: TestApp,
    user: Uuid,
    sessions: Vec<Model>,
    steps: u64,
}

impl World {
    fn now(&self) -> i64 {
        self.app.now().unix_timestamp()
    }

    fn token(&self, session: usize, generation: u32) -> String {
        self.app.state().refresh_tokens.issue(self.sessions[session].id, generation)
    }

    async fn take(&mut self, step: Step) {
        self.steps += 1;
        let now = self.now();
        let pick = |session: usize| (!self.sessions.is_empty()).then(|| session % self.sessions.len());
        match step {
            Step::Login => self.login(now).await,
            Step::Pass(seconds) => self.app.pass(Duration::seconds(seconds)),
            Step::Refresh { session, older } => {
                let Some(session) = pick(session) else { return };
                let presented = self.sessions[session].generation.saturating_sub(older);
                let answer = self.app.refresh(&self.token(session, presented)).await;
                match self.sessions[session].refresh(presented, now) {
                    Some(next) => {
                        let tokens = answer.tokens();
                        assert_eq!(tokens.refresh, self.token(session, next));
                        self.sessions[session].access = (tokens.access, now);
                    }
                    None => answer.assert_problem(StatusCode::UNAUTHORIZED, "invalid-refresh-token"),
                }
            }
            Step::RefreshAndLoseTheAnswer { session } => {
                let Some(session) = pick(session) else { return };
                let presented = self.sessions[session].generation;
                self.app.refresh(&self.token(session, presented)).await;
                self.sessions[session].refresh(presented, now);
            }
            Step::RefreshCut { session, polls } => {
                let Some(session) = pick(session) else { return };
                let presented = self.sessions[session].generation;
                let token = self.token(session, presented);
                self.app.cut_after(polls, self.app.refresh(&token)).await;
                // Before or after, and nothing in between.
                if self.app.count("SELECT sum(generation) FROM sessions").await != self.generations() {
                    self.sessions[session].refresh(presented, now);
                }
            }
            Step::RefreshForged { session } => {
                let Some(session) = pick(session) else { return };
                let mut token = self.token(session, self.sessions[session].generation);
                let last = token.pop();
                token.insert(9, last.unwrap_or('A'));
                let answer = self.app.refresh(&token).await;
                answer.assert_problem(StatusCode::UNAUTHORIZED, "invalid-refresh-token");
            }
            Step::UseAccess { session } => {
                let Some(session) = pick(session) else { return };
                let model = &self.sessions[session];
                let (token, issued) = &model.access;
                let status = self.app.get_as(token, "/api/v1/users/me").await.status();
                let admitted = model.alive(now) && now - issued < ACCESS;
                assert_eq!(status == StatusCode::OK, admitted, "{model:?} at {now}");
            }
            Step::Logout { session } => {
                let Some(session) = pick(session) else { return };
                let body = json!({ "refresh_token": self.token(session, 0) });
                self.app.post("/api/v1/auth/logout", &body).await.assert_status(StatusCode::NO_CONTENT);
                self.sessions[session].revoked = true;
            }
            Step::LogoutAll { session } => {
                let Some(session) = pick(session) else { return };
                let model = &self.sessions[session];
                let admitted = model.alive(now) && now - model.access.1 < ACCESS;
                let answer = self.app.post_empty_as(&model.access.0, "/api/v1/auth/logout-all").await;
                assert_eq!(answer.status() == StatusCode::NO_CONTENT, admitted);
                if admitted {
                    self.sessions.iter_mut().for_each(|session| session.revoked = true);
                }
            }
        }
        let rows = self.app.count("SELECT sum(generation) FROM sessions").await;
        assert_eq!(rows, self.generations(), "after {:?}", self.sessions);
    }

    /// Without a password: hashing it would take longer than all other steps together.
    async fn login(&mut self, now: i64) {
        let state = self.app.state();
        let tokens = sessions::begin(state, &state.db, self.user).await.unwrap();
        let id = state.refresh_tokens.read(&tokens.refresh_token).unwrap().session;
        let access = (tokens.access_token, now);
        self.sessions.push(Model { id, begun: now, generation: 0, rotated: now, revoked: false, access });
    }

    fn generations(&self) -> i64 {
        self.sessions.iter().map(|session| i64::from(session.generation)).sum()
    }
}

#[test]
fn p11_a_refresh_token_works_once_whatever_happens_around_it() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut world = runtime.block_on(async {
        let app = TestApp::start_on_sqlite().await;
        let me = app.session(&ADA).await;
        let me = app.get_as(&me.access, "/api/v1/users/me").await.json();
        let user = me["id"].as_str().unwrap().parse().unwrap();
        World { app, user, sessions: Vec::new(), steps: 0 }
    });
    let config = Config { failure_persistence: None, ..Config::default() };
    // The same sequences in every run; PROPTEST_CASES makes more of them.
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let world = std::cell::RefCell::new(&mut world);
    let cases = runner.run(&vec(step(), 1..80), |steps| {
        let world = &mut **world.borrow_mut();
        runtime.block_on(async {
            world.app.execute("DELETE FROM sessions").await;
            world.sessions.clear();
            world.login(world.now()).await;
            for step in steps {
                world.take(step).await;
            }
        });
        Ok(())
    });
    cases.unwrap();
    println!("{} steps", world.borrow().steps);
}
