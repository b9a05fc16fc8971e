//! What lies where in the kit, and which exercises it holds.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;
use thiserror::Error;

use crate::hints::Hints;

/// The order for somebody with one hour; the other exercises follow by number.
const FIRST_HOUR: [u8; 5] = [18, 1, 12, 22, 3];

/// The name of the reader's progress file in the folder for local data. The study site keeps the same one.
pub const PROGRESS_FILE: &str = "progress.json";

/// A copy of the kit on this machine.
#[derive(Clone, Debug)]
pub struct Kit {
    root: PathBuf,
}

/// One exercise, as the folder that holds it describes it.
#[derive(Clone, Debug, Serialize)]
pub struct Exercise {
    /// Its number, the same as its lesson's.
    pub number: u8,
    /// Its folder name without the number. Progress is kept under this name.
    pub slug: String,
    /// The heading of its task.
    pub title: String,
    /// About how long it takes.
    pub minutes: u32,
    /// How many stages it has; most have one.
    pub stages: u8,
    /// Where it lies.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// Why the kit cannot be read. The text names the next step.
#[derive(Debug, Error)]
pub enum KitError {
    /// No copy of the kit around here.
    #[error(
        "no copy of the kit here: neither {0} nor a folder above it holds `exercises/Cargo.toml`. Go to the kit and try again."
    )]
    NotFound(PathBuf),
    /// A file of an exercise is missing or cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of an exercise is not as it should be.
    #[error("{path}: {fault}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// No exercise of that number or name.
    #[error("exercise {asked} does not exist. There are {known}; `cargo exercise list` shows them.")]
    NoSuchExercise {
        /// What was asked for.
        asked: String,
        /// The numbers that exist.
        known: String,
    },
}

/// The exercises of the kit that this program belongs to, by number.
///
/// # Errors
/// If the kit is not found, or a folder in it does not describe an exercise.
pub fn catalogue() -> Result<Vec<Exercise>, KitError> {
    Kit::find()?.exercises()
}

impl Kit {
    /// The kit around the current folder; else the one that this program was built from.
    ///
    /// # Errors
    /// If there is neither.
    pub fn find() -> Result<Self, KitError> {
        let here = env::current_dir().unwrap_or_default();
        let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
        // The current folder first: with two copies of the kit, the one that the reader stands in is meant.
        let mut places = here.ancestors().chain([built_from]);
        let root = places.find(|place| place.join("exercises/Cargo.toml").is_file());
        root.map(Self::at).ok_or_else(|| KitError::NotFound(here.clone()))
    }

    /// The kit in that folder.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder that holds the workspace.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the reader's progress is kept.
    pub fn progress_file(&self) -> PathBuf {
        self.root.join(".local").join(PROGRESS_FILE)
    }

    /// All exercises, by number.
    ///
    /// # Errors
    /// If a folder does not describe an exercise.
    pub fn exercises(&self) -> Result<Vec<Exercise>, KitError> {
        let folder = self.root.join("exercises");
        let unreadable = |source| KitError::Unreadable { path: folder.clone(), source };
        let mut exercises = Vec::new();
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Some((number, slug)) = name.split_once('-') else { continue };
            let Ok(number) = number.parse() else { continue };
            exercises.push(Exercise::read(number, slug, path)?);
        }
        exercises.sort_by_key(|exercise| exercise.number);
        Ok(exercises)
    }

    /// The exercise of that number (`18`), name (`unblock-the-report`) or folder (`18-unblock-the-report`).
    ///
    /// # Errors
    /// If there is none, or a folder does not describe an exercise.
    pub fn exercise(&self, asked: &str) -> Result<Exercise, KitError> {
        let exercises = self.exercises()?;
        let number = asked.parse::<u8>().ok();
        let found = exercises.iter().find(|exercise| {
            number == Some(exercise.number) || asked == exercise.slug || asked == exercise.name()
        });
        found.cloned().ok_or_else(|| {
            let known: Vec<_> = exercises.iter().map(|exercise| format!("{:02}", exercise.number)).collect();
            KitError::NoSuchExercise { asked: crate::plain(asked), known: known.join(", ") }
        })
    }
}

impl Exercise {
    fn read(number: u8, slug: &str, folder: PathBuf) -> Result<Self, KitError> {
        let task = folder.join("task.md");
        let text = fs::read_to_string(&task)
            .map_err(|source| KitError::Unreadable { path: task.clone(), source })?;
        let title = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# "))
            .ok_or(KitError::Malformed { path: task, fault: "the first line is not `# Title`".to_owned() })?
            .trim()
            .to_owned();
        let hints = Hints::read(&folder.join("hints.toml"))?;
        let (minutes, stages) = (hints.minutes, hints.stages());
        Ok(Self { number, slug: slug.to_owned(), title, minutes, stages, folder })
    }

    /// Number and name, as the folder is called: `18-unblock-the-report`.
    pub fn name(&self) -> String {
        format!("{:02}-{}", self.number, self.slug)
    }

    /// The name of the test target that the learner's answer is.
    pub fn target(&self) -> String {
        format!("answer_{:02}", self.number)
    }

    /// The learner's file.
    pub fn answer(&self) -> PathBuf {
        self.folder.join("tests").join(format!("{}.rs", self.target()))
    }

    /// The same place as a reader would type it, from the root of the kit.
    pub fn shown(&self, file: &str) -> String {
        format!("exercises/{}/{file}", self.name())
    }

    /// A file that the kit ships for judging.
    pub fn judged(&self, name: &str) -> PathBuf {
        self.folder.join("judged").join(format!("{name}.rs"))
    }

    /// Where it stands in the order for somebody with little time.
    pub fn rank(&self) -> (usize, u8) {
        (FIRST_HOUR.iter().position(|n| *n == self.number).unwrap_or(FIRST_HOUR.len()), self.number)
    }
}
