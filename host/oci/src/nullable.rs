//! Fields that others write as `null` where they mean nothing.

use serde::{Deserialize, Deserializer};

/// The value; the empty one for `null`.
pub(crate) fn or_empty<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}
