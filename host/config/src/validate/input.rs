//! Rules of `input`.

use super::{Checker, azure_linux_variant, azure_linux_version, given, oci_reference};
use crate::decode::clip;
use crate::model::input::{AzureLinuxImage, Input, OciImage};
use crate::rule::Rule;

pub(super) fn check(input: &Input, checker: &mut Checker) {
    let image = &input.image;
    let sources = [
        given(&image.path).map(|path| path.at),
        image.oci.as_ref().map(|oci| oci.at),
        image.azure_linux.as_ref().map(|azure_linux| azure_linux.at),
    ];
    if let Some(second) = sources.into_iter().flatten().nth(1) {
        let message = "more than one base image: `path`, `oci` and `azureLinux` exclude each other";
        checker.fail_hint(Rule::InputImageOneSource, "input.image", second, message, "keep one of them");
    }
    if let Some(oci) = &image.oci {
        check_oci(oci, checker);
    }
    if let Some(azure_linux) = &image.azure_linux {
        check_azure_linux(azure_linux, checker);
    }
}

fn check_oci(oci: &OciImage, checker: &mut Checker) {
    const FIELD: &str = "input.image.oci.uri";
    let Some(uri) = checker.required(Rule::InputOciUri, FIELD, &oci.uri, oci.at) else { return };
    if let Err(reason) = oci_reference(uri) {
        let message = format!("invalid image reference `{}`: {reason}", clip(uri));
        checker.fail_hint(Rule::InputOciUri, FIELD, uri.at, message, "write `registry/repository:tag`");
    }
}

fn check_azure_linux(image: &AzureLinuxImage, checker: &mut Checker) {
    const VARIANT: &str = "input.image.azureLinux.variant";
    const VERSION: &str = "input.image.azureLinux.version";
    if let Some(variant) = checker.required(Rule::InputAzureLinuxVariant, VARIANT, &image.variant, image.at)
        && !azure_linux_variant(variant)
    {
        let message = format!("invalid variant `{}`", clip(variant));
        let hint = "write a name in lower-case letters and digits, as `minimal-os`";
        checker.fail_hint(Rule::InputAzureLinuxVariant, VARIANT, variant.at, message, hint);
    }
    if let Some(version) = checker.required(Rule::InputAzureLinuxVersion, VERSION, &image.version, image.at)
        && !azure_linux_version(version)
    {
        let message = format!("invalid version `{}`", clip(version));
        let hint = "write `MAJOR.MINOR` or `MAJOR.MINOR.DATE`, as `3.0`";
        checker.fail_hint(Rule::InputAzureLinuxVersion, VERSION, version.at, message, hint);
    }
}
