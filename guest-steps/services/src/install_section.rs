//! What a unit's `[Install]` section asks for.

use step_sdk::{Host, Result};

use crate::parse::{Assignment, plain_words, quoted_words};
use crate::problem::Problem;
use crate::specifier::{Names, expand};
use crate::unit_name::{self, Form};

/// The lists of an `[Install]` section and of the drop-ins to it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct InstallSection {
    pub(crate) aliases: Vec<String>,
    pub(crate) wanted_by: Vec<String>,
    pub(crate) required_by: Vec<String>,
    pub(crate) upheld_by: Vec<String>,
    /// Units that are enabled and disabled together with this one; specifiers are replaced already.
    pub(crate) also: Vec<String>,
    pub(crate) default_instance: Option<String>,
}

impl InstallSection {
    /// Whether there is anything to do for the unit itself.
    pub(crate) fn has_rules(&self) -> bool {
        [&self.aliases, &self.wanted_by, &self.required_by, &self.upheld_by]
            .iter()
            .any(|list| !list.is_empty())
    }

    /// Takes in the assignments of one file.
    pub(crate) fn add(
        &mut self,
        unit: &str,
        assignments: &[Assignment],
        host: &dyn Host,
    ) -> Result<(), Problem> {
        for Assignment { key, value } in assignments {
            match key.as_str() {
                "Alias" if unit_name::may_alias(unit) => extend(&mut self.aliases, value),
                "WantedBy" => extend(&mut self.wanted_by, value),
                "RequiredBy" => extend(&mut self.required_by, value),
                "UpheldBy" => extend(&mut self.upheld_by, value),
                "Also" => self.add_also(unit, value, host)?,
                "DefaultInstance" => self.set_default_instance(unit, value, host)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn add_also(&mut self, unit: &str, value: &str, host: &dyn Host) -> Result<(), Problem> {
        let words = plain_words(value).ok_or_else(|| broken(unit, "Also="))?;
        for word in words {
            let name = expand(&word, self.names(unit), host)?;
            if !unit_name::is_valid(&name) {
                return Err(broken(unit, "Also="));
            }
            self.also.push(name);
        }
        Ok(())
    }

    fn set_default_instance(&mut self, unit: &str, value: &str, host: &dyn Host) -> Result<(), Problem> {
        if unit_name::form(unit) != Some(Form::Template) {
            return Ok(());
        }
        let instance = expand(value, self.names(unit), host)?;
        if !instance.is_empty() && !unit_name::is_instance_text(&instance) {
            return Err(broken(unit, "DefaultInstance="));
        }
        self.default_instance = Some(instance).filter(|instance| !instance.is_empty());
        Ok(())
    }

    /// What specifiers stand for.
    pub(crate) fn names<'a>(&'a self, unit: &'a str) -> Names<'a> {
        Names { unit, default_instance: self.default_instance.as_deref() }
    }
}

/// Adds the words of a value; an empty value empties the list, one with an open quote is ignored.
fn extend(list: &mut Vec<String>, value: &str) {
    if value.is_empty() {
        list.clear();
        return;
    }
    for word in quoted_words(value).unwrap_or_default() {
        if !list.contains(&word) {
            list.push(word);
        }
    }
}

fn broken(unit: &str, setting: &str) -> Problem {
    Problem::other(format!("unit `{unit}`: `{setting}` holds something that is no unit name"))
}
