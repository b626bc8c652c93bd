//! From the settings' JSON to a step's type, with errors that name the place but never a value: a value may be
//! a secret, and error texts end up in the build log.

use crate::failure::{Failure, FailureCode, Result};
use crate::json;
use serde::de::DeserializeOwned;

/// Understands a step's settings.
///
/// # Errors
/// `invalid-argument`, with the path of the field that is wrong.
pub fn parse_settings<T: DeserializeOwned>(text: &str) -> Result<T> {
    let value = json::parse(text).map_err(|error| invalid(&error))?;
    json::from_value(value).map_err(|error| invalid(&error))
}

fn invalid(problem: &dyn std::fmt::Display) -> Failure {
    Failure::new(FailureCode::InvalidArgument, format!("settings: {problem}"))
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
                "settings: `users[1].uid`: found a string, expected u32",
            ),
            (r#"{"users":[{"name":"b","uid":-7}]}"#, "settings: `users[0].uid`: expected u32"),
            (r#"{"users":[{"name":"b","uid":1.5}]}"#, "settings: `users[0].uid`: expected u32"),
            (
                r#"{"users":[{"name":"b","uid":99999999999999999999}]}"#,
                "settings: `users[0].uid`: expected u32",
            ),
            (
                r#"{"users":[{"name":"b","kind":"hunter2"}]}"#,
                "settings: `users[0].kind`: expected `plainText`",
            ),
            (
                r#"{"users":[{"name":"b","kind":{"plainText":1}}]}"#,
                "settings: `users[0].kind`: found a number, expected a name alone",
            ),
            (r#"{"users":[{"name":null}]}"#, "settings: `users[0].name`: found null, expected a string"),
            (r#"{"users":{}}"#, "settings: `users`: found an object, expected a sequence"),
            (r#"{"users":[{}]}"#, "settings: `users[0]`: missing field `name`"),
            (r#"{"users":[],"users":[]}"#, "settings: field `users` is there twice"),
            (
                r#"{"users":[{"name":"b","pw":1}]}"#,
                "settings: `users[0]`: unknown field `pw`, expected one of `name`, `uid`, `kind`",
            ),
            (r#"{"users":[]} x"#, "settings: not JSON at byte 13: something follows the value"),
            ("", "settings: not JSON at byte 0: the text ends too early"),
            ("[]", "settings: found an array, expected struct Settings"),
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
    fn any_value_can_be_part_of_the_settings() {
        #[derive(serde::Deserialize)]
        struct Open {
            config: crate::json::Value,
        }
        let text = r#"{"z":1.50,"a":[null]}"#;
        let settings: Open = parse_settings(&format!(r#"{{"config":{text}}}"#)).unwrap();
        assert_eq!(crate::json::to_text(&settings.config), text);
    }

    #[test]
    fn deep_nesting_is_an_error_not_a_crash() {
        let json = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(parse_settings::<crate::json::Value>(&json).is_err());
    }
}
