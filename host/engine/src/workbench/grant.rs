//! What a component may touch, as the `grant` of a configuration says it.

use super::LONGEST_TEXT;
use crate::error::{Error, ErrorKind, Result};
use crate::regular_file;
use sandbox::{Scope, Touches};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;
use units::PathPattern;

/// A `grant` as a configuration holds it. Without `read`, everything but secrets may be read; without `write`, nothing may
/// be written.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Patterns of what may be read beside what may be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Vec<String>>,
    /// Patterns of what may be made, changed and removed.
    #[serde(default)]
    pub write: Vec<String>,
    /// Whether device nodes, pipes and sockets may be made.
    #[serde(default)]
    pub nodes: bool,
}

/// Patterns that stand in one line.
const IN_ONE_LINE: usize = 4;

impl Grant {
    /// All but secrets may be read and written: for looking at what a component does.
    pub(super) fn all_but_secrets() -> Self {
        Self { read: None, write: vec!["/**".to_owned()], nodes: false }
    }

    /// Reads a grant from a JSON file; `None` when there is none.
    pub(super) fn read_file(path: &Path) -> Result<Option<Self>> {
        let failed = || Error::new(ErrorKind::Step, "use the grant").at(path);
        let text = match regular_file::read_text(path, LONGEST_TEXT) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed().caused_by(error)),
        };
        let grant = serde_json::from_str(&text);
        grant.map(Some).map_err(|error| {
            failed()
                .caused_by(error)
                .hint_at("it is JSON: `{ \"write\": [\"/etc/motd\"], \"nodes\": false }`")
        })
    }

    pub(super) fn scope(&self) -> Result<Scope> {
        Scope::parse(self.read.as_deref(), &self.write, self.nodes).map_err(|(text, error)| {
            let message = format!("`{}` is no pattern of paths", text.escape_debug());
            Error::saying(ErrorKind::Step, message).caused_by(error).hint_at(
                "a pattern is an absolute path; `*` and `?` stay within a name, `**` is any number of names",
            )
        })
    }

    /// The smallest one that allows what was touched.
    pub(super) fn learned(touches: &Touches) -> Self {
        let scope = touches.smallest_scope();
        let texts = |patterns: &[PathPattern]| {
            patterns.iter().map(|pattern| pattern.as_str().to_owned()).collect::<Vec<_>>()
        };
        Self { read: scope.read().map(texts), write: texts(scope.write()), nodes: scope.nodes() }
    }
}

/// YAML, ready to be pasted into a step of a configuration.
impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("grant:\n")?;
        if let Some(read) = &self.read {
            list(f, "read", read)?;
        }
        list(f, "write", &self.write)?;
        if self.nodes { f.write_str("  nodes: true\n") } else { Ok(()) }
    }
}

fn list(f: &mut fmt::Formatter<'_>, name: &str, patterns: &[String]) -> fmt::Result {
    let texts: Vec<String> = patterns.iter().map(|pattern| PathPattern::in_yaml(pattern)).collect();
    if texts.len() <= IN_ONE_LINE {
        return writeln!(f, "  {name}: [{}]", texts.join(", "));
    }
    writeln!(f, "  {name}:")?;
    texts.iter().try_for_each(|text| writeln!(f, "  - {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_can_be_pasted() {
        let grant = |read: Option<&[&str]>, write: &[&str], nodes| Grant {
            read: read.map(|read| read.iter().map(ToString::to_string).collect()),
            write: write.iter().map(ToString::to_string).collect(),
            nodes,
        };
        let cases = [
            (grant(None, &["/etc/motd"], false), "grant:\n  write: [/etc/motd]\n"),
            (
                grant(Some(&[]), &["/etc/motd.d/**", "/a, b"], true),
                "grant:\n  read: []\n  write: [/etc/motd.d/**, \"/a, b\"]\n  nodes: true\n",
            ),
            (
                grant(Some(&["/1", "/2", "/3", "/4", "/5"]), &[], false),
                "grant:\n  read:\n  - /1\n  - /2\n  - /3\n  - /4\n  - /5\n  write: []\n",
            ),
        ];
        for (grant, text) in cases {
            assert_eq!(grant.to_string(), text);
        }
    }
}
