//! What a step may do with the files of an image: patterns of paths, and the files that hold secrets.
//!
//! Patterns are matched against resolved paths, so that no link and no `..` leads out of them. [`Scope`] only answers
//! questions about paths; [`Guard`] asks it at every call.

mod guard;
mod in_tree;
mod places;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod scope_tests;
mod secrets;
#[cfg(test)]
mod tests;
mod touches;
mod tree;

pub use guard::{Denial, Guard};
pub use secrets::{SECRETS, is_secret};
pub use touches::{Touch, Touches};
pub use tree::ScopedTree;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;
use units::{ParsePatternError, PathPattern};

/// The files that a step may read and write. Cheap to clone.
///
/// Metadata, listings and the texts of links are always visible; reading means content and extended attributes. What
/// holds a [secret](SECRETS) is covered only by a pattern whose last name has no wildcard.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Scope {
    /// `None`: nothing is restricted, secrets neither.
    rules: Rules,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Rules {
    Unrestricted,
    Patterns(Arc<Patterns>),
}

#[derive(Debug, Default, Eq, PartialEq)]
struct Patterns {
    /// `None`: everything but secrets.
    read: Option<Vec<PathPattern>>,
    write: Vec<PathPattern>,
    nodes: bool,
    /// What may be written may be written where it is a secret, too.
    secrets: bool,
    /// A file that is covered under one name may be changed, whatever other names it has.
    all_names: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self::Patterns(Arc::default())
    }
}

impl Scope {
    /// Everything may be read and written, secrets too. For tests, and for learning what a step needs.
    #[must_use]
    pub fn unrestricted() -> Self {
        Self { rules: Rules::Unrestricted }
    }

    /// What matches `write` may be written and read; what matches `read` may be read, and with `None` everything may
    /// but secrets. `nodes`: device nodes, pipes and sockets may be made where `write` covers them.
    #[must_use]
    pub fn new(read: Option<Vec<PathPattern>>, write: Vec<PathPattern>, nodes: bool) -> Self {
        Self {
            rules: Rules::Patterns(Arc::new(Patterns {
                read,
                write,
                nodes,
                secrets: false,
                all_names: false,
            })),
        }
    }

    /// The same, and secrets that may be written need not be named. For steps that come with the program and put what a
    /// person gave them where that person said.
    #[must_use]
    pub fn with_secrets(self) -> Self {
        let Some(Patterns { read, write, nodes, all_names, .. }) = self.patterns() else { return self };
        let (nodes, all_names) = (*nodes, *all_names);
        let patterns = Patterns { read: read.clone(), write: write.clone(), nodes, secrets: true, all_names };
        Self { rules: Rules::Patterns(Arc::new(patterns)) }
    }

    /// As [`Scope::new`] from texts.
    ///
    /// # Errors
    /// The first text that is no pattern, and why.
    pub fn parse<S: AsRef<str>>(
        read: Option<&[S]>,
        write: &[S],
        nodes: bool,
    ) -> Result<Self, (String, ParsePatternError)> {
        let one = |text: &S| {
            let text = text.as_ref();
            text.parse().map_err(|error| (text.to_owned(), error))
        };
        let all = |texts: &[S]| texts.iter().map(one).collect::<Result<Vec<PathPattern>, _>>();
        Ok(Self::new(read.map(all).transpose()?, all(write)?, nodes))
    }

    /// Whether nothing is restricted.
    #[must_use]
    pub fn is_unrestricted(&self) -> bool {
        self.rules == Rules::Unrestricted
    }

    /// The patterns of what may be read beside what may be written; `None`: everything but secrets.
    #[must_use]
    pub fn read(&self) -> Option<&[PathPattern]> {
        self.patterns().and_then(|patterns| patterns.read.as_deref())
    }

    /// The patterns of what may be written.
    #[must_use]
    pub fn write(&self) -> &[PathPattern] {
        self.patterns().map_or(&[], |patterns| &patterns.write)
    }

    /// Whether device nodes, pipes and sockets may be made.
    #[must_use]
    pub fn nodes(&self) -> bool {
        self.patterns().is_none_or(|patterns| patterns.nodes)
    }

    /// Whether the object at the resolved `path` may be changed, made or removed, were it no secret.
    #[must_use]
    pub fn covers_writing(&self, path: &[u8]) -> bool {
        self.patterns().is_none_or(|patterns| any(&patterns.write, path))
    }

    /// Whether the content of the object at the resolved `path` may be read, were it no secret.
    #[must_use]
    pub fn covers_reading(&self, path: &[u8]) -> bool {
        self.patterns().is_none_or(|patterns| {
            patterns.read.as_ref().is_none_or(|read| any(read, path)) || any(&patterns.write, path)
        })
    }

    /// Whether a pattern without wildcard in its last name allows writing the very file at the resolved `path`.
    #[must_use]
    pub fn names_for_writing(&self, path: &[u8]) -> bool {
        self.patterns().is_none_or(|patterns| patterns.names_for_writing(path))
    }

    /// As [`Scope::names_for_writing`], for reading; what is named for writing may be read.
    #[must_use]
    pub fn names_for_reading(&self, path: &[u8]) -> bool {
        self.patterns().is_none_or(|patterns| {
            patterns.read.as_ref().is_some_and(|read| named(read, path)) || patterns.names_for_writing(path)
        })
    }

    /// Whether a file at the resolved `path` may be changed, made or removed: covered, and named if it is a secret.
    #[must_use]
    pub fn allows_writing(&self, path: &[u8]) -> bool {
        self.covers_writing(path) && (!is_secret(path) || self.names_for_writing(path))
    }

    /// Whether a file at the resolved `path` may be read: covered, and named if it is a secret.
    #[must_use]
    pub fn allows_reading(&self, path: &[u8]) -> bool {
        self.covers_reading(path) && (!is_secret(path) || self.names_for_reading(path))
    }

    /// Whether a file may be changed under a covered name though another of its names is not covered.
    fn covers_all_names(&self) -> bool {
        self.patterns().is_none_or(|patterns| patterns.all_names)
    }

    /// Whether it is that of a step that comes with the program: [`Scope::in_tree`] made it.
    fn is_built_in(&self) -> bool {
        self.patterns().is_some_and(|patterns| patterns.all_names)
    }

    fn patterns(&self) -> Option<&Patterns> {
        match &self.rules {
            Rules::Unrestricted => None,
            Rules::Patterns(patterns) => Some(patterns),
        }
    }
}

impl Patterns {
    fn names_for_writing(&self, path: &[u8]) -> bool {
        if self.secrets { any(&self.write, path) } else { named(&self.write, path) }
    }
}

fn any(patterns: &[PathPattern], path: &[u8]) -> bool {
    patterns.iter().any(|pattern| pattern.matches(path))
}

fn named(patterns: &[PathPattern], path: &[u8]) -> bool {
    patterns.iter().any(|pattern| pattern.names(path))
}

/// `reads everything but secrets, writes /etc/motd, /etc/motd.d/**, makes device nodes`.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(patterns) = self.patterns() else { return f.write_str("reads and writes everything") };
        f.write_str("reads ")?;
        match &patterns.read {
            None => f.write_str("everything but secrets")?,
            Some(read) => list(f, read)?,
        }
        f.write_str(", writes ")?;
        list(f, &patterns.write)?;
        if patterns.nodes { f.write_str(", makes device nodes") } else { Ok(()) }
    }
}

fn list(f: &mut fmt::Formatter<'_>, patterns: &[PathPattern]) -> fmt::Result {
    let Some((first, others)) = patterns.split_first() else { return f.write_str("nothing") };
    write!(f, "{first}")?;
    others.iter().try_for_each(|pattern| write!(f, ", {pattern}"))
}

/// As in a configuration's `grant`: `{"read": [...], "write": [...], "nodes": false}`; `read` is absent where everything
/// but secrets may be read. What is unrestricted is `null`.
impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(patterns) = self.patterns() else { return serializer.serialize_none() };
        let texts = |patterns: &[PathPattern]| -> Vec<String> {
            patterns.iter().map(|pattern| pattern.as_str().to_owned()).collect()
        };
        let mut scope = serializer.serialize_struct("Scope", 3)?;
        match &patterns.read {
            Some(read) => scope.serialize_field("read", &texts(read))?,
            None => scope.skip_field("read")?,
        }
        scope.serialize_field("write", &texts(&patterns.write))?;
        scope.serialize_field("nodes", &patterns.nodes)?;
        scope.end()
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Texts {
            read: Option<Vec<String>>,
            #[serde(default)]
            write: Vec<String>,
            #[serde(default)]
            nodes: bool,
        }
        let Some(texts) = Option::<Texts>::deserialize(deserializer)? else {
            return Ok(Self::unrestricted());
        };
        Self::parse(texts.read.as_deref(), &texts.write, texts.nodes)
            .map_err(|(text, error)| serde::de::Error::custom(format!("`{}`: {error}", text.escape_debug())))
    }
}
