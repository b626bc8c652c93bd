//! Credential helpers: programs that the user chose, by the name that the files of container tools give them.
//!
//! They are the only programs that are not in the list: which ones there are is the user's affair. They get the user's
//! environment, for that says where key rings and clouds are; what it says to this program alone is left out.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::list::{find, search_path};
use crate::{Command, Error, ErrorKind, Result};

/// What the variables begin with that are for telemetry, or for this program alone.
const WITHHELD: [&[u8]; 4] =
    [b"OTEL_", b"IMAGECUSTOMIZER_", b"APPLICATIONINSIGHTS_", b"AZURE_MONITOR_CONNECTION_STRING"];

/// Longer names are none of a program.
const LONGEST_NAME: usize = 128;

/// A call of `docker-credential-NAME`, without arguments yet.
///
/// # Errors
/// [`ErrorKind::ProgramMissing`]: it is not installed, or `name` is no name of a helper.
pub fn credential_helper(name: &str) -> Result<Command> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name = !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(is_part);
    let file_name = format!("docker-credential-{name}");
    let file = is_name.then(|| find(&file_name)).flatten();
    let file = file.ok_or_else(|| Error::new(ErrorKind::ProgramMissing, &file_name))?;
    let path = search_path(std::env::var_os("PATH").as_deref());
    Ok(Command::new(&file_name, file, path)
        .environment(std::env::vars_os().filter(|(name, _)| is_passed_on(name))))
}

/// `PATH` and the locale are as for all programs.
fn is_passed_on(name: &OsStr) -> bool {
    let is_own = name == "PATH" || name == "LC_ALL";
    !is_own && !WITHHELD.iter().any(|start| name.as_bytes().starts_with(start))
}

/// Variables for [`Command`], in its own form.
pub(crate) type Variables = Vec<(OsString, OsString)>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helper_does_not_see_what_is_for_this_program() {
        for (name, expected) in [
            ("HOME", true),
            ("AWS_PROFILE", true),
            ("DOCKER_CONFIG", true),
            ("PATH", false),
            ("LC_ALL", false),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", false),
            ("IMAGECUSTOMIZER_POLICY", false),
            ("APPLICATIONINSIGHTS_CONNECTION_STRING", false),
            ("AZURE_MONITOR_CONNECTION_STRING", false),
        ] {
            assert_eq!(is_passed_on(OsStr::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn only_names_of_helpers_are_looked_for() {
        for name in ["", "../../bin/sh", "a/b", "a\0b", "no-such-helper", &"x".repeat(1000)] {
            assert_eq!(credential_helper(name).unwrap_err().kind(), ErrorKind::ProgramMissing, "{name:?}");
        }
    }
}
