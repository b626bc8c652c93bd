//! What a name or a field may hold.

use step_sdk::{Failure, FailureCode, Result};

/// The longest user or group name, in bytes: the size of `ut_user`.
const LONGEST_NAME: usize = 32;

/// Refuses a user name that `useradd` would refuse, and `.`, `..` and names with `/`, whose home directories would
/// not lie where one expects.
///
/// # Errors
/// [`FailureCode::InvalidArgument`].
pub fn check_user_name(name: &str) -> Result<()> {
    check_name("user", name)?;
    if name == "." || name == ".." || name.contains('/') {
        return Err(invalid("user", name, "it cannot name a home directory"));
    }
    Ok(())
}

/// Refuses a group name that `groupadd` would refuse.
///
/// # Errors
/// [`FailureCode::InvalidArgument`].
pub fn check_group_name(name: &str) -> Result<()> {
    check_name("group", name)
}

/// Refuses a value that would break a line of an account file; `what` names it in the message.
///
/// # Errors
/// [`FailureCode::InvalidArgument`].
pub fn check_field(what: &str, value: &str) -> Result<()> {
    if value.contains(':') {
        return Err(Failure::new(FailureCode::InvalidArgument, format!("the {what} holds a `:`")));
    }
    if value.bytes().any(|byte| byte.is_ascii_control()) {
        let message = format!("the {what} holds a line end or another control character");
        return Err(Failure::new(FailureCode::InvalidArgument, message));
    }
    Ok(())
}

fn check_name(kind: &str, name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(invalid(kind, name, "it is empty"));
    }
    if name.len() > LONGEST_NAME {
        return Err(invalid(kind, name, "it is longer than 32 bytes"));
    }
    if name.starts_with(['-', '+', '~']) {
        return Err(invalid(kind, name, "it starts with `-`, `+` or `~`"));
    }
    if name.contains([':', ',']) {
        return Err(invalid(kind, name, "it holds a `:` or `,`"));
    }
    // 0x0b, the vertical tab, is white space to C and a control character to Rust: both are refused.
    if name.bytes().any(|byte| byte.is_ascii_control() || byte.is_ascii_whitespace()) {
        return Err(invalid(kind, name, "it holds white space or a control character"));
    }
    Ok(())
}

fn invalid(kind: &str, name: &str, why: &str) -> Failure {
    let shown: String = name.chars().take(LONGEST_NAME + 8).collect();
    let message = format!("invalid {kind} name `{}`: {why}", shown.escape_debug());
    Failure::new(FailureCode::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_useradd_judges_them() {
        let long = "a".repeat(32);
        for name in
            ["a", "A", "1a", "123", "a.b", "a~", "é", "a$", "...", "a'b", "#a", "*", "a\\b", "_a", &long]
        {
            assert_eq!(check_user_name(name), Ok(()), "{name}");
            assert_eq!(check_group_name(name), Ok(()), "{name}");
        }
        let longer = "a".repeat(33);
        let refused =
            ["", "a b", "-a", "+a", "~a", "a:", "a,b", "a\n", "a\u{1}", "a\u{7f}", "a\u{b}", "a\0", &longer];
        for name in refused {
            assert!(check_user_name(name).is_err(), "{name:?}");
            assert!(check_group_name(name).is_err(), "{name:?}");
        }
        for name in [".", "..", "a/b", "../x"] {
            assert!(check_user_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_message_never_carries_a_raw_line_end_or_an_endless_name() {
        let failure = check_user_name(&"\n".repeat(1 << 20)).unwrap_err();
        assert!(!failure.message.contains('\n'));
        assert!(failure.message.len() < 300);
    }
}
