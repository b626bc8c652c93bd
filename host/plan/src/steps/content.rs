//! Steps that bring files and directories of the host, or text of the configuration, into the image.

use super::{File, step_with};
use crate::plan::{ArtifactSource, BuiltIn, PlannedStep};
use crate::secret::Secret;
use config::Located;
use config::os::{AdditionalDir, AdditionalFile};
use config::scalars::FilePermissions;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

type ArtifactMap = BTreeMap<String, ArtifactSource>;

/// A value that validation has made sure of.
pub(super) fn text(value: Option<&Located<String>>) -> String {
    value.map(|located| located.value.clone()).unwrap_or_default()
}

/// Octal digits, as the steps take modes.
fn octal(permissions: &Located<FilePermissions>) -> Value {
    Value::from(format!("{:04o}", permissions.value.bits()))
}

/// Adds `key` when there is a value.
fn put(object: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        object.insert(key.to_owned(), value);
    }
}

pub(super) fn directories(file: File<'_>) -> Option<PlannedStep> {
    let list = &file.file.os()?.additional_dirs;
    if list.is_empty() {
        return None;
    }
    let mut artifacts = ArtifactMap::new();
    let directories: Vec<Value> =
        list.iter().enumerate().map(|(n, item)| directory(file, n, item, &mut artifacts)).collect();
    let settings = serde_json::json!({ "directories": directories });
    Some(step_with(BuiltIn::Directories, file.field("os.additionalDirs"), settings, artifacts))
}

fn directory(file: File<'_>, number: usize, item: &AdditionalDir, artifacts: &mut ArtifactMap) -> Value {
    let artifact = file.artifact(&format!("directories/{number}"));
    let source = file.file.resolve(&text(item.source.as_ref()));
    artifacts.insert(artifact.clone(), ArtifactSource::Directory(source));
    let mut object = Map::new();
    object.insert("artifact".to_owned(), Value::from(artifact));
    object.insert("destination".to_owned(), Value::from(text(item.destination.as_ref())));
    put(&mut object, "newDirectoryMode", item.new_dir_permissions.as_ref().map(octal));
    put(&mut object, "mergedDirectoryMode", item.merged_dir_permissions.as_ref().map(octal));
    put(&mut object, "childFileMode", item.child_file_permissions.as_ref().map(octal));
    Value::Object(object)
}

pub(super) fn files(file: File<'_>) -> Option<PlannedStep> {
    let list = &file.file.os()?.additional_files;
    if list.is_empty() {
        return None;
    }
    let mut artifacts = ArtifactMap::new();
    let files: Vec<Value> =
        list.iter().enumerate().map(|(n, item)| additional_file(file, n, item, &mut artifacts)).collect();
    let settings = serde_json::json!({ "files": files });
    Some(step_with(BuiltIn::Files, file.field("os.additionalFiles"), settings, artifacts))
}

fn additional_file(
    file: File<'_>,
    number: usize,
    item: &AdditionalFile,
    artifacts: &mut ArtifactMap,
) -> Value {
    let artifact = file.artifact(&format!("files/{number}"));
    let source = match &item.content {
        Some(content) => ArtifactSource::InlineBytes(Secret::new(content.value.as_bytes())),
        None => ArtifactSource::File(file.file.resolve(&text(item.source.as_ref()))),
    };
    let inline = matches!(source, ArtifactSource::InlineBytes(_));
    artifacts.insert(artifact.clone(), source);
    let mut object = Map::new();
    object.insert("artifact".to_owned(), Value::from(artifact));
    object.insert("destination".to_owned(), Value::from(text(item.destination.as_ref())));
    put(&mut object, "permissions", item.permissions.as_ref().map(octal));
    object.insert("inline".to_owned(), Value::from(inline));
    Value::Object(object)
}
