//! Which proxy leads to a registry, by the variables that curl and most other programs know.
//!
//! `https_proxy`, then `all_proxy`, each in small letters first; `no_proxy` lists what is reached without. A proxy that is
//! named but cannot be used is an error: whoever named it may not want that anybody is asked directly.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;

use ureq::Proxy;

use super::Url;
use crate::error::{Error, ErrorKind, Result};

/// Without TLS there is only this machine, which needs no proxy; so `http_proxy` is not among them.
const PROXIES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const EXCEPT: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The variables that name proxies. Prints no values: they may hold a password.
#[derive(Clone, Default)]
pub(crate) struct Proxies(BTreeMap<&'static str, OsString>);

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Proxies {
    /// What `lookup` knows of the variables.
    pub(super) fn from_variables(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let names = PROXIES.into_iter().chain(EXCEPT);
        Self(names.filter_map(|name| Some((name, lookup(name)?))).collect())
    }

    /// The proxy on the way to `url`; `None` when it is reached directly, as this machine always is.
    pub(super) fn on_the_way_to(&self, url: &Url) -> Result<Option<Proxy>> {
        if url.is_loopback() || self.is_excepted(url)? {
            return Ok(None);
        }
        let Some((name, text)) = self.first(&PROXIES)? else { return Ok(None) };
        parse(text).map(Some).ok_or_else(|| unusable(name, "is not the address of a proxy"))
    }

    fn is_excepted(&self, url: &Url) -> Result<bool> {
        let Some((_, list)) = self.first(&EXCEPT)? else { return Ok(false) };
        let mut patterns = list.split(|c: char| c == ',' || c.is_whitespace());
        Ok(patterns.any(|pattern| !pattern.is_empty() && is_meant(pattern, url)))
    }

    /// The first variable that is set to more than blanks.
    fn first(&self, names: &[&'static str]) -> Result<Option<(&'static str, &str)>> {
        for name in names {
            let Some(value) = self.0.get(name) else { continue };
            let text = value.to_str().ok_or_else(|| unusable(name, "is not text"))?.trim();
            if !text.is_empty() {
                return Ok(Some((name, text)));
            }
        }
        Ok(None)
    }
}

fn unusable(name: &str, reason: &str) -> Error {
    let error = Error::new(ErrorKind::Unreachable, format!("the variable `{name}` {reason}"));
    error.hint_at(format!("correct `{name}`, or unset it"))
}

/// An address with or without a scheme; `http` is meant where there is none.
fn parse(text: &str) -> Option<Proxy> {
    let proxy = Proxy::new(text).ok()?;
    let authority = proxy.uri().authority()?;
    let (_, after) = authority.as_str().rsplit_once(authority.host())?;
    let has_port = after.is_empty() || authority.port_u16().is_some_and(|port| port != 0);
    (!authority.host().is_empty() && has_port).then_some(proxy)
}

/// Whether an entry of `no_proxy` means the host: `*`, a name with all below it, an address, or a network.
fn is_meant(pattern: &str, url: &Url) -> bool {
    let (pattern, port) = without_port(pattern);
    if port.is_some() && port != url.port() {
        return false;
    }
    let host = url.host();
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        _ if pattern == "*" => true,
        Ok(address) => is_in_network(address.to_canonical(), pattern),
        Err(_) => is_below(host, pattern),
    }
}

/// Splits `host:port` and `[address]:port`; a bare IPv6 address has no port.
fn without_port(pattern: &str) -> (&str, Option<u16>) {
    let is_bare_address = !pattern.starts_with('[') && pattern.matches(':').count() > 1;
    let split = pattern.rsplit_once(':').filter(|_| !is_bare_address);
    split.and_then(|(host, port)| Some((host, Some(port.parse().ok()?)))).unwrap_or((pattern, None))
}

fn is_below(host: &str, pattern: &str) -> bool {
    let domain = pattern.trim_start_matches('*').trim_start_matches('.').trim_end_matches('.');
    let (host, domain) = (host.to_ascii_lowercase(), domain.to_ascii_lowercase());
    let rest = host.strip_suffix(&domain).filter(|_| !domain.is_empty());
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether `address` is `pattern`, or in the network that `pattern` names as `address/bits`.
fn is_in_network(address: IpAddr, pattern: &str) -> bool {
    let (network, bits) = match pattern.split_once('/') {
        Some((network, bits)) => (network, bits.parse().ok()),
        None => (pattern, Some(u32::MAX)),
    };
    let network = network.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let (Ok(network), Some(bits)) = (network.map(|network| network.to_canonical()), bits) else {
        return false;
    };
    match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            (u32::from(one) ^ u32::from(other)).leading_zeros() >= bits.min(32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            (u128::from(one) ^ u128::from(other)).leading_zeros() >= bits.min(128)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use super::*;
    use crate::http::{Environment, Http, Method, Request};

    fn way(address: &str, set: &[(&str, &str)]) -> Result<Option<String>> {
        let value = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        let found = Proxies::from_variables(value).on_the_way_to(&Url::parse(address).unwrap())?;
        Ok(found.map(|proxy| format!("{}:{}", proxy.host(), proxy.port())))
    }

    #[test]
    fn the_more_exact_variable_counts_and_small_letters_first() {
        let set = [
            ("https_proxy", "http://small.example:1"),
            ("HTTPS_PROXY", "http://large.example:2"),
            ("ALL_PROXY", "socks5://user:p@all.example:3"),
            ("HTTP_PROXY", "http://plain.example:4"),
        ];
        for (address, set, expected) in [
            ("https://a.example", set.as_slice(), Some("small.example:1")),
            ("https://a.example", &set[1..], Some("large.example:2")),
            ("https://a.example", &set[2..], Some("all.example:3")),
            ("https://a.example", &set[3..], None),
            (
                "https://a.example",
                &[("HTTPS_PROXY", " "), ("ALL_PROXY", "all.example:3")],
                Some("all.example:3"),
            ),
            ("https://localhost", &set, None),
            ("http://127.0.0.1:5000", &set, None),
            ("https://[::1]:5000", &set, None),
        ] {
            assert_eq!(way(address, set).unwrap().as_deref(), expected, "{address} {set:?}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_named_and_not_shown() {
        for value in
            ["http://", "gopher://hunter2.example", "http://hunter2 x", "http://hunter2:x", "hunter2:0"]
        {
            let error = way("https://a.example", &[("HTTPS_PROXY", value)]).unwrap_err();
            let said = format!("{error:?}");
            assert!(said.contains("`HTTPS_PROXY`") && !said.contains("hunter2"), "{said}");
        }
        let proxies = Proxies::from_variables(|_| Some("hunter2".into()));
        assert!(!format!("{proxies:?}").contains("hunter2"));
    }

    /// Asks for `https://a.example/` with these variables; gives why that failed.
    fn failure(set: &[(&str, &str)]) -> Error {
        let value = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        let environment = Environment { proxies: Proxies::from_variables(value), ..Environment::default() };
        let url = Url::parse("https://a.invalid/").unwrap();
        let request = Request { method: Method::Get, accept: "", wanted: 0 };
        let cause = Http::new(&environment).send(&url, request, None).err().unwrap();
        cause.explain(&url.place(), url.host())
    }

    #[test]
    fn the_chosen_way_is_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let asked = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let head = BufReader::new(&stream).lines().map_while(|line| line.ok());
            let head: Vec<String> = head.take_while(|line| !line.is_empty()).collect();
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").unwrap();
            head.concat()
        });
        assert_eq!(
            failure(&[("HTTPS_PROXY", &proxy), ("NO_PROXY", "x, a.invalid")]).kind(),
            ErrorKind::UnknownHost
        );
        assert!(failure(&[("HTTPS_PROXY", "gopher://x")]).to_string().contains("`HTTPS_PROXY`"));
        let refused = failure(&[("HTTPS_PROXY", &proxy)]);
        assert!(refused.to_string().contains("the proxy on the way to `https://a.invalid`"), "{refused}");
        assert!(asked.join().unwrap().starts_with("CONNECT a.invalid:443 "));
    }

    #[test]
    fn exceptions_are_names_addresses_and_networks() {
        for (address, except, expected) in [
            ("https://a.corp.example", "*", true),
            ("https://a.corp.example", "x, corp.example", true),
            ("https://a.corp.example", "x,\tcorp.example ,y", true),
            ("https://A.Corp.Example", ".corp.EXAMPLE", true),
            ("https://a.corp.example", "*.corp.example.", true),
            ("https://corp.example", ".corp.example", true),
            ("https://evilcorp.example", "corp.example", false),
            ("https://corp.example.evil", "corp.example", false),
            ("https://a.corp.example", ". ,", false),
            ("https://a.corp.example:5000", "corp.example:5000", true),
            ("https://a.corp.example", "corp.example:443", true),
            ("https://a.corp.example", "corp.example:5000", false),
            ("https://10.1.2.3", "10.0.0.0/8", true),
            ("https://10.1.2.3", "10.2.0.0/16,10.0.0.0/x", false),
            ("https://10.1.2.3", "10.1.2.3", true),
            ("https://10.1.2.3", "2.3", false),
            ("https://[fd00::1]", "fd00::/8", true),
            ("https://[fd00::1]:5000", "[fd00::1]:5000", true),
            ("https://[fd00::1]", "fe00::/8", false),
        ] {
            let found = way(address, &[("HTTPS_PROXY", "proxy.example"), ("NO_PROXY", except)]).unwrap();
            assert_eq!(found.is_none(), expected, "{address} {except}");
        }
    }
}
