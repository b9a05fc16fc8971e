//! What a run leaves behind: the facts that were observed, and the judge's findings on them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Controls, Request, Side, text};

/// Everything that one run of one variant has shown. The only thing that proofs, terminal, book and exercises look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The number of the lesson.
    pub lesson: u8,
    /// The slug of the experiment.
    pub experiment: String,
    /// The name of the variant.
    pub variant: String,
    /// Whether the variant is presented as a trap or as a cure.
    pub side: Side,
    /// The controls of the run.
    pub controls: Controls,
    /// How the run came to its end.
    pub ended: Ended,
    /// The facts.
    pub observed: Observed,
    /// The highest value of each gauge.
    pub gauges: Vec<Reading>,
    /// The final value of each counter.
    pub counters: Vec<Reading>,
    /// What the judge makes of the facts.
    pub verdict: Verdict,
}

/// How a run came to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Everything that was sent was answered or refused.
    Whole,
    /// The time limit cut it; the seconds are the limit.
    TimeLimit(u64),
    /// Somebody cancelled it.
    Cancelled,
    /// The variant could not be started; the text says why.
    NotStarted(String),
}

/// The facts of a run, by kind of experiment. Times are microseconds since the first request was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Observed {
    /// Requests sent at once.
    Timeline {
        /// One lane a request.
        lanes: Vec<Lane>,
        /// The heartbeats sent beside them, one after the other.
        heartbeats: Vec<Beat>,
        /// The most requests that were inside a handler at the same time.
        most_in_flight: u64,
        /// Heartbeats that were answered while at least one request was inside a handler.
        beats_meanwhile: u64,
    },
    /// Requests sent in turn.
    Transcript {
        /// What was said, in order.
        exchanges: Vec<Exchange>,
    },
    /// Requests of which only the cost matters.
    Count {
        /// How many requests were sent.
        sent: u64,
        /// How many of them were answered with a 2xx status.
        succeeded: u64,
    },
}

/// One request of a timeline. Times are microseconds since the first request was sent; `None` means it never came to that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// Its place, from 0.
    pub id: usize,
    /// When the client sent it.
    pub sent_us: Option<u64>,
    /// When the handler was entered.
    pub started_us: Option<u64>,
    /// When the client had the whole answer.
    pub answered_us: Option<u64>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Why there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One heartbeat: a request to an endpoint that only says "ok". Times as in [`Lane`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// When it was sent.
    pub sent_us: u64,
    /// When it was answered.
    pub answered_us: Option<u64>,
}

/// One request and its answer in a transcript.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// Who does what, in plain words.
    pub says: String,
    /// What was sent.
    pub request: Request,
    /// The status of the answer, `None` if there was none.
    pub status: Option<u16>,
    /// The headers that mean something to the reader: `content-type`, `www-authenticate`, `retry-after`, `location`.
    pub headers: Vec<(String, String)>,
    /// The body: JSON where it parses as such, else text.
    pub body: Value,
}

/// A named number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// What was counted.
    pub name: String,
    /// How many.
    pub value: u64,
}

/// The judge's word on a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether all findings hold.
    pub holds: bool,
    /// The findings, in the order in which a reader should meet them.
    pub findings: Vec<Finding>,
}

/// One thing that was looked at: what was seen, what a right way shows, and what the difference means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at: "10 requests, sent together".
    pub subject: String,
    /// What was measured on it: "most in flight at once".
    pub measure: String,
    /// What was seen: "1".
    pub seen: String,
    /// What a right way shows: "10".
    pub expected: String,
    /// Whether what was seen is as expected.
    pub holds: bool,
    /// What it means when it does not hold, in one or two sentences.
    pub meaning: String,
}

impl Finding {
    /// A finding from a comparison that the judge made.
    pub fn new(
        subject: impl Into<String>,
        measure: impl Into<String>,
        seen: impl ToString,
        expected: impl ToString,
        holds: bool,
        meaning: impl Into<String>,
    ) -> Self {
        Self {
            subject: subject.into(),
            measure: measure.into(),
            seen: seen.to_string(),
            expected: expected.to_string(),
            holds,
            meaning: meaning.into(),
        }
    }

    /// The status of one answer beside the one that a right way gives.
    pub fn status(
        subject: impl Into<String>,
        seen: Option<u16>,
        expected: u16,
        meaning: impl Into<String>,
    ) -> Self {
        Self::new(subject, "status", shown_status(seen), expected, seen == Some(expected), meaning)
    }

    /// That every request was answered; `measure` says with what. Most judges begin with it: a service that answers nobody
    /// shows nothing else.
    pub fn all_answered<N: PartialEq + ToString>(
        subject: impl Into<String>,
        measure: impl Into<String>,
        answered: N,
        sent: N,
    ) -> Self {
        let all = answered == sent;
        Self::new(subject, measure, answered, sent, all, "The answers themselves are not right yet.")
    }

    /// Panics with what was seen, what a right way shows, and what the difference means.
    ///
    /// # Panics
    /// If the finding does not hold.
    #[track_caller]
    pub fn assert_holds(&self) {
        assert!(self.holds, "{}", text::render_shortfall(std::slice::from_ref(self)));
    }
}

impl Report {
    /// The value of a counter, 0 if nothing was counted under that name.
    pub fn counter(&self, name: &str) -> u64 {
        value_of(&self.counters, name)
    }

    /// The highest value of a gauge, 0 if it was never raised.
    pub fn gauge(&self, name: &str) -> u64 {
        value_of(&self.gauges, name)
    }

    /// The status of a step of a transcript, from 0; `None` without such a step or without an answer to it.
    pub fn status(&self, step: usize) -> Option<u16> {
        self.exchanges().get(step)?.status
    }

    /// The exchanges of a transcript; empty for the other kinds.
    pub fn exchanges(&self) -> &[Exchange] {
        match &self.observed {
            Observed::Transcript { exchanges } => exchanges,
            Observed::Timeline { .. } | Observed::Count { .. } => &[],
        }
    }

    /// Panics with the findings and what they mean, in the words that the learner reads.
    ///
    /// # Panics
    /// If the verdict does not hold.
    #[track_caller]
    pub fn assert_holds(&self) {
        assert!(self.verdict.holds, "{}", text::render_shortfall(&self.verdict.findings));
    }
}

/// A status as a reader sees it.
pub fn shown_status(status: Option<u16>) -> String {
    status.map_or_else(|| "no answer".to_owned(), |status| status.to_string())
}

fn value_of(readings: &[Reading], name: &str) -> u64 {
    readings.iter().find(|reading| reading.name == name).map_or(0, |reading| reading.value)
}
