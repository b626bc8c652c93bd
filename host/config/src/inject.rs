//! The other files of the configuration language: package lists, and the configuration of
//! `inject-files`.

use std::path::{Path, PathBuf};

use crate::decode::record;
use crate::diagnostic::Diagnostics;
use crate::load::Reader;
use crate::model::preview::PreviewFeature;
use crate::model::storage::MountIdType;
use crate::path;
use crate::source::Located;
use crate::validate::{check_inject_config, text_of};

record! {
    /// A list of packages.
    pub struct PackageList {
        /// The packages.
        "packages" packages: Vec<Located<String>>,
    }
}

record! {
    /// The configuration of `inject-files`.
    pub struct InjectConfig {
        /// Has to name `inject-files`.
        "previewFeatures" preview_features: Vec<Located<PreviewFeature>>,
        /// The files.
        "injectFiles" inject_files: Vec<InjectFile>,
    }
}

record! {
    /// A file to put into a partition.
    pub struct InjectFile {
        /// The partition.
        "partition" partition: InjectPartition,
        /// Path of the file, in the configuration's folder.
        "source" [required] source: Option<Located<String>>,
        /// Path in the partition.
        "destination" [required] destination: Option<Located<String>>,
        /// Without effect.
        "type" kind: Option<Located<String>>,
    }
}

record! {
    /// Names a partition of an image.
    pub struct InjectPartition {
        /// By what it is named; one without it fits no partition.
        "idType" id_type: Option<Located<MountIdType>>,
        /// Its id or label.
        "id" [required] id: Option<Located<String>>,
    }
}

impl InjectFile {
    /// The file to copy: always below the configuration's folder, also with a slash in front.
    pub fn source_path(&self, config_dir: &Path) -> PathBuf {
        path::clean(&config_dir.join(text_of(&self.source).trim_start_matches('/')))
    }
}

/// A checked configuration of `inject-files`.
#[derive(Clone, Debug)]
pub struct ResolvedInjectConfig {
    /// The configuration.
    pub config: InjectConfig,
    /// The folder it lies in, absolute.
    pub dir: PathBuf,
}

/// Reads and checks the configuration of `inject-files`.
///
/// # Errors
/// All that is wrong with the file.
pub fn load_inject_config(file: &Path) -> Result<ResolvedInjectConfig, Diagnostics> {
    let mut reader = Reader::default();
    let absolute = reader.absolute(file)?;
    let config: InjectConfig = reader.read(&absolute)?;
    let problems = check_inject_config(&config);
    reader.fail_if_any(problems)?;
    reader.fail_if_unsupported()?;
    let dir = absolute.parent().unwrap_or(Path::new("/")).to_owned();
    Ok(ResolvedInjectConfig { config, dir })
}
