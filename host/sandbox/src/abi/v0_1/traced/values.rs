//! This version's values in a trace.

use super::super::customizer::step::{log, rootfs};
use super::super::{Failure, FailureCode};
use crate::trace::{Refusal, Traceable, insert, mode, names, record};
use serde_json::{Map, Value};

names!(rootfs::Kind {
    Regular = "regular",
    Directory = "directory",
    Symlink = "symlink",
    CharDevice = "char-device",
    BlockDevice = "block-device",
    Fifo = "fifo",
    Socket = "socket",
});

names!(rootfs::Existing { Replace = "replace", Keep = "keep", Append = "append" });

names!(log::Level { Trace = "trace", Debug = "debug", Info = "info", Warn = "warn", Error = "error" });

record!(rootfs::Timestamp { seconds, nanoseconds } modes {});
record!(rootfs::Device { major, minor } modes {});
record!(rootfs::Owner { uid, gid } modes {});
record!(rootfs::Metadata { kind, uid, gid, size, links, modified, device } modes { mode });
record!(rootfs::Entry { name, kind, addressable } modes {});
record!(rootfs::TreeReport { files, directories, symlinks, bytes } modes {});

/// How a file is written; only what was said.
pub(super) fn write_options(options: &rootfs::WriteOptions) -> Value {
    let mut object = Map::new();
    insert(&mut object, "existing", options.existing.to_json());
    insert(&mut object, "mode", mode(options.mode));
    insert(&mut object, "owner", options.owner.to_json());
    insert(&mut object, "replace-symlink", options.replace_symlink.into());
    insert(&mut object, "parents", options.parents.into());
    object.into()
}

/// How a tree is copied; only what was said.
pub(super) fn tree_options(options: &rootfs::TreeOptions) -> Value {
    let mut object = Map::new();
    insert(&mut object, "owner", options.owner.to_json());
    insert(&mut object, "file-mode", mode(options.file_mode));
    insert(&mut object, "directory-mode", mode(options.directory_mode));
    insert(&mut object, "overwrite", options.overwrite.into());
    object.into()
}

/// The codes by the contract's names.
const CODES: &[(FailureCode, &str)] = &[
    (FailureCode::NotFound, "not-found"),
    (FailureCode::AlreadyExists, "already-exists"),
    (FailureCode::NotADirectory, "not-a-directory"),
    (FailureCode::IsADirectory, "is-a-directory"),
    (FailureCode::DirectoryNotEmpty, "directory-not-empty"),
    (FailureCode::SymlinkLoop, "symlink-loop"),
    (FailureCode::InvalidPath, "invalid-path"),
    (FailureCode::SpecialFile, "special-file"),
    (FailureCode::ForeignMount, "foreign-mount"),
    (FailureCode::NoSpace, "no-space"),
    (FailureCode::ReadOnly, "read-only"),
    (FailureCode::TooLarge, "too-large"),
    (FailureCode::Denied, "denied"),
    (FailureCode::InvalidArgument, "invalid-argument"),
    (FailureCode::Unsupported, "unsupported"),
    (FailureCode::TimedOut, "timed-out"),
    (FailureCode::Other, "other"),
];

impl Refusal for Failure {
    fn to_text(&self) -> (&'static str, &str) {
        let name = CODES.iter().find(|(code, _)| *code == self.code).map_or("other", |(_, name)| name);
        (name, &self.message)
    }

    fn from_text(code: &str, message: &str) -> Option<Self> {
        let (code, _) = CODES.iter().find(|(_, name)| *name == code)?;
        Some(Self { code: *code, message: message.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Recorded;
    use serde_json::json;

    #[test]
    fn metadata_comes_back_as_it_was() {
        let metadata = rootfs::Metadata {
            kind: rootfs::Kind::BlockDevice,
            mode: 0o4640,
            uid: 0,
            gid: 6,
            size: u64::MAX,
            links: 1,
            modified: rootfs::Timestamp { seconds: -1, nanoseconds: 999_999_999 },
            device: Some(rootfs::Device { major: 8, minor: 1 }),
        };
        let json = metadata.to_json();
        assert_eq!((&json["kind"], &json["mode"]), (&json!("block-device"), &json!("4640")));
        assert_eq!(format!("{:?}", rootfs::Metadata::from_json(&json).unwrap()), format!("{metadata:?}"));
        assert!(rootfs::Metadata::from_json(&json!({ "kind": "directory" })).is_none());
    }

    #[test]
    fn every_failure_comes_back_as_it_was() {
        for (code, name) in CODES {
            let failure = Failure { code: *code, message: "m".to_owned() };
            assert_eq!(failure.to_text().0, *name);
            let answer = Err::<(), _>(failure).to_answer();
            let back = Result::<(), Failure>::from_answer(&answer).unwrap().unwrap_err();
            assert_eq!((back.code, back.message.as_str()), (*code, "m"));
        }
        assert!(Failure::from_text("no-such-code", "").is_none());
    }

    #[test]
    fn options_show_what_was_said_only() {
        let options = rootfs::WriteOptions {
            existing: rootfs::Existing::Keep,
            mode: Some(0o600),
            owner: None,
            replace_symlink: false,
            parents: true,
        };
        let shown = r#"{"existing":"keep","mode":"0600","replace-symlink":false,"parents":true}"#;
        assert_eq!(write_options(&options).to_string(), shown);
    }
}
