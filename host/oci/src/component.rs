//! A component as an artifact, in the layout of the CNCF's "Wasm OCI Artifact": a configuration that describes it, and one
//! layer that is the component itself.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Descriptor, Manifest, media_type, not_a_component};
use crate::shown::shown;

/// What is pushed. The same component with the same date gives the same bytes.
#[derive(Clone, Debug)]
pub struct Component<'a> {
    /// The binary.
    pub binary: &'a [u8],
    /// RFC 3339; the artifact says it was made then.
    pub created: String,
    /// The name that the component gives itself.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// What it is for, in one line.
    pub summary: Option<String>,
    /// Interfaces that it exports.
    pub exports: Vec<String>,
    /// Interfaces that it imports.
    pub imports: Vec<String>,
}

/// The configuration of the artifact.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    created: &'a str,
    architecture: &'static str,
    os: &'static str,
    layer_digests: [&'a Digest; 1],
    component: Interfaces<'a>,
}

#[derive(Serialize)]
struct Interfaces<'a> {
    exports: &'a [String],
    imports: &'a [String],
}

/// The three contents of a pushed component.
pub(crate) struct Artifact {
    pub(crate) config: Vec<u8>,
    pub(crate) config_descriptor: Descriptor,
    pub(crate) layer_descriptor: Descriptor,
    pub(crate) manifest: Vec<u8>,
}

impl Component<'_> {
    /// Everything that a registry is given of it.
    pub(crate) fn artifact(&self) -> Result<Artifact> {
        let mut layer = Descriptor::of(media_type::WASM, self.binary);
        let config = to_json(&Config {
            created: &self.created,
            architecture: "wasm",
            os: "wasip2",
            layer_digests: [&layer.digest],
            component: Interfaces { exports: &self.exports, imports: &self.imports },
        })?;
        // Tools that fetch any artifact take it for the name of a file.
        if let Some(name) = self.name.as_ref().filter(|name| is_plain(name)) {
            layer.annotations.insert(annotation("title"), format!("{name}.wasm"));
        }
        let config_descriptor = Descriptor::of(media_type::WASM_CONFIG, &config);
        let manifest = to_json(&Manifest {
            schema_version: 2,
            media_type: Some(media_type::MANIFEST.to_owned()),
            config: config_descriptor.clone(),
            layers: vec![layer.clone()],
            annotations: self.annotations(),
        })?;
        Ok(Artifact { config, config_descriptor, layer_descriptor: layer, manifest })
    }

    fn annotations(&self) -> BTreeMap<String, String> {
        let said = [("title", &self.name), ("version", &self.version), ("description", &self.summary)];
        let said = said.into_iter().filter_map(|(key, value)| Some((annotation(key), value.clone()?)));
        said.chain([(annotation("created"), self.created.clone())]).collect()
    }
}

fn is_plain(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.starts_with('-') && name.bytes().all(is_part)
}

fn annotation(key: &str) -> String {
    format!("org.opencontainers.image.{key}")
}

fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value)
        .map_err(|error| Error::new(ErrorKind::Io, format!("cannot write the artifact: {error}")))
}

/// The layer that is the component.
///
/// # Errors
/// [`ErrorKind::NotAComponent`], naming what the manifest describes instead.
pub fn component_layer(manifest: &Manifest) -> Result<&Descriptor> {
    match manifest.config.media_type.as_str() {
        media_type::WASM_CONFIG => {}
        media_type::IMAGE_CONFIG => return Err(not_a_component("a container image")),
        other => {
            let found = format!("an artifact whose configuration is of the type `{}`", shown(other));
            return Err(not_a_component(found));
        }
    }
    let [layer] = manifest.layers.as_slice() else {
        return Err(not_a_component(format!(
            "an artifact with {} layers instead of one",
            manifest.layers.len()
        )));
    };
    match layer.media_type.as_str() {
        media_type::WASM => Ok(layer),
        other if ["+gzip", "+zstd", ".gzip", ".tar", "+tar"].iter().any(|end| other.ends_with(end)) => Err(
            not_a_component(format!("an artifact with a compressed or packed layer (`{}`)", shown(other))),
        ),
        other => Err(not_a_component(format!("an artifact with a layer of the type `{}`", shown(other)))),
    }
}

/// What a component in WebAssembly's binary format begins with: magic number, version 13, layer 1.
const PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

/// Whether a layer holds what its type says, as far as its first bytes tell.
///
/// # Errors
/// [`ErrorKind::NotAComponent`].
pub(crate) fn check_component(binary: &[u8]) -> Result<()> {
    match binary {
        _ if binary.starts_with(PREAMBLE) => Ok(()),
        [] => Err(not_a_component("an empty layer")),
        [0, b'a', b's', b'm', 1, ..] => Err(not_a_component("a core module")),
        _ => Err(not_a_component("a layer with no WebAssembly in it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_component_is_told_by_its_first_bytes() {
        let cases: [(&[u8], &str); 3] =
            [(b"", "an empty layer"), (b"\0asm\x01\0\0\0", "a core module"), (b"garbage", "no WebAssembly")];
        for (binary, words) in cases {
            let error = check_component(binary).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotAComponent);
            assert!(error.to_string().contains(words), "{error}");
        }
        check_component(b"\0asm\x0d\0\x01\0...").unwrap();
    }

    fn component() -> Component<'static> {
        Component {
            binary: b"\0asm",
            created: "1970-01-01T00:00:00Z".to_owned(),
            name: Some("motd".to_owned()),
            version: Some("1.2.3".to_owned()),
            summary: None,
            exports: vec!["customizer:step/step@0.1.0".to_owned()],
            imports: vec!["customizer:step/log@0.1.0".to_owned()],
        }
    }

    #[test]
    fn the_artifact_has_the_layout_that_others_expect() {
        let artifact = component().artifact().unwrap();
        let layer = Digest::of(b"\0asm");
        assert_eq!(
            String::from_utf8(artifact.config.clone()).unwrap(),
            format!(
                "{{\"created\":\"1970-01-01T00:00:00Z\",\"architecture\":\"wasm\",\"os\":\"wasip2\",\"layerDigests\":[\"{layer}\"],\
                 \"component\":{{\"exports\":[\"customizer:step/step@0.1.0\"],\"imports\":[\"customizer:step/log@0.1.0\"]}}}}"
            )
        );
        let manifest = Manifest::parse(&artifact.manifest, Some(media_type::MANIFEST)).unwrap();
        assert_eq!(component_layer(&manifest).unwrap().digest, layer);
        assert_eq!(manifest.config.digest, Digest::of(&artifact.config));
        let names: Vec<&str> = manifest.annotations.values().map(String::as_str).collect();
        assert_eq!(names, ["1970-01-01T00:00:00Z", "motd", "1.2.3"]);
        assert_eq!(component().artifact().unwrap().manifest, artifact.manifest);
        assert_eq!(artifact.layer_descriptor.annotations.len(), 1);
        let named = |name: &str| Component { name: Some(name.to_owned()), ..component() }.artifact().unwrap();
        for name in ["../x", "/etc/x", "-x", "a b"] {
            assert!(named(name).layer_descriptor.annotations.is_empty(), "{name}");
        }
    }

    #[test]
    fn other_artifacts_are_told_by_what_they_are() {
        let manifest = |config: &str, layers: &[&str]| Manifest {
            schema_version: 2,
            media_type: None,
            config: Descriptor::of(config, b""),
            layers: layers.iter().map(|layer| Descriptor::of(layer, b"")).collect(),
            annotations: BTreeMap::new(),
        };
        let wasm = media_type::WASM_CONFIG;
        for (manifest, words) in [
            (manifest(media_type::IMAGE_CONFIG, &[media_type::WASM]), "a container image"),
            (
                manifest("application/x\n", &[media_type::WASM]),
                "configuration is of the type `application/x `",
            ),
            (manifest(wasm, &[]), "0 layers"),
            (manifest(wasm, &[media_type::WASM, media_type::WASM]), "2 layers"),
            (manifest(wasm, &["application/vnd.oci.image.layer.v1.tar+gzip"]), "compressed or packed layer"),
            (
                manifest(wasm, &["application/vnd.wasm.content.layer.v1+wasm"]),
                "layer of the type `application/vnd.wasm",
            ),
        ] {
            let error = component_layer(&manifest).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotAComponent);
            assert!(error.to_string().contains(words), "{words}: {error}");
        }
    }
}
