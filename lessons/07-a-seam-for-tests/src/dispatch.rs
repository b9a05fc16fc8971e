//! Three ways to leave open which implementation is called: chosen at compile time, through a pointer, or by a match.
//!
//! The work is the same, a look into a small map, so that only the way to it differs.

use std::{collections::BTreeMap, pin::Pin};

/// A table of names.
#[derive(Clone, Debug)]
pub struct Table(BTreeMap<u32, String>);

impl Default for Table {
    fn default() -> Self {
        Self((0..64).map(|id| (id, format!("member {id}"))).collect())
    }
}

// ANCHOR: generic
/// For generics: an async method, and the promise that its future may change threads.
pub trait Names {
    /// How long the name is; the name itself would have to be cloned.
    fn len_of(&self, id: u32) -> impl Future<Output = Option<usize>> + Send;
}

/// Compiled once for each implementation. No box and no pointer; the type parameter goes through every signature.
pub async fn generic<N: Names>(names: &N, id: u32) -> Option<usize> {
    names.len_of(id).await
}
// ANCHOR_END: generic

// ANCHOR: boxed
/// For `dyn`: the future is boxed, because a caller through a pointer cannot know its size.
pub trait DynNames: Send + Sync {
    /// As [`Names::len_of`].
    fn len_of(&self, id: u32) -> Pin<Box<dyn Future<Output = Option<usize>> + Send + '_>>;
}

/// One function for all implementations, at the price of an allocation a call.
pub async fn dynamic(names: &dyn DynNames, id: u32) -> Option<usize> {
    names.len_of(id).await
}
// ANCHOR_END: boxed

// ANCHOR: enumerated
/// For a known set: a match, and no trait at all.
#[derive(Debug)]
pub enum EitherNames {
    /// The real one.
    Table(Table),
    /// A stand-in that knows one length.
    Fixed(usize),
}

impl EitherNames {
    /// As [`Names::len_of`].
    pub async fn len_of(&self, id: u32) -> Option<usize> {
        match self {
            Self::Table(table) => table.0.get(&id).map(String::len),
            Self::Fixed(len) => Some(*len),
        }
    }
}
// ANCHOR_END: enumerated

impl Names for Table {
    async fn len_of(&self, id: u32) -> Option<usize> {
        self.0.get(&id).map(String::len)
    }
}

impl DynNames for Table {
    fn len_of(&self, id: u32) -> Pin<Box<dyn Future<Output = Option<usize>> + Send + '_>> {
        Box::pin(async move { self.0.get(&id).map(String::len) })
    }
}
