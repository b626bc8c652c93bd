//! The variables of the environment that change what a run does.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::failure::Failure;

/// `SOURCE_DATE_EPOCH`: seconds since 1970 that stand for the present, so that equal runs give equal images.
/// The variable is a convention of the reproducible-builds project.
///
/// # Errors
/// It is set to something else.
pub(crate) fn source_date_epoch() -> Result<Option<u64>, Failure> {
    parse_epoch(env::var_os("SOURCE_DATE_EPOCH"))
}

fn parse_epoch(value: Option<OsString>) -> Result<Option<u64>, Failure> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
    let digits = value.to_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(seconds) if seconds <= LATEST => Ok(Some(seconds)),
        Some(_) => {
            let text = format!("`SOURCE_DATE_EPOCH` is later than ext4 can store: `{}`", value.display());
            Err(Failure::new(text).with_hint(Some(format!("set it to at most {LATEST}, or unset it"))))
        }
        None => {
            let text = format!("`SOURCE_DATE_EPOCH` is not a number of seconds: `{}`", value.display());
            Err(Failure::new(text).with_hint(Some("set it to the seconds since 1970, or unset it")))
        }
    }
}

/// The last second that an inode of ext4 can hold: 34 bits, from 1901 on.
const LATEST: u64 = (1 << 34) - (1 << 31) - 1;

/// Where compiled components are kept between runs: `imagecustomizer` in the user's cache directory, by the XDG base
/// directory specification. Without a home directory they are compiled in every run.
pub(crate) fn code_cache() -> Option<PathBuf> {
    cache_directory(env::var_os("XDG_CACHE_HOME"), env::var_os("HOME"))
}

/// `IMAGECUSTOMIZER_POLICY`: a policy to follow, where `--policy` names none.
pub(crate) fn policy() -> Option<PathBuf> {
    env::var_os("IMAGECUSTOMIZER_POLICY").map(PathBuf::from).filter(|path| !path.as_os_str().is_empty())
}

fn cache_directory(xdg: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    // The specification has relative paths ignored.
    let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let cache = xdg.and_then(absolute).or_else(|| Some(home.and_then(absolute)?.join(".cache")))?;
    Some(cache.join("imagecustomizer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_is_a_plain_number() {
        for (value, expected) in
            [(None, None), (Some(""), None), (Some("0"), Some(0)), (Some("17"), Some(17))]
        {
            assert_eq!(parse_epoch(value.map(OsString::from)).unwrap(), expected, "{value:?}");
        }
        for value in ["-1", "+1", "1.5", "now", "99999999999999999999", " 1", "15032385536"] {
            assert!(parse_epoch(Some(value.into())).is_err(), "{value}");
        }
    }

    #[test]
    fn the_cache_lies_in_the_users_cache_directory() {
        let cases = [
            (Some("/x"), Some("/h"), Some("/x/imagecustomizer")),
            (None, Some("/h"), Some("/h/.cache/imagecustomizer")),
            (Some(""), Some("/h"), Some("/h/.cache/imagecustomizer")),
            (Some("x"), Some("/h"), Some("/h/.cache/imagecustomizer")),
            (None, Some(""), None),
            (None, None, None),
        ];
        for (xdg, home, expected) in cases {
            let found = cache_directory(xdg.map(OsString::from), home.map(OsString::from));
            assert_eq!(found, expected.map(PathBuf::from), "{xdg:?} {home:?}");
        }
    }
}
