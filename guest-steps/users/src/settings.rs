//! What the image definition says about users.

use accounts::{check_field, check_user_name};
use serde::Deserialize;
use step_sdk::{Failure, FailureCode, Result};

/// The users to add or change, in this order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    pub(crate) users: Vec<UserSettings>,
}

/// One user.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct UserSettings {
    #[serde(deserialize_with = "user_name")]
    pub(crate) name: String,
    pub(crate) uid: Option<u32>,
    pub(crate) password: Option<Password>,
    pub(crate) password_expires_days: Option<ExpiryDays>,
    #[serde(default)]
    pub(crate) ssh_keys: Vec<SshKeys>,
    primary_group: Option<String>,
    #[serde(default)]
    pub(crate) secondary_groups: Vec<String>,
    #[serde(default, deserialize_with = "optional_field")]
    pub(crate) startup_command: Option<String>,
    #[serde(default, deserialize_with = "optional_field")]
    home_directory: Option<String>,
}

impl UserSettings {
    /// The home directory, if one is asked for: an empty text asks for nothing.
    pub(crate) fn home_directory(&self) -> Option<&str> {
        self.home_directory.as_deref().filter(|home| !home.is_empty())
    }

    /// Name or ID of the primary group, if one is asked for.
    pub(crate) fn primary_group(&self) -> Option<&str> {
        self.primary_group.as_deref().filter(|group| !group.is_empty())
    }
}

/// How the password is given. Values travel as artifacts, never in the settings.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Password {
    /// No password opens the account.
    Locked,
    /// The artifact holds the password.
    PlainText {
        /// Its name.
        artifact: String,
    },
    /// The artifact holds what goes into the shadow file.
    Hashed {
        /// Its name.
        artifact: String,
    },
}

/// One source of lines for `authorized_keys`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SshKeys {
    /// A file of keys.
    Artifact(String),
    /// One key.
    Line(String),
}

/// Days until the account ends; −1: never.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "i32")]
pub(crate) struct ExpiryDays(pub(crate) i32);

impl TryFrom<i32> for ExpiryDays {
    type Error = Failure;

    fn try_from(days: i32) -> Result<Self> {
        let message = "a number of days from -1 to 99999 is needed";
        let valid = (-1..=99_999).contains(&days);
        valid.then_some(Self(days)).ok_or_else(|| Failure::new(FailureCode::InvalidArgument, message))
    }
}

fn user_name<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    check_user_name(&name).map_err(serde::de::Error::custom)?;
    Ok(name)
}

fn optional_field<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<String>, D::Error> {
    let value = Option::<String>::deserialize(deserializer)?;
    check_field("value", value.as_deref().unwrap_or_default()).map_err(serde::de::Error::custom)?;
    Ok(value)
}
