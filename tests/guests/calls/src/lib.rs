//! Makes the host calls that its settings list, and writes what the host answered to `/answers`, a line for each.

use step_sdk::component::bindings::customizer::step::rootfs::{
    self, Existing, Kind, Timestamp, WriteOptions,
};
use step_sdk::component::bindings::customizer::step::{artifacts, context, log};
use step_sdk::{Failure, Host, Result, Step};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    calls: Vec<Call>,
    /// How often the list is gone through; only the last answers are kept.
    #[serde(default)]
    rounds: Option<u32>,
    /// Keeps the image as it is: the answers are the failure of the step.
    #[serde(default)]
    report_by_failing: bool,
}

/// One call; fields are the parameters that matter here.
#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Call {
    /// No call: what the guest's own share of a call costs.
    Nothing,
    Architecture,
    StepName,
    SourceDateEpoch,
    Log(String, String, String),
    Resolve(String),
    Stat(String),
    Lstat(String),
    ReadLink(String),
    ListDirectory(String),
    Read(String),
    Write(String, String),
    WriteWithParents(String, String),
    /// As many files as the first number says, below the directory, with as many bytes each as the second: what a step
    /// that brings files of its own does for each of them.
    WriteFiles(String, u32, u32),
    ReplaceLink(String, String),
    OpenAndRead(String),
    OpenAndWrite(String, u64, String),
    OpenAndSetSize(String, u64),
    OpenMetadata(String),
    Create(String),
    /// Opens a file, renames another over a name, and writes through the handle.
    SwapAndWrite(String, String, String, String),
    /// Opens a file, puts a link in the place of a name, and writes through the handle.
    LinkAndWrite(String, String, String, String),
    MakeDirectory(String, u32),
    MakeDirectories(String, u32),
    MakeSymlink(String, String),
    MakeHardLink(String, String),
    MakeDevice(String),
    MakeFifo(String),
    Rename(String, String),
    RemoveFile(String),
    RemoveDirectory(String),
    RemoveTree(String),
    CopyTree(String, String),
    SetMode(String, u32),
    SetOwner(String, u32),
    SetModified(String, i64, u32),
    ListXattrs(String),
    GetXattr(String, String),
    SetXattr(String, String, String),
    RemoveXattr(String, String),
    ArtifactNames,
    ArtifactStat(String, String),
    ArtifactList(String, String),
    ArtifactRead(String, String),
    ArtifactReadAt(String, String, u64, u32),
    Install(String, String, String),
}

struct Calls;

impl Step for Calls {
    type Settings = Settings;
    const NAME: &'static str = "calls";
    const SUMMARY: &'static str = "Makes host calls";
    const SETTINGS_SCHEMA: &'static str = r#"{
        "type": "object",
        "required": ["calls"],
        "additionalProperties": false,
        "properties": {
            "calls": { "type": "array", "items": { "anyOf": [{ "type": "string" }, { "type": "object", "maxProperties": 1 }] } },
            "rounds": { "type": "integer", "minimum": 1 },
            "report_by_failing": { "type": "boolean" }
        }
    }"#;

    fn run(settings: &Settings, host: &dyn Host) -> Result<()> {
        let mut answers = String::new();
        for _ in 0..settings.rounds.unwrap_or(1) {
            answers.clear();
            for call in &settings.calls {
                match make(call) {
                    Ok(answer) => answers.push_str(&format!("ok {answer}\n")),
                    Err(failure) => {
                        answers.push_str(&format!("{} {}\n", short(&failure.code), failure.message))
                    }
                }
            }
        }
        if settings.report_by_failing {
            return Err(Failure::other(answers));
        }
        host.write("/answers", answers.as_bytes(), &Default::default())
    }
}

step_sdk::export_step!(Calls);

type Answer = std::result::Result<String, step_sdk::component::WitFailure>;

fn make(call: &Call) -> Answer {
    let done = |()| String::new();
    match call {
        Call::Nothing => Ok("x86_64".to_owned()),
        Call::Architecture => Ok(context::architecture()),
        Call::StepName => Ok(context::step_name()),
        Call::SourceDateEpoch => Ok(context::source_date_epoch().to_string()),
        Call::Log(message, name, value) => {
            log::write(log::Level::Info, message, &[(name.clone(), value.clone())]);
            Ok(String::new())
        }
        Call::Resolve(path) => rootfs::resolve(path),
        Call::Stat(path) => rootfs::stat(path).map(metadata),
        Call::Lstat(path) => rootfs::lstat(path).map(metadata),
        Call::ReadLink(path) => rootfs::read_link(path),
        Call::ListDirectory(path) => rootfs::list_directory(path).map(entries),
        Call::Read(path) => rootfs::read(path).map(text),
        Call::Write(path, data) => rootfs::write(path, data.as_bytes(), OPTIONS).map(done),
        Call::WriteWithParents(path, data) => {
            rootfs::write(path, data.as_bytes(), WriteOptions { parents: true, ..OPTIONS }).map(done)
        }
        Call::WriteFiles(directory, files, bytes) => write_files(directory, *files, *bytes).map(done),
        Call::ReplaceLink(path, data) => {
            rootfs::write(path, data.as_bytes(), WriteOptions { replace_symlink: true, ..OPTIONS }).map(done)
        }
        Call::OpenAndRead(path) => rootfs::open(path)?.read_at(0, u32::MAX).map(text),
        Call::OpenAndWrite(path, offset, data) => {
            rootfs::open(path)?.write_at(*offset, data.as_bytes()).map(done)
        }
        Call::OpenAndSetSize(path, size) => rootfs::open(path)?.set_size(*size).map(done),
        Call::OpenMetadata(path) => rootfs::open(path)?.metadata().map(metadata),
        Call::Create(path) => rootfs::create(path, OPTIONS).map(|_| String::new()),
        Call::SwapAndWrite(path, old, new, data) => {
            let file = rootfs::open(path)?;
            rootfs::rename(old, new)?;
            file.write_at(0, data.as_bytes()).map(done)
        }
        Call::LinkAndWrite(path, name, target, data) => {
            let file = rootfs::open(path)?;
            rootfs::remove_file(name)?;
            rootfs::make_symlink(target, name)?;
            file.write_at(0, data.as_bytes()).map(done)
        }
        Call::MakeDirectory(path, mode) => rootfs::make_directory(path, *mode, false).map(done),
        Call::MakeDirectories(path, mode) => rootfs::make_directory(path, *mode, true).map(done),
        Call::MakeSymlink(target, path) => rootfs::make_symlink(target, path).map(done),
        Call::MakeHardLink(existing, path) => rootfs::make_hard_link(existing, path).map(done),
        Call::MakeDevice(path) => {
            let disk = rootfs::Device { major: 8, minor: 0 };
            rootfs::make_node(path, Kind::BlockDevice, 0o600, Some(disk)).map(done)
        }
        Call::MakeFifo(path) => rootfs::make_node(path, Kind::Fifo, 0o600, None).map(done),
        Call::Rename(old, new) => rootfs::rename(old, new).map(done),
        Call::RemoveFile(path) => rootfs::remove_file(path).map(done),
        Call::RemoveDirectory(path) => rootfs::remove_directory(path).map(done),
        Call::RemoveTree(path) => rootfs::remove_tree(path).map(report),
        Call::CopyTree(source, destination) => rootfs::copy_tree(source, destination, TREE).map(report),
        Call::SetMode(path, mode) => rootfs::set_mode(path, *mode).map(done),
        Call::SetOwner(path, id) => {
            rootfs::set_owner(path, rootfs::Owner { uid: *id, gid: *id }, true).map(done)
        }
        Call::SetModified(path, seconds, nanoseconds) => {
            let time = Timestamp { seconds: *seconds, nanoseconds: *nanoseconds };
            rootfs::set_modified(path, time, true).map(done)
        }
        Call::ListXattrs(path) => rootfs::list_xattrs(path).map(|names| names.join(" ")),
        Call::GetXattr(path, name) => rootfs::get_xattr(path, name).map(text),
        Call::SetXattr(path, name, value) => rootfs::set_xattr(path, name, value.as_bytes()).map(done),
        Call::RemoveXattr(path, name) => rootfs::remove_xattr(path, name).map(done),
        Call::ArtifactNames => Ok(artifacts::names().join(" ")),
        Call::ArtifactStat(name, path) => artifacts::stat(name, path).map(metadata),
        Call::ArtifactList(name, path) => artifacts::list_directory(name, path).map(entries),
        Call::ArtifactRead(name, path) => artifacts::read_at(name, path, 0, u32::MAX).map(text),
        Call::ArtifactReadAt(name, path, offset, max) => {
            artifacts::read_at(name, path, *offset, *max).map(text)
        }
        Call::Install(name, path, destination) => {
            artifacts::install(name, path, destination, TREE).map(report)
        }
    }
}

/// `host/sandbox/tests/guests/cost.rs` does the same natively.
fn write_files(
    directory: &str,
    files: u32,
    bytes: u32,
) -> std::result::Result<(), step_sdk::component::WitFailure> {
    rootfs::make_directory(directory, 0o755, true)?;
    let mut content: Vec<u8> = (0..bytes).map(|place| place as u8).collect();
    for number in 0..files {
        let path = format!("{directory}/{number}");
        content[..4].copy_from_slice(&number.to_le_bytes());
        let missing = rootfs::lstat(&path).is_err();
        rootfs::write(&path, &content, WriteOptions { mode: missing.then_some(0o640), ..OPTIONS })?;
    }
    Ok(())
}

const OPTIONS: WriteOptions = WriteOptions {
    existing: Existing::Replace,
    mode: None,
    owner: None,
    replace_symlink: false,
    parents: false,
};

const TREE: rootfs::TreeOptions =
    rootfs::TreeOptions { owner: None, file_mode: None, directory_mode: None, overwrite: true };

fn metadata(metadata: rootfs::Metadata) -> String {
    let device =
        metadata.device.map(|device| format!(" {}:{}", device.major, device.minor)).unwrap_or_default();
    format!(
        "{} {:04o} {}:{} {} bytes{device}",
        short(&metadata.kind),
        metadata.mode,
        metadata.uid,
        metadata.gid,
        metadata.size
    )
}

fn entries(entries: Vec<rootfs::Entry>) -> String {
    let shown = |entry: &rootfs::Entry| {
        let reach = if entry.addressable { "" } else { " (not addressable)" };
        format!("{} {:?}{reach}", short(&entry.kind), entry.name)
    };
    entries.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn report(report: rootfs::TreeReport) -> String {
    let rootfs::TreeReport { files, directories, symlinks, bytes } = report;
    format!("{files} files, {directories} directories, {symlinks} symlinks, {bytes} bytes")
}

/// The name of an enum's value without that of the enum.
fn short(value: &dyn std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.rsplit("::").next().unwrap_or(&text).to_owned()
}

/// Content on one line, the beginning of it if there is much.
fn text(content: Vec<u8>) -> String {
    let shown = content.get(..200).unwrap_or(&content);
    format!("{} bytes {:?}", content.len(), String::from_utf8_lossy(shown))
}
