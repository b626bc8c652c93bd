//! Sets the hostname of the image: `/etc/hostname` holds exactly the name, without a line end.
//!
//! A file that is there keeps inode, mode and owner; a link is followed inside the image.

use serde::de::{Deserialize, Deserializer, Error, Unexpected};
use step_sdk::{Host, Result, Step, WriteOptions};

const PATH: &str = "/etc/hostname";

/// What the step is told.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    name: HostName,
}

/// Labels of letters, digits and `-`, at most 63 each, joined by dots; one more dot may end the name.
struct HostName(String);

/// 255 characters, the most that an image definition may have, each but the last followed by a dot, and a dot at the end.
const MAX_LENGTH: usize = 510;

/// The step.
pub struct Hostname;

impl Step for Hostname {
    type Settings = Settings;
    const NAME: &'static str = "hostname";
    const SUMMARY: &'static str = "Sets the hostname";
    const SETTINGS_SCHEMA: &'static str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["name"],
  "properties": {
    "name": {
      "description": "Exactly what /etc/hostname is to hold.",
      "type": "string",
      "maxLength": 510,
      "pattern": "^[A-Za-z0-9][A-Za-z0-9-]{0,62}([.][A-Za-z0-9][A-Za-z0-9-]{0,62})*[.]?$"
    }
  }
}"#;

    fn run(settings: &Settings, host: &dyn Host) -> Result<()> {
        let name = settings.name.0.as_bytes();
        if host.read_if_there(PATH)?.as_deref() == Some(name) {
            return Ok(());
        }
        host.write(PATH, name, &WriteOptions { parents: true, ..Default::default() })
    }
}

step_sdk::export_step!(Hostname);

impl<'de> Deserialize<'de> for HostName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let labels = name.strip_suffix('.').unwrap_or(&name);
        if name.len() <= MAX_LENGTH && labels.split('.').all(is_label) {
            return Ok(Self(name));
        }
        Err(D::Error::invalid_value(Unexpected::Str(&name), &"a host name of letters, digits, `-` and `.`"))
    }
}

fn is_label(label: &str) -> bool {
    label.len() <= 63
        && label.starts_with(|c: char| c.is_ascii_alphanumeric())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use step_sdk::testing::{MemoryHost, Tree, check_settings};
    use step_sdk::{FailureCode, Owner};

    fn run(host: &MemoryHost, name: &str) -> Result<()> {
        Hostname::run(&step_sdk::parse_settings(&format!(r#"{{"name":"{name}"}}"#))?, host)
    }

    #[test]
    fn a_new_file_holds_the_name_without_line_end() {
        let host = MemoryHost::new(Tree::new());
        run(&host, "web-1").unwrap();
        assert_eq!(host.manifest(), "d 0755 0:0 /etc\nf 0644 0:0 /etc/hostname \"web-1\"\n");
    }

    #[test]
    fn an_existing_file_keeps_inode_mode_and_owner() {
        let image =
            Tree::new().file_with("/etc/hostname", "long-old-name\n", 0o600, Owner { uid: 1, gid: 2 });
        let host = MemoryHost::new(image);
        let inode = host.inode(PATH).unwrap();
        run(&host, "web-1").unwrap();
        assert_eq!(host.manifest(), "d 0755 0:0 /etc\nf 0600 1:2 /etc/hostname \"web-1\"\n");
        assert_eq!(host.inode(PATH), Ok(inode));
    }

    #[test]
    fn a_link_is_followed_inside_the_image() {
        let host = MemoryHost::new(Tree::new().file("/run/name", "x").symlink(PATH, "/run/name"));
        run(&host, "web-1").unwrap();
        assert_eq!(host.text("/run/name").unwrap(), "web-1");
        let dangling = MemoryHost::new(Tree::new().directory("/run", 0o755).symlink(PATH, "../run/name"));
        run(&dangling, "web-1").unwrap();
        assert_eq!(dangling.text("/run/name").unwrap(), "web-1");
    }

    #[test]
    fn a_second_run_changes_nothing() {
        let host = MemoryHost::new(Tree::new());
        run(&host, "web-1").unwrap();
        run(&host, "web-1").unwrap();
        assert_eq!(host.changes(), 1);
    }

    #[test]
    fn a_directory_in_the_way_is_an_error() {
        let host = MemoryHost::new(Tree::new().directory(PATH, 0o755));
        assert_eq!(run(&host, "web-1").unwrap_err().code, FailureCode::IsADirectory);
    }

    #[test]
    fn schema_and_settings_agree() {
        let label = "x".repeat(63);
        let samples = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| format!(r#"{{"name":"{name}"}}"#)).collect()
        };
        let good = samples(&["a", "web-1", "WEB", "a.b.c", "a.", "1", "a-", &label, &format!("{label}.a")]);
        let mut bad = samples(&[
            "",
            ".",
            "-a",
            "a..b",
            ".a",
            "a..",
            "a_b",
            "a b",
            "a\\n",
            "é",
            &format!("x{label}"),
            &"a.".repeat(256),
        ]);
        bad.extend(["{}", r#"{"name":1}"#, r#"{"name":"a","x":1}"#, "[]", "null"].map(String::from));
        let good: Vec<&str> = good.iter().map(String::as_str).collect();
        let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
        check_settings::<Hostname>(&good, &bad).unwrap();
    }
}
