//! Says which kernel modules are loaded at boot, which may not be loaded, and with which options.
//!
//! Three files hold it: `modules-load.conf` (to be loaded), `modules-disabled.conf` (`blacklist NAME`) and
//! `module-options.conf` (`options NAME k=v …`). As for modprobe, `-` and `_` are the same in a module's name. A file that
//! says what is asked already is not touched.

mod conf;
mod options;

use conf::Lines;
use serde::de::{Deserialize, Deserializer, Error, Unexpected};
use std::collections::BTreeMap;
use step_sdk::{Failure, FailureCode, Host, Level, Result, Step};

const LOAD: &str = "/etc/modules-load.d/modules-load.conf";
const DISABLED: &str = "/etc/modprobe.d/modules-disabled.conf";
const OPTIONS: &str = "/etc/modprobe.d/module-options.conf";

/// What the step is told.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    modules: Vec<Module>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Module {
    name: Word,
    #[serde(default)]
    load_mode: LoadMode,
    /// Sorted, so that new options always come in the same order.
    #[serde(default)]
    options: BTreeMap<Word, Word>,
}

#[derive(Clone, Copy, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
enum LoadMode {
    /// Loaded at boot.
    Always,
    /// Loaded when needed.
    Auto,
    /// Never loaded.
    Disable,
    /// As the image has it.
    #[default]
    Inherit,
}

/// Text without blanks and control characters.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Word(String);

/// The step.
pub struct Modules;

impl Step for Modules {
    type Settings = Settings;
    const NAME: &'static str = "modules";
    const SUMMARY: &'static str = "Configures kernel modules";
    const SETTINGS_SCHEMA: &'static str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["modules"],
  "properties": {
    "modules": {
      "type": "array",
      "items": {
        "type": "object",
        "additionalProperties": false,
        "required": ["name"],
        "properties": {
          "name": { "type": "string", "pattern": "^[^\\s\\x00-\\x1f\\x7f]+$" },
          "loadMode": { "enum": ["always", "auto", "disable", "inherit"], "default": "inherit" },
          "options": {
            "type": "object",
            "propertyNames": { "pattern": "^[^\\s\\x00-\\x1f\\x7f]+$" },
            "additionalProperties": { "type": "string", "pattern": "^[^\\s\\x00-\\x1f\\x7f]+$" }
          }
        }
      }
    }
  }
}"#;

    fn run(settings: &Settings, host: &dyn Host) -> Result<()> {
        let mut load = Lines::read(LOAD, host)?;
        let mut disabled = Lines::read(DISABLED, host)?;
        let mut options = Lines::read(OPTIONS, host)?;
        for module in &settings.modules {
            let name = module.name.0.as_str();
            set_load_mode(name, module.load_mode, &mut load, &mut disabled);
            if module.options.is_empty() {
                continue;
            }
            if disabled.has("blacklist", name) {
                let message = format!("options for the kernel module `{name}`, which is disabled");
                return Err(Failure::new(FailureCode::InvalidArgument, message));
            }
            let wanted = module.options.iter().map(|(key, value)| (key.0.as_str(), value.0.as_str()));
            for word in options::set(&mut options, name, wanted) {
                let fields = [("module", name), ("word", word.as_str()), ("path", OPTIONS)];
                host.log(Level::Warn, "drops a module option without a value", &fields);
            }
        }
        for directory in ["/etc/modules-load.d", "/etc/modprobe.d"] {
            if host.find(directory)?.is_none() {
                host.make_directory(directory, 0o755, true)?;
            }
        }
        [load, disabled].iter().try_for_each(|lines| lines.write(host))?;
        options.write_without_last_end(host)
    }
}

step_sdk::export_step!(Modules);

fn set_load_mode(name: &str, mode: LoadMode, load: &mut Lines, disabled: &mut Lines) {
    match mode {
        LoadMode::Always => {
            disabled.remove(name);
            if !load.has_line(name) {
                load.append(name.to_owned());
            }
        }
        LoadMode::Auto => disabled.remove(name),
        // The load list stays as it is: the reference program does not clean it either.
        LoadMode::Disable if !disabled.has("blacklist", name) => disabled.append(format!("blacklist {name}")),
        LoadMode::Disable | LoadMode::Inherit => {}
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        match word.is_empty() || word.contains(|c: char| c.is_whitespace() || c.is_ascii_control()) {
            true => Err(D::Error::invalid_value(Unexpected::Str(&word), &"text without blanks")),
            false => Ok(Self(word)),
        }
    }
}

#[cfg(test)]
mod tests;
