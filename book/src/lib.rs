//! The book and its study site.
//!
//! The chapters are Markdown in `book/chapters`. [`build`] checks them, lets mdBook build them in-process, and turns the
//! book's own directives (`{{#lab …}}`, `{{#questions …}}`) into HTML. [`site`] serves the pages together with the live
//! labs, the reference API and the reader's progress.
//!
//! Read next: `press.rs` (how a book is built), `site/mod.rs` (how it is served), `expand/` (what the directives become).

mod check;
mod expand;
mod fault;
mod library;
mod markup;
mod press;
pub mod recorded;
pub mod site;

pub use fault::Fault;
pub use library::Library;
pub use press::{Built, Failure, Pages, build, faults, write};
