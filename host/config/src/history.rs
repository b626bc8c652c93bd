//! The form of a configuration that the image history keeps: like the reference program's, without
//! its secrets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::decode::{Flags, TextMap, Value as _};
use crate::model::os::{AdditionalFile, Os, Packages};
use crate::model::scalars::DiskSize;
use crate::model::scripts::Script;
use crate::model::steps::Step;
use crate::model::storage::Disk;
use crate::path;
use crate::resolved::ConfigFile;
use crate::source::{Located, Span};
use crate::validate::{given, layout};

/// Stands where a secret stood.
pub(crate) const REDACTED: &str = "[redacted]";

/// What the values of the history depend on.
pub(crate) struct HistoryWriter<'a> {
    dir: &'a Path,
}

impl HistoryWriter<'_> {
    /// A host path as it may be shown: below the configuration's folder, relative to it; elsewhere,
    /// an absolute one by its file name alone.
    pub(crate) fn relative(&self, given: &str) -> String {
        let full = path::resolve(self.dir, given);
        let shown = match full.strip_prefix(self.dir) {
            Ok(below) => below,
            Err(_) if Path::new(given).is_relative() => Path::new(given),
            Err(_) => full.file_name().map_or(Path::new(REDACTED), Path::new),
        };
        shown.to_string_lossy().into_owned()
    }
}

/// What has to be hashed before the history can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashRequest {
    /// The SHA-256 of one file.
    File(PathBuf),
    /// The SHA-256 of every file below a folder.
    Dir(PathBuf),
    /// That of a file, or of every file below a folder, whichever is there.
    Any(PathBuf),
}

/// The digests asked for by [`HashRequest`]s, in lower-case hex.
#[derive(Clone, Debug, Default)]
pub struct Digests {
    /// By the path of the file.
    pub files: BTreeMap<PathBuf, String>,
    /// By the path of the folder: path below it → digest.
    pub dirs: BTreeMap<PathBuf, BTreeMap<String, String>>,
    /// Those of components, by the name of the step.
    pub components: BTreeMap<String, String>,
}

/// The files and folders whose digests [`history`] wants.
pub(crate) fn hash_requests(file: &ConfigFile) -> Vec<HashRequest> {
    let mut requests = Vec::new();
    if let Some(os) = &file.config.os {
        let sources = os.additional_files.iter().filter_map(|item| given(&item.source));
        requests.extend(sources.map(|source| HashRequest::File(file.resolve(source))));
        let dirs = os.additional_dirs.iter().filter_map(|item| given(&item.source));
        requests.extend(dirs.map(|source| HashRequest::Dir(file.resolve(source))));
    }
    let scripts = &file.config.scripts;
    let scripts = scripts.post_customization.iter().chain(&scripts.finalize_customization);
    let paths = scripts.filter_map(|script| given(&script.path));
    requests.extend(paths.map(|path| HashRequest::File(file.resolve(path))));
    let artifacts = file.config.steps.iter().flat_map(|step| step.artifacts.iter());
    requests.extend(artifacts.map(|(_, path)| HashRequest::Any(file.resolve(path))));
    requests
}

/// The value of the key `config` in an item of the image history.
pub(crate) fn history(file: &ConfigFile, digests: &Digests) -> Json {
    let mut config = file.config.clone();
    let os = config.os.get_or_insert_with(Os::default);
    merge_package_lists(&mut os.packages, file);
    for item in &mut os.additional_files {
        set_file_digest(item, file, digests);
    }
    for item in &mut os.additional_dirs {
        let hashes = given(&item.source).and_then(|source| digests.dirs.get(&file.resolve(source)));
        let entries = hashes.into_iter().flatten();
        item.sha256_hash_map =
            TextMap(entries.map(|(path, hash)| (unplaced(path), unplaced(hash))).collect());
    }
    let scripts = &mut config.scripts;
    for script in scripts.post_customization.iter_mut().chain(&mut scripts.finalize_customization) {
        set_script_digest(script, file, digests);
    }
    for step in &mut config.steps {
        set_step_digests(step, file, digests);
    }
    config.storage.disks.iter_mut().for_each(fill_in_layout);
    let mut writer = HistoryWriter { dir: &file.dir };
    config.history(Flags::default(), &mut writer).unwrap_or_else(|| json!({}))
}

fn unplaced(text: &str) -> Located<String> {
    Located::unplaced(text.to_owned())
}

fn set_file_digest(item: &mut AdditionalFile, file: &ConfigFile, digests: &Digests) {
    let hash = given(&item.source).and_then(|source| digests.files.get(&file.resolve(source)));
    item.sha256_hash = hash.map(|hash| unplaced(hash));
}

fn set_script_digest(script: &mut Script, file: &ConfigFile, digests: &Digests) {
    let hash = given(&script.path).and_then(|path| digests.files.get(&file.resolve(path)));
    script.sha256_hash = hash.map(|hash| unplaced(hash));
}

/// Components are known by what they are, whether the configuration names a digest or not.
fn set_step_digests(step: &mut Step, file: &ConfigFile, digests: &Digests) {
    if let Some(digest) = given(&step.name).and_then(|name| digests.components.get(&name.value)) {
        step.sha256 = Some(unplaced(digest));
    }
    let mut hashes = Vec::new();
    for (name, path) in step.artifacts.iter() {
        let path = file.resolve(path);
        if let Some(digest) = digests.files.get(&path) {
            hashes.push((unplaced(name), unplaced(digest)));
        }
        for (below, digest) in digests.dirs.get(&path).into_iter().flatten() {
            hashes.push((unplaced(&format!("{}/{below}", name.value)), unplaced(digest)));
        }
    }
    step.artifact_hashes = TextMap(hashes);
}

fn merge_package_lists(packages: &mut Packages, file: &ConfigFile) {
    packages.install = file.packages.install.clone();
    packages.remove = file.packages.remove.clone();
    packages.update = file.packages.update.clone();
    packages.install_lists.clear();
    packages.remove_lists.clear();
    packages.update_lists.clear();
}

/// Sets `start`, and `end` where the partition does not grow.
fn fill_in_layout(disk: &mut Disk) {
    let Ok(layout) = layout(disk) else { return };
    let located = |bytes| Located::new(DiskSize::from_bytes(bytes), Span::default());
    for (partition, extent) in disk.partitions.iter_mut().zip(layout.partitions) {
        partition.start = Some(located(extent.start));
        partition.end = Some(located(extent.end));
    }
}

/// Writes JSON as the reference program writes its history: one blank a level, `<`, `>`, `&` and the
/// line separators escaped, no line end behind it.
pub fn history_text(value: &Json) -> String {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    // Writing JSON values to memory cannot fail.
    let written = serde::Serialize::serialize(value, &mut serializer).is_ok();
    debug_assert!(written, "JSON values serialize");
    let text = String::from_utf8_lossy(&bytes);
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                escaped.push_str(&format!("\\u{:04x}", u32::from(c)))
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_text_is_escaped_as_the_reference_program_does() {
        let value = json!([{ "a": "<b>&\u{2028}", "c": {}, "d": [] }]);
        assert_eq!(
            history_text(&value),
            "[\n {\n  \"a\": \"\\u003cb\\u003e\\u0026\\u2028\",\n  \"c\": {},\n  \"d\": []\n }\n]"
        );
    }

    #[test]
    fn host_paths_never_show_the_folders_above_the_configuration() {
        let writer = HistoryWriter { dir: Path::new("/home/joe/configs") };
        let cases = [
            ("keys/id.pub", "keys/id.pub"),
            ("/home/joe/configs/keys/id.pub", "keys/id.pub"),
            ("/home/joe/.ssh/id.pub", "id.pub"),
            ("../id.pub", "../id.pub"),
        ];
        for (given, shown) in cases {
            assert_eq!(writer.relative(given), shown);
        }
    }
}
