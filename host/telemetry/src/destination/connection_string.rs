//! Connection strings of Azure Monitor: `InstrumentationKey=…;IngestionEndpoint=https://…`.
//!
//! Errors are the ends of sentences that start with the name of the variable; they never hold a part of its value.

use std::fmt;

use super::Endpoint;

/// Where Azure Monitor listens when the string does not say.
const USUAL_ENDPOINT: &str = "https://dc.services.visualstudio.com";

/// Where items are posted, below the endpoint.
const TRACK: &str = "v2/track";

/// The digits in each group of a key.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// Names the resource that takes the items: sixteen bytes, so no text fits into it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InstrumentationKey([u8; 16]);

impl InstrumentationKey {
    fn parse(text: &str) -> Option<Self> {
        let groups = text.split('-');
        if !groups.clone().map(str::len).eq(GROUPS) {
            return None;
        }
        let digits: Option<Vec<u32>> = groups.flat_map(str::chars).map(|digit| digit.to_digit(16)).collect();
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits?.chunks_exact(2)) {
            let value = pair.iter().fold(0, |value, digit| value * 16 + digit);
            *byte = u8::try_from(value).ok()?;
        }
        Some(Self(bytes))
    }

    /// The key with these bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// As items carry it: five groups of small hexadecimal digits.
    pub(crate) fn to_text(self) -> String {
        let mut text = String::with_capacity(36);
        for (position, byte) in self.0.iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text.push_str(&format!("{byte:02x}"));
        }
        text
    }
}

impl fmt::Debug for InstrumentationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("InstrumentationKey(…)")
    }
}

/// What we need of a connection string.
pub(super) struct ConnectionString {
    pub(super) key: InstrumentationKey,
    pub(super) track: Endpoint,
}

/// The fields we know, as they are given.
#[derive(Default)]
struct Fields<'a> {
    key: Option<&'a str>,
    endpoint: Option<&'a str>,
    suffix: Option<&'a str>,
    location: Option<&'a str>,
    authorization: Option<&'a str>,
}

impl ConnectionString {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let fields = Fields::parse(text)?;
        if fields.authorization.is_some_and(|kind| !kind.eq_ignore_ascii_case("ikey")) {
            return Err("asks for an authorization other than by instrumentation key");
        }
        let key = fields.key.ok_or("has no `InstrumentationKey`")?;
        let key = InstrumentationKey::parse(key).ok_or("has an `InstrumentationKey` that is no UUID")?;
        Ok(Self { key, track: fields.ingestion()?.join(TRACK)? })
    }
}

impl<'a> Fields<'a> {
    fn parse(text: &'a str) -> Result<Self, &'static str> {
        let mut fields = Self::default();
        for field in text.split(';').map(str::trim).filter(|field| !field.is_empty()) {
            let (name, value) = field.split_once('=').ok_or("is not a list of `name=value`")?;
            let place = match name.trim().to_ascii_lowercase().as_str() {
                "instrumentationkey" => &mut fields.key,
                "ingestionendpoint" => &mut fields.endpoint,
                "endpointsuffix" => &mut fields.suffix,
                "location" => &mut fields.location,
                "authorization" => &mut fields.authorization,
                // Such as `LiveEndpoint` and `ApplicationId`, which say nothing about where items go.
                _ => continue,
            };
            if place.replace(value.trim()).is_some() {
                return Err("has a field twice");
            }
        }
        Ok(fields)
    }

    /// Where items go. A national cloud is named by its suffix alone; to overlook that would send across a border.
    fn ingestion(&self) -> Result<Endpoint, &'static str> {
        let address = match (self.endpoint, self.suffix) {
            (Some(endpoint), _) => endpoint.to_owned(),
            (None, Some(suffix)) => {
                let location = self.location.map(|location| format!("{location}.")).unwrap_or_default();
                let host = format!("{location}dc.{suffix}");
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
                if suffix.is_empty() || !host.bytes().all(plain) {
                    return Err("has an `EndpointSuffix` or `Location` that is no part of a host's name");
                }
                format!("https://{host}")
            }
            (None, None) => USUAL_ENDPOINT.to_owned(),
        };
        let endpoint = Endpoint::parse_base(&address).map_err(|_| "has an unusable `IngestionEndpoint`")?;
        if endpoint.is_secure() || endpoint.is_loopback() {
            Ok(endpoint)
        } else {
            Err("has an `IngestionEndpoint` without TLS")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "01234567-89ab-CDEF-0123-456789abcdef";

    #[test]
    fn the_endpoint_is_found() {
        let cases = [
            ("", "https://dc.services.visualstudio.com/v2/track"),
            (";IngestionEndpoint=https://west.example/", "https://west.example/v2/track"),
            (" ; ingestionendpoint = https://west.example ; ", "https://west.example/v2/track"),
            (";IngestionEndpoint=http://127.0.0.1:81", "http://127.0.0.1:81/v2/track"),
            (
                ";LiveEndpoint=x;ApplicationId=y;Authorization=iKey",
                "https://dc.services.visualstudio.com/v2/track",
            ),
            (";EndpointSuffix=azure.example", "https://dc.azure.example/v2/track"),
            (";EndpointSuffix=azure.example;Location=north", "https://north.dc.azure.example/v2/track"),
            (";EndpointSuffix=x.example;IngestionEndpoint=https://y.example", "https://y.example/v2/track"),
        ];
        for (rest, expected) in cases {
            let text = format!("INSTRUMENTATIONKEY={KEY}{rest}");
            let parsed = ConnectionString::parse(&text).unwrap_or_else(|reason| panic!("{text} {reason}"));
            assert_eq!(parsed.track.uri().to_string(), expected, "{text}");
            assert_eq!(parsed.key.to_text(), KEY.to_ascii_lowercase());
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let refused = [
            "nonsense".to_owned(),
            KEY.to_owned(),
            "IngestionEndpoint=https://west.example".to_owned(),
            "InstrumentationKey=".to_owned(),
            "InstrumentationKey=0123456789abcdef0123456789abcdef".to_owned(),
            "InstrumentationKey=01234567-89ab-cdef-0123-456789abcdeg".to_owned(),
            "InstrumentationKey=01234567-89ab-cdef-0123-456789abcdé".to_owned(),
            format!("InstrumentationKey={KEY};InstrumentationKey={KEY}"),
            format!("InstrumentationKey={KEY};IngestionEndpoint="),
            format!("InstrumentationKey={KEY};IngestionEndpoint=http://west.example"),
            format!("InstrumentationKey={KEY};IngestionEndpoint=https://a:b@west.example"),
            format!("InstrumentationKey={KEY};IngestionEndpoint=https://west.example/?a=b"),
            format!("InstrumentationKey={KEY};Authorization=aad"),
            format!("InstrumentationKey={KEY};EndpointSuffix="),
            format!("InstrumentationKey={KEY};EndpointSuffix=evil.example/x"),
            format!("InstrumentationKey={KEY};EndpointSuffix=a.example;Location=evil.example#"),
        ];
        for text in refused {
            assert!(ConnectionString::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_key_is_not_shown() {
        assert_eq!(format!("{:?}", InstrumentationKey::parse(KEY).unwrap()), "InstrumentationKey(…)");
    }
}
