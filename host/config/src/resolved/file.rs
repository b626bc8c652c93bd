//! One file of a chain, with its paths made absolute.

use std::path::{Path, PathBuf};

use crate::model::Config;
use crate::model::os::{AdditionalDir, AdditionalFile, Os, Password, PasswordType, User};
use crate::model::scalars::FilePermissions;
use crate::model::scripts::Script;
use crate::path;
use crate::source::{Located, Span};
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
