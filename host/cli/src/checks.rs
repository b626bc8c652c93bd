//! What is wrong with flags that the parser takes: two that do not go together, a number out of range, a flag that
//! is not supported yet. No file is looked at.

use std::path::{Path, PathBuf};

use config::PasswordPolicy;

use crate::arguments::{
    AllowedPasswords, Backend, Convert, Customize, Resource, ResourceList, ValidateConfig, path_list,
};
use crate::failure::Failure;

/// Formats whose content is compressed, and which are not plain disk images.
const COMPRESSED_FORMATS: [&str; 2] = ["cosi", "baremetal-image"];

/// For `customize`.
pub(crate) fn customize(flags: &Customize) -> Result<(), Failure> {
    if is_given(flags.image.as_deref()) && given(flags.image_file.as_ref()).is_some() {
        let failure = Failure::new("`--image` and `--image-file` cannot be used together");
        return Err(failure.with_name(Some("Validation:MultipleInputImageOptions")));
    }
    check_level(flags.cosi_compression_level)?;
    refuse(&[
        ("--image", is_given(flags.image.as_deref())),
        ("--image-cache-dir", given(flags.image_cache_dir.as_ref()).is_some()),
        ("--output-selinux-policy-path", given(flags.output_selinux_policy_path.as_ref()).is_some()),
        ("--rpm-source", !path_list(&flags.rpm_source).is_empty()),
        ("--disable-base-image-rpm-repos", flags.disable_base_image_rpm_repos),
        ("--package-snapshot-time", is_given(flags.package_snapshot_time.as_deref())),
        ("--tools-dir", given(flags.tools_dir.as_ref()).is_some()),
        ("--setfiles-context", is_given(flags.setfiles_context.as_deref())),
        ("--backend=kernel", flags.backend == Backend::Kernel),
    ])
}

/// For `convert`.
pub(crate) fn convert(flags: &Convert) -> Result<(), Failure> {
    let format = flags.output_image_format.as_str();
    let compressed = COMPRESSED_FORMATS.contains(&format);
    if format.is_empty() {
        return Err(Failure::new("`--output-image-format` is empty").with_hint(Some("name a format")));
    }
    if flags.cosi_compression_level.is_some() && !compressed {
        let text = format!("`--cosi-compression-level` does not apply to the format `{format}`");
        return Err(Failure::new(text).with_hint(Some("leave the flag out")));
    }
    check_level(flags.cosi_compression_level)?;
    if compressed && given(flags.build_dir.as_ref()).is_none() {
        let failure = Failure::new(format!("the format `{format}` needs a build directory"));
        let failure = failure.with_name(Some("Validation:ConvertBuildDirRequired"));
        return Err(failure.with_hint(Some("give `--build-dir`")));
    }
    refuse(&[("--tools-dir", given(flags.tools_dir.as_ref()).is_some())])
}

/// For `validate-config`; returns what is to be looked up.
pub(crate) fn validate_config(flags: &ValidateConfig) -> Result<Vec<Resource>, Failure> {
    let lists = flags.validate_resources.iter();
    let resources: Vec<Resource> = lists.flat_map(|ResourceList(list)| list).copied().collect();
    let remote = resources.iter().any(|resource| matches!(resource, Resource::Oci | Resource::All));
    if remote && given(flags.build_dir.as_ref()).is_none() {
        let failure = Failure::new("checking resources `oci` or `all` needs a build directory");
        let failure = failure.with_name(Some("Validation:ValidateConfigOptionsBuildDirRequiredForOci"));
        return Err(failure.with_hint(Some("give `--build-dir`")));
    }
    refuse(&[
        ("--validate-resources=oci", resources.contains(&Resource::Oci)),
        ("--validate-resources=all", resources.contains(&Resource::All)),
    ])?;
    Ok(resources)
}

/// Which passwords configurations may hold: what the flag says, as far as this build lets it.
pub(crate) fn passwords(flag: AllowedPasswords) -> Result<PasswordPolicy, Failure> {
    match flag {
        AllowedPasswords::Locked => Ok(PasswordPolicy::LockedOnly),
        AllowedPasswords::Any if cfg!(feature = "locked-passwords-only") => {
            let failure =
                Failure::new("this build accepts locked accounts only: `--allowed-passwords=any` is refused");
            Err(failure.with_hint(Some("leave the flag out, or use a build without `locked-passwords-only`")))
        }
        AllowedPasswords::Any => Ok(PasswordPolicy::Any),
    }
}

/// The first flag that was given, but would have no effect yet, is an error.
fn refuse(flags: &[(&str, bool)]) -> Result<(), Failure> {
    match flags.iter().find(|(_, given)| *given) {
        Some((name, _)) => Err(Failure::not_supported(name)),
        None => Ok(()),
    }
}

fn check_level(level: Option<i64>) -> Result<(), Failure> {
    match level {
        Some(level) if !(1..=22).contains(&level) => {
            let text = format!("`--cosi-compression-level` must be from 1 to 22 but is {level}");
            Err(Failure::new(text))
        }
        _ => Ok(()),
    }
}

fn is_given(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

/// The path of a flag; the empty text stands for one that was not given.
pub(crate) fn given(path: Option<&PathBuf>) -> Option<PathBuf> {
    path.filter(|path| !path.as_os_str().is_empty()).cloned()
}

/// The path of a flag that must be given.
pub(crate) fn required(flag: &str, path: PathBuf) -> Result<PathBuf, Failure> {
    given(Some(&path))
        .ok_or_else(|| Failure::new(format!("`{flag}` is empty")).with_hint(Some("name a path")))
}

/// As [`required`], and independent of the working directory.
pub(crate) fn absolute(flag: &str, path: &Path) -> Result<PathBuf, Failure> {
    let path = required(flag, path.to_owned())?;
    std::path::absolute(&path)
        .map_err(|error| Failure::because(format!("cannot make `{flag}` absolute"), &error))
}
