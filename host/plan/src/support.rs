//! What the configuration may ask for and this build cannot do yet: refused by name, before anything is opened.

use config::output::ImageFormat;
use config::{ResolvedConfig, UsedField};

/// Sections and fields that are carried out. Everything else that a configuration uses is refused.
const SUPPORTED: &[&str] = &[
    "baseConfigs",
    "previewFeatures",
    "input.image.path",
    "output.image.path",
    "output.image.format",
    "os.hostname",
    "os.groups",
    "os.users",
    "os.additionalDirs",
    "os.additionalFiles",
    "os.services",
    "os.modules",
    "os.imageHistory",
    "steps",
    // Read by formats that are themselves refused; the reference program ignores it with all others.
    "output.image.cosi",
];

/// The fields of the configuration whose behaviour is not built yet, with their places: a list once, however much is in
/// it. Among them is an output format that cannot be written yet.
#[must_use]
pub fn unsupported(config: &ResolvedConfig) -> Vec<UsedField> {
    let mut fields: Vec<UsedField> = Vec::new();
    for used in config.features_used().into_iter().filter(|used| !is_supported(&used.field)) {
        let field = used.field.split('[').next().unwrap_or_default();
        if !fields.iter().any(|known| known.field == field) {
            fields.push(UsedField { field: field.to_owned(), ..used });
        }
    }
    for step in config.custom_steps() {
        let grant = &step.item.grant;
        for (name, field) in [("commands", &grant.commands), ("packages", &grant.packages)] {
            if let Some(field) = field.filter(|field| field.value) {
                fields.push(UsedField { field: format!("steps[{}].grant.{name}", step.index), at: field.at });
            }
        }
    }
    if let Some(format) = config.output_format().filter(|format| !is_written(format.value)) {
        fields.push(UsedField { field: format!("output.image.format: {}", format.value), at: format.at });
    }
    fields
}

/// Whether images of this format can be written.
fn is_written(format: ImageFormat) -> bool {
    use ImageFormat::{Qcow2, Raw, Vhd, VhdFixed, Vhdx};
    matches!(format, Raw | Qcow2 | Vhd | VhdFixed | Vhdx)
}

/// Whether `field` is one of the supported ones or lies below one.
fn is_supported(field: &str) -> bool {
    SUPPORTED.iter().any(|supported| {
        field.strip_prefix(supported).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_supported_with_all_below_it() {
        let cases = [
            ("os.users", true),
            ("os.users[0].uid", true),
            ("os.usersX", false),
            ("os", false),
            ("os.packages.install", false),
            ("storage", false),
            ("output.image.format", true),
            ("output.artifacts", false),
        ];
        for (field, supported) in cases {
            assert_eq!(is_supported(field), supported, "{field}");
        }
    }
}
