//! Lesson 08: how often is the user of a request looked up? Time is the wrong measure: here a lookup is a look into a map,
//! in a service it is a query. The count travels.

use extractors::{Directory, WHO_IS_IT};
use record::Kind;

use super::{Asked, Compares, Group, asked};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "08-who-is-it",
    question: "How often is the user looked up for 10 requests that need the user and the administrator?",
    kind: Kind::Bench,
    compares: Compares::Answers(Asked {
        experiment: &WHO_IS_IT,
        controls: &[("requests", 10)],
        asks: None,
        counts: Some(Directory::LOOKUPS),
        anew: false,
    }),
    measure: asked::measure,
};
