//! The grammars of addresses: images in registries, and URLs.

use std::net::Ipv6Addr;

use super::text::is_repository_segment;

/// `registry/repository[:tag][@digest]`
pub(crate) fn oci_reference(text: &str) -> Result<(), &'static str> {
    let Some((registry, path)) = text.split_once('/') else {
        return Err("it has no `/` between registry and repository");
    };
    if registry.is_empty() || !is_host(registry, false) {
        return Err("the registry is not a host name");
    }
    let (repository, tag, digest) = match path.split_once('@') {
        // Beside a digest the tag is not looked at, as in the reference program.
        Some((name, digest)) => (name.split(':').next().unwrap_or_default(), "", digest),
        None => match path.split_once(':') {
            Some((repository, tag)) => (repository, tag, ""),
            None => (path, "", ""),
        },
    };
    if !repository.split('/').all(is_repository_segment) {
        return Err("the repository is not in lower-case letters, digits and single separators");
    }
    if !tag.is_empty() && !is_tag(tag) {
        return Err("the tag is not 1 to 128 letters, digits, `_`, `.` or `-`");
    }
    if !digest.is_empty() && !is_digest(digest) {
        return Err("the digest is not `sha256:`, `sha384:` or `sha512:` and lower-case hex digits");
    }
    Ok(())
}

pub(super) fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else { return false };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    hex.len() == length && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The characters beside letters and digits that a host may hold; those beyond ASCII may stand there too.
const HOST_CHARACTERS: &[u8] = b"-._~!$&'()*+,;=:[]<>\"";

/// `host`, `host:port` or `[address]:port`, as the authority of a URL may hold it. Where `escapes` are
/// allowed, `%` and two hex digits may stand for bytes beyond ASCII and for `%` itself.
fn is_host(text: &str, escapes: bool) -> bool {
    if text.contains('[') {
        let bracketed = text.strip_prefix('[').and_then(|rest| rest.rsplit_once(']'));
        return bracketed.is_some_and(|(address, port)| is_address(address, escapes) && is_port(port));
    }
    let port = text.rfind(':').and_then(|colon| text.get(colon..));
    port.is_none_or(is_port) && has_host_characters(text, escapes)
}

/// An IPv6 address; with a zone behind `%25` where `escapes` are allowed.
fn is_address(text: &str, escapes: bool) -> bool {
    let (address, zone) = match text.split_once("%25").filter(|_| escapes) {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    let zone_fits = |zone: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || !b.is_ascii() || HOST_CHARACTERS.contains(&b);
        !zone.is_empty() && has_valid_escapes(zone) && zone.bytes().all(|b| b == b'%' || plain(b))
    };
    address.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(zone_fits)
}

fn has_host_characters(text: &str, escapes: bool) -> bool {
    let mut parts = text.split('%');
    let plain = |part: &str| {
        part.bytes().all(|b| b.is_ascii_alphanumeric() || !b.is_ascii() || HOST_CHARACTERS.contains(&b))
    };
    let escape = |part: &str| {
        let digits = part.as_bytes().first_chunk::<2>();
        digits.is_some_and(|digits| {
            let beyond_ascii = matches!(digits.first(), Some(b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F'));
            digits.iter().all(u8::is_ascii_hexdigit) && (beyond_ascii || digits == b"25")
        })
    };
    parts.next().is_none_or(plain) && parts.all(|part| escapes && escape(part) && plain(part))
}

/// Nothing, or `:` and digits, which may be missing too.
fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
}

/// The URL of PXE boot files.
pub(super) fn pxe_url(text: &str) -> Result<(), &'static str> {
    const SCHEMES: [&str; 5] = ["ftp://", "http://", "https://", "nfs://", "tftp://"];
    let Some(rest) = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)) else {
        return Err("it does not begin with `ftp://`, `http://`, `https://`, `nfs://` or `tftp://`");
    };
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    // The reference program's parser does not look at the fragment for these.
    if rest.bytes().any(|b| b.is_ascii_control()) {
        return Err("it contains a control character");
    }
    let (rest, _query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let user_fits = user.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b));
    if !user_fits || !is_host(host, true) {
        return Err("its host is not valid");
    }
    if ![user, path, fragment].into_iter().all(has_valid_escapes) {
        return Err("`%` is not followed by two hex digits");
    }
    Ok(())
}

fn has_valid_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|after| after.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oci_references() {
        let digest = format!("a/b@sha256:{}", "0".repeat(64));
        for text in [
            "a/b",
            "mcr.example:5000/x/y-z:3.0",
            "a/b:t",
            "a/b@",
            "a/b:",
            "a/b:x y@",
            "[::1]:5/a",
            "[::1]/a",
            "a:/b",
            "A/b",
            &digest,
        ] {
            assert_eq!(oci_reference(text), Ok(()), "{text}");
        }
        for text in [
            "",
            "a",
            "/b",
            "a/",
            "a/B",
            "a/b:-t",
            "a/b@sha256:00",
            "a b/c",
            "a%41/b",
            "[a]/b",
            "[1.2.3.4]/b",
            "x[::1]/b",
            "[::1/b",
            "[fe80::1%25e]/b",
            "u@a/b",
            "a/b@md5:00",
            "a:x/b",
            "a/b//c",
            "a/b-",
            "a/b._c",
        ] {
            assert!(oci_reference(text).is_err(), "{text}");
        }
    }

    #[test]
    fn pxe_urls() {
        for text in [
            "http://a/b",
            "tftp://1.2.3.4/x",
            "https://u:p@a:80/b%20c?q#f",
            "nfs://a",
            "http://",
            "http://[::1]:80/",
            "http://[fe80::1%25en0]/",
            "http://a%C3%A9%25/",
            "http://a/#\u{1}",
        ] {
            assert_eq!(pxe_url(text), Ok(()), "{text}");
        }
        for text in [
            "HTTP://a",
            "file:///a",
            "a",
            "http://a b/",
            "http://a/%zz",
            "http://a:x/",
            "http://a/\u{1}",
            "http://[a]/",
            "http://[::1",
            "http://[fe80::1%25]/",
            "http://a%41/",
            "http://a%2",
            "http://a^b/",
            "http://u%zz@a/",
            "http://a/#%zz",
        ] {
            assert!(pxe_url(text).is_err(), "{text}");
        }
    }
}
