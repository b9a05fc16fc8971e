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
