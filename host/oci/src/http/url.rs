//! Addresses of requests.

use std::fmt;

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
        let authority = uri.authority()?.as_str().to_ascii_lowercase();
        if authority.contains('@') || uri.host()?.is_empty() {
            return None;
        }
        let path_and_query = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Some(Self { secure, authority, path_and_query })
    }

    /// Where `location` in an answer from here leads: an absolute address or an absolute path.
    pub(crate) fn join(&self, location: &str) -> Option<Self> {
        match location.starts_with('/') && !location.starts_with("//") {
            true => Self::parse(&format!("{}{location}", self.place())),
            false => Self::parse(location),
        }
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

    /// Whether an answer from here may lead there: never out of TLS, and without it only within this machine.
    pub(crate) fn may_lead_to(&self, other: &Self) -> bool {
        other.secure || (!self.secure && other.is_loopback())
    }

    /// The server, for messages: what follows may hold a signature.
    pub(crate) fn place(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.authority)
    }

    /// The host's name or address alone.
    pub(crate) fn host(&self) -> &str {
        self.host_and_port().0
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
            ("//cdn.example/x", None),
            ("x", None),
            ("", None),
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
    fn queries_are_added_and_escaped() {
        let url = Url::parse("https://a/x?y=z").unwrap().with_query("scope", "repository:a/b:pull,push");
        assert_eq!(url.to_string(), "https://a/x?y=z&scope=repository%3Aa%2Fb%3Apull%2Cpush");
        assert_eq!(Url::parse("https://a").unwrap().with_query("s", "t").to_string(), "https://a/?s=t");
    }
}
