//! The address of something that takes payloads.

use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;

/// No address that is meant to work is longer, in bytes.
const LONGEST: usize = 2048;

/// An absolute `http` or `https` address without a user's name.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    uri: Uri,
    secure: bool,
}

impl Endpoint {
    /// Understands `text`; says what is wrong with it otherwise, as the end of a sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        // `Uri` would drop a fragment in silence.
        if text.len() > LONGEST || text.contains('#') || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("is not an address");
        }
        let uri: Uri = text.parse().map_err(|_| "is not an address")?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err("is not an address that starts with `http://` or `https://`"),
        };
        let authority = uri.authority().ok_or("is not an address")?;
        if authority.as_str().contains('@') {
            return Err("holds a user name; credentials belong into `OTEL_EXPORTER_OTLP_HEADERS`");
        }
        let after_host = authority.as_str().strip_prefix(authority.host()).unwrap_or("");
        let port_is_sound = after_host.is_empty() || authority.port_u16().is_some_and(|port| port != 0);
        if authority.host().is_empty() || !port_is_sound {
            return Err("is not an address");
        }
        Ok(Self { uri, secure })
    }

    /// As [`Endpoint::parse`], for an address that others are made from: a query has no place in it.
    pub(super) fn parse_base(text: &str) -> Result<Self, &'static str> {
        let base = Self::parse(text)?;
        if base.uri.query().is_some() { Err("is an address with a query") } else { Ok(base) }
    }

    /// The address `path` below this one.
    pub(super) fn join(&self, path: &str) -> Result<Self, &'static str> {
        let base = self.uri.to_string();
        Self::parse(&format!("{}/{path}", base.trim_end_matches('/')))
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Whether it is spoken to by TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host's name or number, without brackets.
    pub(crate) fn host(&self) -> &str {
        self.uri.host().unwrap_or("").trim_start_matches('[').trim_end_matches(']')
    }

    pub(crate) fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(if self.secure { 443 } else { 80 })
    }

    /// Host and port, as people write them.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.uri.host().unwrap_or(""), self.port())
    }

    /// Whether it is this machine, as far as its name tells: no name is looked up.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.host().parse::<IpAddr>() {
            Ok(number) => number.to_canonical().is_loopback(),
            Err(_) => self.host().eq_ignore_ascii_case("localhost"),
        }
    }
}

/// Without the path: some services take a token there.
impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let cases = [
            ("http://localhost:4318", "localhost", 4318, false, true),
            ("https://LOCALHOST/x", "LOCALHOST", 443, true, true),
            ("http://127.0.0.2", "127.0.0.2", 80, false, true),
            ("http://[::1]:4318/", "::1", 4318, false, true),
            ("http://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1", 80, false, true),
            ("https://collector.example", "collector.example", 443, true, false),
            ("http://localhost.example/", "localhost.example", 80, false, false),
            ("http://127.0.0.1.example/", "127.0.0.1.example", 80, false, false),
            // The system's resolver may take this for the loopback; we do not, and so neither trust nor prefer it.
            ("http://2130706433/", "2130706433", 80, false, false),
        ];
        for (text, host, port, secure, loopback) in cases {
            let endpoint = Endpoint::parse(text).unwrap_or_else(|reason| panic!("{text} {reason}"));
            let found = (endpoint.host(), endpoint.port(), endpoint.is_secure(), endpoint.is_loopback());
            assert_eq!(found, (host, port, secure, loopback), "{text}");
        }
    }

    #[test]
    fn what_is_no_plain_address_is_refused() {
        let refused = [
            "",
            "collector:4318",
            "localhost",
            "/v1/traces",
            "unix:///run/collector.sock",
            "ftp://collector.example",
            "http://",
            "http://:4318",
            "http://user@collector.example",
            "http://user:secret@collector.example",
            "http://collector.example:0",
            "http://collector.example:",
            "http://collector.example:99999",
            "http://collector.example/#part",
            "http://collector.example/a b",
            "http://collector.example/\r\nx: y",
            "http://köln.example",
        ];
        for text in refused {
            assert!(Endpoint::parse(text).is_err(), "{text:?}");
        }
        assert!(Endpoint::parse(&format!("http://{}", "a".repeat(LONGEST))).is_err());
    }

    #[test]
    fn paths_are_joined_with_one_slash() {
        let cases = [
            ("http://a:1", "http://a:1/v1/traces"),
            ("http://a:1/", "http://a:1/v1/traces"),
            ("http://a:1/base", "http://a:1/base/v1/traces"),
            ("http://a:1/base//", "http://a:1/base/v1/traces"),
        ];
        for (base, expected) in cases {
            let joined = Endpoint::parse_base(base).unwrap().join("v1/traces").unwrap();
            assert_eq!(joined.uri().to_string(), expected);
        }
        assert!(Endpoint::parse_base("http://a:1/?key=1").is_err());
    }
}
