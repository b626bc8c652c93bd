//! `input`: the base image.

use crate::decode::{Decoder, Shorthand, clip, record};
use crate::rule::Rule;
use crate::source::Located;

record! {
    /// The base image.
    pub struct Input {
        /// Where the base image comes from.
        "image" image: InputImage,
    }
}

record! {
    /// Where the base image comes from: at most one of the three.
    pub struct InputImage {
        /// Path of an image file.
        "path" path: Option<Located<String>>,
        /// An image in an OCI registry.
        "oci" oci: Option<OciImage>,
        /// An Azure Linux image from its public registry.
        "azureLinux" azure_linux: Option<AzureLinuxImage>,
    }
}

record! {
    /// An image in an OCI registry; short form: the reference as text.
    pub struct OciImage {
        /// The reference, as `registry/repository:tag`.
        "uri" [required] uri: Option<Located<String>>,
        /// Which of several platforms to take.
        "platform" platform: Option<OciPlatform>,
    }

    fn has_shorthand(&self) -> bool {
        true
    }

    fn set_shorthand(&mut self, text: Located<String>, _decoder: &mut Decoder<'_>) -> Shorthand {
        self.uri = Some(text);
        Shorthand::Taken
    }
}

record! {
    /// A platform of an OCI image; short form: `OS` or `OS/ARCHITECTURE`.
    pub struct OciPlatform {
        /// Operating system, as `linux`.
        "os" os: Option<Located<String>>,
        /// Processor architecture, as `amd64`.
        "architecture" architecture: Option<Located<String>>,
    }

    fn has_shorthand(&self) -> bool {
        true
    }

    fn set_shorthand(&mut self, text: Located<String>, decoder: &mut Decoder<'_>) -> Shorthand {
        let Located { value, at } = text;
        let (os, architecture) = value.split_once('/').unwrap_or((&value, host_architecture()));
        if architecture.contains('/') {
            let message = format!("invalid platform `{}`", clip(&value));
            decoder.report(Rule::OciPlatformForm, at, message).hint =
                Some("write `OS` or `OS/ARCHITECTURE`, as `linux/arm64`".to_owned());
            return Shorthand::Refused;
        }
        self.os = Some(Located::new(os.to_owned(), at));
        self.architecture = Some(Located::new(architecture.to_owned(), at));
        Shorthand::Taken
    }
}

/// The architecture of this machine, in the names that OCI uses.
fn host_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

record! {
    /// An Azure Linux image from its public registry.
    pub struct AzureLinuxImage {
        /// Which image, as `minimal-os`.
        "variant" [required] variant: Option<Located<String>>,
        /// Which version: `3.0`, or with a date `3.0.20250101`.
        "version" [required] version: Option<Located<String>>,
    }
}
