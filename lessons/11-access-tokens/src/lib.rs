//! Lesson 11 · Verify the token.
//!
//! A signature says who wrote a token. It does not say for whom, for what, or until when. Those are claims, and a library
//! compares only the claims it was told to expect, and some of them only where they are present. So the verifier lists
//! everything that the issuer promises, and refuses whatever says less.
//!
//! Read `wrong.rs` first (it passes a functional test), then `right.rs`, then `tests/proof.rs`. `provider.rs` (who signs),
//! `profile.rs` (what a token opens) and `guess.rs` (how a secret is found) serve both sides.

pub mod guess;
pub mod profile;
pub mod provider;
pub mod right;
pub mod wrong;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Header, get_current_timestamp};
use lab::{
    Exchange, Experiment, Finding, Lesson, Plan, Question, Report, Request, Side, Step, Transcript, Variant,
};
use serde_json::{Value, json};

use crate::{
    guess::MALLORY,
    provider::{Draft, Provider, TYPE},
};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    number: 11,
    slug: "access-tokens",
    title: "Access tokens",
    question: Question::Q22,
    saying: "always verify the signature",
    experiments: &[A_DRAWER_OF_TOKENS, GUESS_THE_SECRET],
};

/// One honest token, and fourteen others. Most of them carry a signature that is right.
pub const A_DRAWER_OF_TOKENS: Experiment = Experiment {
    slug: "a-drawer-of-tokens",
    title: "A drawer full of tokens",
    watch: "Which of them open the profile? Only the first one should.",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: DRAWER }),
    upstream: None,
    variants: &[
        Variant {
            name: "defaults",
            side: Side::Wrong,
            says: "decodes with the library's defaults",
            app: |probes| Box::pin(wrong::defaults(probes)),
        },
        Variant {
            name: "header-algorithm",
            side: Side::Wrong,
            says: "takes the algorithm from the token, and names issuer and audience",
            app: |probes| Box::pin(wrong::header_algorithm(probes)),
        },
        Variant {
            name: "required-claims",
            side: Side::Wrong,
            says: "pins the algorithm and lists the claims that have to be there",
            app: |probes| Box::pin(wrong::required_claims(probes)),
        },
        Variant {
            name: "every-claim",
            side: Side::Right,
            says: "asks for everything that the provider promises",
            app: |probes| Box::pin(right::every_claim(probes)),
        },
    ],
    judge: judge_drawer,
};

/// A user looks for the secret behind her own token.
pub const GUESS_THE_SECRET: Experiment = Experiment {
    slug: "guess-the-secret",
    title: "Ten words against a secret",
    watch: "Every claim is checked. What is that worth when the secret is known?",
    controls: &[],
    plan: Plan::Transcript(Transcript { steps: GUESS }),
    upstream: None,
    variants: &[
        Variant {
            name: "tutorial-secret",
            side: Side::Wrong,
            says: "signs with a word of six letters",
            app: |probes| Box::pin(wrong::tutorial_secret(probes)),
        },
        Variant {
            name: "sample-secret",
            side: Side::Wrong,
            says: "signs with 64 digits that stand in a documentation page",
            app: |probes| Box::pin(wrong::sample_secret(probes)),
        },
        Variant {
            name: "random-secret",
            side: Side::Right,
            says: "signs with 32 random bytes, and does not start with less",
            app: |probes| Box::pin(right::random(probes)),
        },
    ],
    judge: judge_guess,
};

const ADA: &str = "ada";
const TEN_YEARS: u64 = 10 * 365 * 24 * 60 * 60;

const DRAWER: &[Step] = &[
    Step { says: "Ada opens her profile.", request: |_| with(&ada()) },
    Step { says: "Somebody comes without a token.", request: |_| Request::get("/profile") },
    Step {
        says: "Mallory writes admin into her token and keeps the signature.",
        request: |_| edited(None, |claims| claims["role"] = "admin".into()),
    },
    Step {
        says: "Mallory writes alg: none and leaves the signature out.",
        request: |_| edited(Some(json!({ "alg": "none", "typ": TYPE })), |_| ()),
    },
    Step {
        says: "A token with the right key and another algorithm, HS512.",
        request: |_| {
            let header = Header { alg: Algorithm::HS512, ..ada().header };
            with(&Draft { header, ..ada() })
        },
    },
    Step {
        says: "A token that ended 30 seconds ago.",
        request: |_| with(&ada().with("iat", now() - 930).with("nbf", now() - 930).with("exp", now() - 30)),
    },
    Step { says: "A token that never ends: it has no exp.", request: |_| with(&ada().without("exp")) },
    Step {
        says: "A token that ends in ten years.",
        request: |_| with(&ada().with("exp", now() + TEN_YEARS)),
    },
    Step {
        says: "A token that ends in ten years, and was issued a little before that.",
        request: |_| {
            let end = now() + TEN_YEARS;
            with(&ada().with("iat", end - provider::LIFETIME_SECONDS).with("exp", end))
        },
    },
    Step { says: "A token that begins in ten minutes.", request: |_| with(&ada().with("nbf", now() + 600)) },
    Step { says: "A token for nobody: it has no aud.", request: |_| with(&ada().without("aud")) },
    Step { says: "A token for the newsletter service.", request: |_| with(&ada().with("aud", "newsletter")) },
    Step {
        says: "A token from the test system, which got a copy of the key.",
        request: |_| with(&ada().with("iss", "https://login.test.example")),
    },
    Step {
        says: "The token in a confirmation mail: same key, another type.",
        request: |_| {
            let header = Header { typ: Some("JWT".to_owned()), ..ada().header };
            with(&Draft { header, ..ada() })
        },
    },
    Step {
        says: "A token with a critical extension that nobody here knows.",
        request: |_| {
            let header = Header { crit: Some(vec!["b64".to_owned()]), ..ada().header };
            with(&Draft { header, ..ada() })
        },
    },
];

/// What is refused, by its place in the drawer, and what it means if it is not.
const REFUSED: [(&str, &str); 14] = [
    ("no token", "Whoever leaves the token out is let in."),
    ("a changed role", "The signature is not checked."),
    ("`alg: none`", "The token may say that it needs no signature."),
    (
        "another algorithm",
        "The token decides how it is checked. With some libraries that is a way around the check.",
    ),
    (
        "ended 30 s ago",
        "The library's leeway is a minute, so every token lives a minute longer than it says.",
    ),
    ("no end", "What a required claim is, was said without `exp`: a copied token is good for ever."),
    (
        "ends in ten years",
        "Nobody asks how long an access token may live, and a signed one may say what it likes.",
    ),
    ("issued in the future", "The time of issue is taken on trust, and with it how long the token lives."),
    ("not yet begun", "`nbf` is compared only by those who ask for it."),
    ("no audience", "A named audience is compared where there is one. Its absence has to be made an error."),
    ("another audience", "A token that was given to another service opens this one."),
    ("another issuer", "Whoever has a copy of the key signs in our name, the test system too."),
    ("another type", "Whatever the provider signs with this key is taken for an access token."),
    (
        "unknown critical extension",
        "The token says that it must not be read without its extension, and it was.",
    ),
];

const GUESS: &[Step] = &[
    Step { says: "Mallory logs in.", request: |_| Request::post("/login", json!({ "user": MALLORY })) },
    Step {
        says: "Mallory opens her profile.",
        request: |so_far| Request::get("/profile").bearer(issued(so_far)),
    },
    Step {
        says: "At home she tries ten words on her token, and signs one that says she is an admin.",
        request: |so_far| Request::get("/profile").bearer(guess::promoted(issued(so_far))),
    },
];

fn now() -> u64 {
    get_current_timestamp()
}

fn ada() -> Draft {
    Draft::access_token(ADA, "user")
}

/// Opens the profile with the draft, signed with the right key.
fn with(draft: &Draft) -> Request {
    Request::get("/profile").bearer(Provider::of_this_process().sign(draft))
}

/// Opens the profile with Mallory's token after she has changed it. With a header of her own the signature is left out.
fn edited(header: Option<Value>, change: impl Fn(&mut Value)) -> Request {
    let mut draft = Draft::access_token(MALLORY, "user");
    let token = Provider::of_this_process().sign(&draft);
    change(&mut draft.claims);
    let mut parts: Vec<&str> = token.split('.').collect();
    let encode = |json: &Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let (claims, own_header) = (encode(&draft.claims), header.as_ref().map(encode));
    parts[1] = &claims;
    if let Some(header) = &own_header {
        (parts[0], parts[2]) = (header, "");
    }
    Request::get("/profile").bearer(parts.join("."))
}

fn issued(so_far: &[Exchange]) -> &str {
    so_far.first().and_then(|login| login.body["access_token"].as_str()).unwrap_or_default()
}

fn judge_drawer(report: &Report) -> Vec<Finding> {
    let expect = |step, subject, expected: u16, meaning| {
        Finding::status(subject, report.status(step), expected, meaning)
    };
    let honest =
        expect(0, "Ada's own token", 200, "The service does not work for somebody who does nothing wrong.");
    let others = (1..).zip(REFUSED).map(|(step, (subject, meaning))| expect(step, subject, 401, meaning));
    std::iter::once(honest).chain(others).collect()
}

fn judge_guess(report: &Report) -> Vec<Finding> {
    let role = |step: usize| {
        let exchange = report.exchanges().get(step);
        let role = exchange.and_then(|exchange| exchange.body["role"].as_str());
        role.unwrap_or("refused").to_owned()
    };
    let (own, promoted) = (role(1), role(2));
    vec![
        Finding::new(
            "Mallory's own token",
            "role",
            &own,
            "user",
            own == "user",
            "The service does not work for somebody who does nothing wrong.",
        ),
        Finding::new(
            "the token that she signed herself",
            "role",
            &promoted,
            "refused",
            promoted == "refused" && report.status(2) == Some(401),
            "The secret can be found without asking the service once. Whoever has it signs what they like.",
        ),
    ]
}
