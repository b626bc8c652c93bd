//! Manifests: what an artifact consists of (OCI image specification 1.1).

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::nullable::or_empty;
use crate::shown::shown;

/// The media types that this crate knows.
pub mod media_type {
    /// A manifest.
    pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// A list of manifests, one for each platform.
    pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// Docker's manifest.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker's list.
    pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// What a container image is configured by.
    pub const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// What describes a WebAssembly artifact.
    pub const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
    /// WebAssembly itself.
    pub const WASM: &str = "application/wasm";
}

/// One content, by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What kind of content it is.
    pub media_type: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Their number.
    pub size: u64,
    /// In the order of their names.
    #[serde(default, deserialize_with = "or_empty", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// Describes `bytes`.
    #[must_use]
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        let (digest, size) = (Digest::of(bytes), bytes.len() as u64);
        Self { media_type: media_type.to_owned(), digest, size, annotations: BTreeMap::new() }
    }
}

/// A manifest of one artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u64,
    /// [`media_type::MANIFEST`], where it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What describes the artifact as a whole.
    pub config: Descriptor,
    /// Its content.
    #[serde(deserialize_with = "or_empty")]
    pub layers: Vec<Descriptor>,
    /// In the order of their names.
    #[serde(default, deserialize_with = "or_empty", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// What is enough to say what a document is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline {
    media_type: Option<String>,
    manifests: Option<IgnoredAny>,
}

impl Manifest {
    /// Reads a manifest that came as `content_type`, or that lay somewhere without one.
    ///
    /// # Errors
    /// [`ErrorKind::NotAComponent`] for other documents of a registry, [`ErrorKind::Protocol`] for what is none.
    pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self> {
        let outline: Outline = json(bytes)?;
        let said = content_type.map(essence);
        let kind = match (said, outline.media_type.as_deref()) {
            (Some(said), Some(written)) if said != written => {
                let (said, written) = (shown(&said), shown(written));
                let message = format!("the manifest came as `{said}`, but calls itself `{written}`");
                return Err(Error::protocol(message));
            }
            (Some(said), _) => said,
            (None, Some(written)) => written.to_owned(),
            (None, None) if outline.manifests.is_some() => media_type::INDEX.to_owned(),
            (None, None) => media_type::MANIFEST.to_owned(),
        };
        if let Some(found) = other_document(&kind) {
            return Err(not_a_component(found));
        }
        if outline.manifests.is_some() {
            return Err(Error::protocol("the manifest has a list of manifests as well"));
        }
        let manifest: Self = json(bytes)?;
        match manifest.schema_version {
            2 => Ok(manifest),
            other => Err(Error::protocol(format!("the manifest's `schemaVersion` is {other}, not 2"))),
        }
    }
}

/// A media type without its parameters, in lower case.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// What a document is that is no manifest of ours.
fn other_document(kind: &str) -> Option<String> {
    match kind {
        media_type::MANIFEST => None,
        media_type::INDEX | media_type::DOCKER_LIST => {
            Some(format!("an image index, a list of images for several platforms (`{kind}`)"))
        }
        media_type::DOCKER_MANIFEST => Some(format!("a container image in Docker's form (`{kind}`)")),
        other => Some(format!("a document of the type `{}`", shown(other))),
    }
}

pub(crate) fn not_a_component(found: impl std::fmt::Display) -> Error {
    let error = Error::new(ErrorKind::NotAComponent, format!("it is not a step component, but {found}"));
    error.hint_at("`imagecustomizer step push` stores components in the form that is expected")
}

pub(crate) fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        Error::protocol(format!("the manifest cannot be understood: {}", shown(&error.to_string())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn manifest(change: impl Fn(&str) -> String) -> Vec<u8> {
        let descriptor =
            format!(r#"{{"mediaType":"application/wasm","digest":"{DIGEST}","size":0,"more":[1]}}"#);
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","config":{descriptor},"layers":[{descriptor}],"subject":{{}}}}"#,
            media_type::MANIFEST
        );
        change(&text).into_bytes()
    }

    #[test]
    fn a_manifest_is_read_with_fields_that_are_not_known() {
        let read = Manifest::parse(
            &manifest(str::to_owned),
            Some("Application/vnd.oci.image.manifest.v1+json; x=y"),
        );
        assert_eq!(read.unwrap().layers.len(), 1);
        let with_nulls = manifest(|text| {
            let text = text.replace("\"more\":[1]", "\"annotations\":null");
            text.replace("\"subject\":{}", "\"annotations\":null,\"manifests\":null")
        });
        let read = Manifest::parse(&with_nulls, None).unwrap();
        assert!(read.annotations.is_empty() && read.config.annotations.is_empty());
        let nothing = format!(
            r#"{{"schemaVersion":2,"mediaType":null,"config":{{"mediaType":"x","digest":"{DIGEST}","size":0}},"layers":null}}"#
        );
        assert!(Manifest::parse(nothing.as_bytes(), None).unwrap().layers.is_empty());
    }

    #[test]
    fn what_is_no_manifest_is_told_by_what_it_is() {
        let swap = |from: &'static str, to: &'static str| manifest(move |text| text.replace(from, to));
        let cases: Vec<(Vec<u8>, Option<&str>, ErrorKind, &str)> = vec![
            (manifest(str::to_owned), Some(media_type::INDEX), ErrorKind::Protocol, "calls itself"),
            (
                swap("image.manifest", "image.index"),
                Some(media_type::INDEX),
                ErrorKind::NotAComponent,
                "an image index",
            ),
            (swap("image.manifest", "image.index"), None, ErrorKind::NotAComponent, "an image index"),
            (
                swap("\"layers\"", "\"manifests\":[],\"layers\""),
                None,
                ErrorKind::Protocol,
                "list of manifests",
            ),
            (swap("\"schemaVersion\":2", "\"schemaVersion\":1"), None, ErrorKind::Protocol, "not 2"),
            (swap("\"size\":0", "\"size\":-1"), None, ErrorKind::Protocol, "invalid value"),
            (swap("sha256:", "sha512:"), None, ErrorKind::Protocol, "a digest is not usable"),
            (
                swap("\"layers\"", "\"config\":1,\"layers\""),
                None,
                ErrorKind::Protocol,
                "cannot be understood",
            ),
            (b"{}".to_vec(), Some(media_type::DOCKER_MANIFEST), ErrorKind::NotAComponent, "Docker's form"),
            (b"{}".to_vec(), Some("text/html\u{1b}[2J"), ErrorKind::NotAComponent, "`text/html\\u{1b}[2j`"),
            (b"<html>".to_vec(), Some(media_type::MANIFEST), ErrorKind::Protocol, "cannot be understood"),
            ("[".repeat(1 << 20).into_bytes(), None, ErrorKind::Protocol, "cannot be understood"),
            (vec![0xff; 64], None, ErrorKind::Protocol, "cannot be understood"),
        ];
        for (bytes, content_type, kind, words) in cases {
            let error = Manifest::parse(&bytes, content_type).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(words), "{words}: {error}");
        }
    }
}
