//! The exercises: what there is, how an answer is judged, and how far the reader has come.
//!
//! An answer is a Rust file of the learner's. The runner builds it together with the exercise's checks, runs the program in
//! a process group of its own with a limit on time and output, and turns what it printed into a verdict. Read in this
//! order: `kit.rs` (what lies where), `answer.rs` (the learner's file), `compile.rs`, `direct.rs` (without cargo, where that is
//! right), `trial.rs`, `record.rs` (what the program printed), `verdict.rs`. `progress.rs` stands alone: the study site keeps
//! the same file.

pub mod answer;
pub mod audit;
mod command;
pub mod compile;
mod direct;
pub mod hints;
pub mod kit;
pub mod mutate;
mod plain;
pub mod progress;
pub mod prove;
pub mod record;
mod store;
pub mod strength;
pub mod trial;
pub mod verdict;

pub use command::{Command, run};
pub use kit::{Exercise, Kit, KitError, PROGRESS_FILE, catalogue};
pub use plain::plain;
pub(crate) use plain::wrap;
pub use progress::Progress;
pub use strength::Strength;
