//! Credential helpers: programs of the user's that keep credentials elsewhere.

use std::time::Duration;

use serde::Deserialize;

use super::Credentials;
use crate::error::{Error, ErrorKind, Result};
use crate::shown::shown;

/// A helper may unlock a key ring or ask a cloud; it asks no person.
const PATIENCE: Duration = Duration::from_secs(30);
/// A secret of a cloud has some KiB.
const LONGEST_ANSWER: usize = 64 << 10;
/// What the helpers' protocol calls the absence of credentials.
const NOT_FOUND: &str = "credentials not found";
/// Stands in the place of the name where the secret is an identity token.
const TOKEN_USER: &str = "<token>";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks `docker-credential-NAME` about a server.
pub(super) fn ask(name: &str, server: &str) -> Result<Option<Credentials>> {
    let failed = |reason: String| {
        let message = format!("the credential helper `{}` cannot be used: {reason}", shown(name));
        Error::new(ErrorKind::Credentials, message)
    };
    // What it prints to standard error may hold anything, so only the kind of failure is passed on.
    let output = program::credential_helper(name)
        .and_then(|helper| {
            let helper = helper.arg("get").stdin(server.as_bytes().to_vec()).success(&[0, 1]);
            helper.time_limit(PATIENCE).output_limit(LONGEST_ANSWER).run()
        })
        .map_err(|error| match error.kind() {
            program::ErrorKind::ProgramMissing => failed("it is not installed".to_owned())
                .hint_at(format!("put `docker-credential-{}` into `PATH`", shown(name))),
            program::ErrorKind::TimedOut => failed(format!("it did not end within {} s", PATIENCE.as_secs())),
            program::ErrorKind::OutputTooLong => failed("it printed too much".to_owned()),
            _ => failed("it failed".to_owned()),
        })?;
    match output.code {
        0 => understand(&output.stdout).ok_or_else(|| failed("its answer is not understood".to_owned())),
        _ if String::from_utf8_lossy(&output.stdout).contains(NOT_FOUND) => Ok(None),
        code => Err(failed(format!("it ended with exit code {code}"))),
    }
}

/// The credentials, if there are any; `None` when that cannot be told.
fn understand(answer: &[u8]) -> Option<Option<Credentials>> {
    let Answer { username, secret } = serde_json::from_slice(answer).ok()?;
    match (username.as_str(), secret.as_str()) {
        // Some helpers say so that they have none.
        ("", "") => Some(None),
        ("", _) => None,
        (TOKEN_USER, _) => Some(Some(Credentials::IdentityToken(secret))),
        _ => Some(Some(Credentials::Basic { user: username, password: secret })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_understood() {
        let token = br#"{"ServerURL":"a","Username":"<token>","Secret":"t"}"#;
        assert!(understand(token) == Some(Some(Credentials::IdentityToken("t".to_owned()))));
        assert!(understand(br#"{"Username":"u","Secret":"p"}"#).unwrap().is_some());
        assert!(understand(br#"{"Username":"","Secret":""}"#).unwrap().is_none());
        for answer in ["", "{}", r#"{"Username":"","Secret":"p"}"#, "credentials not found"] {
            assert!(understand(answer.as_bytes()).is_none(), "{answer}");
        }
    }

    #[test]
    fn a_helper_that_is_no_name_is_not_looked_for() {
        for name in ["../sh", "", "a b", "no-such-helper"] {
            let error = ask(name, "a.example").unwrap_err();
            assert!(error.to_string().contains("not installed"), "{error}");
        }
    }
}
