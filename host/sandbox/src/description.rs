//! Holds what a step says of itself to the contract: it is shown to people, and the name stands in configurations.

use crate::error::{Error, ErrorKind, Result};
use crate::step::Description;
use std::fmt;

/// Bytes of a name, and of a version.
const LONGEST_NAME: usize = 64;
/// Bytes of the summary.
const LONGEST_SUMMARY: usize = 1024;
/// Bytes of the schema: many times the largest that anyone writes.
const LONGEST_SCHEMA: usize = 1 << 20;

/// `describe` called an interface of the contract that only a run has.
#[derive(Debug)]
pub(crate) struct CallsHost(pub(crate) &'static str);

impl fmt::Display for CallsHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`describe` calls `{}`, but may call nothing but `log`", self.0)
    }
}

impl std::error::Error for CallsHost {}

impl Description {
    /// The description, if it is one that the contract allows.
    pub(crate) fn checked(self, step: &str) -> Result<Self> {
        match self.fault() {
            None => Ok(self),
            Some(fault) => Err(Error::new(ErrorKind::ContractMismatch, step, fault)
                .hint("this is for the step's author to change, in what `describe` gives")),
        }
    }

    fn fault(&self) -> Option<String> {
        let Self { name, version, summary, settings_schema } = self;
        let shown = |text: &str| text.chars().take(80).collect::<String>();
        let lengths = [
            ("name", name, LONGEST_NAME),
            ("version", version, LONGEST_NAME),
            ("summary", summary, LONGEST_SUMMARY),
            ("schema of settings", settings_schema, LONGEST_SCHEMA),
        ];
        for (what, text, most) in lengths {
            if text.len() > most {
                return Some(format!("its {what} has {} bytes, at most {most} are accepted", text.len()));
            }
        }
        if !is_name(name) {
            return Some(format!("its name, `{}`, is not lower-case words joined by `-`", shown(name)));
        }
        let lines = [("version", version), ("summary", summary)];
        let odd = lines.iter().find(|(_, text)| text.chars().any(char::is_control));
        odd.map(|(what, text)| format!("its {what}, `{}`, holds control characters", shown(text)))
    }
}

/// Words of lower-case letters and digits with one `-` between two.
fn is_name(name: &str) -> bool {
    name.split('-').all(|word| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(name: &str, version: &str, summary: &str, schema: &str) -> Description {
        let [name, version, summary, settings_schema] = [name, version, summary, schema].map(str::to_owned);
        Description { name, version, summary, settings_schema }
    }

    #[test]
    fn a_description_is_one_that_can_be_shown() {
        for (description, fault) in [
            (described("set-motd2", "1.0.0-rc.1+x", "Sets the message: ü", "{}"), None),
            (described("", "1", "", ""), Some("is not lower-case words")),
            (described("Motd", "1", "", ""), Some("is not lower-case words")),
            (described("a--b", "1", "", ""), Some("is not lower-case words")),
            (described("a\n", "1", "", ""), Some("is not lower-case words")),
            (described("a", "1\x1b[2J", "", ""), Some("holds control characters")),
            (described("a", "1", "two\nlines", ""), Some("its summary")),
            (described(&"a".repeat(65), "1", "", ""), Some("has 65 bytes, at most 64")),
            (described("a", "1", &"a".repeat(1025), ""), Some("at most 1024")),
            (
                described("a", "1", "", &"[".repeat((1 << 20) + 1)),
                Some("its schema of settings has 1048577 bytes"),
            ),
        ] {
            match (description.checked("trouble"), fault) {
                (Ok(_), None) => {}
                (Err(error), Some(text)) => {
                    assert!(
                        error.to_string().contains(text) && !error.to_string().contains('\x1b'),
                        "{error}"
                    );
                }
                (result, fault) => panic!("{result:?} is not {fault:?}"),
            }
        }
    }
}
