//! `/etc/shadow`.

use step_sdk::{Failure, Host, Result};

use crate::table::field;
use crate::{LoginDefs, NewUserDefaults, Table};

const SHADOW: &str = "/etc/shadow";
/// `name:password:changed:minimum:maximum:warn:inactive:expires:reserved`.
const FIELDS: usize = 9;

/// The ageing fields of a new line, in days; negative ones stay empty.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Aging {
    /// Day since 1970 of the last change.
    pub changed: i64,
    /// Least days between changes.
    pub minimum: i64,
    /// Most days between changes.
    pub maximum: i64,
    /// Days of warning.
    pub warn: i64,
    /// Days between the password's end and the account's.
    pub inactive: i64,
    /// Day since 1970 on which the account ends.
    pub expires: i64,
}

impl Aging {
    /// As the image's defaults say; `today` is a day since 1970.
    pub fn new(defs: &LoginDefs, defaults: &NewUserDefaults, today: i64) -> Self {
        Self {
            // Day 0 would force a change of password at the first login.
            changed: if today == 0 { -1 } else { today },
            minimum: defs.number("PASS_MIN_DAYS", -1),
            maximum: defs.number("PASS_MAX_DAYS", -1),
            warn: defs.number("PASS_WARN_AGE", -1),
            inactive: defaults.inactive,
            expires: defaults.expire,
        }
    }
}

/// The passwords of an image.
#[derive(Clone, Debug, Default)]
pub struct Shadow {
    table: Table,
}

impl Shadow {
    /// Reads the image's file, or gives `None` when passwords stand in `/etc/passwd`.
    ///
    /// # Errors
    /// What [`Host::read`] ends with.
    pub fn load(host: &dyn Host) -> Result<Option<Self>> {
        Ok(Table::load(host, SHADOW)?.map(|table| Self { table }))
    }

    /// Makes passwords of the file's text.
    pub fn parse(text: &[u8]) -> Self {
        Self { table: Table::parse(text) }
    }

    /// Writes the file if it changed.
    ///
    /// # Errors
    /// What [`Host::write`] ends with.
    pub fn save(&mut self, host: &dyn Host) -> Result<()> {
        self.table.save(host, SHADOW)
    }

    /// The file's text.
    pub fn to_text(&self) -> Vec<u8> {
        self.table.to_text()
    }

    /// Adds a user; a line that a removed user left is replaced.
    ///
    /// # Errors
    /// [`Failure`] for a hash that would break the file.
    pub fn add(&mut self, name: &str, hash: &str, aging: &Aging) -> Result<()> {
        crate::check_field("password", hash)?;
        let mut line = format!("{name}:{hash}");
        let Aging { changed, minimum, maximum, warn, inactive, expires } = *aging;
        for days in [changed, minimum, maximum, warn, inactive, expires] {
            line.push(':');
            if days >= 0 {
                line.push_str(&days.to_string());
            }
        }
        line.push(':');
        self.table.put(name, FIELDS, line);
        Ok(())
    }

    /// Replaces the password field.
    ///
    /// # Errors
    /// [`Failure`] when there is no line of that user, or the hash would break the file.
    pub fn set_password(&mut self, name: &str, hash: &str) -> Result<()> {
        self.set(name, 1, hash)
    }

    /// Lets the account end `days` after the last change of its password; a missing day of change becomes `today`.
    ///
    /// # Errors
    /// [`Failure`] when there is no whole line of that user, or its day of change is no number.
    pub fn expire_after(&mut self, name: &str, days: u32, today: i64) -> Result<()> {
        let changed = self.table.find(name, FIELDS).and_then(|line| field(line, 2)).unwrap_or_default();
        let changed = if changed.is_empty() {
            self.set(name, 2, &today.to_string())?;
            today
        } else {
            let day = std::str::from_utf8(changed).ok().and_then(|text| text.parse::<i64>().ok());
            day.ok_or_else(|| {
                Failure::other(format!("the day of change of `{name}` in `/etc/shadow` is no number"))
            })?
        };
        self.set(name, 7, &changed.saturating_add(i64::from(days)).to_string())
    }

    /// Lets neither password nor account end: empties everything behind the least number of days.
    ///
    /// # Errors
    /// [`Failure`] when there is no whole line of that user.
    pub fn never_expire(&mut self, name: &str) -> Result<()> {
        (4..FIELDS).try_for_each(|field| self.set(name, field, ""))
    }

    fn set(&mut self, name: &str, field: usize, value: &str) -> Result<()> {
        self.table.set_field(name, FIELDS, field, value).map_err(|failure| failure.context("`/etc/shadow`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(shadow: &Shadow) -> String {
        String::from_utf8(shadow.to_text()).unwrap()
    }

    #[test]
    fn a_new_line_leaves_negative_days_empty() {
        let mut shadow = Shadow::parse(b"left:old:1:2:3:4:5:6:7\n");
        let aging = Aging::new(&LoginDefs::parse("PASS_MAX_DAYS 9\n"), &NewUserDefaults::default(), 100);
        shadow.add("left", "!", &aging).unwrap();
        shadow.add("new", "h", &Aging::new(&LoginDefs::default(), &NewUserDefaults::default(), 0)).unwrap();
        assert_eq!(text(&shadow), "left:!:100::9::::\nnew:h:::::::\n");
        assert!(shadow.add("x", "h:0", &aging).is_err());
    }

    #[test]
    fn expiry_counts_from_the_last_change() {
        let cases = [
            ("u:h:100:0:99:7:::\n", 30, "u:h:100:0:99:7::130:\n"),
            ("u:h::0:99:7::5:\n", 0, "u:h:200:0:99:7::200:\n"),
        ];
        for (before, days, after) in cases {
            let mut shadow = Shadow::parse(before.as_bytes());
            shadow.expire_after("u", days, 200).unwrap();
            assert_eq!(text(&shadow), after);
        }
        for bad in ["u:h:x:0:99:7:::\n", "u:h:1\n", ""] {
            assert!(Shadow::parse(bad.as_bytes()).expire_after("u", 1, 200).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_account_that_never_ends_keeps_four_fields() {
        let mut shadow = Shadow::parse(b"u:h:100:0:99:7:1:2:3\n");
        shadow.never_expire("u").unwrap();
        assert_eq!(text(&shadow), "u:h:100:0:::::\n");
    }
}
