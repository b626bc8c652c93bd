//! The names of partition types and the ids they stand for.

/// Name, id on x86-64, id on AArch64.
pub(crate) const NAMES: &[(&str, &str, &str)] = &[
    ("esp", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"),
    ("bios-grub", "21686148-6449-6e6f-744e-656564454649", "21686148-6449-6e6f-744e-656564454649"),
    ("home", "933ac7e1-2eb4-4f13-b844-0e14e2aef915", "933ac7e1-2eb4-4f13-b844-0e14e2aef915"),
    (LINUX_GENERIC, "0fc63daf-8483-4772-8e79-3d69d8477de4", "0fc63daf-8483-4772-8e79-3d69d8477de4"),
    ("srv", "3b8f8425-20e0-4f3b-907f-1a25a76f98e8", "3b8f8425-20e0-4f3b-907f-1a25a76f98e8"),
    ("swap", "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"),
    ("tmp", "7ec6f557-3bc5-4aca-b293-16ef5df639d1", "7ec6f557-3bc5-4aca-b293-16ef5df639d1"),
    ("var", "4d21b016-b534-45c2-a9fb-5c16e091fd2d", "4d21b016-b534-45c2-a9fb-5c16e091fd2d"),
    ("xbootldr", "bc13c2ff-59e6-4262-a352-b275fd6f7172", "bc13c2ff-59e6-4262-a352-b275fd6f7172"),
    ("root", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "b921b045-1df0-41c3-af44-4c6f280d3fae"),
    ("root-verity", "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", "df3300ce-d69f-4c92-978c-9bfb0f38d820"),
    ("usr", "8484680c-9521-48c6-9c11-b0720656f69e", "b0e01050-ee5f-4390-949a-9101b17104e9"),
    ("usr-verity", "77ff5f63-e7b6-4633-acf4-1565b864c0e6", "6e11a4e7-fbca-4ded-b9e9-e1a512bb664e"),
];

/// The type of a partition that names none.
const LINUX_GENERIC: &str = "linux-generic";

/// A processor architecture whose partition types have ids of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Architecture {
    /// x86-64.
    Amd64,
    /// AArch64.
    Arm64,
}

/// The type id that the `type` of a partition stands for: itself, if it is an id. `None` when it is
/// neither a name nor an id, which validation has refused before.
pub fn partition_type_id(kind: &str, architecture: Architecture) -> Option<&str> {
    let name = if kind.is_empty() { LINUX_GENERIC } else { kind };
    match NAMES.iter().find(|(known, ..)| *known == name) {
        Some((_, amd64, arm64)) => Some(if architecture == Architecture::Amd64 { amd64 } else { arm64 }),
        None => (name.len() == 36 && name.contains('-')).then_some(name),
    }
}
