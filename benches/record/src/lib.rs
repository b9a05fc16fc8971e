//! The run file: what was measured, on which machine, and what may be concluded from it.
//!
//! Everything that measures writes a [`RunFile`]: the benchmarks, the load tests, the comparison with FastAPI. Everything
//! that shows a figure reads one: the tables in the terminal and the plots in the book. The file holds raw samples only.
//! Medians, intervals, ratios and verdicts are worked out by the reader, so that they cannot drift from the samples.
//!
//! ```text
//! RunFile ─ machine, versions, settings
//!   └─ Study            one question, such as "eight reports on one worker"
//!        └─ Row         one thing that was measured: a variant, a framework, a load step
//!             └─ Measure   unit and samples, one for each round
//! ```
//!
//! Read next: `run_file.rs` (the shape), `statistics.rs` (what an interval means here), `compare.rs` (faster, slower,
//! can't tell), then `main.rs`, the door `cargo record`.

mod compare;
mod interval;
mod machine;
mod run_file;
mod shelf;
mod statistics;
mod text;
mod versions;

pub use compare::{Compared, Noise};
pub use interval::{Comparison, Interval};
pub use machine::Machine;
pub use run_file::{Kind, Measure, Role, Row, RunFile, SCHEMA, Settings, Study, Unit};
pub use shelf::{Shelf, may_be_written};
pub use statistics::{median, median_interval, percentile, rounded};
pub use text::{number, table};
pub use versions::locked_versions;
