//! Addresses of requests.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ureq::http::Uri;

use crate::reference::{Registry, is_loopback};

/// An `http` or `https` address without user or fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    secure: bool,
    /// Host and port, in lower case.
    authority: String,
    path_and_query: String,
}

/// Signed addresses have some KiB.
const LONGEST: usize = 32 << 10;

impl Url {
    /// A path of a registry.
    pub(crate) fn of(registry: &Registry, secure: bool, path: &str) -> Self {
        Self { secure, authority: registry.authority().to_owned(), path_and_query: path.to_owned() }
    }

    /// Reads an absolute address.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let uri: Uri = text.parse().ok()?;
        let secure = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        // What is no registry's name could be read differently by those who look it up.
        let authority = Registry::parse(uri.authority()?.as_str())?.as_str().to_owned();
        let path_and_query = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Some(Self { secure, authority, path_and_query })
    }

    /// Where `location` in an answer from here leads: an address, or one relative to this (RFC 3986, section 5.2).
    pub(crate) fn join(&self, location: &str) -> Option<Self> {
        if location.is_empty() || location.len() > LONGEST {
            return None;
        }
        if location.starts_with("//") {
            return Self::parse(&format!("{}:{location}", self.scheme()));
        }
        let path = self.path_and_query.split('?').next().unwrap_or_default();
        match location.split_once(['/', '?', '#', ':']) {
            Some((before, _)) if location.get(before.len()..)?.starts_with(':') => Self::parse(location),
            _ if location.starts_with('/') => Self::parse(&format!("{}{location}", self.place())),
            _ if location.starts_with(['?', '#']) => {
                Self::parse(&format!("{}{path}{location}", self.place()))
            }
            _ => Self::parse(&format!("{}{}", self.place(), merged(path, location))),
        }
    }

    /// The same address, not asked for any of `names`.
    pub(crate) fn without_query(&self, names: &[&str]) -> Self {
        let Some((path, query)) = self.path_and_query.split_once('?') else { return self.clone() };
        let is_named = |pair: &&str| {
            let name = unescaped(pair.split('=').next().unwrap_or_default());
            names.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(&name))
        };
        // Some servers take `;` for `&`.
        let kept: Vec<&str> = query.split(['&', ';']).filter(|pair| !is_named(pair)).collect();
        let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
        Self { path_and_query: format!("{path}{query}"), ..self.clone() }
    }

    /// The same address, asked for this as well. `name` needs no escapes.
    pub(crate) fn with_query(&self, name: &str, value: &str) -> Self {
        let joint = if self.path_and_query.contains('?') { '&' } else { '?' };
        let path_and_query = format!("{}{joint}{name}={}", self.path_and_query, escaped(value));
        Self { path_and_query, ..self.clone() }
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(self.host_and_port().0)
    }

    /// Whether `other` is answered by the same server in the same way.
    pub(crate) fn is_same_place(&self, other: &Self) -> bool {
        self.secure == other.secure && self.host_and_port() == other.host_and_port()
    }

    /// Whether an answer from here may lead there: never out of TLS, without it only within this machine, and nobody
    /// elsewhere leads to what listens on this machine.
    pub(crate) fn may_lead_to(&self, other: &Self) -> bool {
        let is_as_safe = other.secure || (!self.secure && other.is_loopback());
        is_as_safe && (self.is_loopback() || !other.may_be_this_machine())
    }

    /// Whether the host means this machine, or is an address in a form that only some understand.
    fn may_be_this_machine(&self) -> bool {
        let host = self.host();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let last = host.rsplit('.').next().unwrap_or_default();
        match address.map(|address| address.to_canonical()) {
            Ok(address) => address.is_loopback() || address.is_unspecified(),
            Err(_) => {
                is_loopback(host)
                    || last == "localhost"
                    || (last.starts_with(|first: char| first.is_ascii_digit())
                        && host.parse::<Ipv4Addr>().is_err())
            }
        }
    }

    fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// The server, for messages: what follows may hold a signature.
    pub(crate) fn place(&self) -> String {
        format!("{}://{}", self.scheme(), self.authority)
    }

    /// The host's name or address alone.
    pub(crate) fn host(&self) -> &str {
        self.host_and_port().0
    }

    /// The port's number, said or meant.
    pub(crate) fn port(&self) -> Option<u16> {
        self.host_and_port().1.parse().ok()
    }

    fn host_and_port(&self) -> (&str, &str) {
        let default = if self.secure { "443" } else { "80" };
        match self.authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (&self.authority, default),
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.place(), self.path_and_query)
    }
}

/// `relative` in the place of what follows the last `/` of `path`, without `.` and `..`.
fn merged(path: &str, relative: &str) -> String {
    let (relative, query) = match relative.find(['?', '#']) {
        Some(at) => relative.split_at_checked(at).unwrap_or((relative, "")),
        None => (relative, ""),
    };
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut segments: Vec<&str> = directory.split('/').skip(1).collect();
    for segment in relative.split('/') {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    let end = if relative.ends_with("/.") || relative.ends_with("/..") { "/" } else { "" };
    format!("/{}{end}{query}", segments.join("/"))
}

/// The bytes that a name in a query stands for.
fn unescaped(name: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        let code = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(b'%'));
        rest = if code.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    bytes.extend(rest.bytes());
    bytes
}

/// A value for a query or a form.
pub(crate) fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte))
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_joined_like_links() {
        let base = Url::parse("https://reg.example:5000/v2/a/blobs/uploads/").unwrap();
        for (location, expected) in [
            ("/v2/x?state=1", Some("https://reg.example:5000/v2/x?state=1")),
            ("https://CDN.example/x#y", Some("https://cdn.example/x")),
            ("http://cdn.example", Some("http://cdn.example/")),
            ("//cdn.example/x", Some("https://cdn.example/x")),
            ("up/1?state=a/../b", Some("https://reg.example:5000/v2/a/blobs/uploads/up/1?state=a/../b")),
            ("./up", Some("https://reg.example:5000/v2/a/blobs/uploads/up")),
            ("../../x", Some("https://reg.example:5000/v2/a/x")),
            ("../../../../../../x", Some("https://reg.example:5000/x")),
            ("?state=1", Some("https://reg.example:5000/v2/a/blobs/uploads/?state=1")),
            ("", None),
            ("//", None),
            ("//u@cdn.example/x", None),
            ("x:y", None),
            ("https:x", None),
            ("https://[::1]evil.com/", None),
            ("https://cdn.example:99999/", None),
            ("https://cdn.example:/", None),
            ("https://cdn.example:000443/", None),
            ("https://cdn%2eexample/", None),
            ("ftp://cdn.example/", None),
            ("file:///etc/passwd", None),
            ("https://user:pass@cdn.example/", None),
            ("https:///x", None),
            ("https://a b/", None),
            ("/a b", None),
            ("/a\r\nx: y", None),
        ] {
            assert_eq!(base.join(location).map(|url| url.to_string()).as_deref(), expected, "{location}");
        }
        assert!(base.join(&format!("/{}", "x".repeat(LONGEST))).is_none());
    }

    #[test]
    fn places_are_compared_with_their_ports() {
        let same = |a: &str, b: &str| Url::parse(a).unwrap().is_same_place(&Url::parse(b).unwrap());
        assert!(same("https://a/x", "https://A:443/y"));
        assert!(same("https://[::1]/x", "https://[::1]:443/y"));
        assert!(!same("https://a/x", "https://a:444/x"));
        assert!(!same("https://a/x", "http://a:443/x"));
        assert!(!same("https://a/x", "https://a.b/x"));
    }

    #[test]
    fn nothing_leads_out_of_tls() {
        let leads = |from: &str, to: &str| Url::parse(from).unwrap().may_lead_to(&Url::parse(to).unwrap());
        assert!(leads("https://a/", "https://b/"));
        assert!(leads("http://localhost/", "https://b/"));
        assert!(leads("http://localhost/", "http://127.0.0.1:5/"));
        assert!(!leads("https://a/", "http://a/"));
        assert!(!leads("https://a/", "http://localhost/"));
        assert!(!leads("http://localhost/", "http://b/"));
    }

    #[test]
    fn nobody_elsewhere_leads_to_this_machine() {
        let a = Url::parse("https://a/").unwrap();
        for host in [
            "localhost",
            "LOCALHOST:8443",
            "x.localhost",
            "127.0.0.1",
            "127.9.9.9:1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
            "[::]",
            "127.1",
            "2130706433",
            "0x7f000001",
        ] {
            let here = Url::parse(&format!("https://{host}/")).unwrap();
            assert!(!a.may_lead_to(&here), "{host}");
            assert!(Url::parse("https://localhost/").unwrap().may_lead_to(&here), "{host}");
        }
        for host in ["b", "10.0.0.1", "[fd00::1]", "1.example"] {
            assert!(a.may_lead_to(&Url::parse(&format!("https://{host}/")).unwrap()), "{host}");
        }
    }

    #[test]
    fn parameters_are_dropped_however_they_are_written() {
        for (address, expected) in [
            ("https://a/t?scope=x&y=z&service=s", "https://a/t?y=z"),
            ("https://a/t?%73cope=x&Scope=y;scope=z", "https://a/t"),
            ("https://a/t?scopes=x&a%=%zz&b", "https://a/t?scopes=x&a%=%zz&b"),
            ("https://a/t", "https://a/t"),
        ] {
            let url = Url::parse(address).unwrap().without_query(&["scope", "service"]);
            assert_eq!(url.to_string(), expected);
        }
    }

    #[test]
    fn queries_are_added_and_escaped() {
        let url = Url::parse("https://a/x?y=z").unwrap().with_query("scope", "repository:a/b:pull,push");
        assert_eq!(url.to_string(), "https://a/x?y=z&scope=repository%3Aa%2Fb%3Apull%2Cpush");
        assert_eq!(Url::parse("https://a").unwrap().with_query("s", "t").to_string(), "https://a/?s=t");
    }
}
