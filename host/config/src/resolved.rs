//! A whole configuration: the chain of files, merged with the values of the command line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::decode::{UsedField, Value as _};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::history::{self, Digests, HashRequest};
use crate::model::os::{
    AdditionalDir, AdditionalFile, BootloaderReset, ImageHistory, Os, Password, PasswordType, SelinuxMode,
    UkiMode, User,
};
use crate::model::output::{ArtifactItem, ImageFormat};
use crate::model::preview::PreviewFeature;
use crate::model::scalars::FilePermissions;
use crate::model::scripts::Script;
use crate::model::storage::Storage;
use crate::model::{Config, InitramfsType, KdumpBootFiles};
use crate::options::{ImageArgument, LoadOptions, Mode, image_argument};
use crate::path;
use crate::rule::Rule;
use crate::source::{Located, Place, Sources, Span};
use crate::validate::{given, text_of};

/// One file of the chain.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// The file, absolute.
    pub path: PathBuf,
    /// The folder it lies in; relative paths in the file start there.
    pub dir: PathBuf,
    /// What the file says.
    pub config: Config,
    /// Its packages, those of its list files first.
    pub packages: EffectivePackages,
}

/// The packages of one file: those of its list files, then those it names itself.
#[derive(Clone, Debug, Default)]
pub struct EffectivePackages {
    /// Packages to remove.
    pub remove: Vec<Located<String>>,
    /// Packages to install.
    pub install: Vec<Located<String>>,
    /// Packages to update.
    pub update: Vec<Located<String>>,
}

/// A file to put somewhere.
#[derive(Clone, Debug)]
pub struct FileToPlace<'a> {
    /// Where to.
    pub destination: &'a Located<String>,
    /// What.
    pub source: FileSource<'a>,
    /// With which permissions, if the configuration says so.
    pub permissions: Option<FilePermissions>,
    /// The item of the configuration.
    pub at: Span,
}

/// The contents of a file to place or of a script. `Debug` does not show a text: it may be secret.
#[derive(Clone, PartialEq, Eq)]
pub enum FileSource<'a> {
    /// Those of a host file, absolute.
    Path(PathBuf),
    /// This text.
    Content(&'a str),
}

impl std::fmt::Debug for FileSource<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::Content(text) => write!(f, "Content({} bytes)", text.len()),
        }
    }
}

/// A folder to put into the image.
#[derive(Clone, Debug)]
pub struct DirToPlace<'a> {
    /// The host folder, absolute.
    pub source: PathBuf,
    /// Where to.
    pub destination: &'a Located<String>,
    /// The item of the configuration, with the permissions.
    pub item: &'a AdditionalDir,
}

/// A script of the configuration.
#[derive(Clone, Debug)]
pub struct ScriptToRun<'a> {
    /// The file, absolute, or the text.
    pub body: FileSource<'a>,
    /// The item of the configuration.
    pub item: &'a Script,
    /// The folder of the configuration that names it.
    pub config_dir: &'a Path,
}

/// Where a password comes from. Not printable, so that it cannot be shown by mistake.
pub enum PasswordSource<'a> {
    /// No password opens the account.
    Locked,
    /// The password itself.
    PlainText(&'a str),
    /// Its hash.
    Hashed(&'a str),
    /// A host file with the password, absolute.
    PlainTextFile(PathBuf),
    /// A host file with its hash, absolute.
    HashedFile(PathBuf),
}

impl ConfigFile {
    pub(crate) fn new(path: PathBuf, config: Config) -> Self {
        let dir = path.parent().unwrap_or(Path::new("/")).to_owned();
        Self { path, dir, config, packages: EffectivePackages::default() }
    }

    /// A path of this file as an absolute one.
    pub fn resolve(&self, given: &str) -> PathBuf {
        path::resolve(&self.dir, given)
    }

    /// The `os` section, if there is one.
    pub fn os(&self) -> Option<&Os> {
        self.config.os.as_ref()
    }

    /// The files of an `additionalFiles` list of this file.
    pub fn files_to_place<'a>(&'a self, items: &'a [AdditionalFile]) -> Vec<FileToPlace<'a>> {
        let place = |item: &'a AdditionalFile| {
            let source = match given(&item.source) {
                Some(source) => FileSource::Path(self.resolve(source)),
                None => FileSource::Content(text_of(&item.content)),
            };
            Some(FileToPlace {
                destination: item.destination.as_ref()?,
                source,
                permissions: item.permissions.as_ref().map(|permissions| permissions.value),
                at: item.at,
            })
        };
        items.iter().filter_map(place).collect()
    }

    /// `os.additionalFiles`
    pub fn additional_files(&self) -> Vec<FileToPlace<'_>> {
        self.os().map(|os| self.files_to_place(&os.additional_files)).unwrap_or_default()
    }

    /// `os.additionalDirs`
    pub fn additional_dirs<'a>(&'a self) -> Vec<DirToPlace<'a>> {
        let items = self.os().map(|os| os.additional_dirs.as_slice()).unwrap_or_default();
        let place = |item: &'a AdditionalDir| {
            let AdditionalDir { source, destination, .. } = item;
            let source = self.resolve(source.as_ref()?);
            Some(DirToPlace { source, destination: destination.as_ref()?, item })
        };
        items.iter().filter_map(place).collect()
    }

    /// `scripts.postCustomization`
    pub fn post_customization(&self) -> Vec<ScriptToRun<'_>> {
        self.scripts(&self.config.scripts.post_customization)
    }

    /// `scripts.finalizeCustomization`
    pub fn finalize_customization(&self) -> Vec<ScriptToRun<'_>> {
        self.scripts(&self.config.scripts.finalize_customization)
    }

    fn scripts<'a>(&'a self, items: &'a [Script]) -> Vec<ScriptToRun<'a>> {
        let script = |item: &'a Script| {
            let body = match given(&item.path) {
                Some(path) => FileSource::Path(self.resolve(path)),
                None => FileSource::Content(text_of(&item.content)),
            };
            ScriptToRun { body, item, config_dir: &self.dir }
        };
        items.iter().map(script).collect()
    }

    /// The password of a user of this file; `None` when the configuration does not touch it.
    pub fn password<'a>(&self, user: &'a User) -> Option<PasswordSource<'a>> {
        let Password { kind, value, .. } = user.password.as_ref()?;
        let value = text_of(value);
        Some(match kind.as_ref()?.value {
            PasswordType::Locked => PasswordSource::Locked,
            PasswordType::PlainText => PasswordSource::PlainText(value),
            PasswordType::Hashed => PasswordSource::Hashed(value),
            PasswordType::PlainTextFile => PasswordSource::PlainTextFile(self.resolve(value)),
            PasswordType::HashedFile => PasswordSource::HashedFile(self.resolve(value)),
        })
    }

    /// The files with public keys of a user of this file, absolute.
    pub fn ssh_public_key_paths(&self, user: &User) -> Vec<Located<PathBuf>> {
        user.ssh_public_key_paths.iter().cloned().map(|path| path.map(|path| self.resolve(&path))).collect()
    }
}

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

    /// What the files say about an ISO output.
    pub fn iso(&self) -> LiveOs<'_> {
        LiveOs {
            kernel_command_line: self
                .files
                .iter()
                .filter_map(|file| file.config.iso.as_ref())
                .flat_map(|iso| &iso.kernel_command_line.extra_command_line)
                .collect(),
            additional_files: self
                .files
                .iter()
                .filter_map(|file| Some((file, file.config.iso.as_ref()?)))
                .flat_map(|(file, iso)| file.files_to_place(&iso.additional_files))
                .collect(),
            initramfs_type: self.last(|file| file.config.iso.as_ref()?.initramfs_type),
            kdump_boot_files: self.last(|file| file.config.iso.as_ref()?.kdump_boot_files),
            bootstrap_base_url: None,
            bootstrap_file_url: None,
        }
    }

    /// What the files say about a PXE output.
    pub fn pxe(&self) -> LiveOs<'_> {
        LiveOs {
            kernel_command_line: self
                .files
                .iter()
                .filter_map(|file| file.config.pxe.as_ref())
                .flat_map(|pxe| &pxe.kernel_command_line.extra_command_line)
                .collect(),
            additional_files: self
                .files
                .iter()
                .filter_map(|file| Some((file, file.config.pxe.as_ref()?)))
                .flat_map(|(file, pxe)| file.files_to_place(&pxe.additional_files))
                .collect(),
            initramfs_type: self.last(|file| file.config.pxe.as_ref()?.initramfs_type),
            kdump_boot_files: self.last(|file| file.config.pxe.as_ref()?.kdump_boot_files),
            bootstrap_base_url: self.last(|file| given(&file.config.pxe.as_ref()?.bootstrap_base_url)),
            bootstrap_file_url: self.last(|file| given(&file.config.pxe.as_ref()?.bootstrap_file_url)),
        }
    }

    /// The storage section: that of the one file that has one, else an empty one.
    pub fn storage(&self) -> Option<&Storage> {
        self.files.iter().map(|file| &file.config.storage).find(|storage| {
            let mut used = Vec::new();
            storage.used("storage", &mut used);
            !used.is_empty()
        })
    }

    /// Whether the operating system is to be customized: disks, an `os` section (even an empty one)
    /// or a script. Means something for ISO inputs alone.
    pub fn customizes_os(&self) -> bool {
        self.files.iter().any(|file| {
            let Config { os, scripts, storage, .. } = &file.config;
            let scripts = [&scripts.post_customization, &scripts.finalize_customization];
            os.is_some() || !storage.disks.is_empty() || scripts.iter().any(|list| !list.is_empty())
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

    /// The rules that relate the configuration to the command line.
    pub(crate) fn check_options(&self) -> Vec<Diagnostic> {
        let mut problems = self.check_option_features();
        problems.extend(self.check_missing());
        if !problems.is_empty() {
            return problems;
        }
        problems.extend(self.check_package_manager());
        problems
    }

    fn check_option_features(&self) -> Vec<Diagnostic> {
        let features = self.preview_features();
        let overrides = &self.options.overrides;
        let is_set = |value: &Option<String>| value.as_ref().is_some_and(|value| !value.is_empty());
        let gates = [
            (
                is_set(&overrides.package_snapshot_time),
                "--package-snapshot-time",
                PreviewFeature::PackageSnapshotTime,
                Rule::OptionSnapshotTimePreview,
            ),
            (is_set(&overrides.image), "--image", PreviewFeature::InputImageOci, Rule::OptionImagePreview),
            (
                overrides.tools_dir.is_some(),
                "--tools-dir",
                PreviewFeature::ToolsDir,
                Rule::OptionToolsDirPreview,
            ),
            (self.options.mode == Mode::Create, "create", PreviewFeature::Create, Rule::CreatePreview),
        ];
        let used = gates.into_iter().filter(|(used, _, feature, _)| *used && !features.contains(feature));
        used.map(|(_, what, feature, rule)| {
            let message = format!("`{what}` needs the preview feature `{feature}`");
            Diagnostic::new(rule, "", Span::default(), message)
                .hint(format!("add `{feature}` to `previewFeatures` of the configuration"))
        })
        .collect()
    }

    /// What a complete run needs.
    fn check_missing(&self) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        let mut fail = |rule, message: &str, hint: &str| {
            problems.push(Diagnostic::new(rule, "", Span::default(), message).hint(hint));
        };
        if self.options.tolerates_missing() {
            return problems;
        }
        if self.options.mode == Mode::Customize && self.input().is_none() {
            let hint = "set `input.image.path`, or give `--image-file`";
            fail(Rule::InputRequired, "no base image is named", hint);
        }
        if self.wants_packages() && self.lacks_package_sources() {
            let message = "packages are asked for, but there is no source to take them from";
            fail(Rule::PackageSources, message, "give `--rpm-source`");
        }
        if self.output_format().is_none() {
            let hint = "set `output.image.format`, or give `--output-image-format`";
            fail(Rule::OutputFormatRequired, "no output format is named", hint);
        }
        if self.output_path().is_none() {
            let hint = "set `output.image.path`, or give `--output-image-file`";
            fail(Rule::OutputPathRequired, "no output file is named", hint);
        }
        problems
    }

    fn wants_packages(&self) -> bool {
        self.files.iter().any(|file| {
            let updates = file.os().and_then(|os| os.packages.update_existing_packages);
            let EffectivePackages { install, update, .. } = &file.packages;
            !install.is_empty() || !update.is_empty() || updates.is_some_and(|updates| updates.value)
        })
    }

    fn lacks_package_sources(&self) -> bool {
        let overrides = &self.options.overrides;
        overrides.rpm_sources.is_empty() && overrides.disable_base_image_rpm_repos
    }

    /// Live images and COSI need the package manager's database.
    fn check_package_manager(&self) -> Option<Diagnostic> {
        let removes = self.removes_package_manager().filter(|removes| removes.value)?;
        let format = self.output_format()?;
        let refused = matches!(
            format.value,
            ImageFormat::Iso
                | ImageFormat::PxeDir
                | ImageFormat::PxeTar
                | ImageFormat::Cosi
                | ImageFormat::BaremetalImage
        );
        refused.then(|| {
            let message = format!("the package manager cannot be removed from an image of format `{format}`");
            let field = "os.packages.removePackageManager";
            Diagnostic::new(Rule::RemovePackageManagerFormat, field, removes.at, message)
        })
    }
}

/// What the files say about a live image.
#[derive(Clone, Debug)]
pub struct LiveOs<'a> {
    /// Words to add to the kernel's command line.
    pub kernel_command_line: Vec<&'a Located<String>>,
    /// Files to put on the medium.
    pub additional_files: Vec<FileToPlace<'a>>,
    /// The kind of initramfs.
    pub initramfs_type: Option<Located<InitramfsType>>,
    /// Whether crash dump boot files are kept.
    pub kdump_boot_files: Option<Located<KdumpBootFiles>>,
    /// URL of the folder that holds the ISO image; PXE only.
    pub bootstrap_base_url: Option<&'a Located<String>>,
    /// URL of the ISO image; PXE only.
    pub bootstrap_file_url: Option<&'a Located<String>>,
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
