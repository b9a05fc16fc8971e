//! The domain of a small shop: what an order is, what it costs, and what happens when one is placed.
//!
//! No web framework, no database, no runtime: the compiler could not find them from here. What the domain needs of the
//! world stands in [`Orders`], in its own words, and is implemented outside.

use std::fmt;

/// The most pieces of one thing that can be ordered.
pub const MOST_PIECES: u64 = 100;
/// The number of pieces from which on an order is cheaper.
pub const MANY_PIECES: u64 = 10;
/// The highest total that is accepted without a person, in cents.
pub const HIGHEST_TOTAL: u64 = 1_000_000;

/// Some pieces of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What one piece costs.
    pub cents: u64,
    /// How many of them.
    pub pieces: u64,
}

// ANCHOR: order
/// An order that the shop accepts. There is no other way to have one than [`Order::new`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    total: u64,
}

/// Why an order is not accepted. What a client is told about it is decided by whoever talks to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It has no lines.
    Empty,
    /// A line has no pieces, or more than [`MOST_PIECES`].
    Pieces,
    /// It costs more than [`HIGHEST_TOTAL`].
    TooMuch,
}

impl Order {
    /// Prices the lines: 10 % off from [`MANY_PIECES`] on, then 5 % off for members, both rounded down.
    ///
    /// # Errors
    /// If the shop does not accept it.
    pub fn new(member: bool, lines: &[Line]) -> Result<Self, Refusal> {
        if lines.is_empty() {
            return Err(Refusal::Empty);
        }
        if lines.iter().any(|line| !(1..=MOST_PIECES).contains(&line.pieces)) {
            return Err(Refusal::Pieces);
        }
        let pieces: u64 = lines.iter().map(|line| line.pieces).sum();
        let cost = |sum: u64, line: &Line| sum.checked_add(line.cents.checked_mul(line.pieces)?);
        let mut total = lines.iter().try_fold(0, cost).ok_or(Refusal::TooMuch)?;
        if pieces >= MANY_PIECES {
            total -= total / 10;
        }
        if member {
            total -= total / 20;
        }
        if total > HIGHEST_TOTAL { Err(Refusal::TooMuch) } else { Ok(Self { total }) }
    }

    /// What it costs, in cents.
    pub fn total(&self) -> u64 {
        self.total
    }
}
// ANCHOR_END: order

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Pieces => "pieces",
            Self::TooMuch => "too much",
        })
    }
}

impl std::error::Error for Refusal {}

// ANCHOR: port
/// Where orders are kept: what the domain asks of the world. A database implements it, and so does a `Vec`.
pub trait Orders {
    /// What can go wrong there. The domain passes it on and never looks inside.
    type Fault;

    /// Keeps an order and gives it a number.
    fn keep(&self, order: &Order) -> impl Future<Output = Result<u64, Self::Fault>> + Send;
}

/// An order that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The number of the order.
    pub number: u64,
    /// What it costs, in cents.
    pub total: u64,
}

/// Places an order: the use case. `async` is part of the language; which runtime drives it is not known here.
///
/// # Errors
/// If the orders cannot be reached.
pub async fn place<O: Orders>(orders: &O, order: &Order) -> Result<Receipt, O::Fault> {
    let number = orders.keep(order).await?;
    Ok(Receipt { number, total: order.total() })
}
// ANCHOR_END: port
