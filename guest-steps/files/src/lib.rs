//! Puts single files into the image.
//!
//! A new file belongs to 0:0; one that is there keeps inode and owner. Its mode is `permissions`, else that of the
//! artifact; a file whose content stands in the image definition (`inline`) keeps the mode it has, or gets 0644.
//! Missing parent directories are made with 0755. The content is copied by the host.

use step_sdk::path::{normalize, parent};
use step_sdk::{Failure, FailureCode, Host, Kind, OctalMode, ROOT, Result, Step, TreeOptions};

/// What the step is told.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    files: Vec<File>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct File {
    artifact: String,
    destination: String,
    permissions: Option<OctalMode>,
    #[serde(default)]
    inline: bool,
}

/// The mode of a new file whose content stands in the image definition.
const INLINE_MODE: u32 = 0o644;

/// The step.
pub struct Files;

impl Step for Files {
    type Settings = Settings;
    const NAME: &'static str = "files";
    const SUMMARY: &'static str = "Copies files into the image";
    const SETTINGS_SCHEMA: &'static str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["files"],
  "properties": {
    "files": {
      "description": "Copied in this order.",
      "type": "array",
      "items": {
        "type": "object",
        "additionalProperties": false,
        "required": ["artifact", "destination"],
        "properties": {
          "artifact": { "type": "string" },
          "destination": { "description": "From the image's root.", "type": "string" },
          "permissions": { "type": ["string", "null"], "pattern": "^[0-7]{1,4}$" },
          "inline": { "description": "The content stands in the image definition.", "type": "boolean" }
        }
      }
    }
  }
}"#;

    fn run(settings: &Settings, host: &dyn Host) -> Result<()> {
        settings.files.iter().try_for_each(|file| {
            let destination = normalize(&file.destination);
            put(file, &destination, host)
                .map_err(|failure| failure.context(format!("cannot write `{destination}`")))
        })
    }
}

step_sdk::export_step!(Files);

fn put(file: &File, destination: &str, host: &dyn Host) -> Result<()> {
    if host.artifact_stat(&file.artifact, "")?.kind == Kind::Directory {
        return Err(Failure::new(FailureCode::IsADirectory, "the source is a directory"));
    }
    let there = host.find(destination)?;
    if there.as_ref().is_some_and(|metadata| metadata.kind == Kind::Directory) {
        return Err(Failure::new(FailureCode::IsADirectory, "the destination is a directory"));
    }
    if there.is_none() {
        host.make_directory(parent(destination).unwrap_or("/"), 0o755, true)?;
    }
    let kept_mode = there.as_ref().map_or(INLINE_MODE, |metadata| metadata.mode);
    let file_mode = file.permissions.map(|mode| mode.0).or(file.inline.then_some(kept_mode));
    let options = TreeOptions { owner: Some(ROOT), file_mode, overwrite: true, ..TreeOptions::default() };
    host.install(&file.artifact, "", destination, &options)?;
    match there {
        Some(metadata) if metadata.owner != ROOT => host.set_owner(destination, metadata.owner, true),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use step_sdk::Owner;
    use step_sdk::testing::{MemoryHost, Tree, check_settings};

    const SOMEBODY: Owner = Owner { uid: 5, gid: 6 };

    fn host(image: Tree) -> MemoryHost {
        let plain = Tree::of_file("new", 0o640).owned_by("/", Owner { uid: 1000, gid: 1000 });
        MemoryHost::new(image)
            .with_artifact("plain", plain)
            .with_artifact("setuid", Tree::of_file("new", 0o4755))
    }

    fn run(host: &MemoryHost, settings: &str) -> Result<()> {
        Files::run(&step_sdk::parse_settings(settings)?, host)
    }

    fn file(rest: &str) -> String {
        format!(r#"{{"files":[{{"destination":"/x",{rest}}}]}}"#)
    }

    #[test]
    fn mode_and_owner_follow_from_source_permissions_and_what_is_there() {
        let existing = || Tree::new().file_with("/x", "old content", 0o604, SOMEBODY);
        for (settings, new, over_existing) in [
            (r#""artifact":"plain""#, "0640", "0640"),
            (r#""artifact":"setuid""#, "4755", "4755"),
            (r#""artifact":"plain","permissions":"0750""#, "0750", "0750"),
            (r#""artifact":"plain","inline":true"#, "0644", "0604"),
            (r#""artifact":"plain","inline":true,"permissions":"600""#, "0600", "0600"),
        ] {
            let fresh = host(Tree::new());
            run(&fresh, &file(settings)).unwrap();
            assert_eq!(fresh.manifest(), format!("f {new} 0:0 /x \"new\"\n"), "{settings}");
            let used = host(existing());
            let inode = used.inode("/x").unwrap();
            run(&used, &file(settings)).unwrap();
            assert_eq!(used.manifest(), format!("f {over_existing} 5:6 /x \"new\"\n"), "{settings}");
            assert_eq!(used.inode("/x"), Ok(inode));
        }
    }

    #[test]
    fn destinations_start_at_the_root_and_parents_are_made() {
        for (destination, manifest) in [
            ("etc/x", "d 0755 0:0 /etc\nf 0640 0:0 /etc/x \"new\"\n"),
            ("/opt/../opt/x", "d 0755 0:0 /opt\nf 0640 0:0 /opt/x \"new\"\n"),
            ("/other/../../x", "f 0640 0:0 /x \"new\"\n"),
            ("/a/b/c", "d 0755 0:0 /a\nd 0755 0:0 /a/b\nf 0640 0:0 /a/b/c \"new\"\n"),
        ] {
            let host = host(Tree::new());
            run(&host, &format!(r#"{{"files":[{{"artifact":"plain","destination":"{destination}"}}]}}"#))
                .unwrap();
            assert_eq!(host.manifest(), manifest);
        }
    }

    #[test]
    fn links_are_followed_inside_the_image() {
        let host = host(
            Tree::new()
                .file_with("/real/x", "", 0o600, SOMEBODY)
                .symlink("/x", "/link/x")
                .symlink("/link", "../real"),
        );
        run(&host, &file(r#""artifact":"plain""#)).unwrap();
        assert_eq!(
            host.manifest(),
            "l 0777 0:0 /link -> ../real\nd 0755 0:0 /real\nf 0640 5:6 /real/x \"new\"\nl 0777 0:0 /x -> /link/x\n"
        );
    }

    #[test]
    fn what_cannot_be_written_is_an_error_with_its_path() {
        let image = Tree::new().directory("/x", 0o755).file("/f", "").special("/dev", Kind::BlockDevice);
        let host = host(image).with_artifact("tree", Tree::new());
        for (artifact, destination, code) in [
            ("plain", "/x", FailureCode::IsADirectory),
            ("plain", "/", FailureCode::IsADirectory),
            ("plain", "/f/x", FailureCode::NotADirectory),
            ("plain", "/dev", FailureCode::SpecialFile),
            ("tree", "/y", FailureCode::IsADirectory),
            ("missing", "/y", FailureCode::NotFound),
        ] {
            let settings =
                format!(r#"{{"files":[{{"artifact":"{artifact}","destination":"{destination}"}}]}}"#);
            let failure = run(&host, &settings).unwrap_err();
            assert_eq!(failure.code, code, "{settings}");
            assert!(failure.message.starts_with(&format!("cannot write `{destination}`: ")), "{failure}");
        }
    }

    #[test]
    fn a_second_run_gives_the_same_image() {
        let host = host(Tree::new().file_with("/x", "old", 0o604, SOMEBODY));
        let settings = file(r#""artifact":"plain","inline":true"#);
        run(&host, &settings).unwrap();
        let once = host.manifest();
        run(&host, &settings).unwrap();
        assert_eq!(host.manifest(), once);
    }

    #[test]
    fn schema_and_settings_agree() {
        let good = [
            r#"{"files":[]}"#,
            r#"{"files":[{"artifact":"files/0","destination":"/etc/x","permissions":"0644","inline":false}]}"#,
            r#"{"files":[{"artifact":"files/0","destination":"x","permissions":null}]}"#,
        ];
        let bad = [
            "{}",
            r#"{"files":{}}"#,
            r#"{"files":[{"artifact":"a"}]}"#,
            r#"{"files":[{"destination":"/a"}]}"#,
            r#"{"files":[{"artifact":"a","destination":"/a","permissions":"0o644"}]}"#,
            r#"{"files":[{"artifact":"a","destination":"/a","permissions":420}]}"#,
            r#"{"files":[{"artifact":"a","destination":"/a","inline":"yes"}]}"#,
            r#"{"files":[{"artifact":"a","destination":"/a","mode":"0644"}]}"#,
        ];
        check_settings::<Files>(&good, &bad).unwrap();
    }
}
