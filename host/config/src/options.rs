//! What the command line gives besides the configuration file.

use std::path::PathBuf;

use crate::diagnostic::Diagnostic;
use crate::model::output::ImageFormat;
use crate::rule::Rule;
use crate::source::Span;
use crate::validate::{
    PasswordPolicy, azure_linux_variant, azure_linux_version, oci_reference, snapshot_time,
};

/// For what a configuration is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// To carry it out: input and output have to be named.
    #[default]
    Customize,
    /// To check it: what the command line usually gives may be missing.
    ValidateConfig,
    /// To make an image from packages: there is no input.
    Create,
}

/// How a configuration is read.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// Values of the command line; they win over those of the configuration.
    pub overrides: Overrides,
    /// Which password types are accepted.
    pub passwords: PasswordPolicy,
    /// For what the configuration is read.
    pub mode: Mode,
}

/// Values of the command line. Relative paths start from the working directory.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--image-file`
    pub image_file: Option<PathBuf>,
    /// `--image`: `oci:URI` or `azurelinux:VARIANT:VERSION`.
    pub image: Option<String>,
    /// `--output-image-file`
    pub output_image_file: Option<PathBuf>,
    /// `--output-image-format`
    pub output_image_format: Option<ImageFormat>,
    /// `--output-selinux-policy-path`
    pub output_selinux_policy_path: Option<PathBuf>,
    /// `--cosi-compression-level`
    pub cosi_compression_level: Option<i64>,
    /// `--rpm-source`
    pub rpm_sources: Vec<PathBuf>,
    /// `--disable-base-image-rpm-repos`
    pub disable_base_image_rpm_repos: bool,
    /// `--package-snapshot-time`
    pub package_snapshot_time: Option<String>,
    /// `--tools-dir`
    pub tools_dir: Option<PathBuf>,
}

/// A base image that `--image` names.
pub(crate) enum ImageArgument<'a> {
    Oci(&'a str),
    AzureLinux { variant: &'a str, version: &'a str },
}

/// Reads the value of `--image`.
pub(crate) fn image_argument(text: &str) -> Result<ImageArgument<'_>, String> {
    match text.split_once(':') {
        Some(("oci", uri)) => match oci_reference(uri) {
            Ok(()) => Ok(ImageArgument::Oci(uri)),
            Err(reason) => Err(format!("the image reference is not valid: {reason}")),
        },
        Some(("azurelinux", image)) => match image.split_once(':') {
            Some((variant, version)) if azure_linux_variant(variant) && azure_linux_version(version) => {
                Ok(ImageArgument::AzureLinux { variant, version })
            }
            _ => Err("an Azure Linux image is `azurelinux:VARIANT:VERSION`".to_owned()),
        },
        _ => Err("it is neither `oci:URI` nor `azurelinux:VARIANT:VERSION`".to_owned()),
    }
}

impl LoadOptions {
    /// Checks the values by themselves.
    pub(crate) fn check(&self) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        let mut fail = |rule, message: String| {
            problems.push(Diagnostic::new(rule, "", Span::default(), message));
        };
        let Overrides { package_snapshot_time, image, image_file, cosi_compression_level, .. } =
            &self.overrides;
        if let Some(time) = package_snapshot_time.as_deref().filter(|time| !time.is_empty())
            && !snapshot_time(time)
        {
            fail(Rule::OptionSnapshotTime, format!("`--package-snapshot-time` is not a date: `{time}`"));
        }
        if let Some(image) = image.as_deref().filter(|image| !image.is_empty()) {
            if let Err(reason) = image_argument(image) {
                fail(Rule::OptionImage, format!("`--image` is not valid: {reason}"));
            }
            if image_file.is_some() {
                fail(Rule::OptionImageTwice, "`--image` and `--image-file` exclude each other".to_owned());
            }
        }
        if let Some(level) = cosi_compression_level.filter(|level| !(1..=22).contains(level)) {
            let message = format!("`--cosi-compression-level` is {level}, but must be from 1 to 22");
            fail(Rule::OptionCosiLevel, message);
        }
        problems
    }
}
