//! Checks that each lesson of the catalogue has all of its parts: a chapter that shows them, questions, claims, an exercise.
//!
//! What a chapter shows has been checked by then: an experiment without a recording is a fault of its `{{#lab …}}`.

use std::{fs, path::Path};

use lab::Lesson;

use super::proofs;
use crate::{
    Fault, Library,
    expand::{self, claims, questions},
};

/// The fewest drill questions of a lesson.
const QUESTIONS: usize = 5;

/// What the lessons lack that lie in this workspace.
pub(crate) fn check(library: &Library) -> Vec<Fault> {
    let here = catalogue::LESSONS.iter().filter(|lesson| folder(library, lesson).is_dir());
    here.flat_map(|lesson| {
        let mut faults = chapter(library, lesson);
        faults.extend(asked(library, lesson));
        faults.extend(claimed(library, lesson));
        faults
    })
    .collect()
}

fn folder(library: &Library, lesson: &Lesson) -> std::path::PathBuf {
    library.root().join("lessons").join(lesson.folder())
}

/// The chapter stands in the summary and shows every experiment, the questions, the claims and the exercise.
fn chapter(library: &Library, lesson: &'static Lesson) -> Vec<Fault> {
    let number = lesson.number;
    let Some(path) = library.numbered("chapters", number) else {
        return vec![lacks(library, lesson, "a chapter in book/chapters")];
    };
    let file = library.shown(&path);
    let text = fs::read_to_string(&path).unwrap_or_default();
    let shown: Vec<_> = expand::directives(&text)
        .into_iter()
        .filter_map(|directive| match directive.arguments.as_slice() {
            [lesson, rest @ ..] if catalogue::find(lesson).ok()?.number == number => {
                Some([&[directive.name], rest].concat().join(" "))
            }
            _ => None,
        })
        .collect();
    let experiments = lesson.experiments.iter().map(|experiment| format!("lab {}", experiment.slug));
    let parts = ["questions", "claims", "exercise"].map(str::to_owned);
    let mut faults: Vec<_> = experiments
        .chain(parts)
        .filter(|part| !shown.contains(part))
        .map(|part| {
            let (name, rest) = part.split_once(' ').unwrap_or((&part, ""));
            let directive = format!("{name} {number:02} {rest}");
            Fault::blemish(file, 1, format!("the chapter lacks `{{{{#{}}}}}`.", directive.trim_end()))
        })
        .collect();
    let summary = fs::read_to_string(library.chapters().join("SUMMARY.md")).unwrap_or_default();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if !summary.contains(&format!("]({name})")) {
        faults.push(Fault::blemish(file, 1, "the chapter is not in SUMMARY.md, so nobody finds it."));
    }
    faults
}

/// There are enough questions, each with an id of this lesson, and each is proved by something that exists.
fn asked(library: &Library, lesson: &'static Lesson) -> Vec<Fault> {
    let Some(path) = library.numbered("questions", lesson.number) else {
        return vec![lacks(library, lesson, "questions in book/questions")];
    };
    let file = library.shown(&path);
    let questions = match questions::proofs(library, lesson.number) {
        Ok(questions) => questions,
        Err(says) => return vec![Fault::blemish(file, 1, says)],
    };
    let mut faults = proved(library, &path, &questions);
    let count = questions.len();
    if count < QUESTIONS {
        faults.push(Fault::blemish(
            file,
            1,
            format!("{count} questions; a lesson has at least {QUESTIONS}."),
        ));
    }
    let prefix = format!("{:02}-", lesson.number);
    for (id, _) in questions.iter().filter(|(id, _)| !id.starts_with(&prefix)) {
        faults.push(Fault::blemish(file, 1, format!("the id `{id}` does not begin with `{prefix}`.")));
    }
    faults
}

/// There are claims, and each is shown by something that exists.
fn claimed(library: &Library, lesson: &'static Lesson) -> Vec<Fault> {
    let Some(path) = library.numbered("claims", lesson.number) else {
        return vec![lacks(library, lesson, "claims in book/claims")];
    };
    match claims::proofs(library, lesson.number) {
        Ok(claims) => proved(library, &path, &claims),
        Err(says) => vec![Fault::blemish(library.shown(&path), 1, says)],
    }
}

/// The faults of the proofs that stand in a file, each at its line; `found` holds ids and proofs.
fn proved(library: &Library, path: &Path, found: &[(String, String)]) -> Vec<Fault> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut faults = Vec::new();
    for (nth, (id, proof)) in found.iter().enumerate() {
        if let Err(says) = proofs::exists(library, proof) {
            let line =
                text.lines().position(|line| line.contains(&format!("id = \"{id}\""))).unwrap_or(0) + 1;
            faults.push(Fault::blemish(library.shown(path), line, format!("`{id}`: `{proof}`: {says}")));
        }
        if found[..nth].iter().any(|(other, _)| other == id) {
            faults.push(Fault::blemish(library.shown(path), 1, format!("the id `{id}` stands twice.")));
        }
    }
    faults
}

fn lacks(library: &Library, lesson: &Lesson, what: &str) -> Fault {
    let folder = folder(library, lesson);
    Fault::blemish(library.shown(&folder), 1, format!("lesson {:02} lacks {what}.", lesson.number))
}
