//! The checks of exercise 23. They judge every answer alike: yours, the solutions, and the wrong ones in `judged/`.
//!
//! They look at behaviour only: answers over real sockets, and how much of an upload is read.

use std::{
    convert::Infallible,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    body::{Body, Bytes},
    http,
};
use lab::{Exchange, Experiment, Finding, Plan, Report, Request, Run, Side, Step, Transcript, Variant};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use wire_contracts::{LESSON, UPLOAD_LIMIT, patch, users::Users};

const ANSWER: Variant = Variant {
    name: "your answer",
    side: Side::Right,
    says: "the service in this file",
    app: |_| Box::pin(async { crate::app(Users::default()) }),
};

static SESSION: Experiment = Experiment {
    slug: "session",
    title: "A profile from beginning to end",
    watch: "Does each answer keep the contract?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: STEPS }),
    upstream: None,
    variants: &[],
    judge: |_| Vec::new(),
};

const STEPS: &[Step] = &[
    Step {
        says: "Ada signs up",
        request: |_| create(json!({ "name": "Ada", "password": "pw", "bio": "Counts." })),
    },
    Step {
        says: "Grace signs up without a bio",
        request: |_| create(json!({ "name": "Grace", "password": "pw" })),
    },
    Step { says: "Ada's profile", request: |_| Request::get("/users/1") },
    // Changes that are sound.
    Step { says: "a new name", request: |_| patch(json!({ "name": "Ada L." })) },
    Step {
        says: "a contact",
        request: |_| patch(json!({ "contact": { "by": "mail", "address": "ada@example.com" } })),
    },
    Step { says: "a change of nothing", request: |_| patch(json!({})) },
    Step { says: "the bio set to null", request: |_| patch(json!({ "bio": null })) },
    Step {
        says: "a contact of the other kind",
        request: |_| patch(json!({ "contact": { "by": "phone", "number": "555 0100" } })),
    },
    Step {
        says: "a new bio, the contact set to null",
        request: |_| patch(json!({ "bio": "Adds.", "contact": null })),
    },
    // What belongs to nobody's request.
    Step {
        says: "a sign-up with a role",
        request: |_| create(json!({ "name": "Mallory", "password": "pw", "role": "admin" })),
    },
    Step {
        says: "a sign-up with an id",
        request: |_| create(json!({ "name": "Mallory", "password": "pw", "id": 1 })),
    },
    Step {
        says: "a sign-up with a contact",
        request: |_| {
            let contact = json!({ "by": "phone", "number": "555 0100" });
            create(json!({ "name": "Mallory", "password": "pw", "contact": contact }))
        },
    },
    Step { says: "a change of the role", request: |_| patch(json!({ "role": "admin" })) },
    Step { says: "the role set to null", request: |_| patch(json!({ "role": null })) },
    Step {
        says: "a change of the hash",
        request: |_| patch(json!({ "password_hash": "x", "bio": "Lost." })),
    },
    Step {
        says: "a mail contact with a number",
        request: |_| {
            let contact = json!({ "by": "mail", "address": "ada@example.com", "number": "555 0100" });
            patch(json!({ "contact": contact }))
        },
    },
    Step { says: "the list of users", request: |_| Request::get("/users") },
    // What is not sound.
    Step { says: "a misspelled field", request: |_| patch(json!({ "nmae": "Ada" })) },
    Step { says: "a name of null", request: |_| patch(json!({ "name": null })) },
    Step { says: "a phone without a number", request: |_| patch(json!({ "contact": { "by": "phone" } })) },
    Step { says: "a sign-up without a password", request: |_| create(json!({ "name": "Mallory" })) },
    Step { says: "the list of users", request: |_| Request::get("/users") },
];

/// The steps that send what belongs to nobody's request. The list of users is asked for after them, and at the end.
const FOREIGN: std::ops::Range<usize> = 9..16;
/// The steps that are not sound, and the field that each answer has to name.
const UNSOUND: [(usize, &str); 4] = [(17, "nmae"), (18, "name"), (19, "number"), (20, "password")];

/// What an answer shows of a user.
const FIELDS: [&str; 5] = ["bio", "contact", "id", "name", "role"];

fn create(body: Value) -> Request {
    Request::post("/users", body)
}

fn ada(name: &str, bio: Value, contact: Value) -> Value {
    json!({ "id": 1, "name": name, "role": "user", "bio": bio, "contact": contact })
}

// All checks but one look at this run.
#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
static REPORT: LazyLock<Report> = LazyLock::new(|| {
    let controls = SESSION.controls([]).expect("nothing was asked for that it might not have");
    Run::of(&LESSON, &SESSION, ANSWER, controls).judged().report()
});

#[test]
fn a_user_is_made_and_shown() {
    let grace = json!({ "id": 2, "name": "Grace", "role": "user", "bio": null, "contact": null });
    let meaning = "A sign-up that keeps the contract has to make a user.";
    shows(0, 201, &ada("Ada", json!("Counts."), Value::Null), meaning);
    shows(1, 201, &grace, meaning);
    shows(2, 200, &ada("Ada", json!("Counts."), Value::Null), meaning);
}

#[test]
fn no_answer_has_a_field_beyond_the_contract() {
    for exchange in exchanges().iter().filter(|exchange| matches!(exchange.status, Some(200 | 201))) {
        let users = exchange.body.as_array().cloned().unwrap_or_else(|| vec![exchange.body.clone()]);
        for user in users {
            let fields: Vec<_> =
                user.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
            let meaning = "What stands in an answer can be read by everybody who gets one, on every route.";
            let holds = fields == FIELDS;
            Finding::new(&exchange.says, "fields", fields.join(" "), FIELDS.join(" "), holds, meaning)
                .assert_holds();
        }
    }
}

#[test]
fn what_is_absent_stays_and_what_is_null_is_deleted() {
    let mail = json!({ "by": "mail", "address": "ada@example.com" });
    let meaning = "Absent means: leave it. null means: delete it. A value means: this one.";
    shows(3, 200, &ada("Ada L.", json!("Counts."), Value::Null), meaning);
    shows(4, 200, &ada("Ada L.", json!("Counts."), mail.clone()), meaning);
    shows(5, 200, &ada("Ada L.", json!("Counts."), mail.clone()), meaning);
    shows(6, 200, &ada("Ada L.", Value::Null, mail), meaning);
    let phone = json!({ "by": "phone", "number": "555 0100" });
    shows(7, 200, &ada("Ada L.", Value::Null, phone), meaning);
    shows(8, 200, &ada("Ada L.", json!("Adds."), Value::Null), meaning);
}

#[test]
fn a_request_sets_no_field_that_is_not_its_own() {
    let meaning = "A field that no client may set has to be refused. Ignored, it hides a mistake; taken over, it makes an admin.";
    for step in FOREIGN {
        status(step, 422, meaning);
    }
    let grace = json!({ "id": 2, "name": "Grace", "role": "user", "bio": null, "contact": null });
    nothing_has_changed(FOREIGN.end, &[ada("Ada L.", json!("Adds."), Value::Null), grace]);
}

/// Looks at the list of users in that step; fields beyond the contract, or too few, are another check's business.
#[track_caller]
fn nothing_has_changed(listed: usize, before: &[Value]) {
    let Exchange { says, body, .. } = &exchanges()[listed];
    let users = body.as_array().map_or(&[][..], Vec::as_slice);
    let (seen, expected) = (users.len(), before.len());
    let meaning = "What is refused changes nothing, and makes nobody.";
    Finding::new(says, "users", seen, expected, seen == expected, meaning).assert_holds();
    for (user, before) in users.iter().zip(before) {
        for field in FIELDS {
            let (seen, expected) = (&user[field], &before[field]);
            let subject = format!("{says}, user {}", before["id"]);
            Finding::new(subject, field, seen, expected, seen == expected, meaning).assert_holds();
        }
    }
}

#[test]
fn what_is_not_sound_is_refused_with_the_name_of_the_field() {
    for (step, field) in UNSOUND {
        let meaning = "A client that is told \"no\" has to know which field to mend.";
        status(step, 422, meaning);
        let exchange = &exchanges()[step];
        let text = exchange.body.to_string();
        let named = text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == field);
        Finding::new(&exchange.says, "the answer", text, format!("with `{field}`"), named, meaning)
            .assert_holds();
    }
    // What the steps before these have changed is judged above.
    let before = exchanges()[FOREIGN.end].body.as_array().map_or(&[][..], Vec::as_slice);
    nothing_has_changed(UNSOUND[3].0 + 1, before);
}

#[tokio::test]
async fn an_upload_is_read_up_to_its_limit() {
    let accepted = upload(UPLOAD_LIMIT, true).await;
    uploaded("a picture of 64 KiB", accepted.0, 204);
    for announced in [true, false] {
        let one_more = upload(UPLOAD_LIMIT + 1, announced).await;
        uploaded(
            if announced { "64 KiB and a byte" } else { "64 KiB and a byte, not announced" },
            one_more.0,
            413,
        );
        let subject = if announced { "a picture of 3 MiB" } else { "3 MiB that are not announced" };
        let (status, read) = upload(3 << 20, announced).await;
        uploaded(subject, status, 413);
        let most = UPLOAD_LIMIT + 2 * CHUNK;
        let meaning = "What is refused should not be read first: the memory is taken by then.";
        Finding::new(subject, "bytes read", read, format!("at most {most}"), read <= most, meaning)
            .assert_holds();
    }
}

const CHUNK: usize = 16 * 1024;

/// Sends a picture in chunks; says the status, and how many bytes were asked for.
#[expect(clippy::expect_used, reason = "a check that cannot be set up has to fail loudly")]
async fn upload(bytes: usize, announced: bool) -> (u16, usize) {
    let read = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&read);
    let chunks = (0..bytes.div_ceil(CHUNK)).map(move |chunk| {
        let size = (bytes - chunk * CHUNK).min(CHUNK);
        counted.fetch_add(size, Ordering::SeqCst);
        Ok::<_, Infallible>(Bytes::from(vec![0; size]))
    });
    let mut request = http::Request::put("/users/1/avatar");
    if announced {
        request = request.header(http::header::CONTENT_LENGTH, bytes);
    }
    let request =
        request.body(Body::from_stream(tokio_stream::iter(chunks))).expect("its parts are constants");
    let users = Users::default();
    let app = crate::app(users);
    let answer = app.oneshot(request).await.expect("a router answers always");
    (answer.status().as_u16(), read.load(Ordering::SeqCst))
}

#[track_caller]
fn uploaded(subject: &str, status: u16, expected: u16) {
    let meaning = "The limit is 64 KiB: what fits is taken, what does not is refused with 413.";
    Finding::new(subject, "status", status, expected, status == expected, meaning).assert_holds();
}

#[track_caller]
fn exchanges() -> &'static [Exchange] {
    REPORT.assert_holds();
    REPORT.exchanges()
}

/// Looks at status and body; fields beyond the contract are another check's business.
#[track_caller]
fn shows(step: usize, expected: u16, user: &Value, meaning: &str) {
    status(step, expected, meaning);
    let exchange = &exchanges()[step];
    as_expected(&exchange.says, &exchange.body, user, meaning);
}

/// Compares the fields of the contract one by one, so that a verdict shows the one that differs.
#[track_caller]
fn as_expected(subject: &str, user: &Value, expected: &Value, meaning: &str) {
    for (field, expected) in expected.as_object().into_iter().flatten() {
        let seen = user.get(field);
        let shown = seen.map_or_else(|| "is not there".to_owned(), Value::to_string);
        Finding::new(subject, field, shown, expected, seen == Some(expected), meaning).assert_holds();
    }
}

#[track_caller]
fn status(step: usize, expected: u16, meaning: &str) {
    let exchange = &exchanges()[step];
    let seen = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    Finding::new(&exchange.says, "status", seen, expected, exchange.status == Some(expected), meaning)
        .assert_holds();
}
