//! The checks of exercise 13. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only, through requests over real sockets: the lesson's own two experiments, and the counts of everybody.

use std::sync::LazyLock;

use authorization::{A_TYPING_ERROR, ANOTHERS_ORDER, LESSON, orders::Orders};
use lab::{Experiment, Finding, Plan, Report, Request, Run, Side, Step, Transcript, Variant, shown_status};

const ANSWER: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the service in this file",
    app: |_| Box::pin(async { crate::app(Orders::new()) }),
};

/// How many orders each of them may see.
static COUNTS: Experiment = Experiment {
    slug: "counts",
    title: "How many orders",
    watch: "Does the count say what the list says?",
    controls: &[],
    plan: Plan::Transcript(Transcript {
        steps: &[
            Step { says: "Ada's own count", request: |_| Request::get("/orders/count").bearer("ada") },
            Step {
                says: "the count of the support",
                request: |_| Request::get("/orders/count").bearer("sam"),
            },
            Step { says: "the count of an admin", request: |_| Request::get("/orders/count").bearer("ruth") },
        ],
    }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

// Several checks look at this run.
static CURIOUS: LazyLock<Report> = LazyLock::new(|| run(&ANOTHERS_ORDER));

#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn run(experiment: &'static Experiment) -> Report {
    let controls = experiment.controls([]).expect("nothing was asked for that it might not have");
    Run::of(&LESSON, experiment, ANSWER, controls).judged().report()
}

#[test]
fn owners_and_staff_get_what_the_table_says() {
    found("owners, staff and strangers");
}

#[test]
fn anothers_order_is_answered_like_one_never_placed() {
    found("Ada's order, opened by Eve");
    found("that, and an order never placed");
}

#[test]
fn lists_and_counts_hold_what_the_user_may_see() {
    found("Eve's list");
    found("Eve's count");
    let counts = run(&COUNTS);
    counts.assert_holds();
    for (exchange, expected) in counts.exchanges().iter().zip([2, 3, 3]) {
        Finding::new(
            &exchange.says,
            "answer",
            format!("{} {}", shown_status(exchange.status), exchange.body),
            format!("200 {expected}"),
            exchange.status == Some(200) && exchange.body == expected,
            "The count is of the orders that the user may see: customers their own, support and admins all.",
        )
        .assert_holds();
    }
}

#[test]
fn nobody_cancels_what_is_not_theirs() {
    found("Ada's order, cancelled by Eve");
    found("Ada's order after that");
}

#[test]
fn a_session_of_nobody_is_no_session() {
    found("a session of nobody");
}

#[test]
fn an_address_that_does_not_exist_asks_for_no_login() {
    run(&A_TYPING_ERROR).assert_holds();
}

/// Looks at one finding of the lesson's judge.
#[track_caller]
#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
fn found(subject: &str) {
    let findings = &CURIOUS.verdict.findings;
    // A run that was cut has a finding of its own, and the others mean little then.
    let cut = findings.iter().find(|finding| finding.subject == "the run");
    let finding = cut.or_else(|| findings.iter().find(|finding| finding.subject == subject));
    finding.expect("the lesson's judge has this finding").assert_holds();
}
