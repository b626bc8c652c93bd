//! A disk image taken apart: its bytes, its partitions, its file systems.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};

use fixtures::Format;
use fixtures::process::{command, output};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Outcome, ext4, failed, fat};

/// One partition, copied out.
pub struct Partition {
    /// The name in the table.
    pub name: String,
    /// GUIDs of type and partition, start and size in sectors: what a customization must not change.
    pub entry: String,
    /// A file with its content.
    pub file: PathBuf,
}

/// A disk image as other programs see it.
pub struct Disk {
    /// The image's bytes without any format.
    pub raw: PathBuf,
    /// In the order of the table.
    pub partitions: Vec<Partition>,
    _directory: TempDir,
}

impl Disk {
    /// Takes `image` apart.
    ///
    /// # Errors
    /// `qemu-img` or `sfdisk` do not understand it.
    pub fn open(image: &Path, format: Format) -> Outcome<Self> {
        let directory = tempfile::Builder::new().prefix("imagecustomizer-disk-").tempdir()?;
        let raw = directory.path().join("raw");
        let mut convert = command("qemu-img");
        convert.args(["convert", "-O", "raw", "--image-opts"]).arg(source(image, format)).arg(&raw);
        output(&mut convert)?;
        let table = output(command("sfdisk").arg("--json").arg(&raw))?;
        let table: Value = serde_json::from_slice(&table)?;
        let mut partitions = Vec::new();
        for entry in
            table.pointer("/partitiontable/partitions").and_then(Value::as_array).into_iter().flatten()
        {
            let name = format!("partition-{}", partitions.len());
            partitions.push(copy_out(&raw, entry, directory.path().join(name))?);
        }
        Ok(Self { raw, partitions, _directory: directory })
    }

    /// The partition of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn partition(&self, name: &str) -> Outcome<&Partition> {
        let found = self.partitions.iter().find(|partition| partition.name == name);
        found.ok_or_else(|| failed(format!("the disk has no partition `{name}`")))
    }

    /// The file tree of an ext4 partition.
    ///
    /// # Errors
    /// There is no such partition, or it cannot be read.
    pub fn tree(&self, name: &str) -> Outcome<ext4::Tree> {
        ext4::Tree::read(&self.partition(name)?.file)
    }

    /// Runs the checkers on every file system of the disk; each must be clean.
    ///
    /// # Errors
    /// One is not; the error holds what the checker said.
    #[track_caller]
    pub fn check(&self) -> Outcome {
        for partition in &self.partitions {
            match partition.name.as_str() {
                "bios" => {}
                "esp" => fat::check(&partition.file)?,
                _ => ext4::check(&partition.file)?,
            }
        }
        Ok(())
    }

    /// Every file of every file system, by `PARTITION:PATH`, described in a line that two equal files share.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn manifest(&self) -> Outcome<BTreeMap<String, String>> {
        let mut all = BTreeMap::new();
        for partition in &self.partitions {
            let name = &partition.name;
            let lines = match name.as_str() {
                "bios" => BTreeMap::from([("/".to_owned(), format!("{:x}", digest(&partition.file)?))]),
                "esp" => fat::manifest(&partition.file)?,
                _ => ext4::Tree::read(&partition.file)?.manifest(),
            };
            all.insert(format!("{name}:"), partition.entry.clone());
            all.extend(lines.into_iter().map(|(path, line)| (format!("{name}:{path}"), line)));
        }
        Ok(all)
    }
}

/// Keys whose lines differ between two manifests, with both lines for the reader of a failed test.
pub fn differences(
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let absent = String::from("absent");
    let keys = old.keys().chain(new.keys());
    let pairs = keys.map(|key| (key, old.get(key).unwrap_or(&absent), new.get(key).unwrap_or(&absent)));
    let changed = pairs.filter(|(_, before, after)| before != after);
    changed.map(|(key, before, after)| (key.clone(), format!("{before} -> {after}"))).collect()
}

/// A number that equal files share.
///
/// # Errors
/// The file cannot be read.
pub fn digest(path: &Path) -> Outcome<u64> {
    let mut file = File::open(path)?;
    let mut hasher = DefaultHasher::new();
    let mut chunk = vec![0; 1 << 20];
    loop {
        let length = file.read(&mut chunk)?;
        hasher.write(chunk.get(..length).unwrap_or_default());
        if length == 0 {
            return Ok(hasher.finish());
        }
    }
}

/// How `qemu-img` is told about an image; commas in a path would need doubling, and ours have none.
fn source(image: &Path, format: Format) -> String {
    // Hyper-V sizes a VHD by its footer, not by its geometry.
    let options = if format.qemu_driver() == "vpc" { ",force_size_calc=current_size" } else { "" };
    format!("driver={},file.filename={}{options}", format.qemu_driver(), image.display())
}

fn copy_out(raw: &Path, entry: &Value, file: PathBuf) -> Outcome<Partition> {
    let number =
        |key: &str| entry.get(key).and_then(Value::as_u64).ok_or_else(|| failed(format!("no {key}")));
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    let (start, size) = (number("start")?, number("size")?);
    let mut copy = command("dd");
    copy.arg(format!("if={}", raw.display())).arg(format!("of={}", file.display()));
    copy.args(["bs=1M", "iflag=skip_bytes,count_bytes", "conv=sparse", "status=none"]);
    copy.args([format!("skip={}", start * 512), format!("count={}", size * 512)]);
    output(&mut copy)?;
    fs::File::options().write(true).open(&file)?.set_len(size * 512)?;
    let line = format!("{} {} {start}+{size}", text("type"), text("uuid"));
    Ok(Partition { name: text("name"), entry: line, file })
}
