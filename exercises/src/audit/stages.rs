//! The rules of an exercise that has several stages.

use super::Judged;
use crate::hints::Hints;

/// What is wrong with the stages of an exercise that has several.
pub(super) fn faults(hints: &Hints, task: &str, judged: &[Judged]) -> Vec<String> {
    let stages: Vec<u8> = hints.checks.iter().map(|check| check.stage).collect();
    let mut faults = Vec::new();
    // The first check that failed picks the hint, so a stage may not stand before an earlier one.
    if stages.first().is_some_and(|first| *first != 1)
        || stages.windows(2).any(|pair| !matches!(pair[1].checked_sub(pair[0]), Some(0 | 1)))
    {
        faults.push(format!(
            "hints.toml has the stages {stages:?}: they begin with 1, rise, and leave none out"
        ));
    }
    if hints.stages() == 1 {
        return faults;
    }
    let stage_of = |check: &String| hints.check(check).map_or(0, |check| check.stage);
    for stage in 1..=hints.stages() {
        if !task.contains(&format!("\n## Stage {stage}\n")) {
            faults.push(format!("task.md has no `## Stage {stage}`"));
        }
        let shows_it = judged
            .iter()
            .any(|file| file.is_wrong() && file.fails.iter().all(|check| stage_of(check) == stage));
        if !shows_it {
            faults
                .push(format!("no wrong answer fails in stage {stage} alone: nothing shows that it is one"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = "# Title\n\n## Stage 1\n\nOne.\n\n## Stage 2\n\nTwo.\n";

    /// Checks `one`, `two` and so on in those stages, and wrong answers that fail those checks.
    fn faults_of(stages: &[u8], task: &str, fails: &[&[&str]]) -> Vec<String> {
        let checks = ["one", "two", "three"].iter().zip(stages).map(|(name, stage)| {
            format!("[[check]]\nname = \"{name}\"\nstage = {stage}\nhints = [\"a\", \"b\", \"c\"]\n")
        });
        let hints = format!("minutes = 1\nfingerprint = \"\"\n{}", checks.collect::<String>());
        let judged = fails.iter().map(|fails| Judged {
            name: "wrong_way".to_owned(),
            mistake: Some("a mistake".to_owned()),
            fails: fails.iter().map(|&check| check.to_owned()).collect(),
        });
        faults(&toml::from_str(&hints).unwrap(), task, &judged.collect::<Vec<_>>())
    }

    #[test]
    fn stages_that_rise_and_have_a_heading_and_a_wrong_answer_each_are_sound() {
        assert_eq!(faults_of(&[1, 1, 2], TASK, &[&["one"], &["three"]]), Vec::<String>::new());
        assert_eq!(faults_of(&[1, 1, 1], "# Title\n", &[&["one"]]), Vec::<String>::new());
    }

    #[test]
    fn a_stage_without_a_number_in_its_turn_a_heading_or_a_wrong_answer_is_a_fault() {
        for stages in [[1, 3, 3], [2, 2, 2], [1, 2, 1]] {
            assert!(faults_of(&stages, TASK, &[])[0].contains("begin with 1"), "{stages:?}");
        }
        let no_heading = faults_of(&[1, 1, 2], "# Title\n\n## Stage 1\n", &[&["one"], &["three"]]);
        assert_eq!(no_heading, ["task.md has no `## Stage 2`"]);
        let both_at_once = faults_of(&[1, 1, 2], TASK, &[&["one"], &["two", "three"]]);
        assert_eq!(both_at_once.len(), 1, "{both_at_once:?}");
        assert!(both_at_once[0].contains("stage 2 alone"), "{both_at_once:?}");
    }
}
