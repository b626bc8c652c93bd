//! Which parts of the configuration language a field belongs to.

use telemetry::record::Apis;
use telemetry::registry::Api;

/// Fields with the part that they and all below them belong to.
const PARTS: &[(&str, Api)] = &[
    ("storage", Api::Storage),
    ("storage.verity", Api::Verity),
    ("iso", Api::Iso),
    ("pxe", Api::Pxe),
    ("scripts", Api::Scripts),
    ("steps", Api::CustomSteps),
    ("output.artifacts", Api::Artifacts),
    ("os.packages", Api::Packages),
    ("os.additionalFiles", Api::AdditionalFiles),
    ("os.additionalDirs", Api::AdditionalFiles),
    ("os.hostname", Api::Hostname),
    ("os.users", Api::Users),
    ("os.groups", Api::Groups),
    ("os.services", Api::Services),
    ("os.modules", Api::Modules),
    ("os.kernelCommandLine", Api::KernelCommandLine),
    ("os.bootloader", Api::Bootloader),
    ("os.selinux", Api::Selinux),
    ("os.overlays", Api::Overlays),
    ("os.uki", Api::Uki),
    ("os.imageHistory", Api::History),
];

/// `apis` and the parts to which `field` belongs.
pub(super) fn with(mut apis: Apis, field: &str) -> Apis {
    for (part, api) in PARTS {
        if field.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '['])) {
            apis.insert(*api);
        }
    }
    apis
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(field: &str) -> Vec<Api> {
        with(Apis::NONE, field).iter().collect()
    }

    #[test]
    fn a_field_belongs_to_the_parts_above_it() {
        let cases: [(&str, &[Api]); 7] = [
            ("os.users[0].name", &[Api::Users]),
            ("os.users", &[Api::Users]),
            ("os.usersX", &[]),
            ("os", &[]),
            ("storage.verity[0].id", &[Api::Storage, Api::Verity]),
            ("storage.disks[0]", &[Api::Storage]),
            ("output.artifacts.path", &[Api::Artifacts]),
        ];
        for (field, expected) in cases {
            assert_eq!(parts(field), expected, "{field}");
        }
    }

    #[test]
    fn every_part_can_be_reported() {
        for api in Api::ALL {
            assert!(PARTS.iter().any(|(_, part)| part == api), "{api:?}");
        }
    }
}
