//! `cargo exercise watch`: judges the answer each time it is saved, and listens to keys meanwhile.

mod keys;
mod saves;
mod screen;

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    pin::{Pin, pin},
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc},
    time,
};

use self::screen::Screen;
use super::{CommandError, INTERRUPTED, Said, Session};
use crate::{
    answer,
    kit::{Exercise, KitError},
    trial,
};

/// What the threads that listen have heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// Something happened to the answer's file.
    Touched,
    /// A key was pressed, or a line begins with it.
    Key(char),
}

/// What the loop has to react to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// The answer reads differently than when it was judged.
    Saved,
    Key(char),
    /// Somebody asks this program to end.
    Interrupted,
}

/// An editor may save in several steps (empty, write, rename). After this much quiet it has finished.
const QUIET: Duration = Duration::from_millis(50);

impl Session {
    pub(super) async fn watch(
        &self,
        asked: Option<String>,
        plain: bool,
        poll: bool,
    ) -> Result<Said, CommandError> {
        let mut exercise = match asked {
            Some(asked) => self.kit.exercise(&asked)?,
            None => self.at_or_next()?,
        };
        let (heard, listening) = mpsc::unbounded_channel();
        let mut desk = Desk {
            listening,
            interrupted: Box::pin(trial::interruption()?),
            answer: PathBuf::new(),
            judged: None,
            touched: false,
        };
        let screen = Screen::open(plain)?;
        self.raw.set(screen.is_raw());
        self.watching.set(true);
        keys::listen(screen.is_raw(), heard.clone());
        loop {
            answer::start(&exercise)?;
            desk.turn_to(&exercise);
            let watcher = saves::watch(&exercise, poll, heard.clone())?;
            if let Some(notice) = &watcher.notice {
                screen.say(notice);
            }
            match self.watch_one(&exercise, &mut desk, &screen).await? {
                Left::For(next) => exercise = next,
                Left::Quit => return Ok(Said { text: String::new(), code: 0 }),
                Left::Interrupted => return Ok(Said { text: String::new(), code: INTERRUPTED }),
            }
        }
    }

    /// Judges one exercise again and again, until the reader turns to another one or leaves.
    async fn watch_one(
        &self,
        exercise: &Exercise,
        desk: &mut Desk,
        screen: &Screen,
    ) -> Result<Left, CommandError> {
        let mut keys = VecDeque::new();
        let mut judge = true;
        // Said below the next verdict: that one begins with an empty page, and may be longer than it.
        let mut notice = String::new();
        // The key that waits to be pressed once more.
        let mut asked = None;
        loop {
            if judge {
                match self.judge_until_told(exercise, desk, screen, &mut keys, &notice).await {
                    Judged::Said => {
                        judge = false;
                        notice.clear();
                    }
                    Judged::SavedAgain => continue,
                    Judged::Leave(left) => return Ok(left),
                }
            }
            let event = match keys.pop_front() {
                Some(key) => Event::Key(key),
                None => desk.next().await,
            };
            let sure = |key| asked == Some(key);
            match event {
                Event::Interrupted => return Ok(Left::Interrupted),
                Event::Saved => judge = true,
                Event::Key('q') => return Ok(Left::Quit),
                Event::Key('c' | '\n') => judge = true,
                Event::Key('n') => match self.after(exercise)? {
                    Some(next) if sure('n') || self.progress()?.is_solved(&exercise.slug) => {
                        return Ok(Left::For(next));
                    }
                    Some(next) => {
                        asked = Some('n');
                        let (here, next) = (exercise.name(), next.name());
                        screen.say(&format!(
                            "{here} is not solved yet. n again: leave it for {next}; any other key: stay.\n"
                        ));
                        continue;
                    }
                    None => screen.say("All others are solved.\n"),
                },
                Event::Key('r') if sure('r') => match self.reset(exercise) {
                    Ok(said) => (judge, notice) = (true, format!("\n{}", said.text)),
                    refused => screen.answer(refused),
                },
                Event::Key('r') => {
                    asked = Some('r');
                    screen.say("Begin again from the starter? Your answer is kept as a dated copy. r again: yes; any other key: no.\n");
                    continue;
                }
                Event::Key('h') => screen.answer_and_keys(self.hint(exercise)),
                Event::Key('s') => screen.answer_and_keys(self.solution(exercise, false)),
                Event::Key('l') => screen.answer_and_keys(self.list()),
                Event::Key(_) => screen.say(&keys::help()),
            }
            asked = None;
        }
    }

    /// Judges the answer, unless it is saved again or the reader leaves in the meantime.
    async fn judge_until_told(
        &self,
        exercise: &Exercise,
        desk: &mut Desk,
        screen: &Screen,
        keys: &mut VecDeque<char>,
        notice: &str,
    ) -> Judged {
        desk.judging();
        screen.clear();
        let stop = Notify::new();
        let mut judging = pin!(self.judge(exercise, stop.notified()));
        let why = loop {
            tokio::select! {
                said = &mut judging => {
                    screen.answer(said);
                    screen.say(notice);
                    screen.say(&format!("\nwatching {}\n{}", exercise.shown(&format!("tests/{}.rs", exercise.target())), keys::help()));
                    return Judged::Said;
                }
                event = desk.next() => match event {
                    Event::Saved => break Judged::SavedAgain,
                    Event::Key('q') => break Judged::Leave(Left::Quit),
                    Event::Interrupted => break Judged::Leave(Left::Interrupted),
                    Event::Key(key) => keys.push_back(key),
                },
            }
        };
        // Not dropped but told: it ends the compiler, or the learner's program, with all of its children.
        stop.notify_one();
        let _ = judging.await;
        why
    }

    /// The exercise under way, else the first that is not solved.
    fn at_or_next(&self) -> Result<Exercise, CommandError> {
        let progress = self.progress()?;
        let exercises = self.in_order()?;
        let open = || exercises.iter().find(|exercise| !progress.is_solved(&exercise.slug));
        super::under_way(&exercises, &progress).or_else(open).cloned().ok_or_else(|| {
            CommandError::Refused(
                "all exercises are solved; name one to watch it, such as `cargo exercise watch 18`."
                    .to_owned(),
            )
        })
    }

    /// The next exercise that is not solved, after the one at hand and then from the beginning.
    pub(super) fn after(&self, exercise: &Exercise) -> Result<Option<Exercise>, CommandError> {
        let progress = self.progress()?;
        let exercises = self.in_order()?;
        let here = exercises.iter().position(|other| other.number == exercise.number).unwrap_or(0);
        let mut others = exercises.iter().cycle().skip(here + 1).take(exercises.len().saturating_sub(1));
        Ok(others.find(|other| !progress.is_solved(&other.slug)).cloned())
    }
}

/// Why one exercise is no longer watched.
enum Left {
    For(Exercise),
    Quit,
    Interrupted,
}

enum Judged {
    Said,
    SavedAgain,
    Leave(Left),
}

/// Where all that can happen comes together.
struct Desk {
    listening: mpsc::UnboundedReceiver<Heard>,
    interrupted: Pin<Box<dyn Future<Output = ()>>>,
    answer: PathBuf,
    /// The answer as it was judged last.
    judged: Option<Vec<u8>>,
    /// The file was touched, and it is not known yet whether it reads differently.
    touched: bool,
}

impl Desk {
    fn turn_to(&mut self, exercise: &Exercise) {
        self.answer = exercise.answer();
        self.judged = None;
        self.touched = false;
    }

    /// Remembers what is judged now.
    fn judging(&mut self) {
        self.judged = read(&self.answer);
        self.touched = false;
    }

    /// The next thing to react to. Dropping the future in the middle loses nothing: what was heard is kept in `self`.
    async fn next(&mut self) -> Event {
        loop {
            if self.touched {
                match self.hear(Some(QUIET)).await {
                    Some(event) => return event,
                    None if self.touched => continue,
                    None => {}
                }
                let now = read(&self.answer);
                // In the middle of a save there may be no file, or an empty one; what follows is heard as well.
                if now.as_ref().is_some_and(|now| !now.is_empty()) && now != self.judged {
                    return Event::Saved;
                }
            } else if let Some(event) = self.hear(None).await {
                return event;
            }
        }
    }

    /// Waits for one thing: for ever, or until it has been quiet for that long. `touched` says whether it was the file.
    async fn hear(&mut self, quiet: Option<Duration>) -> Option<Event> {
        let silence = async {
            match quiet {
                Some(quiet) => time::sleep(quiet).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = &mut self.interrupted => Some(Event::Interrupted),
            heard = self.listening.recv() => match heard {
                Some(Heard::Touched) => {
                    self.touched = true;
                    None
                }
                Some(Heard::Key(key)) => Some(Event::Key(key)),
                // The watcher and the loop above hold senders, so this is the end of the program.
                None => Some(Event::Interrupted),
            },
            () = silence => {
                self.touched = false;
                None
            }
        }
    }
}

fn read(path: &Path) -> Option<Vec<u8>> {
    fs::read(path).ok()
}

impl From<notify::Error> for CommandError {
    fn from(error: notify::Error) -> Self {
        Self::Kit(KitError::Malformed {
            path: error.paths.first().cloned().unwrap_or_default(),
            fault: format!("cannot be watched: {error}"),
        })
    }
}
