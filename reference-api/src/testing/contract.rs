//! Checks every answer of every test against the OpenAPI document (P06, P18): a test that looks at one thing finds the others.

use std::sync::OnceLock;

use axum::http::{Method, StatusCode, header, response::Parts};
use serde_json::Value;

use crate::{AppState, problem};

/// What no error may tell: where it runs, and on what.
const INTERNALS: [&str; 10] =
    ["select ", "insert ", "sqlx", "sqlite", "postgres", ".rs:", "/src/", "panicked", "argon2", "tokio"];

/// The document. It is the same for every app.
pub(super) fn document(state: &AppState) -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::to_value(crate::endpoints(state).1).unwrap())
}

/// # Panics
/// If the answer is not as the document says.
#[track_caller]
pub(super) fn check(document: &Value, method: &Method, path: &str, head: &Parts, body: &[u8]) {
    let what = format!("{method} {path} -> {}", head.status);
    if head.status.is_client_error() || head.status.is_server_error() {
        check_problem(&what, method, head, body);
    }
    let Some(operation) = operation(document, method, path) else { return };
    let status = head.status.as_u16().to_string();
    let Some(response) = operation["responses"].get(&status) else {
        panic!("{what} is not in the document: {}", String::from_utf8_lossy(body))
    };
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    match (response.get("content").and_then(Value::as_object), kind) {
        (None, None) => assert!(body.is_empty(), "{what}: a body that is not in the document"),
        (Some(content), Some(kind)) => {
            let media = content.get(kind).unwrap_or_else(|| panic!("{what}: {kind} is not in the document"));
            if head.headers.get(header::CONTENT_ENCODING).is_none() {
                let value: Value = serde_json::from_slice(body).unwrap();
                conforms(document, &media["schema"], &value, &what);
            }
        }
        (content, kind) => panic!("{what}: {content:?} in the document, {kind:?} in the answer"),
    }
    if let Some(headers) = response.get("headers").and_then(Value::as_object) {
        for name in headers.keys() {
            assert!(head.headers.contains_key(name), "{what}: the header {name} is missing");
        }
    }
}

/// P06: one shape, a type of the registry, nothing about the inside.
fn check_problem(what: &str, method: &Method, head: &Parts, body: &[u8]) {
    if method == Method::HEAD {
        return;
    }
    assert_eq!(head.headers[header::CONTENT_TYPE], "application/problem+json", "{what}");
    let text = String::from_utf8(body.to_vec()).unwrap();
    let problem: Value = serde_json::from_str(&text).unwrap();
    let slug = problem["type"].as_str().unwrap().trim_start_matches("/problems/");
    let kind = problem::ALL.iter().find(|kind| kind.slug == slug);
    let kind = kind.unwrap_or_else(|| panic!("{what}: {slug} is not in the registry"));
    assert_eq!((head.status, problem["title"].as_str().unwrap()), (kind.status, kind.title), "{what}");
    assert_eq!(
        head.status == StatusCode::UNAUTHORIZED,
        head.headers.contains_key("www-authenticate"),
        "{what}"
    );
    let waits = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&head.status);
    assert!(!waits || head.headers.contains_key("retry-after"), "{what}");
    let lower = text.to_lowercase();
    for inside in INTERNALS {
        assert!(!lower.contains(inside), "{what} tells about `{inside}`: {text}");
    }
}

fn operation<'a>(document: &'a Value, method: &Method, path: &str) -> Option<&'a Value> {
    let path = path.split('?').next().unwrap_or_default();
    let fits = |template: &str| {
        let (parts, wanted) = (path.split('/').collect::<Vec<_>>(), template.split('/').collect::<Vec<_>>());
        parts.len() == wanted.len()
            && parts.iter().zip(&wanted).all(|(part, wanted)| part == wanted || wanted.starts_with('{'))
    };
    let exact = document["paths"].get(path);
    let paths = document["paths"].as_object()?;
    let operations = exact.or_else(|| paths.iter().find(|(path, _)| fits(path)).map(|(_, found)| found))?;
    let method = if method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
    operations.get(method)
}

/// As much of JSON Schema as the document uses.
fn conforms(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.trim_start_matches("#/components/schemas/");
        return conforms(document, &document["components"]["schemas"][name], value, place);
    }
    if let Some(options) = schema["oneOf"].as_array() {
        // In our document the alternatives are `null` and one other.
        let option = options.iter().find(|option| (option["type"] == "null") == value.is_null());
        return conforms(
            document,
            option.unwrap_or_else(|| panic!("{place}: no alternative fits {value}")),
            value,
            place,
        );
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        conforms(document, part, value, place);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    assert!(types.is_empty() || types.iter().any(|one| one == kind), "{place}: {value} is not {types:?}");
    if let Some(values) = schema["enum"].as_array() {
        assert!(values.contains(value), "{place}: {value} is not one of {values:?}");
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        conforms(document, &schema["items"], item, &format!("{place}/{index}"));
    }
    let Some(members) = value.as_object().filter(|_| schema["properties"].is_object()) else { return };
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(members.contains_key(name.as_str().unwrap()), "{place}: {name} is missing in {value}");
    }
    for (name, member) in members {
        let known = schema["properties"].get(name);
        let known = known.unwrap_or_else(|| panic!("{place}: {name} is not in the document"));
        conforms(document, known, member, &format!("{place}/{name}"));
    }
}
