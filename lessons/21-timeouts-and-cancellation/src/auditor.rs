//! The auditor, who has to agree to every transfer and takes its time.

use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use lab::{Backend, Probes};
use tokio::sync::watch;

use crate::{Bank, Failed};

/// A client of the auditor. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Auditor {
    mood: Mood,
    backend: Backend,
    back: watch::Sender<bool>,
}

/// How the auditor behaves in an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Agrees after a while.
    Agrees,
    /// Agrees after the caller was suspended twice, without a clock.
    AgreesAtOnce,
    /// Refuses after a while.
    Refuses,
    /// Takes the question and says nothing until it is back.
    IsAway,
}

/// What a transfer needs: the bank and the auditor.
#[derive(Clone, Debug)]
pub struct Office {
    /// The bank with the two accounts.
    pub bank: Bank,
    /// The auditor who has to agree.
    pub auditor: Auditor,
}

impl Office {
    /// A bank where Ada has 100 and Bob nothing, and an auditor who behaves as told.
    pub fn opened(probes: &Probes, mood: Mood) -> Self {
        let backend = probes.backend("transfers at the auditor");
        Self { bank: Bank::opened(), auditor: Auditor { mood, backend, back: watch::Sender::new(false) } }
    }

    /// `POST /auditor/back` ends the auditor's silence; `GET /balances` says what the accounts hold once all work that
    /// can go on has ended.
    pub fn desk(&self) -> Router {
        let back = self.auditor.back.clone();
        let office = self.clone();
        Router::new()
            .route(
                "/auditor/back",
                post(move || async move {
                    back.send_replace(true);
                    StatusCode::NO_CONTENT
                }),
            )
            .route("/balances", get(move || async move { Json(office.settled().await.balances()) }))
    }

    /// The bank, once every task that can go on has had its turns.
    async fn settled(&self) -> &Bank {
        // On one worker each round lets everybody who is ready run once.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        &self.bank
    }
}

impl Auditor {
    /// Asks whether a transfer may be made.
    ///
    /// # Errors
    /// If it may not.
    pub async fn agrees(&self) -> Result<(), Failed> {
        match self.mood {
            Mood::Agrees => self.backend.call().await,
            Mood::AgreesAtOnce => {
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
            }
            Mood::Refuses => {
                self.backend.call().await;
                return Err(Failed::Refused);
            }
            // The sender is in `self`, so the channel cannot close while this waits.
            Mood::IsAway => drop(self.back.subscribe().wait_for(|back| *back).await),
        }
        Ok(())
    }
}
