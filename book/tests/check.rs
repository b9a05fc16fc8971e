//! The book check: the book of this workspace is whole, and each way to break a book is found at its file and line.

#![expect(clippy::unwrap_used, reason = "a fault in the setup of a check is a failed check")]

mod small_book;

use book::{Failure, Library};
use small_book::SmallBook;

#[track_caller]
fn assert_only_fault(book: &SmallBook, expected: &str) {
    let faults: Vec<_> = book::faults(&book.library()).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].starts_with(expected), "{}\nshould begin with\n{expected}", faults[0]);
}

#[test]
fn the_book_of_this_workspace_is_whole() {
    let faults: Vec<_> = book::faults(&Library::here()).unwrap().iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_small_book_without_a_fault_is_whole() {
    let book = SmallBook::with(
        "# Page\n\n```rust\n{{#include ../../src/code.rs:whole}}\n```\n\n[back](start.md#first-steps)\n",
    );
    assert_eq!(book::faults(&book.library()).unwrap(), []);
}

#[test]
fn a_missing_include_is_found_because_mdbook_passes_over_it() {
    let book = SmallBook::with("# Page\n\n{{#include ../../src/gone.rs:whole}}\n");
    assert_only_fault(
        &book,
        "book/chapters/page.md:3: `{{#include ../../src/gone.rs:whole}}`: ../../src/gone.rs cannot be read",
    );
}

#[test]
fn a_mistyped_anchor_is_found_because_mdbook_shows_an_empty_block() {
    let book = SmallBook::with("# Page\n\n{{#include ../../src/code.rs:hole}}\n");
    assert_only_fault(
        &book,
        "book/chapters/page.md:3: `{{#include ../../src/code.rs:hole}}`: ../../src/code.rs has no `ANCHOR: hole`",
    );
}

#[test]
fn an_anchor_around_nothing_is_found() {
    let book = SmallBook::with("{{#include ../../src/code.rs:empty}}\n");
    assert_only_fault(
        &book,
        "book/chapters/page.md:1: `{{#include ../../src/code.rs:empty}}`: nothing stands there.",
    );
}

#[test]
fn an_include_that_counts_lines_is_refused_because_lines_move() {
    let book = SmallBook::with("{{#include ../../src/code.rs:1:2}}\n");
    assert_only_fault(&book, "book/chapters/page.md:1: `{{#include ../../src/code.rs:1:2}}` counts lines");
}

#[test]
fn a_lab_of_an_unknown_lesson_or_experiment_is_found() {
    let book = SmallBook::with("# Page\n\n{{#lab 99 ten-reports}}\n");
    assert_only_fault(&book, "book/chapters/page.md:3: lesson 99 does not exist.");

    let book = SmallBook::with("# Page\n\n{{#lab 18 nine-reports}}\n");
    assert_only_fault(
        &book,
        "book/chapters/page.md:3: lesson 18 has no experiment `nine-reports`; it has: ten-reports,",
    );
}

#[test]
fn a_lab_without_a_recording_names_the_command_that_makes_one() {
    let book = SmallBook::with("{{#lab 18 ten-reports}}\n");
    let faults = book::faults(&book.library()).unwrap();
    let says = faults[0].to_string();
    assert!(
        says.starts_with("book/chapters/page.md:1: book/recorded/18-ten-reports.json cannot be read"),
        "{says}"
    );
    assert!(says.ends_with("`cargo study record-labs 18` writes it."), "{says}");
}

#[test]
fn questions_exercises_plots_and_claims_that_do_not_exist_are_found() {
    for (name, expected) in [
        ("questions", "book/questions has no file for lesson 18"),
        ("plot", "no file in benches/runs has a study `18`"),
        ("claims", "book/claims has no file for lesson 18"),
        ("exercise", ""),
    ] {
        let book = SmallBook::with(&format!("# Page\n\n{{{{#{name} 18}}}}\n"));
        assert_only_fault(&book, &format!("book/chapters/page.md:3: {expected}"));
    }
}

#[test]
fn a_measurement_that_no_run_has_yet_is_no_fault_because_tests_are_newer_than_recordings() {
    let book = SmallBook::with("# Page\n\n{{#load 18}}\n\n{{#bench 18}}\n\n{{#results api}}\n");
    assert_eq!(book::faults(&book.library()).unwrap(), []);
}

#[test]
fn a_mistake_in_a_question_is_found_with_its_file() {
    let book = SmallBook::with("{{#questions 18}}\n").file(
        "book/questions/18-x.toml",
        "[[question]]\nid = \"18-a\"\nlevel = \"expert\"\nask = \"?\"\nkey = []\nprove = \"x\"\n",
    );
    let faults = book::faults(&book.library()).unwrap();
    let says = faults[0].to_string();
    assert!(says.contains("book/questions/18-x.toml") && says.contains("expert"), "{says}");
}

#[test]
fn an_unknown_directive_is_found_because_it_would_stay_in_the_page() {
    let book = SmallBook::with("# Page\n\n{{#labs 18 ten-reports}}\n");
    assert_only_fault(
        &book,
        "book/chapters/page.md:3: `{{#labs 18 ten-reports}}`: there is no directive `labs`",
    );
}

#[test]
fn a_directive_that_is_never_closed_is_found() {
    let book = SmallBook::with("# Page\n\n{{#include ../../src/code.rs:whole\n");
    assert_only_fault(&book, "book/chapters/page.md:3: `{{#include ../../src/code.rs:whole` is not closed");
}

#[test]
fn a_dead_link_and_a_dead_fragment_are_found_at_the_line_that_its_author_wrote() {
    let book = SmallBook::with("# Page\n\ntext\n\n[gone](gone.md)\n");
    assert_only_fault(&book, "book/chapters/page.md:5: `gone.html` leads nowhere");

    let book = SmallBook::with("# Page\n\n[back](start.md#last-steps)\n");
    assert_only_fault(&book, "book/chapters/page.md:3: `start.html#last-steps` leads nowhere");
}

#[test]
fn a_link_to_a_place_that_the_site_does_not_serve_is_found() {
    let book = SmallBook::with("# Page\n\n[docs](/docs/) and [dock](/dock/)\n");
    assert_only_fault(&book, "book/chapters/page.md:3: `/dock/` leads to no page of the site.");
}

#[test]
fn a_missing_picture_is_found() {
    let book = SmallBook::with("# Page\n\n![a picture](pictures/gone.png)\n");
    assert_only_fault(&book, "book/chapters/page.md:3: `pictures/gone.png` leads nowhere");
}

#[test]
fn a_picture_from_another_machine_is_found_and_a_link_to_one_is_not() {
    let book = SmallBook::with(
        "# Page\n\n[there](https://example.com/a.png)\n\n![here](https://example.com/b.png)\n",
    );
    assert_only_fault(
        &book,
        "book/chapters/page.md:5: `https://example.com/b.png` is loaded from another machine",
    );
}

#[test]
fn a_chapter_with_its_headings_out_of_order_is_found_at_the_first_one() {
    let summary = "[Start](start.md)\n\n- [Page](page.md)\n- [One](01-one.md)\n";
    let book = SmallBook::with("# Page\n").file("book/chapters/SUMMARY.md", summary);
    let book = book.file(
        "book/chapters/01-one.md",
        "# One\n\n## The question\n\n```text\n## not a heading\n```\n\n## Why\n",
    );
    assert_only_fault(
        &book,
        "book/chapters/01-one.md:9: the heading is `Why`; here belongs `The 60-second answer`.",
    );

    let book = book.file("book/chapters/01-one.md", "# One\n\n## The question\n");
    assert_only_fault(
        &book,
        "book/chapters/01-one.md:3: the chapter ends without the heading `The 60-second answer`.",
    );
}

#[test]
fn a_chapter_that_the_summary_names_and_nobody_wrote_is_found() {
    let book = SmallBook::with("# Page\n")
        .file("book/chapters/SUMMARY.md", "[Start](start.md)\n\n- [Gone](gone.md)\n");
    assert_only_fault(&book, "book/chapters/SUMMARY.md:3: `gone.md` cannot be read");
}

#[test]
fn a_book_with_a_hole_is_not_built_and_one_with_a_dead_link_is() {
    let hole = SmallBook::with("{{#include gone.rs}}\n");
    assert!(matches!(book::build(&hole.library()), Err(Failure::Faults(_))));

    let dead = SmallBook::with("[gone](gone.md)\n");
    let built = book::build(&dead.library()).unwrap();
    assert_eq!(built.blemishes.len(), 1);
    assert!(built.pages.contains_key("page.html"));
}

#[test]
fn a_static_book_is_written_only_into_a_folder_of_its_own() {
    let book = SmallBook::with("# Page\n");
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");

    book::write(&book.library(), &out).unwrap();
    book::write(&book.library(), &out).unwrap();
    assert!(out.join("page.html").is_file());

    std::fs::write(place.path().join("mine.txt"), "mine").unwrap();
    let refused = book::write(&book.library(), place.path()).unwrap_err().to_string();
    assert!(refused.contains("holds something else"), "{refused}");
    assert!(place.path().join("mine.txt").is_file());
}

/// A small book with a folder for lesson 18, which has a chapter, questions, claims and an exercise.
fn with_a_lesson(chapter: &str, questions: usize, prove: &str) -> SmallBook {
    let question = |nth| {
        format!(
            "[[question]]\nid = \"18-{nth}\"\nlevel = \"mid\"\nask = \"?\"\nkey = []\nprove = \"{prove}\"\n"
        )
    };
    let claim =
        "[[claim]]\nid = \"a\"\nsays = \"?\"\nverdict = \"true\"\nbecause = \"!\"\nshown = \"src/code.rs\"\n";
    SmallBook::with("# Page\n")
        .file("lessons/18-blocking-the-runtime/src/lib.rs", "")
        .file("book/chapters/18-x.md", chapter)
        .file("book/questions/18-x.toml", &(0..questions).map(question).collect::<String>())
        .file("book/claims/18-x.toml", claim)
}

/// What the check says of lesson 18, without what it says of the includes and labs that a small book has not got.
fn faults_of_the_lesson(book: &SmallBook) -> Vec<String> {
    let faults = book::faults(&book.library()).unwrap();
    faults.iter().map(ToString::to_string).filter(|fault| !fault.contains("cannot be read")).collect()
}

const PARTS: &str =
    "{{#lab 18 ten-reports}}\n{{#lab 18 long-loop}}\n{{#questions 18}}\n{{#claims 18}}\n{{#exercise 18}}\n";

#[test]
fn a_lesson_without_a_chapter_questions_or_claims_is_found() {
    let book = SmallBook::with("# Page\n").file("lessons/18-blocking-the-runtime/src/lib.rs", "");
    let lacking = ["a chapter in book/chapters.", "claims in book/claims.", "questions in book/questions."];
    let expected = lacking.map(|what| format!("lessons/18-blocking-the-runtime:1: lesson 18 lacks {what}"));
    assert_eq!(faults_of_the_lesson(&book), expected);
}

#[test]
fn a_chapter_that_shows_not_all_of_its_lesson_or_is_not_in_the_summary_is_found() {
    let says = faults_of_the_lesson(&with_a_lesson("# 18\n", 5, "src/code.rs")).join("\n");
    for part in ["lab 18 ten-reports", "lab 18 long-loop", "questions 18", "claims 18", "exercise 18"] {
        assert!(
            says.contains(&format!("book/chapters/18-x.md:1: the chapter lacks `{{{{#{part}}}}}`.")),
            "{says}"
        );
    }
    assert!(says.contains("book/chapters/18-x.md:1: the chapter is not in SUMMARY.md"), "{says}");
}

#[test]
fn four_questions_are_too_few() {
    let says = faults_of_the_lesson(&with_a_lesson(PARTS, 4, "src/code.rs")).join("\n");
    assert!(says.contains("book/questions/18-x.toml:1: 4 questions; a lesson has at least 5."), "{says}");
    let says = faults_of_the_lesson(&with_a_lesson(PARTS, 5, "src/code.rs")).join("\n");
    assert!(!says.contains("questions;") && !says.contains("lacks"), "{says}");
}

#[test]
fn a_proof_that_does_not_exist_is_found_and_one_that_does_is_not() {
    let proof = "#[test]\n#[ignore]\nfn ten_sleepers_stand_in_a_queue() {}\n\nfn a_helper_of_the_test() {}\n";
    let says = |prove: &str| {
        let book = with_a_lesson(PARTS, 1, prove)
            .file("exercises/README.md", "None.\n")
            .file("lessons/18-blocking-the-runtime/tests/proof.rs", proof);
        faults_of_the_lesson(&book).join("\n")
    };
    for missing in [
        "cargo lab 99",
        "cargo lab 18 --experiment nine-reports",
        "cargo lab 18 --experiment ten-reports --variant nobody",
        "cargo lab 18 --set wheels=4",
        "cargo lab 18 --fast",
        "cargo exercise check 99",
        "cargo test --test proof nine_sleepers",
        "cargo test --test proof a_helper_of",
        "src/gone.rs",
        "look at it",
    ] {
        assert!(
            says(missing).contains(&format!("book/questions/18-x.toml:2: `18-0`: `{missing}`: ")),
            "{missing}"
        );
    }
    for there in [
        "cargo lab 18 --experiment ten-reports --set workers=2",
        "cargo test --test proof ten_sleepers",
        "cargo test --test proof -- sleepers",
        "src/code.rs",
        "https://example.org/",
    ] {
        assert!(!says(there).contains("18-0"), "{there}: {}", says(there));
    }
}
