//! Faster, slower or can't tell: what may be said of two rows, given how much two equal things differ on this machine.

use crate::{Comparison, Interval, Kind, Role, Row, RunFile, Study, statistics::median_interval};

/// Fewer rounds than this allow no word: the range of five holds the true median in 93.8 of 100 cases.
const FEWEST_ROUNDS: usize = 5;

/// How much two equal things differed in this run, as a share: 0.03 is 3 %.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Noise {
    /// Of benchmarks; `None` if it was not measured.
    pub benches: Option<f64>,
    /// Of load tests; `None` if it was not measured.
    pub loads: Option<f64>,
}

impl Noise {
    /// The noise of this run: the widest that the ratio of something to itself became.
    pub fn of(run: &RunFile) -> Self {
        let mut noise = Self::default();
        for study in &run.studies {
            let which = match study.kind {
                Kind::BenchNoise => &mut noise.benches,
                Kind::LoadNoise => &mut noise.loads,
                Kind::Bench | Kind::Load | Kind::FastApi | Kind::Api => continue,
            };
            let [first, second] = study.rows.as_slice() else { continue };
            let Some(ratio) = study.times_as_good(first, second) else { continue };
            let floor = (1.0 - ratio.low).abs().max((ratio.high - 1.0).abs());
            *which = Some(which.unwrap_or(0.0).max(floor));
        }
        noise
    }

    fn for_kind(self, kind: Kind) -> f64 {
        let floor = if kind == Kind::Bench { self.benches } else { self.loads };
        floor.unwrap_or(0.0)
    }
}

/// One comparison of two rows by their first measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared<'a> {
    /// The row that is judged.
    pub of: &'a Row,
    /// The row that it is held against.
    pub to: &'a Row,
    /// How many times as good it is: 2 is twice the answers, or half the time.
    pub times: Interval,
    /// The word; `None` where there are too few rounds for one, or where things were counted.
    pub word: Option<Comparison>,
}

impl Study {
    /// What may be said: each right way against each wrong one, ours against the peer and against the limit.
    pub fn comparisons(&self, noise: Noise) -> Vec<Compared<'_>> {
        const PAIRS: [(Role, Role); 4] = [
            (Role::Right, Role::Wrong),
            (Role::Ours, Role::Peer),
            (Role::Ours, Role::Limit),
            (Role::Peer, Role::Limit),
        ];
        let with = |role| self.rows.iter().filter(move |row| row.role == role && row.at.is_none());
        let mut found = Vec::new();
        for (of_role, to_role) in PAIRS {
            for of in with(of_role) {
                for to in with(to_role) {
                    let Some(times) = self.times_as_good(of, to) else { continue };
                    let word = self.word(of, to, times, noise.for_kind(self.kind));
                    found.push(Compared { of, to, times, word });
                }
            }
        }
        found
    }

    /// How many times as good one row is as another, by the first measure of both.
    ///
    /// Rows that were measured in turn, round by round, are compared round by round: what slowed a whole round then slows
    /// both and drops out. Criterion's samples have no partners; there the ratio is as wide as both intervals allow.
    pub fn times_as_good(&self, of: &Row, to: &Row) -> Option<Interval> {
        let (of, to) = (of.headline()?, to.headline()?);
        if of.unit != to.unit || of.samples.is_empty() || to.samples.is_empty() {
            return None;
        }
        let (better, worse) = if of.unit.more_is_better() { (of, to) } else { (to, of) };
        let paired = self.kind.is_paired() && better.samples.len() == worse.samples.len();
        Some(if paired {
            let ratios: Vec<_> = better.samples.iter().zip(&worse.samples).map(|(b, w)| b / w).collect();
            median_interval(&ratios)
        } else {
            median_interval(&better.samples).over(&median_interval(&worse.samples))
        })
    }

    fn word(&self, of: &Row, to: &Row, times: Interval, noise: f64) -> Option<Comparison> {
        let rounds = |row: &Row| row.headline().map_or(0, |measure| measure.samples.len());
        let timed = of.headline().is_some_and(|measure| measure.unit.is_timed());
        if !timed || rounds(of).min(rounds(to)) < FEWEST_ROUNDS {
            return None;
        }
        // The ratio of equal things, as wide as it was seen here.
        let equal = Interval { low: 1.0 / (1.0 + noise), point: 1.0, high: 1.0 + noise };
        Some(match times.against(&equal) {
            // `against` speaks of times, where less is better; this ratio says how much better.
            Comparison::Faster => Comparison::Slower,
            Comparison::Slower => Comparison::Faster,
            Comparison::CannotTell => Comparison::CannotTell,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Measure, Settings, Unit};

    fn row(name: &str, role: Role, unit: Unit, samples: &[f64]) -> Row {
        let measure = Measure { name: "x".to_owned(), unit, samples: samples.to_vec() };
        Row { name: name.to_owned(), role, at: None, measures: vec![measure] }
    }

    fn study(id: &str, kind: Kind, rows: Vec<Row>) -> Study {
        Study {
            id: id.to_owned(),
            kind,
            lesson: None,
            question: String::new(),
            settings: Settings::new(),
            rows,
            notes: Vec::new(),
        }
    }

    fn loads(right: &[f64], wrong: &[f64]) -> Study {
        let rows = vec![
            row("wrong", Role::Wrong, Unit::PerSecond, wrong),
            row("right", Role::Right, Unit::PerSecond, right),
        ];
        study("load-18", Kind::Load, rows)
    }

    #[test]
    fn more_answers_in_every_round_are_faster_though_the_machine_slowed_down_meanwhile() {
        let study = loads(&[200.0, 150.0, 100.0, 60.0, 40.0], &[100.0, 75.0, 50.0, 30.0, 20.0]);
        let compared = &study.comparisons(Noise::default())[0];
        assert_eq!(compared.times, Interval { low: 2.0, point: 2.0, high: 2.0 });
        assert_eq!(compared.word, Some(Comparison::Faster));
    }

    #[test]
    fn a_difference_below_the_noise_cannot_be_told() {
        let study = loads(&[104.0; 5], &[100.0; 5]);
        let noise = Noise { loads: Some(0.05), benches: None };
        assert_eq!(study.comparisons(noise)[0].word, Some(Comparison::CannotTell));
        let quiet = Noise { loads: Some(0.01), benches: None };
        assert_eq!(study.comparisons(quiet)[0].word, Some(Comparison::Faster));
    }

    #[test]
    fn one_round_gives_a_ratio_and_no_word() {
        let compared = loads(&[200.0], &[100.0]);
        let compared = &compared.comparisons(Noise::default())[0];
        assert_eq!((compared.times.point, compared.word), (2.0, None));
    }

    #[test]
    fn half_the_time_is_twice_as_good() {
        let rows = vec![
            row("wrong", Role::Wrong, Unit::Milliseconds, &[8.0; 6]),
            row("right", Role::Right, Unit::Milliseconds, &[4.0; 6]),
        ];
        let study = study("18-ten-reports", Kind::Bench, rows);
        let compared = &study.comparisons(Noise::default())[0];
        assert_eq!((compared.times.point, compared.word), (2.0, Some(Comparison::Faster)));
    }

    #[test]
    fn counts_are_set_side_by_side_without_a_word_about_speed() {
        let rows = vec![
            row("wrong", Role::Wrong, Unit::Count, &[20.0; 6]),
            row("right", Role::Right, Unit::Count, &[1.0; 6]),
        ];
        assert_eq!(study("03-x", Kind::Bench, rows).comparisons(Noise::default())[0].word, None);
    }

    #[test]
    fn the_noise_is_the_widest_ratio_of_something_to_itself() {
        let mut run = RunFile::new(std::collections::BTreeMap::new());
        let rows = |samples: &[f64]| {
            vec![
                row("a", Role::Baseline, Unit::PerSecond, &[100.0, 100.0]),
                row("again", Role::Baseline, Unit::PerSecond, samples),
            ]
        };
        run.studies.push(study("noise-load", Kind::LoadNoise, rows(&[98.0, 104.0])));
        let noise = Noise::of(&run);
        assert_eq!(noise.benches, None);
        assert!((noise.loads.unwrap() - 0.0385).abs() < 0.001, "{noise:?}");
    }
}
