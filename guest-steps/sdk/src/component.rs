//! What makes a component of a [`Step`]: bindings to the step contract, and [`Host`] on top of them. Used through
//! [`crate::export_step!`] alone.

use crate::failure::{self, FailureCode};
use crate::host::{
    Device, Entry, Existing, Host, Kind, Level, Metadata, OpenFile, Owner, Timestamp, TreeOptions,
    TreeReport, WriteOptions,
};
use crate::{Step, parse_settings};
use bindings::customizer::step::{artifacts, context, failures, log, rootfs};

#[allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::allow_attributes_without_reason,
    reason = "generated from wit/step"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "base-step",
        pub_export_macro: true,
        default_bindings_module: "step_sdk::component::bindings",
    });
}

pub use bindings::customizer::step::failures::Failure as WitFailure;
pub use bindings::exports::customizer::step::step::{Description, Guest};

/// What the export `describe` answers; `version` is that of the step's crate.
#[must_use]
pub fn describe<S: Step>(version: &str) -> Description {
    Description {
        name: S::NAME.to_owned(),
        version: version.to_owned(),
        summary: S::SUMMARY.to_owned(),
        settings_schema: S::SETTINGS_SCHEMA.to_owned(),
        annotations: Vec::new(),
    }
}

/// What the export `run` does.
///
/// # Errors
/// Settings that the step does not understand, and the step's own failures.
pub fn run<S: Step>(settings: &str) -> Result<(), WitFailure> {
    let settings = parse_settings(settings).map_err(to_wit)?;
    S::run(&settings, &WasmHost).map_err(to_wit)
}

/// The host beyond the component's border.
struct WasmHost;

impl Host for WasmHost {
    fn step_name(&self) -> String {
        context::step_name()
    }
    fn architecture(&self) -> String {
        context::architecture()
    }
    fn source_date_epoch(&self) -> u64 {
        context::source_date_epoch()
    }
    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let fields: Vec<(String, String)> =
            fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        log::write(level.into(), message, &fields);
    }
    fn random(&self, buffer: &mut [u8]) {
        entropy::fill(buffer);
    }

    fn resolve(&self, path: &str) -> failure::Result<String> {
        rootfs::resolve(path).map_err(from_wit)
    }
    fn stat(&self, path: &str) -> failure::Result<Metadata> {
        rootfs::stat(path).map(Into::into).map_err(from_wit)
    }
    fn lstat(&self, path: &str) -> failure::Result<Metadata> {
        rootfs::lstat(path).map(Into::into).map_err(from_wit)
    }
    fn read_link(&self, path: &str) -> failure::Result<String> {
        rootfs::read_link(path).map_err(from_wit)
    }
    fn list_directory(&self, path: &str) -> failure::Result<Vec<Entry>> {
        rootfs::list_directory(path).map(entries).map_err(from_wit)
    }
    fn read(&self, path: &str) -> failure::Result<Vec<u8>> {
        rootfs::read(path).map_err(from_wit)
    }
    fn write(&self, path: &str, data: &[u8], options: &WriteOptions) -> failure::Result<()> {
        rootfs::write(path, data, (*options).into()).map_err(from_wit)
    }
    fn make_directory(&self, path: &str, mode: u32, parents: bool) -> failure::Result<()> {
        rootfs::make_directory(path, mode, parents).map_err(from_wit)
    }
    fn make_symlink(&self, target: &str, path: &str) -> failure::Result<()> {
        rootfs::make_symlink(target, path).map_err(from_wit)
    }
    fn make_hard_link(&self, existing: &str, path: &str) -> failure::Result<()> {
        rootfs::make_hard_link(existing, path).map_err(from_wit)
    }
    fn rename(&self, old: &str, new: &str) -> failure::Result<()> {
        rootfs::rename(old, new).map_err(from_wit)
    }
    fn remove_file(&self, path: &str) -> failure::Result<()> {
        rootfs::remove_file(path).map_err(from_wit)
    }
    fn remove_directory(&self, path: &str) -> failure::Result<()> {
        rootfs::remove_directory(path).map_err(from_wit)
    }
    fn remove_tree(&self, path: &str) -> failure::Result<TreeReport> {
        rootfs::remove_tree(path).map(Into::into).map_err(from_wit)
    }
    fn copy_tree(
        &self,
        source: &str,
        destination: &str,
        options: &TreeOptions,
    ) -> failure::Result<TreeReport> {
        rootfs::copy_tree(source, destination, (*options).into()).map(Into::into).map_err(from_wit)
    }
    fn make_node(&self, path: &str, kind: Kind, mode: u32, device: Option<Device>) -> failure::Result<()> {
        let device = device.map(|Device { major, minor }| rootfs::Device { major, minor });
        rootfs::make_node(path, kind.into(), mode, device).map_err(from_wit)
    }
    fn set_mode(&self, path: &str, mode: u32) -> failure::Result<()> {
        rootfs::set_mode(path, mode).map_err(from_wit)
    }
    fn set_owner(&self, path: &str, owner: Owner, follow: bool) -> failure::Result<()> {
        rootfs::set_owner(path, owner.into(), follow).map_err(from_wit)
    }
    fn set_modified(&self, path: &str, time: Timestamp, follow: bool) -> failure::Result<()> {
        let Timestamp { seconds, nanoseconds } = time;
        rootfs::set_modified(path, rootfs::Timestamp { seconds, nanoseconds }, follow).map_err(from_wit)
    }
    fn list_xattrs(&self, path: &str) -> failure::Result<Vec<String>> {
        rootfs::list_xattrs(path).map_err(from_wit)
    }
    fn xattr(&self, path: &str, name: &str) -> failure::Result<Vec<u8>> {
        rootfs::get_xattr(path, name).map_err(from_wit)
    }
    fn set_xattr(&self, path: &str, name: &str, value: &[u8]) -> failure::Result<()> {
        rootfs::set_xattr(path, name, value).map_err(from_wit)
    }
    fn remove_xattr(&self, path: &str, name: &str) -> failure::Result<()> {
        rootfs::remove_xattr(path, name).map_err(from_wit)
    }
    fn open(&self, path: &str) -> failure::Result<Box<dyn OpenFile + '_>> {
        let file = rootfs::open(path).map_err(from_wit)?;
        Ok(Box::new(WasmFile(file)))
    }
    fn create(&self, path: &str, options: &WriteOptions) -> failure::Result<Box<dyn OpenFile + '_>> {
        let file = rootfs::create(path, (*options).into()).map_err(from_wit)?;
        Ok(Box::new(WasmFile(file)))
    }

    fn artifact_names(&self) -> Vec<String> {
        artifacts::names()
    }
    fn artifact_stat(&self, name: &str, path: &str) -> failure::Result<Metadata> {
        artifacts::stat(name, path).map(Into::into).map_err(from_wit)
    }
    fn artifact_list(&self, name: &str, path: &str) -> failure::Result<Vec<Entry>> {
        artifacts::list_directory(name, path).map(entries).map_err(from_wit)
    }
    fn artifact_read_at(&self, name: &str, path: &str, offset: u64, max: u32) -> failure::Result<Vec<u8>> {
        artifacts::read_at(name, path, offset, max).map_err(from_wit)
    }
    fn install(
        &self,
        name: &str,
        path: &str,
        destination: &str,
        options: &TreeOptions,
    ) -> failure::Result<TreeReport> {
        artifacts::install(name, path, destination, (*options).into()).map(Into::into).map_err(from_wit)
    }
}

/// A file that the host holds open until this is dropped.
struct WasmFile(rootfs::File);

impl OpenFile for WasmFile {
    fn metadata(&self) -> failure::Result<Metadata> {
        self.0.metadata().map(Into::into).map_err(from_wit)
    }
    fn read_at(&self, offset: u64, max: u32) -> failure::Result<Vec<u8>> {
        self.0.read_at(offset, max).map_err(from_wit)
    }
    fn write_at(&self, offset: u64, data: &[u8]) -> failure::Result<()> {
        self.0.write_at(offset, data).map_err(from_wit)
    }
    fn set_size(&self, size: u64) -> failure::Result<()> {
        self.0.set_size(size).map_err(from_wit)
    }
}

/// Randomness as the guest's C library has it: `wasi:random`, which the host seeds.
mod entropy {
    /// Fills the buffer.
    pub(super) fn fill(buffer: &mut [u8]) {
        // 256 bytes is the most that one call gives.
        for part in buffer.chunks_mut(256) {
            #[expect(
                unsafe_code,
                reason = "the C library has the only interface to wasi:random without a crate"
            )]
            // SAFETY: pointer and length are those of a slice that nobody else can reach during the call.
            let status = unsafe { getentropy(part.as_mut_ptr(), part.len()) };
            // It fails on longer buffers only.
            debug_assert_eq!(status, 0);
        }
    }

    #[expect(unsafe_code, reason = "declares a function of the C library that std links anyway")]
    unsafe extern "C" {
        /// POSIX.1-2024; 0 is success.
        fn getentropy(buffer: *mut u8, length: usize) -> i32;
    }
}

fn entries(entries: Vec<rootfs::Entry>) -> Vec<Entry> {
    entries
        .into_iter()
        .map(|entry| Entry { name: entry.name, kind: entry.kind.into(), addressable: entry.addressable })
        .collect()
}

/// One table for an enum that both sides have, in both directions or in one.
macro_rules! same_names {
    ($from:ty => $to:ty: $($name:ident)*) => {
        impl From<$from> for $to {
            fn from(value: $from) -> Self {
                match value {
                    $(<$from>::$name => Self::$name,)*
                }
            }
        }
    };
}

same_names!(rootfs::Kind => Kind: Regular Directory Symlink CharDevice BlockDevice Fifo Socket);
same_names!(Kind => rootfs::Kind: Regular Directory Symlink CharDevice BlockDevice Fifo Socket);
same_names!(Existing => rootfs::Existing: Replace Keep Append);
same_names!(Level => log::Level: Trace Debug Info Warn Error);
same_names!(failures::FailureCode => FailureCode:
    NotFound AlreadyExists NotADirectory IsADirectory DirectoryNotEmpty SymlinkLoop InvalidPath SpecialFile ForeignMount
    NoSpace ReadOnly TooLarge Denied InvalidArgument Unsupported TimedOut Other);
same_names!(FailureCode => failures::FailureCode:
    NotFound AlreadyExists NotADirectory IsADirectory DirectoryNotEmpty SymlinkLoop InvalidPath SpecialFile ForeignMount
    NoSpace ReadOnly TooLarge Denied InvalidArgument Unsupported TimedOut Other);

fn from_wit(failure: failures::Failure) -> failure::Failure {
    failure::Failure { code: failure.code.into(), message: failure.message }
}

fn to_wit(failure: failure::Failure) -> failures::Failure {
    failures::Failure { code: failure.code.into(), message: failure.message }
}

impl From<rootfs::Metadata> for Metadata {
    fn from(metadata: rootfs::Metadata) -> Self {
        Self {
            kind: metadata.kind.into(),
            mode: metadata.mode,
            owner: Owner { uid: metadata.uid, gid: metadata.gid },
            size: metadata.size,
            links: metadata.links,
            modified: Timestamp {
                seconds: metadata.modified.seconds,
                nanoseconds: metadata.modified.nanoseconds,
            },
            device: metadata.device.map(|device| Device { major: device.major, minor: device.minor }),
        }
    }
}

impl From<Owner> for rootfs::Owner {
    fn from(owner: Owner) -> Self {
        Self { uid: owner.uid, gid: owner.gid }
    }
}

impl From<WriteOptions> for rootfs::WriteOptions {
    fn from(options: WriteOptions) -> Self {
        Self {
            existing: options.existing.into(),
            mode: options.mode,
            owner: options.owner.map(Into::into),
            replace_symlink: options.replace_symlink,
            parents: options.parents,
        }
    }
}

impl From<TreeOptions> for rootfs::TreeOptions {
    fn from(options: TreeOptions) -> Self {
        Self {
            owner: options.owner.map(Into::into),
            file_mode: options.file_mode,
            directory_mode: options.directory_mode,
            overwrite: options.overwrite,
        }
    }
}

impl From<rootfs::TreeReport> for TreeReport {
    fn from(report: rootfs::TreeReport) -> Self {
        Self {
            files: report.files,
            directories: report.directories,
            symlinks: report.symlinks,
            bytes: report.bytes,
        }
    }
}
