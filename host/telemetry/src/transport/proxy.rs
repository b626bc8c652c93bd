//! Which proxy leads to an endpoint, by the variables that curl and most other programs know.
//!
//! `https_proxy` or `http_proxy` by the endpoint's scheme, then `all_proxy`; of each the small spelling first, then the
//! capital one; `no_proxy` lists what is reached without. The loopback is always reached without: there a proxy
//! would answer for another machine. A proxy that is set but unusable means that nothing is sent, not that it is passed by.

use std::net::IpAddr;

use ureq::Proxy;

use crate::destination::{Endpoint, Unusable, Variables};

const FOR_HTTPS: [&str; 2] = ["https_proxy", "HTTPS_PROXY"];
const FOR_HTTP: [&str; 2] = ["http_proxy", "HTTP_PROXY"];
const FOR_ALL: [&str; 2] = ["all_proxy", "ALL_PROXY"];
const EXCEPT: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The proxy on the way to `endpoint`; `None` when it is reached directly.
pub(crate) fn for_endpoint(
    endpoint: &Endpoint,
    variables: &Variables<'_>,
) -> Result<Option<Proxy>, Unusable> {
    Ok(named(endpoint, variables)?.map(|(_, proxy)| proxy))
}

/// As [`for_endpoint`], with the variable that names it.
fn named(endpoint: &Endpoint, variables: &Variables<'_>) -> Result<Option<(&'static str, Proxy)>, Unusable> {
    if endpoint.is_loopback() || is_excepted(endpoint, variables)? {
        return Ok(None);
    }
    let by_scheme = if endpoint.is_secure() { FOR_HTTPS } else { FOR_HTTP };
    for name in by_scheme.into_iter().chain(FOR_ALL) {
        if let Some(text) = variables.text(name)? {
            let proxy = parse(&text).ok_or(Unusable::new(name, "is not the address of a proxy"))?;
            return Ok(Some((name, proxy)));
        }
    }
    Ok(None)
}

/// An address with or without a scheme; `http` is meant where there is none.
fn parse(text: &str) -> Option<Proxy> {
    let proxy = Proxy::new(text).ok()?;
    let authority = proxy.uri().authority()?;
    let (_, after_host) = authority.as_str().rsplit_once(authority.host())?;
    let port_is_sound = after_host.is_empty() || authority.port_u16().is_some_and(|port| port != 0);
    (!authority.host().is_empty() && port_is_sound).then_some(proxy)
}

/// As [`for_endpoint`], for a client that knows one kind of proxy alone.
#[cfg(feature = "grpc")]
pub(crate) fn for_grpc(endpoint: &Endpoint, variables: &Variables<'_>) -> Result<Option<Proxy>, Unusable> {
    match named(endpoint, variables)? {
        Some((_, proxy)) if proxy.protocol() == ureq::ProxyProtocol::Http => Ok(Some(proxy)),
        Some((name, _)) => Err(Unusable::new(name, "names a kind of proxy that gRPC is not sent through")),
        None => Ok(None),
    }
}

fn is_excepted(endpoint: &Endpoint, variables: &Variables<'_>) -> Result<bool, Unusable> {
    for name in EXCEPT {
        if let Some(list) = variables.text(name)? {
            let mut patterns = list.split([',', ' ']).filter(|pattern| !pattern.is_empty());
            return Ok(patterns.any(|pattern| matches(pattern, endpoint)));
        }
    }
    Ok(false)
}

/// Whether an entry of `no_proxy` means the endpoint: `*`, a name with all names below it, a number, or a network.
fn matches(pattern: &str, endpoint: &Endpoint) -> bool {
    if pattern == "*" {
        return true;
    }
    let (pattern, port) = without_port(pattern);
    if port.is_some_and(|port| port != endpoint.port()) {
        return false;
    }
    let host = endpoint.host().trim_end_matches('.');
    match host.parse::<IpAddr>() {
        Ok(number) => is_in_network(number.to_canonical(), pattern),
        Err(_) => is_below(host, pattern),
    }
}

/// Splits `host:port` and `[number]:port`; a bare IPv6 number has no port.
fn without_port(pattern: &str) -> (&str, Option<u16>) {
    let bare = |host: &str| host.matches(':').count() > 1 && !host.starts_with('[');
    match pattern.rsplit_once(':') {
        Some((host, port)) if !bare(pattern) => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (pattern, None),
        },
        _ => (pattern, None),
    }
}

fn is_below(host: &str, pattern: &str) -> bool {
    let domain = pattern.trim_start_matches('*').trim_start_matches('.').trim_end_matches('.');
    let (host, domain) = (host.to_ascii_lowercase(), domain.to_ascii_lowercase());
    match host.strip_suffix(&domain) {
        Some(rest) => !domain.is_empty() && (rest.is_empty() || rest.ends_with('.')),
        None => false,
    }
}

/// Whether `number` is `pattern`, or in the network that `pattern` names as `number/bits`.
fn is_in_network(number: IpAddr, pattern: &str) -> bool {
    let (network, bits) = match pattern.split_once('/') {
        Some((network, bits)) => (network, bits.parse::<u32>().ok()),
        None => (pattern, Some(128)),
    };
    let network = network.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let (Ok(network), Some(bits)) = (network.map(|network| network.to_canonical()), bits) else {
        return false;
    };
    match (number, network) {
        (IpAddr::V4(number), IpAddr::V4(network)) => {
            let apart = u32::from(number) ^ u32::from(network);
            apart.leading_zeros() >= bits.min(32)
        }
        (IpAddr::V6(number), IpAddr::V6(network)) => {
            let apart = u128::from(number) ^ u128::from(network);
            apart.leading_zeros() >= bits.min(128)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    type Set<'a> = &'a [(&'a str, &'a str)];

    fn proxy_of(address: &str, set: Set<'_>) -> Result<Option<String>, Unusable> {
        let lookup = |name: &str| -> Option<OsString> {
            set.iter().find(|(own, _)| *own == name).map(|(_, value)| OsString::from(value))
        };
        let endpoint = Endpoint::parse(address).unwrap();
        let found = for_endpoint(&endpoint, &Variables::new(&lookup))?;
        Ok(found.map(|proxy| format!("{}:{}", proxy.host(), proxy.port())))
    }

    #[test]
    fn the_scheme_chooses_the_variable() {
        let set = [
            ("HTTP_PROXY", "http://plain.example:1"),
            ("https_proxy", "http://small.example:2"),
            ("HTTPS_PROXY", "http://capital.example:3"),
            ("ALL_PROXY", "http://all.example:4"),
        ];
        let cases: [(&str, Set<'_>, Option<&str>); 7] = [
            ("http://a.example", &set, Some("plain.example:1")),
            ("https://a.example", &set, Some("small.example:2")),
            ("https://a.example", &set[2..], Some("capital.example:3")),
            ("https://a.example", &set[3..], Some("all.example:4")),
            ("http://a.example", &set[1..], Some("all.example:4")),
            ("https://a.example", &[("https_proxy", " ")], None),
            ("https://a.example", &[], None),
        ];
        for (address, set, expected) in cases {
            assert_eq!(proxy_of(address, set).unwrap().as_deref(), expected, "{address} {set:?}");
        }
    }

    #[test]
    fn the_loopback_is_reached_without_a_proxy() {
        let set = [("ALL_PROXY", "http://proxy.example")];
        for host in ["localhost", "LocalHost", "127.0.0.1", "127.9.8.7", "[::1]", "[::ffff:127.0.0.1]"] {
            assert_eq!(proxy_of(&format!("http://{host}:4318"), &set), Ok(None), "{host}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_not_passed_by() {
        for value in ["http://", "gopher://proxy.example", "http://a b", "http://proxy.example:x"] {
            assert!(proxy_of("https://a.example", &[("HTTPS_PROXY", value)]).is_err(), "{value}");
        }
    }

    #[test]
    fn exceptions_are_names_numbers_and_networks() {
        let cases = [
            ("http://a.corp.example", "*", true),
            ("http://a.corp.example", "corp.example", true),
            ("http://a.corp.example", ".corp.example", true),
            ("http://a.corp.example", "*.corp.example", true),
            ("http://A.Corp.Example.", "corp.EXAMPLE", true),
            ("http://corp.example", "corp.example", true),
            ("http://evilcorp.example", "corp.example", false),
            ("http://corp.example.evil", "corp.example", false),
            ("http://a.corp.example", "other.example, corp.example", true),
            ("http://a.corp.example", "", false),
            ("http://a.corp.example", ".", false),
            ("http://a.corp.example:4318", "corp.example:4318", true),
            ("http://a.corp.example:4318", "corp.example:80", false),
            ("http://10.1.2.3", "10.1.2.3", true),
            ("http://10.1.2.3", "10.0.0.0/8", true),
            ("http://10.1.2.3", "10.2.0.0/16", false),
            ("http://10.1.2.3", "10.0.0.0/x", false),
            ("http://10.1.2.3", "0.0.0.0/0", true),
            ("http://10.1.2.3", "2.3", false),
            ("http://[fd00::1]", "fd00::/8", true),
            ("http://[fd00::1]", "fd00::1", true),
            ("http://[fd00::1]:4318", "[fd00::1]:4318", true),
            ("http://[fd00::1]", "fe00::/8", false),
        ];
        for (address, except, expected) in cases {
            let set = [("HTTPS_PROXY", "http://p"), ("HTTP_PROXY", "http://p"), ("NO_PROXY", except)];
            assert_eq!(proxy_of(address, &set).unwrap().is_none(), expected, "{address} {except}");
        }
    }
}
