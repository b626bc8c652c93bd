//! From the settings' JSON to a step's type, with errors that name the place but never a value: a value may be
//! a secret, and error texts end up in the build log.

use crate::failure::{Failure, FailureCode, Result};
use serde::de::DeserializeOwned;

/// Understands a step's settings.
///
/// # Errors
/// `invalid-argument`, with the path of the field that is wrong.
pub fn parse_settings<T: DeserializeOwned>(json: &str) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let settings = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| invalid(&error.path().to_string(), &error.inner().to_string()))?;
    deserializer.end().map_err(|_| invalid(".", "something follows the JSON object"))?;
    Ok(settings)
}

fn invalid(path: &str, problem: &str) -> Failure {
    let field = if path == "." { "settings".to_owned() } else { format!("settings: `{path}`") };
    Failure::new(FailureCode::InvalidArgument, format!("{field}: {}", without_value(problem)))
}

/// Cuts what serde puts in front of `, expected`: that part may quote the value. What comes behind was written by the
/// step's author. The position at the end goes too: nobody sees the JSON that the host produced.
fn without_value(problem: &str) -> &str {
    let problem = match problem.rsplit_once(" at line ") {
        Some((before, position))
            if position.bytes().all(|b| b.is_ascii_digit() || b" column".contains(&b)) =>
        {
            before
        }
        _ => problem,
    };
    if problem.starts_with("unknown field ") || problem.starts_with("expected ") {
        return problem;
    }
    match problem.rfind("expected ") {
        Some(start) => problem.get(start..).unwrap_or("not understood"),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Settings {
        users: Vec<User>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct User {
        name: String,
        uid: Option<u32>,
        kind: Option<Which>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    enum Which {
        PlainText,
    }

    #[test]
    fn an_error_names_the_field_and_never_the_value() {
        for (json, message) in [
            (
                r#"{"users":[{"name":"a"},{"name":"b","uid":"hunter2"}]}"#,
                "settings: `users[1].uid`: expected u32",
            ),
            (
                r#"{"users":[{"name":"b","uid":"x, expected hunter2"}]}"#,
                "settings: `users[0].uid`: expected u32",
            ),
            (r#"{"users":[{"name":"b","uid":-7}]}"#, "settings: `users[0].uid`: expected u32"),
            (
                r#"{"users":[{"name":"b","kind":"hunter2"}]}"#,
                "settings: `users[0].kind`: expected `plainText`",
            ),
            (r#"{"users":[{}]}"#, "settings: `users[0]`: missing field `name`"),
            (
                r#"{"users":[{"name":"b","pw":1}]}"#,
                "settings: `users[0].pw`: unknown field `pw`, expected one of `name`, `uid`, `kind`",
            ),
            (r#"{"users":[]} x"#, "settings: something follows the JSON object"),
            ("", "settings: EOF while parsing a value"),
            (r#"{"users":[}"#, "settings: `users[0]`: expected value"),
        ] {
            let failure = parse_settings::<Settings>(json).unwrap_err();
            assert_eq!((failure.code, failure.message.as_str()), (FailureCode::InvalidArgument, message));
        }
    }

    #[test]
    fn sound_settings_are_taken() {
        let settings: Settings =
            parse_settings(r#"{"users":[{"name":"a","uid":7,"kind":"plainText"}]}"#).unwrap();
        assert_eq!(settings.users.len(), 1);
    }

    #[test]
    fn deep_nesting_is_an_error_not_a_crash() {
        let json = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(parse_settings::<serde_json::Value>(&json).is_err());
    }
}
