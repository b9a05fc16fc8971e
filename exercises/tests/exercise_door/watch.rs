//! `cargo exercise watch` on a terminal of its own: what it does on a save, on a key, and when somebody wants it gone.
//!
//! The cargo behind it is a script that builds nothing and counts how often it was asked; the "answer" that it builds is a script as well, and does what the learner's file says.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use pty_process::blocking::{Command as OnTerminal, Pty, open};

use crate::place::{Place, text};

/// Builds nothing, and tells that it did.
const CARGO: &str = r#"#!/bin/sh
echo built >> "$KIT/builds"
printf '{"reason":"compiler-artifact","target":{"name":"answer_18"},"executable":"%s/program"}\n' "$KIT"
"#;

/// Passes, fails, or never ends, as the answer says.
const PROGRAM: &str = r#"#!/bin/sh
answer=$(cat tests/answer_18.rs)
printf 'test checks::it_holds ... '
case $answer in
never*) sleep 1000 & echo $! > "$KIT/child"; echo $$ > "$KIT/pids"; echo "$(cat "$KIT/child")" >> "$KIT/pids"; wait ;;
right*) printf 'ok\n\ntest result: ok. 1 passed\n' ;;
*) printf 'FAILED\n\ntest result: FAILED. 1 failed\n'; exit 101 ;;
esac
"#;

/// How long a test waits for what must come. It decides nothing but when to give up.
const PATIENCE: Duration = Duration::from_secs(60);

struct Watching {
    place: Place,
    child: Child,
    pty: Arc<Pty>,
    output: mpsc::Receiver<Vec<u8>>,
    /// All that was printed.
    seen: String,
    /// How much of it a test has waited for already.
    passed: usize,
}

impl Watching {
    /// Starts the program on a terminal, between two looks at the terminal's modes.
    fn start(answer: &str, words: &str) -> Self {
        let place = Place::new();
        place.said(&["start", "18"]);
        fs::write(place.answer(), answer).unwrap();
        for (name, script) in [("cargo", CARGO), ("program", PROGRAM)] {
            let path = place.root().join(name);
            fs::write(&path, script).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let (pty, pts) = open().unwrap();
        let script = format!("stty -g; \"$RUNNER\" watch 18 {words}; echo \"left with $?\"; stty -g");
        let child = OnTerminal::new("sh")
            .args(["-c", &script])
            .current_dir(place.root())
            .env("RUNNER", env!("CARGO_BIN_EXE_exercise"))
            .env("KIT", place.root())
            .env("CARGO", place.root().join("cargo"))
            .spawn(pts)
            .unwrap();
        let pty = Arc::new(pty);
        let (sender, output) = mpsc::channel();
        let reading = Arc::clone(&pty);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = (&*reading).read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { place, child, pty, output, seen: String::new(), passed: 0 }
    }

    /// Waits until that text is printed after all that was waited for before.
    #[track_caller]
    fn wait_for(&mut self, wanted: &str) {
        loop {
            if let Some(at) = self.seen[self.passed..].find(wanted) {
                self.passed += at + wanted.len();
                return;
            }
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("{wanted:?} never came after:\n{}", &self.seen[self.passed..]),
            }
        }
    }

    fn press(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Truncates and writes, as the simplest editors do.
    fn save(&self, answer: &str) {
        fs::write(self.place.answer(), answer).unwrap();
    }

    /// Writes a new file and puts it in the place of the old one, as most editors do.
    fn save_by_rename(&self, answer: &str) {
        let new = self.place.answer().with_file_name("answer_18.rs.new~");
        fs::write(&new, answer).unwrap();
        fs::rename(&new, self.place.answer()).unwrap();
    }

    fn builds(&self) -> usize {
        text(&self.place.root().join("builds")).lines().count()
    }

    /// The processes of the answer that never ends, once they run.
    fn never_ending(&self) -> Vec<PathBuf> {
        let file = self.place.root().join("pids");
        let pids = || fs::read_to_string(&file).unwrap_or_default();
        until("the answer runs", || pids().lines().count() == 2);
        pids().lines().map(|pid| Path::new("/proc").join(pid)).collect()
    }

    /// Waits for the end, and tells whether the terminal was left as it was found.
    fn end(mut self) -> (ExitStatus, bool) {
        self.wait_for("left with ");
        let status = self.child.wait().unwrap();
        // The terminal ends with the last program on it.
        while let Ok(bytes) = self.output.recv_timeout(PATIENCE) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        let modes: Vec<_> =
            self.seen.lines().map(str::trim).filter(|line| line.split(':').count() > 10).collect();
        (status, modes.len() == 2 && modes[0] == modes[1])
    }
}

impl Drop for Watching {
    /// Ends the shell, and with its terminal whatever still runs there.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to the runner, which is the parent of its answer.
fn signal_runner(answer: &Path, signal: &str) {
    let stat = text(&answer.join("stat"));
    // After the name, which may hold anything: the state, then the parent (proc(5)).
    let parent = stat.rsplit(") ").next().unwrap().split(' ').nth(1).unwrap();
    assert!(Command::new("kill").args(["-s", signal, parent]).status().unwrap().success());
}

/// Looks until it holds. How often decides nothing but when to give up.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..12_000 {
        if holds() {
            return;
        }
        thread::park_timeout(Duration::from_millis(5));
    }
    panic!("it never came to this: {what}");
}

/// A process that has ended but was not reaped yet has no command line any more.
fn is_gone(process: &Path) -> bool {
    fs::read(process.join("cmdline")).map_or(true, |line| line.is_empty())
}

#[test]
fn each_save_is_judged_once_however_the_editor_saves() {
    let mut watch = Watching::start("wrong", "");
    watch.wait_for("not yet");
    watch.wait_for("keys:");

    watch.save("right");
    watch.wait_for("solved");
    watch.wait_for("keys:");
    watch.save_by_rename("wrong again\r\n");
    watch.wait_for("not yet");
    watch.wait_for("keys:");
    // The same content once more is no new answer.
    watch.save_by_rename("wrong again\r\n");
    watch.save("right, at last");
    watch.wait_for("solved");
    watch.wait_for("keys:");

    assert_eq!(watch.builds(), 4);
    watch.press("q");
    assert!(watch.end().1, "the terminal is as it was");
}

#[test]
fn saves_are_seen_by_looking_where_nobody_tells_of_them() {
    let mut watch = Watching::start("wrong", "--poll");
    watch.wait_for("keys:");

    watch.save("right");

    watch.wait_for("solved");
}

#[test]
fn keys_show_a_hint_the_list_and_reset_after_a_second_press() {
    let mut watch = Watching::start("wrong", "");
    watch.wait_for("next: key h ");
    watch.wait_for("keys:");

    watch.press("h");
    watch.wait_for("hint 1 of 3");
    watch.wait_for("key h again for more");
    watch.press("l");
    watch.wait_for("18  unblock-the-report");
    watch.press("rx");
    watch.wait_for("r again: yes");
    watch.wait_for("keys:");
    assert_eq!(text(&watch.place.answer()), "wrong", "one press and another key leave the answer alone");
    watch.press("rr");
    watch.wait_for("your answer was kept as");

    // Judged by itself, on the page that says where the answer was kept.
    let page = watch.passed;
    watch.wait_for("keys:");
    assert!(!watch.seen[page..watch.passed].contains("\u{1b}[2J"), "the page was not wiped");
    assert_eq!(text(&watch.place.answer()), "the starter");
    assert_eq!(text(&watch.place.copies()[0]), "wrong");
}

#[test]
fn an_answer_that_is_not_solved_is_left_after_a_second_press_only() {
    let mut watch = Watching::start("wrong", "");
    watch.wait_for("keys:");
    let next = watch.place.another();

    watch.press("nx");
    watch.wait_for("n again: leave it for 19-bound-the-thumbnails");
    watch.wait_for("keys:");
    assert!(!next.join("tests").exists(), "one press and another key begin nothing");
    watch.press("nn");

    watch.wait_for("watching exercises/19-bound-the-thumbnails/tests/answer_19.rs");
}

#[test]
fn a_solved_answer_names_the_keys_that_compare_it_and_go_on() {
    let mut watch = Watching::start("wrong", "");
    watch.wait_for("keys:");
    let next = watch.place.another();

    watch.save("right");
    watch.wait_for("compare: key s");
    watch.wait_for("next: key n     (19-bound-the-thumbnails, ");
    watch.wait_for("keys:");
    watch.press("n");

    watch.wait_for("watching exercises/19-bound-the-thumbnails/tests/answer_19.rs");
    assert!(next.join("tests/answer_19.rs").exists());
}

#[test]
fn a_save_stops_the_run_that_it_makes_pointless() {
    let mut watch = Watching::start("never", "");
    let processes = watch.never_ending();

    watch.save("right");

    watch.wait_for("solved");
    assert!(processes.iter().all(|process| is_gone(process)), "{processes:?}");
}

#[test]
fn leaving_by_key_ctrl_c_or_a_signal_ends_the_answer_and_gives_the_terminal_back() {
    for way in ["q", "\u{3}", "TERM", "INT"] {
        let watch = Watching::start("never", "");
        let processes = watch.never_ending();

        if way.len() == 1 {
            watch.press(way);
        } else {
            signal_runner(&processes[0], way);
        }

        let (_, terminal_as_it_was) = watch.end();
        assert!(terminal_as_it_was, "{way:?}");
        assert!(processes.iter().all(|process| is_gone(process)), "{way:?}: {processes:?}");
    }
}

#[test]
fn a_terminal_that_is_closed_ends_the_answer_too() {
    let mut watch = Watching::start("never", "");
    let processes = watch.never_ending();

    // The shell leads the session: when it is gone, the system tells whatever runs on its terminal. A hang-up sent to the shell
    // itself would do nothing where this test was started under `nohup`.
    watch.child.kill().unwrap();
    watch.child.wait().unwrap();

    until("the answer has ended", || processes.iter().all(|process| is_gone(process)));
}

#[test]
fn without_a_terminal_it_speaks_plain_lines_and_takes_keys_as_lines() {
    let place = Place::new();
    place.said(&["start", "18"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_exercise"));
    let mut child = command
        .args(["watch", "18"])
        .current_dir(place.root())
        .env("CARGO", "/nowhere/cargo")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"l\nq\n").unwrap();

    let output = child.wait_with_output().unwrap();

    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(!said.contains('\u{1b}') && !said.contains('\r'), "{said:?}");
}
