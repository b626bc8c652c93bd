//! Which operating system an image holds, and what that allows.

use crate::error::{Error, Result};
use crate::os_release::OsRelease;
use std::collections::BTreeSet;

/// The families that are told apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Azure Linux, also under its earlier name Mariner.
    AzureLinux,
    /// Azure Container Linux.
    Acl,
    /// Fedora.
    Fedora,
    /// Ubuntu.
    Ubuntu,
    /// Debian.
    Debian,
}

/// An operating system and its version.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Distribution {
    /// Which family.
    pub family: Family,
    /// `VERSION_ID`; cut to major and minor for Azure Container Linux.
    pub version: String,
}

impl Distribution {
    /// Tells the distribution by `ID`, `VARIANT_ID` and `VERSION_ID`.
    ///
    /// # Errors
    /// `Validation:CannotValidateTargetOS` for an unknown or missing `ID`.
    pub fn detect(release: &OsRelease) -> Result<Self> {
        let id = release.get("ID").unwrap_or_default();
        let version = release.get("VERSION_ID").unwrap_or_default().to_owned();
        let family = match (id, release.get("VARIANT_ID")) {
            ("azurelinux", Some("azurecontainerlinux")) => {
                let version = version.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
                return Ok(Self { family: Family::Acl, version });
            }
            ("azurelinux" | "mariner", _) => Family::AzureLinux,
            ("fedora", _) => Family::Fedora,
            ("ubuntu", _) => Family::Ubuntu,
            ("debian", _) => Family::Debian,
            _ => return Err(Error::unknown_distribution(id)),
        };
        Ok(Self { family, version })
    }

    /// The name as messages show it.
    #[must_use]
    pub fn name(&self) -> String {
        let family = match self.family {
            Family::AzureLinux => "Azure Linux",
            Family::Acl => "Azure Container Linux",
            Family::Fedora => "Fedora",
            Family::Ubuntu => "Ubuntu",
            Family::Debian => "Debian",
        };
        format!("{family} {}", self.version).trim_end().to_owned()
    }

    /// Refuses what needs a preview feature that the configuration does not name.
    ///
    /// # Errors
    /// `Validation:PreviewDistroVersionFeatureRequired`, `Validation:UnsupportedDistroVersion`.
    pub fn check_previews(&self, features: &BTreeSet<String>) -> Result<()> {
        if self.needs_preview() && !features.contains("preview-distro-version") {
            return Err(Error::preview_needed(&self.name(), "preview-distro-version"));
        }
        if !self.is_supported_version() && !features.contains("unsupported-distro-version") {
            return Err(Error::unsupported_version(&self.name()));
        }
        Ok(())
    }

    fn needs_preview(&self) -> bool {
        match self.family {
            // An unknown 4.x needs `unsupported-distro-version` alone.
            Family::AzureLinux => self.version == "4.0",
            Family::Acl | Family::Fedora | Family::Ubuntu | Family::Debian => true,
        }
    }

    fn is_supported_version(&self) -> bool {
        let supported: &[&str] = match self.family {
            Family::AzureLinux => &["2.0", "3.0", "4.0"],
            Family::Acl => &["3.0"],
            Family::Fedora => &["42"],
            Family::Ubuntu => &["22.04", "24.04"],
            Family::Debian => &["12", "13"],
        };
        supported.contains(&self.version.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(text: &str, features: &[&str]) -> Result<String> {
        let distribution = Distribution::detect(&OsRelease::parse(text).unwrap())?;
        distribution.check_previews(&features.iter().map(|f| (*f).to_owned()).collect())?;
        Ok(distribution.name())
    }

    #[test]
    fn distributions_and_their_gates() {
        let (preview, unsupported) = ("preview-distro-version", "unsupported-distro-version");
        let cases: [(&str, &[&str], std::result::Result<&str, &str>); 12] = [
            ("ID=azurelinux\nVERSION_ID=\"3.0\"", &[], Ok("Azure Linux 3.0")),
            ("ID=mariner\nVERSION_ID=2.0", &[], Ok("Azure Linux 2.0")),
            ("ID=azurelinux\nVERSION_ID=4.0", &[], Err("Validation:PreviewDistroVersionFeatureRequired")),
            ("ID=azurelinux\nVERSION_ID=5.0", &[], Err("Validation:UnsupportedDistroVersion")),
            ("ID=azurelinux\nVERSION_ID=5.0", &[unsupported], Ok("Azure Linux 5.0")),
            ("ID=ubuntu\nVERSION_ID=24.04", &[], Err("Validation:PreviewDistroVersionFeatureRequired")),
            ("ID=ubuntu\nVERSION_ID=24.04", &[preview], Ok("Ubuntu 24.04")),
            ("ID=ubuntu\nVERSION_ID=25.10", &[preview], Err("Validation:UnsupportedDistroVersion")),
            ("ID=debian\nVERSION_ID=12", &[preview], Ok("Debian 12")),
            ("ID=fedora\nVERSION_ID=42", &[preview], Ok("Fedora 42")),
            (
                "ID=azurelinux\nVARIANT_ID=azurecontainerlinux\nVERSION_ID=3.0.20260101",
                &[preview],
                Ok("Azure Container Linux 3.0"),
            ),
            ("ID=plan9", &[preview], Err("Validation:CannotValidateTargetOS")),
        ];
        for (text, features, expected) in cases {
            let found = gate(text, features);
            match expected {
                Ok(name) => assert_eq!(found.unwrap(), name, "{text}"),
                Err(name) => assert_eq!(found.unwrap_err().name(), name, "{text}"),
            }
        }
    }
}
