//! The book check: what mdBook passes over in silence, with file and line.

mod lessons;
mod pages;
mod proofs;
mod sources;

use crate::{Fault, Library};

pub(crate) use pages::check as pages;

/// What is wrong with the chapters and with what belongs to them, before the book is built.
pub(crate) fn sources(library: &Library) -> Vec<Fault> {
    let mut faults = sources::check(library);
    faults.extend(lessons::check(library));
    faults
}
