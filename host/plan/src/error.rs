//! Why no plan can be made.

use std::fmt;

/// A refusal, with the stable name that the reference program gives it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    name: &'static str,
    message: String,
    hint: Option<String>,
}

/// What planning gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, message: message.into(), hint: None }
    }

    pub(crate) fn hint_at(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn unknown_distribution(id: &str) -> Self {
        let shown: String =
            id.chars().take(60).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        Self::new(
            "Validation:CannotValidateTargetOS",
            format!("unknown distribution `{shown}` in os-release"),
        )
        .hint_at("supported are Azure Linux, Fedora, Ubuntu and Debian")
    }

    pub(crate) fn preview_needed(distribution: &str, feature: &str) -> Self {
        let message = format!("support for {distribution} is a preview feature");
        Self::new("Validation:PreviewDistroVersionFeatureRequired", message)
            .hint_at(format!("add `{feature}` to `previewFeatures` in the config"))
    }

    pub(crate) fn unsupported_version(distribution: &str) -> Self {
        Self::new("Validation:UnsupportedDistroVersion", format!("{distribution} is not a supported version"))
            .hint_at(
                "add `unsupported-distro-version` to `previewFeatures` in the config to try it all the same",
            )
    }

    /// The stable name, `Area:Condition`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What the person can do.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
