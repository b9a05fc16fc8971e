//! Every exercise of the kit keeps the rules, and belongs to a lesson of the same number.

use std::fs;

use exercises::{Kit, Strength, audit};

#[test]
fn every_exercise_has_the_same_files_and_a_wrong_answer_for_each_check() {
    for exercise in Kit::find().unwrap().exercises().unwrap() {
        assert_eq!(audit::faults(&exercise).unwrap(), Vec::<String>::new());
    }
}

#[test]
fn the_strength_of_every_exercise_was_examined_and_each_change_that_passes_has_a_reason() {
    let kit = Kit::find().unwrap();
    let strength = Strength::read(&kit).unwrap();
    for exercise in kit.exercises().unwrap() {
        assert_eq!(strength.faults(&exercise).unwrap(), Vec::<String>::new(), "{}", exercise.name());
    }
}

#[test]
fn every_exercise_has_a_lesson_of_its_number() {
    let kit = Kit::find().unwrap();
    let lessons: Vec<String> = fs::read_dir(kit.root().join("lessons"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    for exercise in kit.exercises().unwrap() {
        let prefix = format!("{:02}-", exercise.number);
        assert!(
            lessons.iter().any(|lesson| lesson.starts_with(&prefix)),
            "{} has no lesson",
            exercise.name()
        );
    }
}
