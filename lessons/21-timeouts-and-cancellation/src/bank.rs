//! Two accounts, and what can be done to them: in single steps, or in a transaction.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

/// A bank with two accounts. Cloning it is cheap, like cloning a connection pool.
#[derive(Clone, Debug)]
pub struct Bank(Arc<Mutex<Balances>>);

/// What the accounts hold, in whole euros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balances {
    /// Ada's account.
    pub ada: u64,
    /// Bob's account.
    pub bob: u64,
}

/// Whose account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// Ada's.
    Ada,
    /// Bob's.
    Bob,
}

/// The body of a transfer from Ada to Bob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Transfer {
    /// How much, in whole euros.
    pub amount: u64,
}

/// Why a transfer was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The account does not hold that much: 409.
    Insufficient,
    /// The auditor says no: 403.
    Refused,
    /// The auditor says nothing: 504.
    Silent,
    /// A fault of ours: 500.
    Fault,
}

impl Balances {
    /// The money in both accounts. No transfer may change it.
    pub fn total(self) -> u64 {
        self.ada + self.bob
    }

    fn account(&mut self, account: Account) -> &mut u64 {
        match account {
            Account::Ada => &mut self.ada,
            Account::Bob => &mut self.bob,
        }
    }

    fn debit(&mut self, account: Account, amount: u64) -> Result<(), Failed> {
        let balance = self.account(account);
        *balance = balance.checked_sub(amount).ok_or(Failed::Insufficient)?;
        Ok(())
    }
}

impl Bank {
    /// A bank where Ada has 100 and Bob nothing.
    pub fn opened() -> Self {
        Self(Arc::new(Mutex::new(Balances { ada: 100, bob: 0 })))
    }

    /// Takes money out of an account: one statement, committed by itself.
    ///
    /// # Errors
    /// If the account does not hold that much.
    pub async fn debit(&self, account: Account, amount: u64) -> Result<(), Failed> {
        travel().await;
        let done = self.balances_now().debit(account, amount);
        travel().await;
        done
    }

    /// Puts money into an account: one statement, committed by itself.
    pub async fn credit(&self, account: Account, amount: u64) {
        travel().await;
        *self.balances_now().account(account) += amount;
        travel().await;
    }

    /// Begins a transaction. Dropped before its commit it has changed nothing.
    pub fn begin(&self) -> Transaction {
        Transaction { bank: self.clone(), steps: Vec::new() }
    }

    /// What the accounts hold now.
    pub fn balances(&self) -> Balances {
        *self.balances_now()
    }

    fn balances_now(&self) -> MutexGuard<'_, Balances> {
        // Every change is one assignment, so a panic leaves them whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Steps that happen together or not at all.
#[derive(Debug)]
pub struct Transaction {
    bank: Bank,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Debit(Account, u64),
    Credit(Account, u64),
}

impl Transaction {
    /// Takes money out of an account, at the commit.
    ///
    /// # Errors
    /// If the account does not hold that much now; the commit looks again.
    pub async fn debit(&mut self, account: Account, amount: u64) -> Result<(), Failed> {
        travel().await;
        self.bank.balances().debit(account, amount)?;
        self.steps.push(Step::Debit(account, amount));
        Ok(())
    }

    /// Puts money into an account, at the commit.
    pub async fn credit(&mut self, account: Account, amount: u64) {
        travel().await;
        self.steps.push(Step::Credit(account, amount));
    }

    /// Makes all steps in one.
    ///
    /// # Errors
    /// If an account does not hold enough; then nothing has changed.
    pub async fn commit(self) -> Result<(), Failed> {
        travel().await;
        let done = {
            let mut balances = self.bank.balances_now();
            let mut after = *balances;
            let done = self.steps.iter().try_for_each(|step| match *step {
                Step::Debit(account, amount) => after.debit(account, amount),
                Step::Credit(account, amount) => {
                    *after.account(account) += amount;
                    Ok(())
                }
            });
            if done.is_ok() {
                *balances = after;
            }
            done
        };
        travel().await;
        done
    }
}

/// The way to the database or back: a point at which the caller is suspended, and may be dropped.
async fn travel() {
    tokio::task::yield_now().await;
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let (status, says) = match self {
            Self::Insufficient => (StatusCode::CONFLICT, "the account does not hold that much"),
            Self::Refused => (StatusCode::FORBIDDEN, "the auditor refuses the transfer"),
            Self::Silent => (StatusCode::GATEWAY_TIMEOUT, "the auditor does not answer"),
            Self::Fault => (StatusCode::INTERNAL_SERVER_ERROR, "the transfer failed"),
        };
        (status, says).into_response()
    }
}
