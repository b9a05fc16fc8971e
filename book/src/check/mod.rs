//! The book check: what mdBook passes over in silence, with file and line.

mod pages;
mod sources;

pub(crate) use pages::check as pages;
pub(crate) use sources::check as sources;
