//! What is known of one exercise and of one chapter.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

/// What is known of one exercise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExerciseMark {
    /// How far it is.
    #[serde(default)]
    pub state: State,
    /// How often an answer was judged.
    #[serde(default)]
    pub attempts: u32,
    /// How many stages have held together, in an exercise that has several. A later change of the answer does not take that away.
    #[serde(default, skip_serializing_if = "is_none")]
    pub stage: u8,
    /// The check that failed last: it picks the hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// How many hints were shown, by check.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hints: BTreeMap<String, usize>,
    /// When it was first solved.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub solved_at: Option<OffsetDateTime>,
    /// What was said of the answer that was judged last: the study site shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastVerdict>,
    /// What another version has written.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The last word on an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastVerdict {
    /// When it was judged.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Whether it passed.
    pub solved: bool,
    /// What was seen, as plain text.
    pub text: String,
}

/// How far an exercise is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There is an answer that has not passed yet.
    #[default]
    Started,
    /// An answer has passed. A later change of the answer does not take that away.
    Solved,
}

/// What is known of one chapter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChapterMark {
    /// Whether the reader has marked it as read.
    #[serde(default)]
    pub read: bool,
    /// What another version has written.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ExerciseMark {
    /// An answer has passed.
    pub fn passed(&mut self, at: OffsetDateTime) {
        self.attempts = self.attempts.saturating_add(1);
        self.failed = None;
        self.state = State::Solved;
        self.solved_at.get_or_insert(at);
    }

    /// So many stages of an answer hold.
    pub fn reached(&mut self, stages: u8) {
        self.stage = self.stage.max(stages);
    }

    /// How far it is, in words: an exercise of that many stages says which of them it has reached.
    pub fn state_of(&self, stages: u8) -> String {
        match self.state {
            State::Solved => "solved".to_owned(),
            State::Started if self.stage > 0 && stages > 1 => {
                format!("stage {} of {stages}", self.stage.min(stages))
            }
            State::Started => "started".to_owned(),
        }
    }

    /// An answer has not passed; the check is the first one that failed, if it came so far.
    pub fn failed(&mut self, check: Option<&str>) {
        self.attempts = self.attempts.saturating_add(1);
        self.failed = check.map(ToOwned::to_owned);
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_none(stage: &u8) -> bool {
    *stage == 0
}
