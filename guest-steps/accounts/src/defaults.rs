//! The image's settings for new accounts: `/etc/login.defs` and `/etc/default/useradd`.

use std::collections::BTreeMap;

use step_sdk::{Failure, Host, Result};

use crate::Range;

/// `/etc/login.defs`: names and values; the last line of a name counts.
#[derive(Clone, Debug, Default)]
pub struct LoginDefs {
    values: BTreeMap<String, String>,
}

impl LoginDefs {
    /// Reads the image's file; without one every default applies.
    ///
    /// # Errors
    /// What [`Host::read`] ends with.
    pub fn load(host: &dyn Host) -> Result<Self> {
        let text = host.read_if_there("/etc/login.defs")?.unwrap_or_default();
        Ok(Self::parse(&String::from_utf8_lossy(&text)))
    }

    /// Understands the file's text: a name, white space, a value that ends at a quotation mark or the line's end.
    pub fn parse(text: &str) -> Self {
        let blank = |c: char| c == ' ' || c == '\t';
        let mut values = BTreeMap::new();
        for line in text.lines().map(|line| line.trim_matches(|c: char| c.is_ascii_whitespace())) {
            let Some((name, rest)) = line.split_once(blank).filter(|_| !line.starts_with('#')) else {
                continue;
            };
            let value = rest.trim_start_matches([' ', '\t', '"']);
            let value = value.split('"').next().unwrap_or_default();
            values.insert(name.to_owned(), value.to_owned());
        }
        Self { values }
    }

    /// The text of a setting.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A setting that is `yes` or not.
    pub fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| value.eq_ignore_ascii_case("yes"))
    }

    /// A number: decimal, octal with a leading `0`, hexadecimal with `0x`. One that makes no sense is ignored.
    pub fn number(&self, name: &str, default: i64) -> i64 {
        self.text(name).and_then(parse_number).unwrap_or(default)
    }

    /// The IDs from `{kind}_MIN` to `{kind}_MAX`: `kind` is `UID` or `GID`.
    ///
    /// # Errors
    /// [`Failure`] when the range is empty or no range of IDs.
    pub fn id_range(&self, kind: &str) -> Result<Range> {
        let bound = |end: &str, default| u32::try_from(self.number(&format!("{kind}_{end}"), default));
        match (bound("MIN", 1000), bound("MAX", 60000)) {
            (Ok(min), Ok(max)) if min <= max && max < u32::MAX => Ok(Range { min, max }),
            _ => Err(Failure::other(format!(
                "`/etc/login.defs` of the image has an impossible range {kind}_MIN to {kind}_MAX"
            ))),
        }
    }
}

/// `/etc/default/useradd`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewUserDefaults {
    /// What home directories lie in.
    pub home_base: String,
    /// The shell.
    pub shell: String,
    /// The tree that a new home directory is a copy of.
    pub skeleton: String,
    /// Names or IDs of the primary group where users have no group of their own: the last one that exists counts.
    pub groups: Vec<String>,
    /// Days between the password's end and the account's; negative: never.
    pub inactive: i64,
    /// Day since 1970 on which an account ends; negative: never.
    pub expire: i64,
    /// Whether a mailbox is made.
    pub mail_spool: bool,
}

impl Default for NewUserDefaults {
    fn default() -> Self {
        Self {
            home_base: "/home".into(),
            shell: "/bin/bash".into(),
            skeleton: "/etc/skel".into(),
            groups: Vec::new(),
            inactive: -1,
            expire: -1,
            mail_spool: false,
        }
    }
}

impl NewUserDefaults {
    /// Reads the image's file; without one the built-in defaults apply.
    ///
    /// # Errors
    /// What [`Host::read`] ends with, and [`Failure`] for a date that is no date.
    pub fn load(host: &dyn Host) -> Result<Self> {
        let text = host.read_if_there("/etc/default/useradd")?.unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&text))
    }

    /// Understands the file's text.
    ///
    /// # Errors
    /// [`Failure`] for a date that is no date, and a value that would break `/etc/passwd`.
    pub fn parse(text: &str) -> Result<Self> {
        let mut defaults = Self::default();
        for (name, value) in text.split('\n').filter_map(|line| line.split_once('=')) {
            match name {
                "HOME" => defaults.home_base = value.into(),
                "SHELL" => defaults.shell = value.into(),
                "SKEL" if !value.is_empty() => defaults.skeleton = value.into(),
                "GROUP" => defaults.groups.push(value.into()),
                "INACTIVE" => {
                    defaults.inactive = parse_number(value).filter(|days| *days >= -1).unwrap_or(-1)
                }
                "EXPIRE" => defaults.expire = parse_day(value)?,
                "CREATE_MAIL_SPOOL" => defaults.mail_spool = value.eq_ignore_ascii_case("yes"),
                _ => {}
            }
        }
        for (name, value) in [("HOME", &defaults.home_base), ("SHELL", &defaults.shell)] {
            crate::check_field("value", value).map_err(|failure| {
                failure.context(format!("{name} in `/etc/default/useradd` of the image"))
            })?;
        }
        Ok(defaults)
    }
}

/// A number as C reads it with base 0.
fn parse_number(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let value = match (digits.strip_prefix("0x").or(digits.strip_prefix("0X")), digits.strip_prefix('0')) {
        (Some(hexadecimal), _) => i64::from_str_radix(hexadecimal, 16),
        (None, Some("")) => Ok(0),
        (None, Some(octal)) => i64::from_str_radix(octal, 8),
        (None, None) => digits.parse(),
    };
    value.ok().map(|value| if negative { -value } else { value })
}

/// A day since 1970: a number, or a date as `2030-01-31`; an empty text is "never".
fn parse_day(text: &str) -> Result<i64> {
    if text.is_empty() {
        return Ok(-1);
    }
    let day = text.parse().ok().or_else(|| parse_date(text));
    day.ok_or_else(|| {
        Failure::other("EXPIRE in `/etc/default/useradd` of the image is no date like `2030-01-31`")
    })
}

fn parse_date(text: &str) -> Option<i64> {
    let mut parts = text.trim().splitn(3, '-').map(|part| part.parse::<u16>().ok());
    let (year, month, day) =
        (i64::from(parts.next()??), i64::from(parts.next()??), i64::from(parts.next()??));
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March: the day that leap years add is then a year's last one.
    let (shifted_year, shifted_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = shifted_year / 4 - shifted_year / 100 + shifted_year / 400;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    Some(365 * shifted_year + leap_days + day_of_year - DAYS_BEFORE_1970)
}

/// Days from 1 March of the year 0 to 1 January 1970.
const DAYS_BEFORE_1970: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_defs_are_read_line_by_line() {
        let text = "#UID_MIN 5\n  UID_MIN\t 0x10 \nUMASK 077\nUMASK 027\nNAME \"a b\" c\nALONE\nBAD x1\r\n";
        let defs = LoginDefs::parse(text);
        assert_eq!(defs.number("UID_MIN", 1), 16);
        assert_eq!(defs.number("UMASK", 1), 0o27);
        assert_eq!(defs.text("NAME"), Some("a b"));
        assert_eq!(defs.text("ALONE"), None);
        assert_eq!(defs.number("BAD", 7), 7);
        assert!(LoginDefs::parse("F  YES\n").flag("F"));
        assert!(!defs.flag("F"));
    }

    #[test]
    fn an_impossible_range_is_refused() {
        for text in
            ["UID_MIN 10\nUID_MAX 9\n", "UID_MIN -1\n", "UID_MAX 99999999999\n", "UID_MAX 4294967295\n"]
        {
            assert!(LoginDefs::parse(text).id_range("UID").is_err(), "{text}");
        }
        let range = LoginDefs::default().id_range("GID").unwrap();
        assert_eq!((range.min, range.max), (1000, 60000));
    }

    #[test]
    fn days_are_counted_from_1970() {
        let cases = [
            ("1970-01-01", Some(0)),
            ("2000-03-01", Some(11017)),
            ("2024-02-29", Some(19782)),
            ("2030-13-01", None),
        ];
        for (date, day) in cases {
            assert_eq!(parse_date(date), day, "{date}");
        }
        assert_eq!(parse_day("").unwrap(), -1);
        assert_eq!(parse_day("20000").unwrap(), 20000);
        assert!(parse_day("soon").is_err());
    }

    #[test]
    fn new_user_defaults_take_values_as_they_stand() {
        let text = "# SHELL=/x\nSHELL=/bin/zsh\nSKEL=\nGROUP=users\nINACTIVE=x\nCREATE_MAIL_SPOOL=Yes\n";
        let defaults = NewUserDefaults::parse(text).unwrap();
        assert_eq!(defaults.shell, "/bin/zsh");
        assert_eq!(defaults.skeleton, "/etc/skel");
        assert_eq!(defaults.groups, ["users"]);
        assert_eq!((defaults.inactive, defaults.mail_spool), (-1, true));
        assert!(NewUserDefaults::parse("SHELL=/bin/sh:x\n").is_err());
        assert!(NewUserDefaults::parse("HOME=/h\r\n").is_err());
    }
}
