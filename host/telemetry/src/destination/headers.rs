//! `OTEL_EXPORTER_OTLP_HEADERS`: what a user's own collector wants to see beside the payload.

use ureq::http::{HeaderName, HeaderValue};

/// What the transport itself decides on. A user's value there would break the request, or describe another one.
const OURS: [&str; 16] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "grpc-timeout",
];

/// Understands `name=value,name=value`, where values are percent-encoded; `None` when it is something else.
pub(super) fn parse(text: &str) -> Option<Vec<(HeaderName, HeaderValue)>> {
    text.split(',').map(str::trim).filter(|field| !field.is_empty()).map(header).collect()
}

fn header(field: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = field.split_once('=')?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
    if OURS.contains(&name.as_str()) {
        return None;
    }
    let mut value = HeaderValue::from_bytes(&decode(value.trim())?).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

/// Undoes percent-encoding; `None` when a `%` is not followed by two digits.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' { digit(bytes.next()?)? * 16 + digit(bytes.next()?)? } else { byte });
    }
    Some(decoded)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_understood() {
        let parsed = parse(" Authorization=Basic%20abc= , x-team = blue%2Cgreen,,").unwrap();
        let found: Vec<_> =
            parsed.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(found, [("authorization", "Basic abc="), ("x-team", "blue,green")]);
        assert!(parsed.iter().all(|(_, value)| value.is_sensitive()));
    }

    #[test]
    fn what_would_break_the_request_is_refused() {
        let refused = [
            "token",
            "=value",
            "na me=value",
            "x=100%",
            "x=%zz",
            "x=%0d%0aHost:%20evil",
            "Host=other.example",
            "user-agent=me",
            "Content-Length=3",
            "transfer-encoding=chunked",
            "good=1,bad",
        ];
        for text in refused {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
