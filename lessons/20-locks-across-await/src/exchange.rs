//! The exchange that knows the rates. It is asked over the network, takes its time, and many may ask at once.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::http::StatusCode;
use lab::{Backend, Counter, Probes};

/// The gauge of calls that are at the exchange.
pub const AT_THE_EXCHANGE: &str = "calls at the exchange";
/// The counter of calls that were made to the exchange.
pub const CALLS: &str = "calls made";

/// Currencies that the exchange knows, by their ISO 4217 codes.
pub const CURRENCIES: [&str; 20] = [
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "INR", "JPY", "KRW", "MXN", "NOK",
    "NZD", "PLN", "SEK", "SGD", "USD",
];

/// A client of the exchange. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Exchange {
    line: Backend,
    calls: Counter,
    tested: Arc<AtomicBool>,
}

/// Why there is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeError {
    /// There is no such currency.
    Unknown,
    /// The exchange did not answer. It may the next time.
    Unavailable,
}

impl Exchange {
    /// A client, as the experiment hands it out.
    pub fn new(probes: &Probes) -> Self {
        let tested = Arc::default();
        Self { line: probes.backend(AT_THE_EXCHANGE), calls: probes.counter(CALLS), tested }
    }

    /// The rate of a currency, in ten-thousandths.
    ///
    /// # Errors
    /// If the currency is unknown, or the exchange does not answer: for `XTS`, the code that ISO 4217 reserves for tests,
    /// it answers from the second call on.
    pub async fn rate(&self, currency: &str) -> Result<u64, ExchangeError> {
        self.calls.add_one();
        self.line.call().await;
        let first_test = currency == "XTS" && !self.tested.swap(true, Ordering::SeqCst);
        match currency {
            "XTS" if first_test => Err(ExchangeError::Unavailable),
            "XTS" => Ok(10_000),
            _ if CURRENCIES.contains(&currency) => {
                // Any figure will do, as long as each currency has its own.
                Ok(currency.bytes().fold(0, |rate, letter| rate * 26 + u64::from(letter - b'A')))
            }
            _ => Err(ExchangeError::Unknown),
        }
    }
}

impl From<ExchangeError> for StatusCode {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Unknown => Self::NOT_FOUND,
            ExchangeError::Unavailable => Self::BAD_GATEWAY,
        }
    }
}
