//! Copies directories into the image.
//!
//! New directories, missing parents too, get one mode, directories that are there another if one is given, files a third.
//! All that is new belongs to 0:0; what is there keeps its owner. Links in the source are not copied: a link to a file
//! becomes a file, a link to a directory is an error. The content is copied by the host; where the image has nothing yet,
//! by one call for a whole tree.

mod merge;
mod survey;

use step_sdk::path::normalize;
use step_sdk::{Host, OctalMode, Result, Step};

/// What the step is told.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    directories: Vec<Directory>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Directory {
    artifact: String,
    destination: String,
    new_directory_mode: Option<OctalMode>,
    merged_directory_mode: Option<OctalMode>,
    child_file_mode: Option<OctalMode>,
}

/// The mode of new directories and, whatever they have in the source, of files: image definitions rely on it.
const DEFAULT_MODE: u32 = 0o755;

/// The step.
pub struct Directories;

impl Step for Directories {
    type Settings = Settings;
    const NAME: &'static str = "directories";
    const SUMMARY: &'static str = "Copies directories into the image";
    const SETTINGS_SCHEMA: &'static str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["directories"],
  "properties": {
    "directories": {
      "description": "Copied in this order.",
      "type": "array",
      "items": {
        "type": "object",
        "additionalProperties": false,
        "required": ["artifact", "destination"],
        "properties": {
          "artifact": { "type": "string" },
          "destination": { "description": "From the image's root.", "type": "string" },
          "newDirectoryMode": {
            "description": "Of directories that are made; 0755 unless given.",
            "type": ["string", "null"],
            "pattern": "^[0-7]{1,4}$"
          },
          "mergedDirectoryMode": {
            "description": "Of directories that are there; unless given, they keep theirs.",
            "type": ["string", "null"],
            "pattern": "^[0-7]{1,4}$"
          },
          "childFileMode": {
            "description": "Of every file that is copied; 0755 unless given.",
            "type": ["string", "null"],
            "pattern": "^[0-7]{1,4}$"
          }
        }
      }
    }
  }
}"#;

    fn run(settings: &Settings, host: &dyn Host) -> Result<()> {
        settings.directories.iter().try_for_each(|directory| {
            let destination = normalize(&directory.destination);
            merge::merge(directory, &destination, host)
                .map_err(|failure| failure.context(format!("cannot copy a directory to `{destination}`")))
        })
    }
}

step_sdk::export_step!(Directories);

#[cfg(test)]
mod tests;
