//! The runner killed at each of its writes, on a full disk, and on one that cannot be written.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use crate::place::{Place, text};

/// Every system call by which the runner changes a file or a folder.
const WRITES: &str = "openat,write,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,link,linkat,mkdir,mkdirat,flock,ftruncate";

fn is_there(program: &str) -> bool {
    let there = Command::new(program).arg("-V").output().is_ok();
    if !there {
        eprintln!("skipped: {program} is not installed");
    }
    there
}

/// Runs the words and kills the runner when it enters the n-th call. `None` means that it had ended before.
fn killed_at(place: &Place, words: &[&str], n: u32) -> Option<()> {
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={WRITES}")])
        .args(["-e", &format!("inject={WRITES}:signal=KILL:when={n}")])
        .arg(env!("CARGO_BIN_EXE_exercise"))
        .args(words)
        .current_dir(place.root())
        .env("CARGO", "/nowhere/cargo")
        .output()
        .unwrap();
    output.status.code().is_none_or(|code| code > 2).then_some(())
}

/// A kit with work in progress and a mark that says so.
fn at_work() -> Place {
    let place = Place::new();
    place.said(&["start", "18"]);
    fs::write(place.answer(), "my work").unwrap();
    exercises::progress::update(&place.progress(), |p| {
        p.exercise("unblock-the-report").failed(Some("it_holds"))
    })
    .unwrap();
    place
}

fn attempts(file: &Path) -> u64 {
    let progress: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    progress["exercises"]["unblock-the-report"]["attempts"].as_u64().unwrap()
}

/// Kills at the first call, at the second, and so on to the last; `whole` looks at what is left.
fn at_each_write(words: &[&str], whole: impl Fn(&Place)) -> u32 {
    for n in 1.. {
        let place = at_work();
        let killed = killed_at(&place, words, n);
        whole(&place);
        // What was left behind is in nobody's way.
        place.type_in(&["list"]);
        place.said(&["start", "18"]);
        whole(&place);
        if killed.is_none() {
            return n - 1;
        }
    }
    unreachable!("the loop has no end of its own")
}

#[test]
fn a_reset_killed_at_any_write_has_lost_nothing() {
    if !is_there("strace") {
        return;
    }
    let writes = at_each_write(&["reset", "18"], |place| {
        let answer = text(&place.answer());
        let copied = place.copies().iter().any(|copy| text(copy) == "my work");
        assert!(
            answer == "my work" || (answer == "the starter" && copied),
            "{answer:?}, {:?}",
            place.copies()
        );
        assert_eq!(attempts(&place.progress()), 1);
    });
    assert!(writes > 3, "the runner was killed at {writes} places only");
}

#[test]
fn a_mark_killed_at_any_write_is_the_old_one_or_the_new_one() {
    if !is_there("strace") {
        return;
    }
    // A hint is the shortest word that writes progress.
    let writes = at_each_write(&["hint", "18"], |place| {
        assert_eq!(attempts(&place.progress()), 1);
        assert_eq!(text(&place.answer()), "my work");
        let hint = place.type_in(&["hint", "18"]);
        assert!(hint.status.success(), "{hint:?}");
    });
    assert!(writes > 3, "the runner was killed at {writes} places only");
}

/// Runs a shell script in a mount namespace of its own, with the kit's folder on a file system of 64 KiB.
fn on_a_small_disk(place: &Place, script: &str) -> Option<Output> {
    let prelude = r#"set -e
        cp -a "$KIT" "$KIT.copy"; mount -t tmpfs -o size=64k small "$KIT"; cp -a "$KIT.copy/." "$KIT"; cd "$KIT"; set +e
    "#;
    // As root it may mount; others get a user namespace in which they may.
    for own in [&["-m"][..], &["-r", "-m"][..]] {
        let _ = fs::remove_dir_all(place.root().with_file_name("käfer und kit.copy"));
        let output = Command::new("unshare")
            .args(own)
            .args(["sh", "-c", &format!("{prelude}echo mounted\n{script}")])
            .env("KIT", place.root())
            .env("RUNNER", env!("CARGO_BIN_EXE_exercise"))
            .output();
        if let Ok(output) = output
            && String::from_utf8_lossy(&output.stdout).starts_with("mounted")
        {
            return Some(output);
        }
    }
    eprintln!("skipped: this system lets nobody mount a small disk");
    None
}

#[test]
fn on_a_full_disk_reset_is_refused_and_the_answer_stays() {
    let place = at_work();
    let Some(output) = on_a_small_disk(
        &place,
        r#"cat /dev/zero > full 2>/dev/null
        "$RUNNER" reset 18; echo "status $?"; cat exercises/18-*/tests/answer_18.rs; ls exercises/18-*/tests
        rm full; "$RUNNER" reset 18 >/dev/null; echo "status $?"; cat exercises/18-*/tests/answer_18.rs"#,
    ) else {
        return;
    };

    let (said, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(said, "mounted\nstatus 2\nmy workanswer_18.rs\nstatus 0\nthe starter", "{told}");
    assert!(told.contains("No space left") && told.contains("The answer is as it was"), "{told}");
}

#[test]
fn on_a_disk_that_cannot_be_written_all_that_only_reads_works_and_the_rest_is_refused_in_words() {
    let place = at_work();
    let Some(output) = on_a_small_disk(
        &place,
        r#"mount -o remount,ro "$KIT"
        for word in list "" "solution 18 --anyway" "hint 18" "start 18" "reset 18"; do "$RUNNER" $word >/dev/null; echo "$word: $?"; done
        cat exercises/18-*/tests/answer_18.rs"#,
    ) else {
        return;
    };

    let (said, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(
        said, "mounted\nlist: 0\n: 0\nsolution 18 --anyway: 0\nhint 18: 0\nstart 18: 0\nreset 18: 2\nmy work",
        "{told}"
    );
    assert!(told.contains("Read-only file system") && !told.contains("panicked"), "{told}");
}
