//! Lesson 24: what does a look at a variable in each request cost?
//!
//! The lesson's variables are a map; the system's would be found by walking a list under a lock. Time is the smaller part of
//! the harm: a value that is read late is found to be wrong late.

use record::Kind;
use settings_and_boot::{TWENTY_ORDERS, Variables};

use super::{Asked, Compares, Group, asked};

/// The group.
pub(super) const GROUP: Group = Group {
    name: "24-twenty-orders",
    question: "How long do 20 orders take whose tax rate comes from the settings?",
    kind: Kind::Bench,
    compares: Compares::Answers(Asked {
        experiment: &TWENTY_ORDERS,
        controls: &[("requests", 20)],
        asks: None,
        counts: Some(Variables::READ_AFTER_BOOT),
        anew: false,
    }),
    measure: asked::measure,
};
