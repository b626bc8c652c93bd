//! A whole configuration: the chain of files, merged with the values of the command line.

mod check;
mod file;
mod inputs;
mod live;
mod steps;

pub use file::{
    ConfigFile, DirToPlace, EffectivePackages, FileSource, FileToPlace, PasswordSource, ScriptToRun,
};
pub use inputs::InputFile;
pub use live::LiveOs;
pub use steps::{ComponentPlace, CustomStep, OciComponent, StepField};

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::decode::{UsedField, Value as _};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::history::{self, Digests, HashRequest};
use crate::model::Config;
use crate::model::os::{BootloaderReset, ImageHistory, Os, SelinuxMode, UkiMode};
use crate::model::output::{ArtifactItem, ImageFormat};
use crate::model::preview::PreviewFeature;
use crate::model::storage::Storage;
use crate::options::{ImageArgument, LoadOptions, image_argument};
use crate::path;
use crate::rule::Rule;
use crate::source::{Located, Place, Sources, Span};
use crate::validate::{given, text_of};

/// The base image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolvedInput {
    /// A file, absolute.
    File(PathBuf),
    /// An image in an OCI registry.
    Oci {
        /// The reference.
        uri: String,
        /// Operating system and architecture, if one is asked for; an empty text matches all.
        platform: Option<(String, String)>,
    },
    /// An Azure Linux image.
    AzureLinux {
        /// Which image.
        variant: String,
        /// Which version.
        version: String,
    },
}

/// Boot artifacts to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedArtifacts {
    /// The folder, absolute.
    pub path: Located<PathBuf>,
    /// Which, without repetitions.
    pub items: Vec<ArtifactItem>,
}

/// A checked configuration with all it builds upon.
///
/// Lists of the operating system are asked for file by file ([`Self::files`]), for the order of
/// operations depends on the files; single values are merged by the methods of this type.
#[derive(Clone, Debug)]
pub struct ResolvedConfig {
    files: Vec<ConfigFile>,
    sources: Sources,
    secrets: Vec<Span>,
    options: LoadOptions,
}

impl ResolvedConfig {
    pub(crate) fn new(
        files: Vec<ConfigFile>,
        sources: Sources,
        secrets: Vec<Span>,
        options: LoadOptions,
    ) -> Self {
        Self { files, sources, secrets, options }
    }

    /// Adds the packages of each file; `sources` holds the texts of their lists too.
    pub(crate) fn set_packages(&mut self, packages: Vec<EffectivePackages>, sources: Sources) {
        for (file, packages) in self.files.iter_mut().zip(packages) {
            file.packages = packages;
        }
        self.sources = sources;
    }

    /// The files in the order in which they apply: base configurations first, the file that was
    /// named last.
    pub fn files(&self) -> &[ConfigFile] {
        &self.files
    }

    /// The values of the command line.
    pub fn options(&self) -> &LoadOptions {
        &self.options
    }

    /// The texts of the files.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// `path:line:column` of a value.
    pub fn place(&self, at: Span) -> Option<Place> {
        self.sources.place(at)
    }

    pub(crate) fn fail(&self, problems: Vec<Diagnostic>) -> Diagnostics {
        Diagnostics::new(problems, self.sources.clone(), self.secrets.clone())
    }

    /// The error for fields that are valid, but that this program cannot carry out yet.
    pub fn unsupported(&self, fields: &[UsedField]) -> Diagnostics {
        let problem = |field: &UsedField| {
            let message = format!("`{}` is not supported yet", field.field);
            Diagnostic::new(Rule::Unsupported, field.field.clone(), field.at, message)
        };
        self.fail(fields.iter().map(problem).collect())
    }

    /// The last value over the chain.
    fn last<'a, T>(&'a self, pick: impl Fn(&'a ConfigFile) -> Option<T>) -> Option<T> {
        self.files.iter().rev().find_map(pick)
    }

    fn last_os<'a, T>(&'a self, pick: impl Fn(&'a Os) -> Option<T>) -> Option<T> {
        self.last(|file| file.os().and_then(&pick))
    }

    /// The preview features of all files.
    pub fn preview_features(&self) -> BTreeSet<PreviewFeature> {
        self.files
            .iter()
            .flat_map(|file| &file.config.preview_features)
            .map(|feature| feature.value)
            .collect()
    }

    /// The base image; `None` only where a missing one is tolerated.
    pub fn input(&self) -> Option<Located<ResolvedInput>> {
        let overrides = &self.options.overrides;
        if let Some(path) = overrides.image_file.as_deref().filter(|path| !path.as_os_str().is_empty()) {
            return Some(Located::unplaced(ResolvedInput::File(absolute(path))));
        }
        if let Some(image) = overrides.image.as_deref().filter(|image| !image.is_empty()) {
            return image_argument(image).ok().map(|image| {
                Located::unplaced(match image {
                    ImageArgument::Oci(uri) => ResolvedInput::Oci { uri: uri.to_owned(), platform: None },
                    ImageArgument::AzureLinux { variant, version } => {
                        ResolvedInput::AzureLinux { variant: variant.to_owned(), version: version.to_owned() }
                    }
                })
            });
        }
        self.last(configured_input)
    }

    /// The file to write; `None` only where a missing one is tolerated.
    pub fn output_path(&self) -> Option<Located<PathBuf>> {
        let given_path = self.options.overrides.output_image_file.as_deref();
        self.path_option(given_path, |config| &config.output.image.path)
    }

    /// The format to write; `None` only where a missing one is tolerated.
    pub fn output_format(&self) -> Option<Located<ImageFormat>> {
        let given = self.options.overrides.output_image_format.map(Located::unplaced);
        given.or_else(|| self.last(|file| file.config.output.image.format))
    }

    /// The folder for the SELinux policy.
    pub fn selinux_policy_path(&self) -> Option<Located<PathBuf>> {
        let given_path = self.options.overrides.output_selinux_policy_path.as_deref();
        self.path_option(given_path, |config| &config.output.selinux_policy_path)
    }

    fn path_option(
        &self,
        from_options: Option<&Path>,
        pick: impl Fn(&Config) -> &Option<Located<String>>,
    ) -> Option<Located<PathBuf>> {
        if let Some(path) = from_options.filter(|path| !path.as_os_str().is_empty()) {
            return Some(Located::unplaced(absolute(path)));
        }
        self.last(|file| given(pick(&file.config)).cloned().map(|path| path.map(|path| file.resolve(&path))))
    }

    /// The compression level of COSI images: as given, else 22 for `baremetal-image` and 9 for others.
    pub fn cosi_compression_level(&self) -> i64 {
        let default = match self.output_format().map(|format| format.value) {
            Some(ImageFormat::BaremetalImage) => 22,
            _ => 9,
        };
        let given = self.options.overrides.cosi_compression_level;
        let configured = || self.last(|file| file.config.output.image.cosi.compression.level);
        given.or_else(|| configured().map(|level| level.value)).unwrap_or(default)
    }

    /// The boot artifacts to write: items of all files, the last path.
    pub fn artifacts(&self) -> Option<ResolvedArtifacts> {
        let path = self.last(|file| {
            let path = given(&file.config.output.artifacts.as_ref()?.path)?.clone();
            Some(path.map(|path| file.resolve(&path)))
        })?;
        let mut items = Vec::new();
        for item in self.files.iter().flat_map(|file| &file.config.output.artifacts).flat_map(|a| &a.items) {
            if !items.contains(&item.value) && item.value != ArtifactItem::Nothing {
                items.push(item.value);
            }
        }
        Some(ResolvedArtifacts { path, items })
    }

    /// `os.hostname`
    pub fn hostname(&self) -> Option<&Located<String>> {
        self.last_os(|os| given(&os.hostname))
    }

    /// Whether the image keeps a history.
    pub fn keeps_history(&self) -> bool {
        self.last_os(|os| os.image_history).is_none_or(|history| history.value != ImageHistory::None)
    }

    /// `os.selinux.mode`
    pub fn selinux_mode(&self) -> Option<Located<SelinuxMode>> {
        self.last_os(|os| os.selinux.mode)
    }

    /// `os.uki.mode`; the outer `None`: no file has `os.uki`, the inner: it names no mode.
    pub fn uki_mode(&self) -> Option<Option<Located<UkiMode>>> {
        self.last_os(|os| os.uki.as_ref().map(|uki| uki.mode))
    }

    /// `os.bootloader.resetType`: set when any file sets it.
    pub fn bootloader_reset(&self) -> Option<Located<BootloaderReset>> {
        self.last_os(|os| os.bootloader.reset_type)
    }

    /// `os.packages.removePackageManager`: a later `false` overrides.
    pub fn removes_package_manager(&self) -> Option<Located<bool>> {
        self.last_os(|os| os.packages.remove_package_manager)
    }

    /// The snapshot time of a file's packages: that of the command line, else its own.
    pub fn snapshot_time<'a>(&'a self, file: &'a ConfigFile) -> Option<&'a str> {
        let option = self.options.overrides.package_snapshot_time.as_deref().filter(|time| !time.is_empty());
        let own = || file.os().and_then(|os| given(&os.packages.snapshot_time));
        option.or_else(|| own().map(|time| time.value.as_str()))
    }

    /// `os.kernelCommandLine.extraCommandLine` of all files.
    pub fn kernel_command_line(&self) -> Vec<&Located<String>> {
        let lists = self.files.iter().filter_map(ConfigFile::os);
        lists.flat_map(|os| &os.kernel_command_line.extra_command_line).collect()
    }

    /// The storage section: that of the one file that has one, else an empty one.
    pub fn storage(&self) -> Option<&Storage> {
        self.files.iter().map(|file| &file.config.storage).find(|storage| {
            let mut used = Vec::new();
            storage.used("storage", &mut used);
            !used.is_empty()
        })
    }

    /// Whether the operating system is to be customized: disks, an `os` section (even an empty one), a step
    /// or a script. Means something for ISO inputs alone.
    pub fn customizes_os(&self) -> bool {
        self.files.iter().any(|file| {
            let Config { os, scripts, steps, storage, .. } = &file.config;
            let scripts = [&scripts.post_customization, &scripts.finalize_customization];
            os.is_some()
                || !storage.disks.is_empty()
                || !steps.is_empty()
                || scripts.iter().any(|list| !list.is_empty())
        })
    }

    /// Every field that is set in any file, with its place.
    pub fn features_used(&self) -> Vec<UsedField> {
        let mut used = Vec::new();
        for file in &self.files {
            file.config.used("", &mut used);
        }
        used
    }

    /// The files and folders whose digests [`Self::history`] wants.
    pub fn hash_requests(&self) -> Vec<HashRequest> {
        self.files.last().map(history::hash_requests).unwrap_or_default()
    }

    /// The value of the key `config` in the image's history: the file that was named, as it was read,
    /// without secrets. See [`crate::history_text`] for the text.
    pub fn history(&self, digests: &Digests) -> serde_json::Value {
        self.files.last().map(|file| history::history(file, digests)).unwrap_or_default()
    }
}

fn configured_input(file: &ConfigFile) -> Option<Located<ResolvedInput>> {
    let image = &file.config.input.image;
    if let Some(path) = given(&image.path) {
        return Some(Located::new(ResolvedInput::File(file.resolve(path)), path.at));
    }
    if let Some(oci) = &image.oci {
        let uri = oci.uri.as_ref()?;
        let platform = oci
            .platform
            .as_ref()
            .map(|platform| (text_of(&platform.os).to_owned(), text_of(&platform.architecture).to_owned()));
        return Some(Located::new(ResolvedInput::Oci { uri: uri.value.clone(), platform }, uri.at));
    }
    let image = image.azure_linux.as_ref()?;
    let (variant, version) = (text_of(&image.variant).to_owned(), text_of(&image.version).to_owned());
    Some(Located::new(ResolvedInput::AzureLinux { variant, version }, image.at))
}

/// The absolute form of a command-line path; the path itself when the working directory is gone.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).map_or_else(|_| path.to_owned(), |absolute| path::clean(&absolute))
}
