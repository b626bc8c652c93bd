//! The files that `docker login` and `podman login` write: `config.json` and containers-auth.json(5).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use super::Credentials;
use crate::nullable::or_empty;
use crate::reference::Reference;

/// What is known of registries; fields that other tools keep there are not looked at.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CredentialFile {
    #[serde(deserialize_with = "or_empty")]
    auths: BTreeMap<String, Option<Entry>>,
    #[serde(deserialize_with = "or_empty")]
    cred_helpers: BTreeMap<String, Option<String>>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

/// Whether any bytes are a file of credentials, for fuzzing.
#[must_use]
pub fn parse_credential_file(bytes: &[u8], reference: &Reference) -> bool {
    CredentialFile::parse(bytes).is_ok_and(|file| file.credentials_for(reference).is_ok())
}

impl CredentialFile {
    /// Reads a file. What is wrong is said without a word of it.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        if text.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        serde_json::from_slice(text)
            .map_err(|error| format!("line {}, column {} is not as expected", error.line(), error.column()))
    }

    /// The name of the helper for this registry.
    pub(super) fn helper_for(&self, reference: &Reference) -> Option<&str> {
        let name = |place| {
            let mut helpers = at_place(&self.cred_helpers, place);
            helpers.find(|helper| !helper.is_empty()).map(String::as_str)
        };
        let hub = || reference.registry.is_docker_hub().then(|| name(HUB)).flatten();
        name(reference.registry.as_str()).or_else(hub)
    }

    /// The name of the helper for all registries.
    pub(super) fn helper_for_all(&self) -> Option<&str> {
        self.creds_store.as_deref().filter(|helper| !helper.is_empty())
    }

    /// The entry for the longest part of `REGISTRY/REPOSITORY` that has one.
    pub(super) fn credentials_for(&self, reference: &Reference) -> Result<Option<Credentials>, String> {
        for place in places(reference) {
            for entry in at_place(&self.auths, &place) {
                let found = entry.credentials();
                let found = found.map_err(|reason| format!("the entry of `{place}` {reason}"))?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }
}

/// The name that Docker Hub's credentials are kept under.
const HUB: &str = "index.docker.io";

/// What is kept under the name of `place`, then what is kept under other forms of it.
fn at_place<'a, T>(known: &'a BTreeMap<String, Option<T>>, place: &str) -> impl Iterator<Item = &'a T> {
    let other_forms = known.iter().filter(move |(key, _)| *key != place && plain(key) == place);
    known.get(place).into_iter().chain(other_forms.map(|(_, entry)| entry)).flatten()
}

/// A key without what Docker writes around a registry's name: scheme, version of the protocol, last `/`. Below a
/// registry, `v1` and `v2` are names like others: without them the key would stand for more.
fn plain(key: &str) -> String {
    let lower = key.to_ascii_lowercase();
    let scheme = ["https://", "http://"].into_iter().find(|scheme| lower.starts_with(scheme));
    let key = key.get(scheme.map_or(0, str::len)..).unwrap_or_default().trim_end_matches('/');
    match key.split_once('/') {
        None | Some((_, "v1" | "v2")) => key.split('/').next().unwrap_or_default().to_ascii_lowercase(),
        Some((host, path)) => format!("{}/{path}", host.to_ascii_lowercase()),
    }
}

/// `REGISTRY/a/b`, `REGISTRY/a`, `REGISTRY`.
fn places(reference: &Reference) -> Vec<String> {
    let mut place = format!("{}/{}", reference.registry, reference.repository);
    let mut places = vec![place.clone()];
    while let Some(slash) = place.rfind('/') {
        place.truncate(slash);
        places.push(place.clone());
    }
    if reference.registry.is_docker_hub() {
        places.push(HUB.to_owned());
    }
    places
}

impl Entry {
    /// What the entry holds; Docker leaves empty ones where a helper keeps the secret.
    fn credentials(&self) -> Result<Option<Credentials>, &'static str> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = given(&self.identitytoken) {
            return Ok(Some(Credentials::IdentityToken(token)));
        }
        if let Some(token) = given(&self.registrytoken) {
            return Ok(Some(Credentials::RegistryToken(token)));
        }
        if let Some(auth) = given(&self.auth) {
            return decode(&auth).map(Some).ok_or("is not the base64 form of `USER:PASSWORD`");
        }
        Ok(given(&self.username)
            .zip(given(&self.password))
            .map(|(user, password)| Credentials::Basic { user, password }))
    }
}

fn decode(auth: &str) -> Option<Credentials> {
    let bytes = BASE64_STANDARD.decode(auth.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    // Docker fills up with zero bytes.
    let password = password.trim_end_matches('\0');
    (!user.is_empty()).then(|| Credentials::Basic { user: user.to_owned(), password: password.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(user: &str, password: &str) -> Option<Credentials> {
        Some(Credentials::Basic { user: user.to_owned(), password: password.to_owned() })
    }

    #[test]
    fn the_longest_place_counts() {
        let text = r#"{
            "auths": {
                "a.example": { "username": "host", "password": "p" },
                "a.example/team": { "username": "team", "password": "p" },
                "a.example/team/motd": { "auth": "bW90ZDpwOnE=" },
                "https://b.example/v2/": { "auth": "dTpwAAA=" },
                "c.example": {},
                "d.example": { "identitytoken": "t" },
                "https://index.docker.io/v1/": { "username": "hub", "password": "p" }
            },
            "credHelpers": { "e.example": "e" }, "credsStore": "desktop", "HttpHeaders": { "x": "y" }
        }"#;
        let file = CredentialFile::parse(text.as_bytes()).unwrap();
        for (reference, expected) in [
            ("a.example/other", basic("host", "p")),
            ("a.example/teams", basic("host", "p")),
            ("a.example/team", basic("team", "p")),
            ("a.example/team/x", basic("team", "p")),
            ("a.example/team/motd", basic("motd", "p:q")),
            ("a.example:5000/team", None),
            ("b.example/x", basic("u", "p")),
            ("c.example/x", None),
            ("d.example/x", Some(Credentials::IdentityToken("t".to_owned()))),
            ("docker.io/x/y", basic("hub", "p")),
        ] {
            assert!(file.credentials_for(&reference.parse().unwrap()).unwrap() == expected, "{reference}");
        }
        assert_eq!(file.helper_for(&"e.example/x".parse().unwrap()), Some("e"));
        assert_eq!(file.helper_for(&"a.example/x".parse().unwrap()), None);
        assert_eq!(file.helper_for_all(), Some("desktop"));
    }

    #[test]
    fn keys_stand_for_no_more_than_they_name() {
        let text = r#"{
            "auths": {
                "ghcr.io/team/v2": { "username": "namespace", "password": "p" },
                "https://a.example": { "username": "form", "password": "p" },
                "a.example": { "username": "exact", "password": "p" },
                "https://b.example/v2/": {}, "b.example": { "username": "b", "password": "p" },
                "C.example/": { "username": "c", "password": "p" }, "HTTPS://c.example": {},
                "https://d.example": { "username": "d", "password": "p" }, "d.example": null,
                "E.example/team/": { "username": "e", "password": "p" }
            },
            "credHelpers": { "https://index.docker.io/v1/": "hub", "https://F.example": "f", "g.example": null }
        }"#;
        let file = CredentialFile::parse(text.as_bytes()).unwrap();
        for (reference, expected) in [
            ("ghcr.io/team/x", None),
            ("ghcr.io/team/v2/x", basic("namespace", "p")),
            ("a.example/x", basic("exact", "p")),
            ("b.example/x", basic("b", "p")),
            ("c.example/x", basic("c", "p")),
            ("d.example/x", basic("d", "p")),
            ("e.example/x", None),
            ("e.example/team/x", basic("e", "p")),
        ] {
            assert!(file.credentials_for(&reference.parse().unwrap()).unwrap() == expected, "{reference}");
        }
        for (reference, expected) in
            [("docker.io/x/y", Some("hub")), ("f.example/x", Some("f")), ("g.example/x", None)]
        {
            assert_eq!(file.helper_for(&reference.parse().unwrap()), expected, "{reference}");
        }
    }

    #[test]
    fn nothing_is_a_file_without_credentials() {
        let nulls = r#"{"auths":null,"credHelpers":null,"credsStore":null}"#;
        for text in ["", " \n", "{}", r#"{"auths":{}}"#, r#"{"auths":{"a":null}}"#, nulls] {
            let file = CredentialFile::parse(text.as_bytes()).unwrap();
            assert!(file.credentials_for(&"a/b".parse().unwrap()).unwrap().is_none(), "{text}");
        }
    }
}
