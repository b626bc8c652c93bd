//! References: where in which registry something lies.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use crate::digest::Digest;
use crate::error::{Error, ErrorKind};

/// `REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The registry.
    pub registry: Registry,
    /// Path of the repository.
    pub repository: String,
    /// A name that may move.
    pub tag: Option<String>,
    /// Digest of the manifest; where there is one, the tag is for people alone.
    pub digest: Option<Digest>,
}

/// What a reference may begin with, so that it is not taken for a file.
const MARK: &str = "oci:";

/// The specification of names that Docker and others follow allows no more.
const LONGEST_REPOSITORY: usize = 255;
const LONGEST_TAG: usize = 128;

impl Reference {
    /// What a manifest is asked for by: the digest, else the tag.
    ///
    /// # Errors
    /// [`ErrorKind::Reference`]: there is neither.
    pub fn selector(&self) -> Result<String, Error> {
        let digest = self.digest.as_ref().map(Digest::to_string);
        digest.or_else(|| self.tag.clone()).ok_or_else(|| {
            let error =
                Error::new(ErrorKind::Reference, format!("`{self}` names neither a tag nor a digest"));
            error.hint_at(format!("name one: `{self}:TAG`"))
        })
    }

    /// The same place, named by the digest of what lies there.
    #[must_use]
    pub fn at(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }
}

impl FromStr for Reference {
    type Err = Error;

    /// Reads a reference, with or without one `oci:` in front: `oci:oci:5000/a` lies in the registry `oci:5000`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let bare = text.strip_prefix(MARK).unwrap_or(text);
        parse(bare).map_err(|reason| {
            let message = format!("`{}` is not a reference: {reason}", crate::shown::shown(text));
            Error::new(ErrorKind::Reference, message).hint_at("write `REGISTRY/REPOSITORY:TAG`")
        })
    }
}

fn parse(text: &str) -> Result<Reference, &'static str> {
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (
            name,
            Some(digest.parse().map_err(|_| "the digest is not `sha256:` and 64 lower-case hex digits")?),
        ),
        None => (text, None),
    };
    let (registry, path) = name.split_once('/').ok_or("it has no `/` between registry and repository")?;
    let (repository, tag) = match path.split_once(':') {
        Some((repository, tag)) => (repository, Some(tag)),
        None => (path, None),
    };
    let registry = Registry::parse(registry).ok_or("the registry is not a host name")?;
    if repository.len() > LONGEST_REPOSITORY || !repository.split('/').all(is_segment) {
        return Err("the repository is not in lower-case letters, digits and single separators");
    }
    if !tag.is_none_or(is_tag) {
        return Err("the tag is not 1 to 128 letters, digits, `_`, `.` or `-`");
    }
    Ok(Reference { registry, repository: repository.to_owned(), tag: tag.map(str::to_owned), digest })
}

/// Runs of lower-case letters and digits, joined by `.`, `_`, `__` or any number of `-`.
fn is_segment(text: &str) -> bool {
    let is_run = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = |byte: Option<u8>| byte.is_some_and(is_run);
    let mut bytes = text.bytes();
    if !ends(bytes.next()) || !ends(text.bytes().next_back()) {
        return false;
    }
    text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        .all(|joins| matches!(joins, "" | "." | "_" | "__") || joins.bytes().all(|byte| byte == b'-'))
}

fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= LONGEST_TAG
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is printed is read as the same again.
        let mark = if self.registry.0.starts_with(MARK) { MARK } else { "" };
        write!(f, "{mark}{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

/// `HOST[:PORT]`, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry(String);

/// Docker Hub answers elsewhere than under the name that everybody writes.
const DOCKER_HUB: &str = "docker.io";
const DOCKER_HUB_HOST: &str = "registry-1.docker.io";

impl Registry {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = split_port(text)?;
        let is_name = |name: &str| {
            let is_character = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            name.split('.').all(|label| !label.is_empty() && label.bytes().all(is_character))
        };
        let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let is_host = match address {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => host.len() <= 253 && is_name(host),
        };
        let is_port = port.is_none_or(|port| {
            port.len() <= 5
                && port.bytes().all(|byte| byte.is_ascii_digit())
                && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        (is_host && is_port).then(|| Self(text.to_ascii_lowercase()))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Host and port that answer for it.
    pub(crate) fn authority(&self) -> &str {
        if self.is_docker_hub() { DOCKER_HUB_HOST } else { &self.0 }
    }

    /// Whether it is Docker's own, which credentials are kept for under an old name.
    pub(crate) fn is_docker_hub(&self) -> bool {
        self.0 == DOCKER_HUB
    }

    /// Whether it is this machine: there alone a registry may speak without TLS.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        split_port(&self.0).is_some_and(|(host, _)| is_loopback(host))
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Host, in brackets if it came so, and port.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if text.starts_with('[') {
        let end = text.find(']')?;
        let (host, rest) = text.split_at_checked(end.checked_add(1)?)?;
        return match rest {
            "" => Some((host, None)),
            _ => Some((host, Some(rest.strip_prefix(':')?))),
        };
    }
    match text.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((text, None)),
    }
}

/// `localhost` and the addresses that never leave the machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_print_as_they_are_read() {
        let digest = "@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for text in [
            "a.example/b",
            "a.example:5000/b/c-d__e.f:1.0_x",
            "[::1]:5000/b:t",
            &format!("localhost/b{digest}"),
            &format!("a/b:t{digest}"),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
            assert_eq!(format!("oci:{text}").parse::<Reference>().unwrap().to_string(), text);
        }
        let marked: Reference = "oci:oci:5000/a".parse().unwrap();
        assert_eq!((marked.registry.as_str(), marked.to_string().as_str()), ("oci:5000", "oci:oci:5000/a"));
        assert_eq!("A.Example/b".parse::<Reference>().unwrap().registry.as_str(), "a.example");
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        let long = format!("a/{}", "b".repeat(256));
        for text in [
            "",
            "a",
            "/b",
            "a/",
            "a/B",
            "a/b:",
            "a/b:-t",
            "a/b@",
            "a/b@sha256:00",
            "a b/c",
            "u@a/b",
            "a:x/b",
            "a:0/b",
            "a:65536/b",
            "a:000080/b",
            "a:+1/b",
            "a//b",
            "a/b-",
            "a/b._c",
            "a/b/../c",
            "a..b/c",
            "a%41/b",
            "[a]/b",
            "[::1/b",
            "[::1]x/b",
            "https://a/b",
            "a/b?x",
            "a/b#x",
            "a/b\r\nx",
            "ä/b",
            &long,
            "a/b:t:t",
            "oci:oci:a/b",
        ] {
            assert_eq!(text.parse::<Reference>().unwrap_err().kind(), ErrorKind::Reference, "{text}");
        }
    }

    #[test]
    fn a_manifest_is_asked_for_by_digest_before_tag() {
        let reference: Reference = "a/b:t".parse().unwrap();
        assert_eq!(reference.selector().unwrap(), "t");
        let digest = Digest::of(b"");
        assert_eq!(reference.at(digest.clone()).selector().unwrap(), digest.to_string());
        assert!("a/b".parse::<Reference>().unwrap().selector().is_err());
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        for (registry, expected) in [
            ("localhost", true),
            ("localhost:5000", true),
            ("LOCALHOST", true),
            ("127.9.8.7:1", true),
            ("[::1]:5000", true),
            ("[::1]", true),
            ("127.0.0.1.example", false),
            ("localhost.example", false),
            ("128.0.0.1", false),
            ("[::2]", false),
        ] {
            assert_eq!(Registry::parse(registry).unwrap().is_loopback(), expected, "{registry}");
        }
    }
}
