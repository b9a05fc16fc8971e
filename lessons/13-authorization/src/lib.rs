//! Lesson 13 · Check whose it is, not only who it is.
//!
//! A role says what somebody may do. It does not say to which rows. A handler that takes a number from the address and
//! fetches that row gives everybody's row to everybody who is logged in (IDOR, the first entry of OWASP's API list). The
//! owner belongs into the statement: then another's order is no row, and is answered like one that does not exist.
//!
//! Read `wrong.rs` first (each owner is served well), then `right.rs`, then `tests/proof.rs`. `users.rs` (who it is) and
//! `orders.rs` (the table) serve both sides.

pub mod orders;
pub mod right;
pub mod users;
pub mod wrong;

use lab::{Experiment, Finding, Lesson, Plan, Question, Report, Request, Side, Step, Transcript, Variant};

use crate::users::{ADA, EVE, GONE, RUTH, SAM};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 13,
    slug: "authorization",
    title: "Authorization and IDOR",
    question: Question::Q22,
    saying: "check the role in every endpoint",
    experiments: &[ANOTHERS_ORDER, A_TYPING_ERROR],
};

/// Eve is logged in, and curious.
pub const ANOTHERS_ORDER: Experiment = Experiment {
    slug: "anothers-order",
    title: "Somebody else's order",
    watch: "What does Eve learn about orders that are not hers, and what can she do to them?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: STEPS }),
    upstream: None,
    variants: &[
        Variant {
            name: "role-only",
            side: Side::Wrong,
            says: "asks which role the user has",
            app: |probes| Box::pin(wrong::role_only(probes)),
        },
        Variant {
            name: "check-after-fetch",
            side: Side::Wrong,
            says: "fetches the order and then compares its owner",
            app: |probes| Box::pin(wrong::check_after_fetch(probes)),
        },
        Variant {
            name: "owner-in-the-query",
            side: Side::Right,
            says: "asks the table only for rows that the user may touch",
            app: |probes| Box::pin(right::owner_in_the_query(probes)),
        },
    ],
    judge: judge_orders,
};

/// A client asks for an address that does not exist.
pub const A_TYPING_ERROR: Experiment = Experiment {
    slug: "a-typing-error",
    title: "An address that does not exist",
    watch: "Is the client told that it needs a login, or that it mistyped?",
    controls: &[],
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step {
                says: "The app asks for the orders without a token.",
                request: |_| Request::get("/orders"),
            },
            Step {
                says: "The app mistypes the address, without a token.",
                request: |_| Request::get("/ordres"),
            },
            Step { says: "Ada's app mistypes it with her token.", request: |_| get(ADA, "/ordres") },
        ],
    }),
    upstream: None,
    variants: &[
        Variant {
            name: "layer",
            side: Side::Wrong,
            says: "puts the guard around the router",
            app: |probes| Box::pin(wrong::layer(probes)),
        },
        Variant {
            name: "route-layer",
            side: Side::Right,
            says: "puts the guard around the routes",
            app: |probes| Box::pin(right::owner_in_the_query(probes)),
        },
    ],
    judge: judge_typing_error,
};

const STEPS: &[Step] = &[
    Step { says: "Ada opens her order.", request: |_| get(ADA, "/orders/1") },
    Step { says: "Ada lists her orders.", request: |_| get(ADA, "/orders?owner=ada") },
    Step { says: "Eve opens her own order.", request: |_| get(EVE, "/orders/3") },
    Step { says: "Eve counts up: she opens Ada's order.", request: |_| get(EVE, "/orders/1") },
    Step { says: "Eve opens an order that was never placed.", request: |_| get(EVE, "/orders/99") },
    Step { says: "Eve leaves the owner out of the list's address.", request: |_| get(EVE, "/orders") },
    Step { says: "Eve asks how many orders there are.", request: |_| get(EVE, "/orders/count") },
    Step { says: "Eve cancels Ada's order.", request: |_| delete(EVE, "/orders/1") },
    Step { says: "Ada opens her order again.", request: |_| get(ADA, "/orders/1") },
    Step { says: "Eve opens the report of the staff.", request: |_| get(EVE, "/report") },
    Step { says: "Sam, who works in support, opens Ada's other order.", request: |_| get(SAM, "/orders/2") },
    Step { says: "Sam cancels it.", request: |_| delete(SAM, "/orders/2") },
    Step { says: "Ruth, who looks after the shop, cancels it.", request: |_| delete(RUTH, "/orders/2") },
    Step { says: "Somebody without a token opens an order.", request: |_| Request::get("/orders/3") },
    Step { says: "Somebody whose account is gone opens one.", request: |_| get(GONE, "/orders/3") },
];

// The places of the steps in the transcript.
const OTHERS: usize = 3;
const NEVER_PLACED: usize = 4;
const LIST: usize = 5;
const COUNT: usize = 6;
const CANCELLED: usize = 7;
const STILL_THERE: usize = 8;
const GONE_USER: usize = 14;
/// What honest people and staff get, by step. The report, the missing token and Sam's attempt are refusals, and right.
const AS_BEFORE: [(usize, u16); 8] =
    [(0, 200), (1, 200), (2, 200), (9, 403), (10, 200), (11, 403), (12, 204), (13, 401)];

/// A request of that user.
pub fn get(user: &str, path: &str) -> Request {
    Request::get(path).bearer(user)
}

/// The same with DELETE.
pub fn delete(user: &str, path: &str) -> Request {
    Request { method: "DELETE".to_owned(), ..get(user, path) }
}

fn judge_orders(report: &Report) -> Vec<Finding> {
    let exchange = |step: usize| report.exchanges().get(step);
    let expect = |subject: &str, step: usize, expected: u16, meaning: &str| {
        Finding::status(subject, report.status(step), expected, meaning)
    };
    let as_before =
        AS_BEFORE.iter().filter(|(step, expected)| report.status(*step) == Some(*expected)).count();
    let alike = exchange(OTHERS).zip(exchange(NEVER_PLACED)).is_some_and(|(others, never)| {
        (others.status, &others.headers, &others.body) == (never.status, &never.headers, &never.body)
    });
    let listed = exchange(LIST).and_then(|list| list.body.as_array()).map(Vec::len);
    let foreign = exchange(LIST)
        .and_then(|list| list.body.as_array())
        .map_or(0, |orders| orders.iter().filter(|order| order["owner"] != EVE).count());
    let counted = exchange(COUNT).and_then(|count| count.body.as_u64());
    vec![
        Finding::new(
            "owners, staff and strangers",
            "answered as they should be",
            as_before,
            AS_BEFORE.len(),
            as_before == AS_BEFORE.len(),
            "Somebody who does what they may is refused, or the other way round.",
        ),
        expect(
            "Ada's order, opened by Eve",
            OTHERS,
            404,
            "Whoever is logged in reads, or finds, everybody's orders by counting up.",
        ),
        Finding::new(
            "that, and an order never placed",
            "answers",
            if alike { "the same" } else { "different" },
            "the same",
            alike,
            "The difference says which orders exist: how many there are, and how fast they come.",
        ),
        Finding::new(
            "Eve's list",
            "orders of others in it",
            foreign,
            0,
            foreign == 0 && listed == Some(1),
            "Whose orders are listed is decided by what the client sends.",
        ),
        Finding::new(
            "Eve's count",
            "orders counted",
            counted.map_or_else(|| "none".to_owned(), |count| count.to_string()),
            1,
            counted == Some(1),
            "A number tells about rows as well. Lists, counts, sums and exports need the same condition.",
        ),
        expect(
            "Ada's order, cancelled by Eve",
            CANCELLED,
            404,
            "Eve may cancel what is not hers, or is told that it exists.",
        ),
        expect(
            "Ada's order after that",
            STILL_THERE,
            200,
            "The order is gone. Checking after the change is too late.",
        ),
        expect(
            "a session of nobody",
            GONE_USER,
            401,
            "404 says that this account existed and is gone. A session of nobody is a bad session.",
        ),
    ]
}

fn judge_typing_error(report: &Report) -> Vec<Finding> {
    let expect = |step: usize, subject: &str, expected: u16, meaning: &str| {
        Finding::status(subject, report.status(step), expected, meaning)
    };
    vec![
        expect(0, "an address that exists, no token", 401, "The orders are open to everybody."),
        expect(
            1,
            "an address that does not, no token",
            404,
            "The client is told to log in, for nothing. Many clients refresh and ask again, or log out.",
        ),
        expect(2, "an address that does not, a token", 404, "What does not exist has to be told as 404."),
    ]
}
